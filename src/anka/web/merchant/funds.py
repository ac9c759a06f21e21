"""What an owner does with the shop's money: withdraw it, put it into the deposit, have the deposit back. Shown before anything moves."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import NotFound, Refusal
from anka.domain.funds_mode import Doing
from anka.domain.liability import Position
from anka.domain.money import MAX_MINOR
from anka.domain.withdrawals import LEAST_MINOR, PAID_WITHIN, BadBankAccount, WithdrawalState, due_at, fee_of, masked, needs_two
from anka.flows.ask_withdrawal import WithdrawalAsked, ask_withdrawal
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from anka.flows.release_deposit import release_deposit
from anka.flows.steps.funds_desk import CURRENCY
from anka.funds.models import Withdrawal
from anka.funds.queries import position, steps, terms, withdrawals_of
from anka.ledger import mode
from anka.web import funds_words
from anka.web.merchant.who import Workplace, workplace
from anka.web.requests import PageRequest, key_of, new_key, require_recent_sign_in
from anka.web.typed import typed_amount

Shown = dict[str, Any]
SHOWN_AT_ONCE = 10
TERMS, CHANGES = "terms_set", 5
STATES = {
    WithdrawalState.ASKED: (gettext_lazy("Waits for approval"), "wait"),
    WithdrawalState.APPROVED: (gettext_lazy("Approved"), "info"),
    WithdrawalState.PAYING: (gettext_lazy("Being paid"), "info"),
    WithdrawalState.PAID: (gettext_lazy("Paid"), "ok"),
    WithdrawalState.FAILED: (gettext_lazy("The bank sent it back"), "bad"),
    WithdrawalState.REFUSED: (gettext_lazy("Refused"), "bad"),
}
DONE = {
    "withdraw": gettext_lazy("Asked for. The money is set aside; the platform's finance staff decides within a day."),
    "deposit": gettext_lazy("It is in the deposit now."),
    "release": gettext_lazy("The deposit is available again."),
}


class NoBankAccount(Refusal):
    """The number of a bank account is missing or is none."""

    code, status = "bad_bank_account", 422
    says = gettext_lazy("An account number is 6 to 34 letters and digits. Nothing has moved.")


def shown_on(here: Workplace) -> Shown:
    """Return what a shop's page of money shows of its own funds, with the keys of its forms."""
    shop_id = here.shop.shop_id
    held = terms(shop_id=shop_id)
    has = position(shop_id=shop_id, currency=CURRENCY)
    holds_deposits = mode.offered(doing=Doing.HOLD_DEPOSITS)
    return {
        "funds": has,
        "terms": held,
        "days_to_settle": f"{held.settle_minutes / (24 * 60):g}",
        "terms_words": funds_words.shown(held=held),
        "terms_changes": [
            {"at": step.at, "reason": step.details.get("reason", "")} for step in steps(shop_id=shop_id, what=TERMS, limit=CHANGES)
        ],
        "missing_minor": max(0, held.required_minor - has.deposit),
        "is_short": holds_deposits and has.deposit < held.floor_minor,
        "holds_deposits": holds_deposits,
        "withdrawals": [line(one) for one in withdrawals_of(shop_id=shop_id, limit=SHOWN_AT_ONCE)],
        "owner": here.shop.role == "owner",
        "may_release": has.deposit > 0,
        "funds_url": here.url("/shop/money"),
        "withdraw_url": here.url("/shop/money/withdraw"),
        "deposit_url": here.url("/shop/money/deposit"),
        "top_up_url": here.url("/shop/money/deposit/top-up"),
        "release_url": here.url("/shop/money/release"),
        "keys": {name: new_key() for name in STEPS},
    }


def line(found: Withdrawal) -> Shown:
    """Return a withdrawal in words: how much, to where, how far, by when."""
    label, tone = STATES[found.status]
    return {
        "number": found.number,
        "shop": found.shop_code,
        "badge": label,
        "tone": tone,
        "amount_minor": found.amount_minor,
        "fee_minor": found.fee_minor,
        "arrives_minor": found.paid_out_minor,
        "currency": found.currency,
        "account": found.account,
        "asked_at": found.asked_at,
        "due_at": due_at(status=found.status, asked_at=found.asked_at),
        "ended_at": found.ended_at,
        "reference": found.bank_reference,
        "reason": found.reason,
    }


