"""A case as the shop sees it, and everything the shop may do in it. Every step is a form of its own, carried out once."""

from contextlib import suppress
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.cases.queries import read_case
from anka.core import rate_limits
from anka.core.actors import Actor
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.case_codes import REFUSALS
from anka.flows.answer_case import LONGEST_TEXT, agree_case, refuse_case
from anka.flows.make_offer import offer_replacement
from anka.web import case_words, views_of_case
from anka.web.case_steps import OF_BOTH, Do, UnknownEvidence, case_seen
from anka.web.merchant import case_view, order_view
from anka.web.merchant.who import back, merchant_of
from anka.web.requests import PageRequest, caller_of, key_of, new_key, require_number
from anka.web.typed import typed_text, typed_text_or_none
from anka.web.views_of_case import CaseSeen
from anka.web.views_of_facts import proved
from anka.web.views_of_receipts import receipts

FIELDS = ("text", "kind", "amount", "offer", "code")
FOLLOW_SECONDS = 5
DONE = {
    "agree": gettext_lazy("Agreed. It is carried out now."),
    "refuse": gettext_lazy("Refused. The platform looks into the case now."),
    "offer": gettext_lazy("Your offer is with the buyer."),
    "replace": gettext_lazy("Your offer is with the buyer; the keys for it are set aside."),
    "accept": gettext_lazy("Accepted. It is carried out now."),
    "decline": gettext_lazy("Declined."),
    "evidence": gettext_lazy("Your evidence is kept. It can no longer be changed, by anybody."),
    "appeal": gettext_lazy("Your appeal is with the platform."),
    "withdraw": gettext_lazy("You took the request back."),
}


class ChooseReason(Refusal):
    """A refusal came without one of the reasons there are."""

    code, status = "choose_reason", 422
    says = gettext_lazy("Choose one of these. Nothing was submitted.")


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show a case of the visitor's shop."""
    done = DONE.get(request.GET.get("done", ""))
    return _page(request, seen_by(request, number), told=[{"tone": "ok", "text": done}] if done else [])


@require_POST
def act(request: PageRequest, number: str, action: str) -> HttpResponse:
    """Carry out one step of the shop; a refusal is shown on the case's page, with what was typed."""
    if action not in ACTIONS:
        raise NotFound
    actor, seen = merchant_of(request), seen_by(request, number)
    rate_limits.spend(name="cancel", caller=caller_of(request), at=request.at)
    key = key_of(request, *FIELDS)
    try:
        with suppress(AlreadyDone):
            once(lambda: ACTIONS[action](request, actor, seen, key))
    except (NotFound, BadInput):
        raise
    except Refusal as refused:
        if refused.status >= 500:
            raise
        return _again(request, number, action, refused)
    return back(request, otherwise=f"/shop/cases/{seen.case.number}", done=action)


def seen_by(request: PageRequest, number: str) -> CaseSeen:
    """Return everything the case's page is made of.

    Raises:
        NotFound: there is none of this number in a shop of the visitor's; another shop's looks the same.
    """
    actor = merchant_of(request)
    state, case = read_case(number=require_number(number), actor=actor, at=request.at)
    return case_seen(state=state, case=case, actor=actor, reader="merchant", at=request.at)


def _again(request: PageRequest, number: str, action: str, refused: Refusal) -> HttpResponse:
    asked = {name: request.POST.get(name, "") for name in FIELDS}
    field = {"offer": "offer_amount"}.get(action, f"{action}_text")
    if isinstance(refused, ChooseReason | UnknownEvidence):
        field = f"{action}_kind"
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
    shown = {
        "case": {**views_of_case.facts_of(seen), "url": f"/shop/cases/{seen.case.number}"},
        "order": order_view.facts(seen.state),
        "headline": case_view.headline(seen),
        "next_steps": case_view.next_steps(seen),
        "agreeing": case_view.agreeing(seen),
        "rulings": views_of_case.rulings(seen),
        "receipts": receipts(cases=[seen.case], address="/shop/cases/"),
        "offers": views_of_case.offers(seen),
        "proved": proved(state=seen.state, case=seen.case),
        "evidence": views_of_case.evidence(seen),
        "evidence_kinds": views_of_case.evidence_kinds(seen),
        "refusals": [{"code": code, "label": case_words.refusal(code)} for code in REFUSALS],
        "talk": views_of_case.talk(seen),
        "clocks": views_of_case.clocks(seen),
        "timeline": order_view.timeline(state=seen.state, beside=seen.beside),
        "may": {action.name: action.allowed for action in seen.actions},
        "keys": {name: new_key() for name in ACTIONS},
        "typed": typed or {},
        "errors": errors or {},
        "notices": told or [],
        "refresh_seconds": FOLLOW_SECONDS if seen.case.status == "open" else None,
    }
    return render(request, "merchant/case.html", shown, status=status)


def _agree(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    return agree_case(actor=actor, case_number=seen.case.number, request=key, at=request.at)


def _refuse(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    code = request.POST.get("code", "")
    if code not in REFUSALS:
        raise ChooseReason
    text = typed_text(request.POST.get("text", ""), most=LONGEST_TEXT)
    return refuse_case(actor=actor, case_number=seen.case.number, code=code, text=text, request=key, at=request.at)


def _replace(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    text = typed_text_or_none(request.POST.get("text", ""), most=LONGEST_TEXT)
    return offer_replacement(actor=actor, case_number=seen.case.number, text=text, request=key, at=request.at)


ACTIONS: dict[str, Do] = {**OF_BOTH, "agree": _agree, "refuse": _refuse, "replace": _replace}
