"""A case as its buyer sees it, and everything the buyer may do in it. Every step is a form of its own, carried out once."""

from contextlib import suppress
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.cases.queries import read_case
from anka.core import rate_limits
from anka.core.actors import Actor
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.flows.answer_case import LONGEST_TEXT
from anka.flows.escalate_case import escalate_case
from anka.web import views_of_case, views_of_refund
from anka.web.case_steps import OF_BOTH, Do, UnknownEvidence, case_seen
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, new_key, require_number
from anka.web.typed import typed_text_or_none
from anka.web.views_of_case import CaseSeen
from anka.web.views_of_case_headline import headline, next_steps
from anka.web.views_of_facts import proved
from anka.web.views_of_order import order_facts
from anka.web.views_of_receipts import receipts

FIELDS = ("text", "kind", "amount", "offer")
FOLLOW_SECONDS = 5
DONE = {
    "accept": gettext_lazy("Accepted. It is carried out now."),
    "decline": gettext_lazy("Declined."),
    "offer": gettext_lazy("Your offer is with the shop."),
    "evidence": gettext_lazy("Your evidence is kept. It can no longer be changed, by anybody."),
    "withdraw": gettext_lazy("You took the request back."),
    "escalate": gettext_lazy("The platform has the case now."),
    "appeal": gettext_lazy("Your appeal is with the platform."),
}


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show a case to its buyer."""
    seen = seen_by(request, require_number(number))
    done = DONE.get(request.GET.get("done", ""))
    return _page(request, seen, told=[{"tone": "ok", "text": done}] if done else [])


@require_POST
def act(request: PageRequest, number: str, action: str) -> HttpResponse:
    """Carry out one step of the buyer; a refusal is shown on the case's page, with what was typed."""
    if action not in ACTIONS:
        raise NotFound
    buyer = buyer_of(request)
    seen = seen_by(request, require_number(number))
    rate_limits.spend(name="cancel", caller=caller_of(request), at=request.at)
    key = key_of(request, *FIELDS)
    try:
        with suppress(AlreadyDone):
            once(lambda: ACTIONS[action](request, buyer, seen, key))
    except (NotFound, BadInput):
        raise
    except Refusal as refused:
        if refused.status >= 500:
            raise
        return _again(request, number, action, refused)
    return HttpResponseRedirect(f"/cases/{number}?done={action}")


def seen_by(request: PageRequest, number: str) -> CaseSeen:
    """Return everything the case's page is made of, for its buyer."""
    buyer = buyer_of(request)
    state, case = read_case(number=number, actor=buyer, at=request.at)
    return case_seen(state=state, case=case, actor=buyer, reader="buyer", at=request.at)


def _again(request: PageRequest, number: str, action: str, refused: Refusal) -> HttpResponse:
    field = {"offer": "offer_amount", "evidence": "evidence_text"}.get(action, f"{action}_text")
    if isinstance(refused, UnknownEvidence):
        field = "evidence_kind"
    asked = {name: request.POST.get(name, "") for name in FIELDS}
    fresh = seen_by(request, number)
    if refused.status == 422:
        return _page(request, fresh, errors={field: str(refused)}, typed={action: asked}, status=422)
    return _page(request, fresh, told=[{"tone": "bad", "text": str(refused)}], typed={action: asked}, status=refused.status)


def _page(
    request: PageRequest,
    seen: CaseSeen,
    *,
    told: list[dict[str, Any]] | None = None,
    errors: dict[str, str] | None = None,
    typed: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    refund = next((refund for refund in seen.beside.refunds if refund.case_number == seen.case.number), None)
    moving = refund is not None and refund.status in views_of_refund.UNDER_WAY
    shown = {
        "case": views_of_case.facts_of(seen),
        "order": order_facts(seen.state),
        "headline": headline(seen),
        "next_steps": next_steps(seen),
        "rulings": views_of_case.rulings(seen),
        "receipts": receipts(cases=[seen.case]),
        "offers": views_of_case.offers(seen),
        "proved": proved(state=seen.state, case=seen.case),
        "evidence": views_of_case.evidence(seen),
        "evidence_kinds": views_of_case.evidence_kinds(seen),
        "talk": views_of_case.talk(seen),
        "clocks": views_of_case.clocks(seen),
        "refund": views_of_refund.tracker(refund=refund, order_number=seen.state.number) if refund else None,
        "may": {action.name: action.allowed for action in seen.actions},
        "keys": {name: new_key() for name in ACTIONS},
        "typed": typed or {},
        "errors": errors or {},
        "notices": told or [],
        "refresh_seconds": FOLLOW_SECONDS if moving or seen.case.status == "open" else None,
    }
    return render(request, "buyer/case.html", shown, status=status)


def _escalate(request: PageRequest, buyer: Actor, seen: CaseSeen, key: RequestKey) -> str:
    text = typed_text_or_none(request.POST.get("text", ""), most=LONGEST_TEXT)
    return escalate_case(actor=buyer, case_number=seen.case.number, text=text, request=key, at=request.at)


ACTIONS: dict[str, Do] = {**OF_BOTH, "escalate": _escalate}
