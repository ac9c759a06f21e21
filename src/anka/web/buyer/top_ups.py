"""Filling the wallet through a channel, and sending unused money back the way it came. Nothing is charged by looking."""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from anka.core import rate_limits
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import NotFound, Refusal
from anka.domain.funds_mode import Doing
from anka.domain.money import MAX_MINOR
from anka.domain.top_ups import Purpose, bounds
from anka.flows.begin_top_up import Wanted
from anka.flows.return_unused import return_unused, returnable_now
from anka.flows.steps.funds_desk import CURRENCY
from anka.jobs import top_ups
from anka.jobs.channels import channels
from anka.ledger import mode
from anka.ledger.queries import wallet_balance
from anka.payments.top_ups import TopUp, returns_of
from anka.web import words
from anka.web.buyer.payments import ICONS, LOOK_AGAIN_SECONDS, code_image, seat_of
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, new_key, require_number
from anka.web.typed import typed_amount

Shown = dict[str, Any]
SHOWN_RETURNS = 5
# What a person is likely to want, in minor units.
OFTEN = (5_000, 10_000, 20_000, 50_000)
BADGES = {"intended": "info", "processing": "info", "succeeded": "ok", "stuck": "wait", "failed": "bad"}


@require_http_methods(["GET", "HEAD", "POST"])
def fill(request: PageRequest) -> HttpResponse:
    """Show how much can be put into the wallet and by which ways, or begin it."""
    buyer = buyer_of(request)
    mode.require(doing=Doing.TOP_UP_WALLET)
    refused: Refusal | None = None
    if request.method == "POST":
        rate_limits.spend(name="pay", caller=caller_of(request), at=request.at)
        try:
            wanted = asked_for(request, Purpose.WALLET)
            begun = top_ups.begin(actor=buyer, wanted=wanted, request=key_of_choice(request), at=request.at, seat=seat_of(request))
            return HttpResponseRedirect(f"/top-ups/{begun.payment.number}")
        except Refusal as trouble:
            if trouble.status >= 500:
                raise
            refused = trouble
    balance = wallet_balance(person_id=buyer.person_id, currency=CURRENCY)
    shown = form(request, Purpose.WALLET, refused) | {"balance_minor": balance, "action_url": "/wallet/top-up", "back_url": "/wallet"}
    return render(request, "buyer/top_up.html", shown, status=refused.status if refused else 200)


def asked_for(request: PageRequest, purpose: Purpose) -> Wanted:
    """Return what a form asks for.

    Raises:
        NotAnAmount, AmountOutOfBounds: nothing was charged.
    """
    least, most = bounds(purpose=purpose)
    amount = typed_amount(request.POST.get("amount", ""), currency=CURRENCY, least_minor=least, most_minor=most)
    return Wanted(amount_minor=amount, channel=request.POST.get("channel", ""))


def key_of_choice(request: PageRequest) -> RequestKey:
    """Return the key of a choice: who goes back and chooses another amount or channel asks for something else."""
    chosen = f"{request.POST.get('channel', '')} {request.POST.get('amount', '')}".encode().hex()[:80]
    plain = key_of(request, "channel", "amount")
    return replace(plain, key=f"{plain.key}.{chosen}"[:200])