@require_POST
def act(request: PageRequest, action: str) -> HttpResponse:
    """Take a step with the shop's money; a withdrawal is shown first and asked for when that is confirmed."""
    here = workplace(request)
    if action not in STEPS or here.shop.role != "owner":
        raise NotFound
    require_recent_sign_in(request)
    key = key_of(request, "amount", "account")
    try:
        if action == "withdraw" and "confirmed" not in request.POST:
            return _review(request, here)
        with suppress(AlreadyDone):
            once(lambda: STEPS[action](request, here, key))
    except Refusal as refused:
        if refused.status >= 500 or isinstance(refused, NotFound):
            raise
        return refused_page(request, here, refused)
    return HttpResponseRedirect(here.url("/shop/money", done=action))


def refused_page(request: PageRequest, here: Workplace, refused: Refusal) -> HttpResponse:
    """Show what was refused and why, with what was typed, so that it can be mended."""
    shown = {
        "shop": here.shown("/shop/money"),
        "currency": CURRENCY,
        **shown_on(here),
        "typed": {"amount": request.POST.get("amount", ""), "account": request.POST.get("account", "")},
        "notices": [{"tone": "bad", "text": str(refused)}],
    }
    return render(request, "merchant/funds.html", shown, status=refused.status)


def _review(request: PageRequest, here: Workplace) -> HttpResponse:
    asked = _asked(request)
    has: Position = position(shop_id=here.shop.shop_id, currency=CURRENCY)
    fee = fee_of(amount_minor=asked.amount_minor)
    shown = {
        "shop": here.shown("/shop/money"),
        "currency": CURRENCY,
        "amount_minor": asked.amount_minor,
        "fee_minor": fee,
        "arrives_minor": asked.amount_minor - fee,
        "owed_minor": min(has.available, has.receivable),
        "left_minor": has.available - min(has.available, has.receivable) - asked.amount_minor,
        "account": _masked(asked.account),
        "by": request.at.now + PAID_WITHIN,
        "days": PAID_WITHIN // timedelta(days=1),
        "two": needs_two(amount_minor=asked.amount_minor),
        "typed": {"amount": request.POST.get("amount", ""), "account": request.POST.get("account", "")},
        "idempotency_key": new_key(),
        "withdraw_url": here.url("/shop/money/withdraw"),
        "money_url": here.url("/shop/money"),
    }
    return render(request, "merchant/withdraw.html", shown)


def _asked(request: PageRequest) -> WithdrawalAsked:
    amount = typed_amount(request.POST.get("amount", ""), currency=CURRENCY, least_minor=LEAST_MINOR, most_minor=MAX_MINOR)
    account = request.POST.get("account", "").strip()
    _masked(account)
    return WithdrawalAsked(amount_minor=amount, account=account)


def _masked(account: str) -> str:
    try:
        return masked(account=account)
    except BadBankAccount as error:
        raise NoBankAccount from error


def _withdraw(request: PageRequest, here: Workplace, key: RequestKey) -> object:
    return ask_withdrawal(actor=here.actor, shop_id=here.shop.shop_id, asked=_asked(request), request=key, at=request.at)


def _deposit(request: PageRequest, here: Workplace, key: RequestKey) -> object:
    amount = typed_amount(request.POST.get("amount", ""), currency=CURRENCY, least_minor=1, most_minor=MAX_MINOR)
    return pay_deposit_from_balance(actor=here.actor, shop_id=here.shop.shop_id, amount_minor=amount, request=key, at=request.at)


def _release(request: PageRequest, here: Workplace, key: RequestKey) -> object:
    return release_deposit(actor=here.actor, shop_id=here.shop.shop_id, request=key, at=request.at)


Step = Callable[[PageRequest, Workplace, RequestKey], object]
STEPS: dict[str, Step] = {"withdraw": _withdraw, "deposit": _deposit, "release": _release}


def done(request: PageRequest) -> list[Shown]:
    """Return what to say after a step, if one was just taken."""
    said = DONE.get(request.GET.get("done", ""))
    return [{"tone": "ok", "text": said}] if said else []
