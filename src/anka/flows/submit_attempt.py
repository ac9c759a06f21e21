"""Take up a refund attempt before its channel is asked: written down first, so that a crash during the call is seen as unknown."""

import msgspec

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState, RefundState, of_legs
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

WRITE = "SELECT write_refund_outcome($1, $2, $3, $4, $5, $6)"
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
OTHER_LEGS = "SELECT status FROM payments_leg WHERE shop_id = %s AND refund_id = %s AND leg <> %s"


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
                "attempt": {"status": AttemptState.SUBMITTING, **legs_after(attempt, RefundState.PROCESSING)},
                "events": [{"what": "refund_submitted", "positions": positions(attempt), "details": about(attempt)}],
            }
            body = msgspec.json.encode(change).decode()
            database.call(WRITE, attempt.shop_id, attempt.order_id, attempt.attempt_id, at.now, str(REFUNDS), body)
        return attempt


def legs_after(attempt: Attempt, leg: RefundState) -> dict[str, str]:
    """Return what an attempt's leg becomes and what its refund is then; a leg that is stuck shows through whatever the others do."""
    others: list[RefundState] = []
    if attempt.other_legs_open:
        others = [RefundState(row[0]) for row in database.rows(OTHER_LEGS, (attempt.shop_id, attempt.refund_id, attempt.leg))]
    return {"leg_status": leg, "refund_status": of_legs(legs=(leg, *others))}


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
