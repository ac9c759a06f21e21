"""The cashier: choose how to pay, then pay there. Nothing is charged by looking."""

from dataclasses import replace
from typing import Any

import segno
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from anka.adapters.channels.port import Started
from anka.core import rate_limits
from anka.core.idempotency import RequestKey
from anka.core.refusals import BadInput
from anka.domain.funds_mode import Doing
from anka.flows.begin_payment import OrderNotPayable, require_payable
from anka.flows.steps.holds import held_minor
from anka.jobs import payments
from anka.jobs.channels import WALLET, channels
from anka.jobs.payments import Seat, Way
from anka.ledger import mode
from anka.ledger.queries import wallet_balance
from anka.orders.models import OrderState
from anka.orders.queries import read_order
from anka.web import words
from anka.web.devices import device_of
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, new_key, require_number
from anka.web.views_of_order import order_facts

LOOK_AGAIN_SECONDS = 3
LONGEST_AMOUNT = 15
# Of icons.html; a channel without one of its own gets a card.
ICONS = {"alipay": "phone", "wechat": "phone", "epay": "phone", "epay_v2": "phone", "sandbox": "bolt", "wallet": "wallet"}
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
        "channels": _channels(state, request, but=open_one["code"] if open_one else ""),
        "pending": open_one,
        "part": _part(state),
        "idempotency_key": new_key(),
        "refresh_seconds": LOOK_AGAIN_SECONDS if open_one else None,
    }
    return render(request, "buyer/cashier.html", shown)


def _pay(request: PageRequest, state: OrderState) -> HttpResponse:
    rate_limits.spend(name="pay", caller=caller_of(request), at=request.at)
    begun = payments.begin(
        actor=buyer_of(request),
        order_number=state.number,
        channel=Way(request.POST.get("channel", ""), _wallet_part(request)),
        request=_key(request),
        at=request.at,
        seat=seat_of(request),
    )
    # A form may not lead a browser to another origin; the page that follows links to the channel's cashier.
    return HttpResponseRedirect(f"/orders/{state.number}/pay" if begun.started else f"/orders/{state.number}")


def _wallet_part(request: PageRequest) -> int:
    """Return what the wallet pays beside a channel: the amount that was shown beside the box, where it was ticked.

    Raises:
        BadInput: it is no amount.
    """
    if "use_wallet" not in request.POST or request.POST.get("channel") == WALLET:
        return 0
    shown = request.POST.get("wallet_minor", "")
    if not shown.isascii() or not shown.isdigit() or len(shown) > LONGEST_AMOUNT:
        raise BadInput(fields={"wallet_minor": gettext("the wallet's part")})
    return int(shown)


def _key(request: PageRequest) -> RequestKey:
    """Return the key of a choice: who goes back and chooses another channel asks for something else."""
    chosen = f"{request.POST.get('channel', '')} {_wallet_part(request)}".encode().hex()[:80]
    plain = key_of(request, "channel", "use_wallet", "wallet_minor")
    return replace(plain, key=f"{plain.key}.{chosen}"[:200])


def seat_of(request: PageRequest) -> Seat:
    """Return in front of what a visitor sits, and at which network address."""
    device = device_of(user_agent=request.headers.get("User-Agent", ""))
    return Seat(device=device, address=request.META.get("REMOTE_ADDR", ""))


def _pending(request: PageRequest, state: OrderState) -> Shown | None:
    """Return the newest payment that can still be paid, with its cashier where that is open for this device."""
    seat = seat_of(request)
    for payment in reversed(state.live_payments()):
        if payment.channel not in channels:
            continue
        started = payments.cashier(state=state, payment=payment, at=request.at, seat=seat)
        if started is not None:
            return {
                "code": payment.channel,
                "channel_name": words.channel(payment.channel),
                "amount_minor": payment.amount_minor,
                "held_minor": state.amount_minor - payment.amount_minor,
                "cashier_url": started.cashier_url,
                "qr_image": code_image(started=started, seat=seat),
            }
    return None


def code_image(*, started: Started, seat: Seat) -> str:
    """Return the code to be scanned: by a phone, so for a desk; elsewhere only where there is no other way."""
    wanted = started.qr_text and (seat.device == "desktop" or not started.cashier_url)
    if not wanted:
        return ""
    return segno.make(started.qr_text, error="l", micro=False).svg_data_uri(border=2, dark="#12201f", light="#fff")


def _part(state: OrderState) -> Shown | None:
    """Return how much of the wallet could be used beside a channel, where it is not enough for all; what is set aside counts as there."""
    held = held_minor(state)
    has = wallet_balance(person_id=state.buyer_id, currency=state.currency) + held
    if not 0 < has < state.amount_minor or not mode.offered(doing=Doing.PAY_FROM_WALLET):
        return None
    return {"wallet_minor": has, "rest_minor": state.amount_minor - has, "chosen": held > 0}


def _channels(state: OrderState, request: PageRequest, *, but: str) -> list[Shown]:
    found = [_channel(code, request) for code in channels if code != but]
    # What is set aside for this very order can pay it as well.
    balance = wallet_balance(person_id=state.buyer_id, currency=state.currency) + held_minor(state)
    enough = balance >= state.amount_minor
    has = gettext("Balance %(amount)s") % {"amount": words.amount(balance, state.currency)}
    wallet = {
        **_channel(WALLET, request),
        "icon": "wallet",
        "hint": gettext("%(balance)s, paid at once") % {"balance": has},
        "available": enough,
        "why_not": "" if enough else gettext("%(balance)s, not enough for this order") % {"balance": has},
    }
    ways = [*found, wallet] if mode.offered(doing=Doing.PAY_FROM_WALLET) else found
    first = next((way for way in ways if way["available"]), None)
    return [{**way, "chosen": way is first} for way in ways]


def _channel(code: str, request: PageRequest) -> Shown:
    arrives = words.expected(channel_code=code, accepted_at=request.at.now)
    hint = gettext("A refund goes back the same way: %(arrival)s") % {"arrival": arrives}
    return {"code": code, "name": words.channel(code), "icon": ICONS.get(code, "card"), "hint": hint, "available": True, "why_not": ""}
