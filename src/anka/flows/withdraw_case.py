"""Whoever asked takes it back: nothing is paid, the units go on as if nobody had argued."""

from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.domain.case_turns import SETTLEABLE
from anka.flows.steps.case_parties import require_asker, require_status
from anka.flows.steps.case_parts import CaseStep, said
from anka.flows.steps.case_work import CaseWork


def withdraw_case(*, actor: Actor, case_number: str, request: RequestKey, at: Moment) -> str:
    """Close a case at its asker's wish and return its number. A later claim is possible while the rules still allow it.

    Raises:
        NotFound, NotPermitted, NotYourTurn: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_asker(state=state, case=case, actor=actor)
        require_status(case=case, allowed=SETTLEABLE)
        work = CaseWork(state, case, actor, at)
        step = CaseStep(number=case.number, what="case_withdrawn", answer=said(actor=actor, what="withdrew"))
        work.end_offer(step, "superseded")
        work.let_go(step, "withdrawn")
        work.write(step, request)
        return case.number
