"""A party adds what it knows to a case, and the platform asks for what is missing."""

from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput
from anka.domain.case_states import CaseStatus
from anka.domain.facts import EVIDENCE
from anka.flows.steps.case_parties import NotYourTurn, require_arbiter, require_buyer, require_merchant, require_status, side_of
from anka.flows.steps.case_parts import CaseStep, NewEvidence, tell
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.file_case import platform_clocks

LONGEST_EVIDENCE = 4000
MOST_EVIDENCE = 50


def add_evidence(*, actor: Actor, case_number: str, kind: str, text: str, request: RequestKey, at: Moment) -> str:
    """Add a text as evidence of a kind to an open case and return its number. It is hashed as written and cannot be taken back.

    Raises:
        BadInput: no such kind, no text, or too much. NotFound, NotPermitted, NotYourTurn: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    if kind not in EVIDENCE:
        raise BadInput(fields={"kind": ", ".join(EVIDENCE)})
    if not text.strip() or len(text) > LONGEST_EVIDENCE:
        raise BadInput(fields={"text": f"1–{LONGEST_EVIDENCE}"})
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        if actor.kind is ActorKind.MERCHANT:
            require_merchant(state=state, actor=actor)
        elif actor.kind is ActorKind.BUYER:
            require_buyer(state=state, actor=actor)
        else:
            require_arbiter(state=state, actor=actor)
        if case.closed_at is not None:
            raise NotYourTurn
        if len(case.evidence) >= MOST_EVIDENCE:
            raise BadInput(fields={"evidence": f"≤ {MOST_EVIDENCE}"})
        work = CaseWork(state, case, actor, at)
        item = NewEvidence(kind=kind, by_side=side_of(actor), person_id=actor.person_id, text=text)
        work.write(CaseStep(number=case.number, what="case_evidence_added", details={"kind": kind}, evidence=[item]), request)
        return case.number


def request_evidence(*, actor: Actor, case_number: str, side: str, text: str, request: RequestKey, at: Moment) -> str:
    """Ask one side, or both, for evidence: the evidence clock starts anew, and the case waits for it. Returns the case's number.

    Raises:
        BadInput: no such side, or no text. NotFound, NotPermitted, PartyToTheCase, NotYourTurn: nothing has changed.
        AlreadyDone: as add_evidence.
    """
    if side not in ("buyer", "merchant", "both"):
        raise BadInput(fields={"side": "buyer, merchant, both"})
    if not text.strip() or len(text) > LONGEST_EVIDENCE:
        raise BadInput(fields={"text": f"1–{LONGEST_EVIDENCE}"})
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_arbiter(state=state, actor=actor)
        require_status(case=case, allowed=(CaseStatus.EVIDENCE, CaseStatus.REVIEW))
        work = CaseWork(state, case, actor, at)
        step = CaseStep(number=case.number, what="case_evidence_asked", details={"side": side, "text": text})
        work.stop_clocks(keep=frozenset({"ceiling"}))
        work.change.clocks += platform_clocks(state=state, place=case.clock_position, at=at)
        if case.status == CaseStatus.REVIEW:
            step.path = [CaseStatus.EVIDENCE]
        asked = {"buyer": ("buyer",), "merchant": ("shop",), "both": ("buyer", "shop")}[side]
        work.change.notices += tell(case=case, audiences=asked, kind="case_evidence_asked")
        work.write(step, request)
        return case.number
