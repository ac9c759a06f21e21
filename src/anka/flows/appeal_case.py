"""A party appeals against the platform's ruling: once, within the window, with something new to say; another person decides."""

from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput
from anka.domain.case_states import CaseStatus
from anka.flows.add_evidence import LONGEST_EVIDENCE
from anka.flows.steps.case_parties import require_buyer, require_merchant, require_status, side_of
from anka.flows.steps.case_parts import CaseStep, NewEvidence, said, tell
from anka.flows.steps.case_work import CaseWork


def appeal_case(*, actor: Actor, case_number: str, text: str, request: RequestKey, at: Moment) -> str:
    """Appeal against a ruling with new evidence in words, and return the case's number. Nothing is carried out until it is decided.

    Raises:
        BadInput: no text, or too much. NotFound, NotPermitted, NotYourTurn: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    if not text.strip() or len(text) > LONGEST_EVIDENCE:
        raise BadInput(fields={"text": f"1–{LONGEST_EVIDENCE}"})
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        if actor.kind is ActorKind.MERCHANT:
            require_merchant(state=state, actor=actor)
        else:
            require_buyer(state=state, actor=actor)
        require_status(case=case, allowed=(CaseStatus.DECIDED,))
        work = CaseWork(state, case, actor, at)
        step = CaseStep(
            number=case.number,
            what="case_appealed",
            path=[CaseStatus.APPEAL],
            answer=said(actor=actor, what="appealed", text=text[:2000]),
            evidence=[NewEvidence(kind="OTHER", by_side=side_of(actor), person_id=actor.person_id, text=text)],
        )
        work.stop_clocks()
        work.start("rule")
        work.start("ceiling")
        work.change.notices += tell(case=case, audiences=("platform", "buyer", "shop"), kind="case_appealed")
        work.write(step, request)
        return case.number
