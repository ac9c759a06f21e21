"""Let a channel send an abnormal refund another way: once by itself, written down before it is asked."""

from typing import Any

from anka.core import database
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState, RefundState
from anka.flows.steps.refund_progress import event, legs_after, write
from anka.flows.submit_attempt import REFUNDS
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt


def mend_attempt(*, number: str, at: Moment) -> Attempt | None:
    """Mark an abnormal attempt as under way again and return it as it was; None where it was tried before or is no longer abnormal.

    Whoever wants to take another way for its money finds it under way until the channel has answered.

    Raises:
        NotFound: there is no such attempt.
    """
    with database.transaction():
        attempt = lock_attempt(number=number)
        if attempt.status != AttemptState.ABNORMAL or attempt.mended_at is not None or not attempt.is_latest:
            return None
        change: dict[str, Any] = {
            "attempt": {
                "status": AttemptState.PROCESSING,
                "mended": True,
                **legs_after(attempt=attempt, leg=RefundState.PROCESSING),
            },
            "events": [event(what="refund_being_mended", attempt=attempt, more={})],
        }
        write(change=change, attempt=attempt, actor=str(REFUNDS), at=at)
        return attempt
