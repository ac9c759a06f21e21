"""Merchants' withdrawals, for finance staff: approve or refuse them, pay them at the bank, and enter what the bank said."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.freezes import payouts_frozen
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.withdrawals import WithdrawalState, needs_two
from anka.flows.decide_withdrawal import approve_withdrawal, refuse_withdrawal
from anka.flows.record_payout import begin_payout, record_paid, record_payout_failed
from anka.funds.models import Withdrawal
from anka.funds.queries import ended_withdrawals, open_withdrawals
from anka.web.merchant.funds import line
from anka.web.platform.staff import finance_of
from anka.web.requests import PageRequest, key_of, new_key, require_number, require_recent_sign_in

ADDRESS = "/platform/withdrawals"
TABS = {"open": gettext_lazy("Waiting"), "ended": gettext_lazy("Over")}
DONE = {
    "approve": gettext_lazy("Approved, as far as you are concerned."),
    "refuse": gettext_lazy("Refused. The money is available to the shop again."),
    "begin": gettext_lazy("Yours to pay now: tell the bank, then enter what it answers."),
    "paid": gettext_lazy("Entered as paid."),
    "failed": gettext_lazy("Entered as not paid. The money is available to the shop again."),
}
Shown = dict[str, Any]


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show what waits, oldest first, or what is over."""
    actor = finance_of(request)
    tab = request.GET.get("tab", "open")
    if tab not in TABS:
        raise BadInput(fields={"tab": ", ".join(TABS)})
    done = DONE.get(request.GET.get("done", ""))
    return _page(request, actor, tab=tab, told=[{"tone": "ok", "text": done}] if done else [])


@require_POST
def decide(request: PageRequest, number: str, decision: str) -> HttpResponse:
    """Carry out a step of a withdrawal and show the queue again; a refusal is shown above it."""
    actor = finance_of(request)
    if decision not in DECISIONS:
        raise NotFound
    require_recent_sign_in(request)
    key = key_of(request, "text")
    text, name = request.POST.get("text", ""), require_number(number)
    try:
        with suppress(AlreadyDone):
            once(lambda: DECISIONS[decision](actor, name, text, key, request.at))
    except Refusal as refused:
        if refused.status >= 500 or isinstance(refused, NotFound):
            raise
        return _page(request, actor, tab="open", told=[{"tone": "bad", "text": str(refused)}], status=refused.status)
    return HttpResponseRedirect(f"{ADDRESS}?{urlencode({'done': decision})}")


Decision = Callable[[Actor, str, str, RequestKey, Moment], object]
DECISIONS: dict[str, Decision] = {
    "approve": lambda actor, number, _text, key, at: approve_withdrawal(actor=actor, number=number, request=key, at=at),
    "refuse": lambda actor, number, text, key, at: refuse_withdrawal(actor=actor, number=number, reason=text, request=key, at=at),
    "begin": lambda actor, number, _text, key, at: begin_payout(actor=actor, number=number, request=key, at=at),
    "paid": lambda actor, number, text, key, at: record_paid(actor=actor, number=number, bank_reference=text, request=key, at=at),
    "failed": lambda actor, number, text, key, at: record_payout_failed(actor=actor, number=number, reason=text, request=key, at=at),
}


def _page(request: PageRequest, actor: Actor, *, tab: str, told: list[Shown], status: int = 200) -> HttpResponse:
    found = open_withdrawals() if tab == "open" else ended_withdrawals()
    shown = {
        "tabs": [{"label": label, "url": f"{ADDRESS}?tab={code}", "selected": code == tab} for code, label in TABS.items()],
        "items": [_item(one, actor) for one in found],
        "frozen": payouts_frozen(),
        "notices": told,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/withdrawals.html", shown, status=status)


def _item(found: Withdrawal, actor: Actor) -> Shown:
    asked = found.status == WithdrawalState.ASKED
    return {
        **line(found),
        "may_approve": asked and found.first_by != actor.person_id,
        "waits_for_another": asked and found.first_by == actor.person_id,
        "may_refuse": found.status in (WithdrawalState.ASKED, WithdrawalState.APPROVED),
        "may_begin": found.status == WithdrawalState.APPROVED,
        "is_paying": found.status == WithdrawalState.PAYING,
        "needs_two": needs_two(amount_minor=found.amount_minor),
        "half_approved": asked and found.first_by is not None,
    }
