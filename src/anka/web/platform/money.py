"""Money that does not fit, for finance staff: what came, what it could be, send it back or let it pay its order."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.accounts.queries import person
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.unidentified import Oddity, UnidentifiedState, needs_two
from anka.flows.match_unidentified import approve_match, match_unidentified
from anka.flows.return_unidentified import return_unidentified
from anka.payments.unidentified import QueueCursor, Unidentified, queue, unidentified, waiting
from anka.web import words
from anka.web.platform.staff import finance_of
from anka.web.requests import PageRequest, key_of, new_key, require_number

ON_A_PAGE = 30
ADDRESS = "/platform/money"
TABS = {
    "open": gettext_lazy("Waiting"),
    "returning": gettext_lazy("On its way back"),
    "returned": gettext_lazy("Back with the payer"),
    "matched": gettext_lazy("Paid an order"),
    "all": gettext_lazy("All"),
}
REASONS = {
    Oddity.TOO_MUCH: gettext_lazy("More than was asked for"),
    Oddity.TOO_LITTLE: gettext_lazy("Less than was asked for"),
    Oddity.WRONG_CURRENCY: gettext_lazy("Another currency"),
    Oddity.UNKNOWN_PAYMENT: gettext_lazy("Nobody began this payment"),
}
TONES = {
    UnidentifiedState.OPEN: "wait",
    UnidentifiedState.RETURNING: "info",
    UnidentifiedState.RETURNED: "ok",
    UnidentifiedState.MATCHED: "ok",
}
OUTCOMES = {
    "returning": gettext_lazy("It is on its way back."),
    "proposed": gettext_lazy("Proposed. Somebody else of the finance staff has to approve it."),
    "taken": gettext_lazy("It has paid the order."),
    "late_kept": gettext_lazy("It has paid the order, which had timed out; new goods were reserved."),
    "late_refunded": gettext_lazy("The order had been closed, so the money goes back."),
    "repeated": gettext_lazy("That was decided already; nothing was done twice."),
}
Shown = dict[str, Any]
Decision = Callable[[Actor, str, str, Moment], str]


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show the queue, newest first: what waits for a decision, or what became of the rest."""
    person_id = finance_of(request).person_id
    tab = request.GET.get("tab", "open")
    if tab not in TABS:
        raise BadInput(fields={"tab": ", ".join(TABS)})
    done = OUTCOMES.get(request.GET.get("done", ""))
    return _page(request, tab=tab, person_id=person_id, told=[{"tone": "ok", "text": done}] if done else [])


@require_POST
def decide(request: PageRequest, number: str, decision: str) -> HttpResponse:
    """Carry out a decision about a piece of money, and show the queue again; a refusal is shown above it."""
    actor = finance_of(request)
    if decision not in DECISIONS:
        raise NotFound
    # Every decision can be made once only, so nothing has to be remembered under the key; but the form has to be one of ours.
    key_of(request, "order")
    try:
        order = request.POST.get("order", "").strip().upper()
        outcome = DECISIONS[decision](actor, require_number(number), order, request.at)
    except Refusal as refused:
        if refused.status >= 500:
            raise
        told = [{"tone": "bad", "text": str(refused)}]
        return _page(request, tab="open", person_id=actor.person_id, told=told, status=refused.status)
    return HttpResponseRedirect(f"{ADDRESS}?{urlencode({'done': outcome})}")


def _send_back(actor: Actor, number: str, _order: str, at: Moment) -> str:
    return_unidentified(actor=actor, number=number, at=at)
    return "returning"


def _match(actor: Actor, number: str, order: str, at: Moment) -> str:
    return match_unidentified(actor=actor, number=number, order_number=require_number(order), at=at)


def _approve(actor: Actor, number: str, order: str, at: Moment) -> str:
    return approve_match(actor=actor, number=number, order_number=require_number(order), at=at)


DECISIONS: dict[str, Decision] = {"return": _send_back, "match": _match, "approve": _approve}


def _page(request: PageRequest, *, tab: str, person_id: int, told: list[Shown], status: int = 200) -> HttpResponse:
    after = request.GET.get("after", "")
    mark = unidentified(number=require_number(after)) if after else None
    state = None if tab == "all" else UnidentifiedState(tab)
    found = queue(status=state, after=_after(mark), limit=ON_A_PAGE + 1)
    page = found[:ON_A_PAGE]
    shown = {
        "tabs": [{"label": label, "url": f"{ADDRESS}?tab={code}", "selected": code == tab} for code, label in TABS.items()],
        "waiting": waiting(),
        "items": [_item(money, person_id) for money in page],
        "next_url": f"{ADDRESS}?{urlencode({'tab': tab, 'after': page[-1].number})}" if len(found) > ON_A_PAGE else None,
        "notices": told,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/money.html", shown, status=status)


def _after(mark: Unidentified | None) -> QueueCursor | None:
    return QueueCursor(mark.found_at, mark.number) if mark else None


def _item(money: Unidentified, person_id: int) -> Shown:
    return {
        "number": money.number,
        "reason": REASONS[money.reason],
        "badge": TABS[money.status.value],
        "tone": TONES[money.status],
        "amount_minor": money.amount_minor,
        "currency": money.currency,
        "asked": money.expected_minor,
        "channel": words.channel(money.channel),
        "transaction_number": money.transaction_number,
        "payment_number": money.payment_number,
        "order": money.order_number or money.matched_order,
        "refund": money.refund_number,
        "found_at": money.found_at,
        "decided_at": money.decided_at,
        "is_open": money.status == UnidentifiedState.OPEN,
        "needs_two": needs_two(amount_minor=money.amount_minor),
        "proposed_order": money.proposed_order,
        "proposed_at": money.proposed_at,
        "proposed_by_me": money.proposed_by == person_id,
        "who": _who(money.decided_by or ""),
    }


def _who(actor: str) -> str:
    """Return who decided: somebody of the staff by name, or nobody at all."""
    kind, _separator, name = actor.partition(":")
    found = person(person_id=int(name)) if kind == ActorKind.PLATFORM else None
    return found.display_name if found else gettext("By itself")
