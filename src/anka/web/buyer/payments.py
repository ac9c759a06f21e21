"""The cashier: choose how to pay, then pay there. Nothing is charged by looking."""

from typing import Any

import segno
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from anka.core import rate_limits
from anka.flows.begin_payment import OrderNotPayable, require_payable
from anka.jobs import payments
from anka.jobs.channels import WALLET, channels
from anka.ledger.queries import wallet_balance
from anka.orders.models import OrderState
from anka.orders.queries import read_order
from anka.web import words
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, new_key, require_number
from anka.web.views_of_order import order_facts

LOOK_AGAIN_SECONDS = 3
Shown = dict[str, Any]


@require_http_methods(["GET", "HEAD", "POST"])
def cashier(request: PageRequest, number: str) -> HttpResponse:
    """Show the ways to pay an order, or begin one of them."""
    buyer = buyer_of(request)
    state = read_order(number=require_number(number), actor=buyer, at=request.at)
    if request.method == "POST":
        return _pay(request, state)
    try:
        require_payable(state=state, at=request.at)
    except OrderNotPayable:
        return HttpResponseRedirect(f"/orders/{state.number}")
    open_one = _pending(request, state)
    shown = {
        "order": order_facts(state),
        "channels": _channels(state, but=open_one["code"] if open_one else ""),
        "pending": open_one,
        "refresh_seconds": LOOK_AGAIN_SECONDS if open_one else None,
    }
    return render(request, "buyer/cashier.html", shown)


def _pay(request: PageRequest, state: OrderState) -> HttpResponse:
    rate_limits.spend(name="pay", caller=caller_of(request), at=request.at)
    key = key_of(request, "channel")
    begun = payments.begin(
        actor=buyer_of(request), order_number=state.number, channel=request.POST.get("channel", ""), request=key, at=request.at
    )
    # A form may not lead a browser to another origin; the page that follows links to the channel's cashier.
    return HttpResponseRedirect(f"/orders/{state.number}/pay" if begun.started else f"/orders/{state.number}")


def _pending(request: PageRequest, state: OrderState) -> Shown | None:
    for payment in reversed(state.live_payments()):
        started = payments.cashier(state=state, payment=payment, at=request.at)
        if started is not None:
            code = segno.make(started.qr_text, error="l", micro=False)
            return {
                "code": payment.channel,
                "channel_name": words.channel(payment.channel),
                "cashier_url": started.cashier_url,
                "qr_image": code.svg_data_uri(border=2, dark="#12201f", light="#fff"),
            }
    return None


def _channels(state: OrderState, *, but: str) -> list[Shown]:
    found = [_channel(code) for code in sorted(channels) if code != but]
    balance = wallet_balance(person_id=state.buyer_id, currency=state.currency)
    enough = balance >= state.amount_minor
    has = gettext("Balance %(amount)s") % {"amount": words.amount(balance, state.currency)}
    wallet = {
        **_channel(WALLET),
        "hint": gettext("%(balance)s, paid at once") % {"balance": has},
        "available": enough,
        "why_not": "" if enough else gettext("%(balance)s, not enough for this order") % {"balance": has},
    }
    return [*found, wallet]


def _channel(code: str) -> Shown:
    hint = gettext("You pay on the channel's own page; a refund goes back the same way")
    return {"code": code, "name": words.channel(code), "hint": hint, "available": True, "why_not": "", "idempotency_key": new_key()}
