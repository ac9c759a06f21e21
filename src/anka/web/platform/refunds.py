"""Refunds that need somebody, for finance staff: what is stuck, waits for funds or has no answer, and what to do about each."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.core.actors import Actor
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.flows.act_on_refund import RefundStep, act_on_refund
from anka.payments.refund_queue import VIEWS, steps_for, view
from anka.payments.stuck import StuckLine, stuck_count
from anka.web import refund_words, words
from anka.web.platform.staff import finance_of
from anka.web.requests import PageRequest, key_of, new_key, require_number

ADDRESS = "/platform/refunds"
TABS = {
    "stuck": gettext_lazy("Stuck"),
    "funds": gettext_lazy("Waiting for funds"),
    "unknown": gettext_lazy("Without an answer"),
    "by_hand": gettext_lazy("Paid by hand"),
}
STATES = {
    "created": gettext_lazy("written down"),
    "submitting": gettext_lazy("being asked for"),
    "processing": gettext_lazy("accepted"),
    "unknown": gettext_lazy("unknown"),
    "waiting_funds": gettext_lazy("waits for funds"),
    "closed": gettext_lazy("closed"),
    "abnormal": gettext_lazy("account not reachable"),
    "failed": gettext_lazy("refused"),
    "reversed": gettext_lazy("came back"),
    "manual": gettext_lazy("in a person's hands"),
    "succeeded": gettext_lazy("arrived"),
}
FIELDS = ("text", "reference", "payee", "bank", "says")
Shown = dict[str, Any]


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show one view of the queue, the most pressing first."""
    actor = finance_of(request)
    tab = request.GET.get("tab", "stuck")
    if tab not in VIEWS:
        raise BadInput(fields={"tab": ", ".join(VIEWS)})
    told = [{"tone": "ok", "text": gettext("Done; it is on record.")}] if request.GET.get("done") else []
    return _page(request, actor=actor, tab=tab, told=told)


@require_POST
def act(request: PageRequest, number: str, leg: int, step: str) -> HttpResponse:
    """Take one step about one way of a refund and show the queue again; a refusal is shown above it."""
    actor = finance_of(request)
    # Every step can be taken once only, so nothing has to be remembered under the key; but the form has to be one of ours.
    key_of(request, *FIELDS)
    typed = {name: request.POST.get(name, "").strip() for name in FIELDS}
    amount = request.POST.get("amount_minor", "0")
    if not (amount.isascii() and amount.isdigit() and len(amount) <= 15):
        raise BadInput(fields={"amount_minor": "a number"})
    wanted = RefundStep(step=step, refund_number=require_number(number), leg=leg, amount_minor=int(amount), **typed)
    try:
        act_on_refund(actor=actor, wanted=wanted, at=request.at)
    except Refusal as refused:
        if refused.status >= 500 or isinstance(refused, NotFound):
            raise
        wrong = ", ".join(f"{name}: {why}" for name, why in refused.fields.items())
        told = [{"tone": "bad", "text": words.sentences(str(refused), wrong)}]
        return _page(request, actor=actor, tab="stuck", told=told, status=refused.status)
    return HttpResponseRedirect(f"{ADDRESS}?done=1")


def _page(request: PageRequest, *, actor: Actor, tab: str, told: list[Shown], status: int = 200) -> HttpResponse:
    shown = {
        "tabs": [{"label": label, "url": f"{ADDRESS}?tab={code}", "selected": code == tab} for code, label in TABS.items()],
        "waiting": stuck_count(),
        "items": [_item(line, actor.person_id) for line in view(name=tab, at=request.at)],
        "notices": told,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/refunds.html", shown, status=status)


def _item(line: StuckLine, person_id: int) -> Shown:
    why = line.reason or line.status
    steps = steps_for(line=line, person_id=person_id)
    return {
        "refund": line.refund,
        "leg": line.leg,
        "id": f"{line.refund}-{line.leg}",
        "address": f"{ADDRESS}/{line.refund}/{line.leg}",
        "title": refund_words.REASONS.get(why, STATES.get(line.status, why)),
        "advice": refund_words.ADVICE.get(why, ""),
        "warning": refund_words.CHARGED_BACK.get(line.chargeback or ""),
        "state": STATES.get(line.status, line.status),
        "amount_minor": line.amount_minor,
        "currency": line.currency,
        "channel": words.channel(line.leg_channel),
        "attempt": line.attempt,
        "asked": line.asked,
        "payment": line.payment,
        "order": line.order,
        "since": line.since or line.intended_at,
        "due_at": line.due_at,
        "owner": line.owner_name,
        "is_mine": line.owner == person_id,
        "notes": line.notes,
        "proof": _proof(line),
        "steps": dict.fromkeys(steps, True),
    }


def _proof(line: StuckLine) -> Shown | None:
    if line.proof_kind is None:
        return None
    return {
        "is_transfer": line.proof_kind == "transfer",
        "is_return": line.proof_kind == "returned",
        "succeeded": line.proof_says == "succeeded",
        "payee": line.payee,
        "bank": line.bank,
        "reference": line.reference,
        "at": line.proof_at,
    }
