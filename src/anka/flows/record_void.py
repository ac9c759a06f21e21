"""What the issuer said to the wish to void keys: with its receipts the money goes back, without them the case is judged again."""

from datetime import timedelta

from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.domain.case_states import CaseStatus
from anka.domain.deadlines import clock_named, due
from anka.flows.steps.case_parts import CaseStep, tell
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.change import Clock
from anka.flows.steps.give_back import Grant
from anka.flows.steps.judge import Verdict

VOIDS = system("void")


def record_void(*, case_number: str, receipts: dict[int, str | None], at: Moment) -> bool:
    """Go on with a case that waited for keys to be voided; `receipts` holds the issuer's word per unit, None where it gave none.

    Tell whether the case was still waiting. Harmless to repeat.
    """
    with database.transaction():
        state, case = lock_case(number=case_number, actor=VOIDS, request=unrepeated(str(VOIDS)), at=at)
        if case.status != CaseStatus.OPEN or not case.keys_void:
            return False
        work = CaseWork(state, case, VOIDS, at)
        step = CaseStep(number=case.number, what="case_keys_void", details={"receipts": {str(p): r for p, r in receipts.items()}})
        if all(receipts.get(position) for position in case.positions):
            verdicts = work.judge_again()
            step.merchant_answer = None
            work.pay(step, [Grant(v.positions, v.refund_each_minor, v.decision.goods_after) for v in verdicts])
            work.compensate(step, verdicts)
        else:
            step.what = "case_keys_not_void"
            _decide_again(work, step)
        work.write(step, unrepeated(str(VOIDS)))
        return True


def _decide_again(work: CaseWork, step: CaseStep) -> None:
    """The keys may still work, so the money does not go back by itself: the rules are asked again, as if nobody could void them."""
    verdicts = work.judge_again(voidable=False)
    step.receipts = work.receipts(verdicts)
    first: Verdict = verdicts[0]
    step.fault = first.decision.fault
    if all(verdict.decision.route == "instant" for verdict in verdicts):
        work.pay(step, [Grant(v.positions, v.refund_each_minor, v.decision.goods_after) for v in verdicts])
        work.compensate(step, verdicts)
    elif first.decision.route == "merchant":
        step.path = [CaseStatus.MERCHANT_TURN]
        place, minutes = work.case.clock_position, first.decision.answer_within_minutes or 0
        due_at = due(clock=clock_named(name="answer"), started_at=work.at.now) if not minutes else None
        work.change.clocks.append(Clock(kind="answer", position=place, due_at=due_at or work.at.now + timedelta(minutes=minutes)))
        work.start("ceiling")
        work.change.notices += tell(case=work.case, audiences=("shop",), kind="case_your_turn")
    else:
        work.to_platform(step)
