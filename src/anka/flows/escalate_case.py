"""The buyer calls the platform after the rules have refused: within seven days, the money frozen until then."""

from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput
from anka.domain.case_states import CaseStatus
from anka.flows.answer_case import LONGEST_TEXT
from anka.flows.steps.case_parties import require_asker, require_status
from anka.flows.steps.case_parts import CaseStep, said
from anka.flows.steps.case_work import CaseWork


def escalate_case(*, actor: Actor, case_number: str, text: str, request: RequestKey, at: Moment) -> str:
    """Hand a refused case to the platform and return its number.

    Raises:
        BadInput: the text is too long. NotFound, NotPermitted, NotYourTurn: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    if len(text) > LONGEST_TEXT:
        raise BadInput(fields={"text": f"≤ {LONGEST_TEXT}"})
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_asker(state=state, case=case, actor=actor)
        require_status(case=case, allowed=(CaseStatus.REFUSED,))
        work = CaseWork(state, case, actor, at)
        step = CaseStep(number=case.number, what="case_escalated", answer=said(actor=actor, what="escalated", text=text))
        work.end_offer(step, "superseded")
        work.to_platform(step)
        work.write(step, request)
        return case.number
