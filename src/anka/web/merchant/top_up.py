"""Paying into a shop's deposit through a channel, as its owner. Nothing is charged by looking."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from anka.core import rate_limits
from anka.core.refusals import NotFound, Refusal
from anka.domain.funds_mode import Doing
from anka.domain.top_ups import Purpose
from anka.flows.steps.funds_desk import CURRENCY
from anka.funds.queries import position
from anka.jobs import top_ups
from anka.ledger import mode
from anka.web.buyer.payments import seat_of
from anka.web.buyer.top_ups import asked_for, form, key_of_choice
from anka.web.merchant.who import workplace
from anka.web.requests import PageRequest, caller_of


@require_http_methods(["GET", "HEAD", "POST"])
def fill(request: PageRequest) -> HttpResponse:
    """Show how much can be paid into the deposit and by which ways, or begin it."""
    here = workplace(request)
    if here.shop.role != "owner":
        raise NotFound
    mode.require(doing=Doing.HOLD_DEPOSITS)
    shop_id, refused = here.shop.shop_id, None
    if request.method == "POST":
        rate_limits.spend(name="pay", caller=caller_of(request), at=request.at)
        try:
            begun = top_ups.begin(
                actor=here.actor,
                wanted=asked_for(request, Purpose.DEPOSIT),
                request=key_of_choice(request),
                at=request.at,
                seat=seat_of(request),
                shop_id=shop_id,
            )
            return HttpResponseRedirect(f"/top-ups/{begun.payment.number}")
        except Refusal as trouble:
            if trouble.status >= 500 or isinstance(trouble, NotFound):
                raise
            refused = trouble
    shown = form(request, Purpose.DEPOSIT, refused) | {
        "balance_minor": position(shop_id=shop_id, currency=CURRENCY).deposit,
        "action_url": here.url("/shop/money/deposit/top-up"),
        "back_url": here.url("/shop/money"),
    }
    return render(request, "buyer/top_up.html", shown, status=refused.status if refused else 200)
