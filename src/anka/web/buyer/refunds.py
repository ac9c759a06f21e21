"""Where a refund is."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from anka.cases.queries import dossier, order_of_refund
from anka.core.refusals import NotFound
from anka.flows.choose_wallet import choose_wallet
from anka.orders.queries import read_order
from anka.web import views_of_refund
from anka.web.requests import PageRequest, buyer_of, key_of, new_key, require_number

LOOK_AGAIN_SECONDS = 3


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show one refund: each way it takes, and how far it is."""
    buyer = buyer_of(request)
    order_number = order_of_refund(number=require_number(number))
    if order_number is None:
        raise NotFound
    state = read_order(number=order_number, actor=buyer, at=request.at)
    found = next((refund for refund in dossier(state=state).refunds if refund.number == number), None)
    if found is None:
        raise NotFound
    shown = {
        "headline": views_of_refund.headline(found),
        "refund": views_of_refund.tracker(refund=found, order_number=state.number),
        "idempotency_key": new_key(),
        "refresh_seconds": LOOK_AGAIN_SECONDS if found.status in views_of_refund.UNDER_WAY else None,
    }
    return render(request, "buyer/refund.html", shown)


@require_POST
def to_wallet(request: PageRequest, number: str, leg: int) -> HttpResponse:
    """Take one way of a stuck refund into the wallet: the buyer's own choice, made once."""
    key_of(request)
    choose_wallet(actor=buyer_of(request), refund_number=require_number(number), leg=leg, at=request.at)
    return HttpResponseRedirect(f"/refunds/{number}")