def form(request: PageRequest, purpose: Purpose, refused: Refusal | None) -> Shown:
    """Return what the form of a top-up shows: the bounds, the ways to pay, what was typed, what was wrong with it."""
    least, most = bounds(purpose=purpose)
    chosen = request.POST.get("channel", "") or next(iter(channels), "")
    ways = [
        {
            "code": code,
            "name": words.channel(code),
            "icon": ICONS.get(code, "card"),
            "hint": gettext("Sent back the same way if you want it back: %(arrival)s")
            % {"arrival": words.expected(channel_code=code, accepted_at=request.at.now)},
            "chosen": code == chosen,
        }
        for code in channels
    ]
    return {
        "currency": CURRENCY,
        "least_minor": least,
        "most_minor": most,
        "often": [amount for amount in OFTEN if amount <= most] if purpose is Purpose.WALLET else [],
        "ways": ways,
        "is_deposit": purpose is Purpose.DEPOSIT,
        "typed": request.POST.get("amount", "") or request.GET.get("amount", ""),
        "idempotency_key": new_key(),
        "notices": [{"tone": "bad", "text": str(refused)}] if refused else [],
    }


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show where one top-up is paid, or what became of it. It belongs to whoever began it."""
    found = top_ups.mine(number=require_number(number), person_id=buyer_of(request).person_id)
    seat = seat_of(request)
    started = top_ups.cashier(payment=found, at=request.at, seat=seat)
    is_deposit = found.purpose is Purpose.DEPOSIT
    shown = {
        "top_up": found,
        "paid": found.paid_at is not None,
        "is_deposit": is_deposit,
        "back_url": "/shop/money" if is_deposit else "/wallet",
        "again_url": "/shop/money/deposit/top-up" if is_deposit else "/wallet/top-up",
        "channel_name": words.channel(found.channel),
        "cashier_url": started.cashier_url if started else "",
        "qr_image": code_image(started=started, seat=seat) if started else "",
        "open": started is not None,
        "refresh_seconds": LOOK_AGAIN_SECONDS if _may_still_come(found, request) else None,
    }
    return render(request, "buyer/top_up_cashier.html", shown)


def _may_still_come(found: TopUp, request: PageRequest) -> bool:
    return found.is_open and request.at.now < found.expires_at


@require_http_methods(["GET", "HEAD", "POST"])
def give_back(request: PageRequest) -> HttpResponse:
    """Show what of the wallet can go back the way it came, or send it."""
    buyer = buyer_of(request)
    balance = wallet_balance(person_id=buyer.person_id, currency=CURRENCY)
    most = returnable_now(person_id=buyer.person_id, balance_minor=balance, at=request.at)
    refused: Refusal | None = None
    if request.method == "POST":
        rate_limits.spend(name="refund", caller=caller_of(request), at=request.at)
        try:
            amount = typed_amount(request.POST.get("amount", ""), currency=CURRENCY, least_minor=1, most_minor=MAX_MINOR)
            once(lambda: return_unused(actor=buyer, amount_minor=amount, request=key_of(request, "amount"), at=request.at))
            return HttpResponseRedirect("/wallet?done=return")
        except AlreadyDone:
            return HttpResponseRedirect("/wallet?done=return")
        except Refusal as trouble:
            if trouble.status >= 500 or isinstance(trouble, NotFound):
                raise
            refused = trouble
    shown = {
        "currency": CURRENCY,
        "balance_minor": balance,
        "returnable_minor": most.amount_minor,
        "blocked_minor": most.blocked_minor,
        "otherwise_minor": balance - most.amount_minor - most.blocked_minor,
        "ways": sorted({words.channel(leg.channel) for leg in most.legs}),
        "typed": request.POST.get("amount", ""),
        "idempotency_key": new_key(),
        "notices": [{"tone": "bad", "text": str(refused)}] if refused else [],
    }
    return render(request, "buyer/wallet_return.html", shown, status=refused.status if refused else 200)


def returns_shown(*, person_id: int) -> list[Shown]:
    """Return the newest returns of a wallet in words, for its page."""
    return [
        {
            "number": one.number,
            "amount_minor": one.amount_minor,
            "currency": one.currency,
            "at": one.intended_at,
            "tone": BADGES.get(one.status, "mute"),
            "arrived": one.status == "succeeded",
            "stuck": one.status in ("stuck", "failed"),
            "legs": [
                {"name": words.channel(leg.channel), "amount_minor": leg.amount_minor, "by": leg.arrives_by, "ended_at": leg.ended_at}
                for leg in one.legs
            ],
        }
        for one in returns_of(person_id=person_id, limit=SHOWN_RETURNS)
    ]
