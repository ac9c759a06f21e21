"""What follows when the clock of a case falls: silence pays, hands on, closes or carries out — a batch of cases in one transaction."""

from collections.abc import Callable

import msgspec

from anka.cases.models import CaseState
from anka.cases.queries import lock_case, lock_fallen
from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.domain.case_states import CaseStatus
from anka.domain.case_turns import rule_due
from anka.domain.rulings import remedy_of
from anka.flows.steps.carry_out_ruling import carry_out_ruling, ruled_grants
from anka.flows.steps.case_parts import CaseStep, NewRuling, tell
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.change import Change, Clock, due_of
from anka.flows.steps.merchant_money import post_dues
from anka.orders.models import OrderState

CLOCKS = system("case-clock")
BATCH = 200
CHANGE_ALL = "SELECT change_orders(%s, %s, %s::jsonb)"


def fall_case_clocks(*, at: Moment, limit: int = BATCH) -> int:
    """Act on a batch of cases whose clock has fallen and return how many. One transaction: all of them, or none and nothing has changed."""
    with database.transaction():
        found = lock_fallen(limit=limit, at=at)
        if not found:
            return 0
        _write([_changed(state, case, kind, at) for state, case, kind in found], at)
        return len(found)


def fall_one_case(*, case_number: str, at: Moment) -> bool:
    """Act on the fallen clock of one case; tell whether there was one. For a case that spoiled its batch."""
    with database.transaction():
        state, case = lock_case(number=case_number, actor=CLOCKS, request=unrepeated(str(CLOCKS)), at=at)
        fallen = [clock.kind for clock in case.clocks if clock.state == "running" and clock.due_at <= at.now]
        if not fallen:
            return False
        kind = "ceiling" if "ceiling" in fallen else fallen[0]
        _write([_changed(state, case, kind, at)], at)
        return True


def _write(changed: list[tuple[OrderState, Change]], at: Moment) -> None:
    """Write all changes, then what they claim of merchants' money: balances are locked last, shop by shop."""
    dues = [due_of(state=state, change=change) for state, change in changed]
    written = [{"shop_id": state.shop_id, "order_id": state.id, "change": msgspec.to_builtins(change)} for state, change in changed]
    database.rows(CHANGE_ALL, (at.now, str(CLOCKS), msgspec.json.encode(written).decode()))
    post_dues(dues=tuple(due for due in dues if due is not None), at=at)


def _changed(state: OrderState, case: CaseState, kind: str, at: Moment) -> tuple[OrderState, Change]:
    work = CaseWork(state, case, CLOCKS, at)
    step = CaseStep(number=case.number, what=f"case_{kind}_fell")
    _FALLS[kind](work, step)
    work.change.steps.append(step)
    work.change.currency = state.currency
    return state, work.change


def _answer(work: CaseWork, step: CaseStep) -> None:
    """The merchant was silent: as the rules said when the case was opened, that pays what was offered, or goes to the platform."""
    verdicts = work.judge_again(merchant_answer="silent")
    step.what, step.merchant_answer, step.receipts = "case_silent", "silent", work.receipts(verdicts)
    step.fault = verdicts[0].decision.fault
    work.end_offer(step, "expired")
    if any(verdict.decision.route != "instant" for verdict in verdicts):
        work.to_platform(step, fallen="answer")
        return
    offered = work.case.offered_minor or 0
    step.details = {"refund_minor": offered}
    work.pay(step, work.grants_of(verdicts, offered), fallen="answer")
    work.compensate(step, verdicts)


def _offer(work: CaseWork, step: CaseStep) -> None:
    """The buyer did not answer an offer: that is no agreement, so the platform decides."""
    verdicts = work.judge_again(merchant_answer="refused")
    step.what, step.merchant_answer, step.receipts = "case_offer_expired", "refused", work.receipts(verdicts)
    work.end_offer(step, "expired")
    work.to_platform(step, fallen="offer")


def _to_review(work: CaseWork, step: CaseStep, kind: str) -> None:
    case = work.case
    step.what = "case_review"
    if case.status != CaseStatus.EVIDENCE:
        work.change.clocks.append(Clock(kind=kind, position=case.clock_position, ends_as="fallen"))
        return
    step.path = [CaseStatus.REVIEW]
    work.stop_clocks(fallen=kind, keep=frozenset({"ceiling"}))
    due_at = rule_due(platform_since=case.platform_since or work.at.now, now=work.at.now)
    work.change.clocks.append(Clock(kind="rule", position=case.clock_position, due_at=due_at))


def _look(work: CaseWork, step: CaseStep) -> None:
    step.details = {"look_overdue": True}
    work.change.notices += tell(case=work.case, audiences=("platform",), kind="case_look_overdue")
    _to_review(work, step, "look")


def _evidence(work: CaseWork, step: CaseStep) -> None:
    _to_review(work, step, "evidence")


def _rule(work: CaseWork, step: CaseStep) -> None:
    """The platform is late: that is an alarm, and the clock starts anew. Only the ceiling decides without it."""
    step.what = "case_ruling_overdue"
    work.stop_clocks(fallen="rule", keep=frozenset({"ceiling", "evidence"}))
    work.start("rule")
    work.change.notices += tell(case=work.case, audiences=("platform",), kind="case_ruling_overdue")


def _escalate(work: CaseWork, step: CaseStep) -> None:
    step.what = "case_expired"
    work.end_offer(step, "expired")
    work.let_go(step, "expired", fallen="escalate")


def _appeal(work: CaseWork, step: CaseStep) -> None:
    """Nobody appealed: the ruling is carried out."""
    step.what = "case_ruling_carried_out"
    ruling = work.case.given_ruling
    if ruling is not None:
        carry_out_ruling(work=work, step=step, ruling=ruling, fallen="appeal")


def _ceiling(work: CaseWork, step: CaseStep) -> None:
    """Fifteen days without a ruling: decided for the buyer, at the platform's fault. An appeal nobody decided leaves the first ruling."""
    case, given = work.case, work.case.given_ruling
    step.what = "case_ceiling_reached"
    work.end_offer(step, "expired")
    if case.status == CaseStatus.APPEAL and given is not None:
        carry_out_ruling(work=work, step=step, ruling=given, before=(CaseStatus.FINAL,), fallen="ceiling")
        return
    left = sum(work.left_each_minor)
    amount = min(left, next((minor for minor in (case.ask_minor, case.offered_minor) if minor), left))
    step.ruling = NewRuling(
        instance=1,
        status="given",
        by_person=0,
        fault="platform",
        remedy=remedy_of(refund_minor=amount, left_minor=left),
        refund_minor=amount,
        reasons=["OTHER"],
        text="15 日内未作出裁决，依规支持买家。 / No ruling within 15 days: decided for the buyer.",
    )
    step.fault, step.details = "platform", {"refund_minor": amount}
    before = (CaseStatus.DECIDED,) if case.status in (CaseStatus.EVIDENCE, CaseStatus.REVIEW) else ()
    work.pay(step, ruled_grants(work=work, refund_minor=amount), before=before, fallen="ceiling")


_FALLS: dict[str, Callable[[CaseWork, CaseStep], None]] = {
    "answer": _answer,
    "offer": _offer,
    "look": _look,
    "evidence": _evidence,
    "rule": _rule,
    "escalate": _escalate,
    "appeal": _appeal,
    "ceiling": _ceiling,
}
