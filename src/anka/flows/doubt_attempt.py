"""A refund whose channel says something else than our books: what was heard, so that the channel can be asked again."""

from datetime import datetime

from anka.core import database
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState, RefundState, StuckReason
from anka.flows.record_refund_outcome import BOUNCES
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

HEARD = """
SELECT count(*), min(received_at) FILTER (WHERE source = 'poll') FROM payments_evidence
WHERE shop_id = %s AND attempt_id = %s AND status = ANY (%s) AND NOT applied AND received_at >= %s AND received_at <= %s
"""


def doubted(*, number: str, at: Moment) -> tuple[Attempt, datetime | None] | None:
    """Return a refund attempt whose success is contradicted, and since when the channel itself says so when asked (None: not yet).

    None where nothing speaks against it.

    Raises:
        NotFound: there is no such attempt.
    """
    with database.transaction():
        attempt = lock_attempt(number=number)
        if attempt.status != AttemptState.SUCCEEDED or attempt.ended_at is None:
            return None
        asked = (attempt.shop_id, attempt.attempt_id, [str(status) for status in BOUNCES], attempt.ended_at, at.now)
        ((times, since),) = database.rows(HEARD, asked)
        return (attempt, since) if times else None


def paid_beside(*, number: str) -> Attempt | None:
    """Return a refund attempt that was given up, where its channel may have paid it all the same and the leg waits for that to be known.

    Raises:
        NotFound: there is no such attempt.
    """
    with database.transaction():
        attempt = lock_attempt(number=number)
        is_over = attempt.status in (AttemptState.CLOSED, AttemptState.FAILED) and not attempt.is_latest
        waits = attempt.stuck is not None and attempt.stuck.reason == StuckReason.PAID_TWICE and attempt.leg_status == RefundState.STUCK
        return attempt if is_over and waits else None
