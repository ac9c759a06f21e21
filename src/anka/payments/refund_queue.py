"""The views of refunds that need somebody: stuck, waiting for funds, unknown for long; and of those that were paid by hand."""

from datetime import timedelta

from anka.core.clock import Moment
from anka.domain.dispute_states import DisputeState
from anka.domain.refund_plan import HAND
from anka.domain.refund_states import AttemptState, RefundState, StuckReason
from anka.domain.refund_steps import may_retry
from anka.payments.stuck import MOST, StuckLine, hand_refunds, stuck_refunds, waiting_refunds

VIEWS = ("stuck", "funds", "unknown", "by_hand")
# An answer that was missed for so long is somebody's to see; before that it is the schedule's.
UNKNOWN_FOR_LONG = timedelta(minutes=30)


def view(*, name: str, at: Moment) -> list[StuckLine]:
    """Return one view: `stuck` soonest due first, `funds` and `unknown` oldest first, `by_hand` newest first, at most 100 lines each."""
    if name == "stuck":
        return stuck_refunds(limit=MOST)
    if name == "by_hand":
        return hand_refunds(limit=MOST)
    if name == "funds":
        return waiting_refunds(statuses=(AttemptState.WAITING_FUNDS,), before=at.now, limit=MOST)
    return waiting_refunds(statuses=(AttemptState.UNKNOWN,), before=at.now - UNKNOWN_FOR_LONG, limit=MOST)


def steps_for(*, line: StuckLine, person_id: int) -> list[str]:
    """Return what a person of the finance staff can do about a line; another's time and a changed order may still refuse it."""
    if line.buyer_id == person_id:
        return []
    if line.reason is None:
        return ["returned"] if (line.channel, line.status) == (HAND, AttemptState.SUCCEEDED) else []
    if line.proof_kind is not None:
        return ["note"] if line.proof_by == person_id else ["approve", "refuse", "note"]
    steps = ["note"] if line.owner == person_id else ["take", "note"]
    if line.reason in (StuckReason.LATE, StuckReason.PAID_TWICE):
        return [*steps, "close"]
    if line.status == AttemptState.MANUAL:
        return [*steps, *_by_hand(line, person_id)]
    if line.chargeback == DisputeState.OPEN:
        return steps
    if may_retry(leg=RefundState(line.leg_status), attempt=AttemptState(line.status), reason=StuckReason(line.reason)):
        steps.append("retry")
    return [*steps, "begin_transfer"]


def _by_hand(line: StuckLine, person_id: int) -> list[str]:
    if line.channel != HAND:
        return ["console"]
    # What was transferred already has to be entered, whatever the payer's bank does meanwhile.
    return ["transfer", "abandon_transfer"] if line.owner == person_id else ["begin_transfer"]
