"""Take up a refund attempt before its channel is asked: written down first, so that a crash during the call is seen as unknown."""

import msgspec

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState, RefundState
from anka.flows.steps.refund_progress import WRITE, about, legs_after, positions
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

REFUNDS = system("refunds")
# Abnormal is stuck, not over: a person looks after it, and the channel is still asked in case it mends by itself.
OPEN = frozenset(
    {
        AttemptState.CREATED,
        AttemptState.SUBMITTING,
        AttemptState.PROCESSING,
        AttemptState.UNKNOWN,
        AttemptState.WAITING_FUNDS,
        AttemptState.ABNORMAL,
    }
)


def submit_attempt(*, number: str, at: Moment) -> Attempt | None:
    """Mark a fresh attempt as being submitted and return it as it was before; None where nothing is left to ask the channel.

    A returned status of `created` means: submit. Anything else means that the channel was, or may have been, asked before: query first.

    Raises:
        NotFound: there is no such attempt.
    """
    with database.transaction():
        attempt = lock_attempt(number=number)
        if attempt.status not in OPEN:
            return None
        if attempt.status == AttemptState.CREATED:
            change = {
                "attempt": {"status": AttemptState.SUBMITTING, **legs_after(attempt=attempt, leg=RefundState.PROCESSING)},
                "events": [{"what": "refund_submitted", "positions": positions(attempt), "details": about(attempt)}],
            }
            body = msgspec.json.encode(change).decode()
            database.call(WRITE, attempt.shop_id, attempt.order_id, attempt.attempt_id, at.now, str(REFUNDS), body)
        return attempt
