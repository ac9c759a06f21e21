"""What both parties can do in a case by a form of its own: answer an offer or make one, add evidence, take a request back, appeal."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy

from anka.cases.models import CaseState
from anka.cases.queries import dossier
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.refusals import NotFound, Refusal
from anka.domain.facts import EVIDENCE
from anka.flows.add_evidence import LONGEST_EVIDENCE, add_evidence
from anka.flows.answer_case import LONGEST_TEXT
from anka.flows.answer_offer import accept_offer, decline_offer
from anka.flows.appeal_case import appeal_case
from anka.flows.make_offer import make_offer
from anka.flows.steps.case_actions import case_actions
from anka.flows.withdraw_case import withdraw_case
from anka.orders.models import OrderState
from anka.web.requests import PageRequest, new_key
from anka.web.typed import typed_amount, typed_text, typed_text_or_none
from anka.web.views_of_case import CaseSeen

LONGEST_ID = 18
# What is done in somebody's name: actor, case, the key of the form. What was typed is in the request.
Do = Callable[[PageRequest, Actor, CaseSeen, RequestKey], Any]


class UnknownEvidence(Refusal):
    """The kind of evidence is none of those there are."""

    code, status = "unknown_evidence", 422
    says = gettext_lazy("Choose what kind of evidence it is. Nothing was submitted.")


def case_seen(*, state: OrderState, case: CaseState, actor: Actor, reader: str, at: Moment) -> CaseSeen:
    """Return everything a case's page is made of, for a reader of this side."""
    may = case_actions(state=state, case=case, actor=actor, at=at)
    return CaseSeen(state=state, case=case, beside=dossier(state=state), actions=may, reader=reader, at=at, new_key=new_key)


def _accept(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    return accept_offer(actor=actor, case_number=seen.case.number, offer_id=_offer_id(request), request=key, at=request.at)


def _decline(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    return decline_offer(actor=actor, case_number=seen.case.number, offer_id=_offer_id(request), request=key, at=request.at)


def _offer_id(request: PageRequest) -> int:
    text = request.POST.get("offer", "")
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_ID:
        raise NotFound
    return int(text)


def _offer(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    amount = typed_amount(request.POST.get("amount", ""), currency=seen.state.currency, least_minor=1, most_minor=seen.left_minor)
    text = typed_text_or_none(request.POST.get("text", ""), most=LONGEST_TEXT)
    return make_offer(actor=actor, case_number=seen.case.number, refund_minor=amount, text=text, request=key, at=request.at)


def _evidence(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    kind = request.POST.get("kind", "")
    if kind not in EVIDENCE:
        raise UnknownEvidence
    text = typed_text(request.POST.get("text", ""), most=LONGEST_EVIDENCE)
    return add_evidence(actor=actor, case_number=seen.case.number, kind=kind, text=text, request=key, at=request.at)


def _withdraw(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    return withdraw_case(actor=actor, case_number=seen.case.number, request=key, at=request.at)


def _appeal(request: PageRequest, actor: Actor, seen: CaseSeen, key: RequestKey) -> str:
    text = typed_text(request.POST.get("text", ""), most=LONGEST_EVIDENCE)
    return appeal_case(actor=actor, case_number=seen.case.number, text=text, request=key, at=request.at)


OF_BOTH: dict[str, Do] = {
    "accept": _accept,
    "decline": _decline,
    "offer": _offer,
    "evidence": _evidence,
    "withdraw": _withdraw,
    "appeal": _appeal,
}
"""Each by the name of its address."""
