"""Take up a refund attempt before its channel is asked: written down first, so that a crash during the call is seen as unknown."""

import msgspec

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

WRITE = "SELECT write_refund_outcome($1, $2, $3, $4, $5, $6)"
REFUNDS = system("refunds")
OPEN = frozenset({AttemptState.CREATED, AttemptState.SUBMITTING, AttemptState.PROCESSING, AttemptState.UNKNOWN, AttemptState.WAITING_FUNDS})


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
                "attempt": {"status": AttemptState.SUBMITTING, "leg_status": "processing", "refund_status": "processing"},
                "events": [{"what": "refund_submitted", "positions": positions(attempt), "details": about(attempt)}],
            }
            body = msgspec.json.encode(change).decode()
            database.call(WRITE, attempt.shop_id, attempt.order_id, attempt.attempt_id, at.now, str(REFUNDS), body)
        return attempt


def positions(attempt: Attempt) -> list[int]:
    """Return the positions of the units an attempt's refund repays."""
    return [unit.position for unit in attempt.units]


def about(attempt: Attempt) -> dict[str, object]:
    """Return what an event says about an attempt."""
    return {
        "refund": attempt.refund_number,
        "attempt": attempt.number,
        "channel": attempt.channel,
        "amount_minor": attempt.amount_minor,
    }
