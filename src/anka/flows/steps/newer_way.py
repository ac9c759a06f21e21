"""A channel that paid under a number our books had given up: the buyer has the money, so the way that was opened since is called off."""

from anka.core import database
from anka.core.clock import Moment
from anka.core.outbox import ask
from anka.domain.refund_plan import HAND
from anka.domain.refund_states import NOT_SENT, OVER_FOR_CERTAIN, AttemptState, RefundState, StuckReason
from anka.flows.steps.refund_progress import event, write
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

LATER = """
SELECT number FROM payments_attempt WHERE shop_id = %(shop)s AND refund_id = %(refund)s AND leg = %(leg)s AND id > %(attempt)s
ORDER BY id DESC LIMIT 1
"""
WAS_PROVED = "SELECT EXISTS (SELECT FROM payments_proof WHERE shop_id = %s AND attempt_id = %s)"
PAID_BESIDE = """
SELECT DISTINCT older.number FROM payments_attempt AS older JOIN payments_evidence AS said
    ON said.shop_id = older.shop_id AND said.attempt_id = older.id AND said.status = 'succeeded' AND NOT said.applied
WHERE older.shop_id = %(shop)s AND older.refund_id = %(refund)s AND older.leg = %(leg)s AND older.id < %(attempt)s
    AND older.status IN ('closed', 'failed')
"""
S = AttemptState


def claim_leg(*, attempt: Attempt, target: AttemptState, actor: str, at: Moment) -> bool:
    """Let a leg stand and fall with this locked attempt where it has paid the leg, is the newest, or turns out to have paid; tell whether.

    It has paid only where nothing has gone a newer way; that is called off.
    """
    if attempt.status == S.SUCCEEDED:
        return True
    if attempt.leg_status == RefundState.SUCCEEDED:
        return False
    return attempt.is_latest or (target == S.SUCCEEDED and _call_off(attempt, actor, at))


def ask_about_older(*, newest: Attempt, at: Moment) -> None:
    """Have the channel asked again about numbers that it said it had paid, now that the newest way is over and has paid nothing."""
    if newest.stuck is None or newest.stuck.reason != StuckReason.PAID_TWICE:
        return
    for (number,) in database.rows(PAID_BESIDE, _place(newest)):
        ask(shop_id=newest.shop_id, topic="refund", subject=number, due_at=at.now, at=at)


def _call_off(older: Attempt, actor: str, at: Moment) -> bool:
    """Give up the newest way of a locked attempt's leg where nothing has gone that way, and tell whether none is under way then."""
    newest = lock_attempt(number=database.value(LATER, _place(older)))
    if newest.status in OVER_FOR_CERTAIN:
        return True
    if newest.status in NOT_SENT:
        status = S.CLOSED
    elif (newest.channel, newest.status) == (HAND, S.MANUAL) and not database.value(WAS_PROVED, (newest.shop_id, newest.attempt_id)):
        status = S.FAILED
    else:
        return False
    called_off = event(what="refund_called_off", attempt=newest, more={"paid_as": older.number})
    write(change={"attempt": {"status": status}, "events": [called_off]}, attempt=newest, actor=actor, at=at)
    return True


def _place(attempt: Attempt) -> dict[str, object]:
    return {"shop": attempt.shop_id, "refund": attempt.refund_id, "leg": attempt.leg, "attempt": attempt.attempt_id}
