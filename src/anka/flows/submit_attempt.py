"""Take up a refund attempt before its channel is asked: written down first, so that a crash during the call is seen as unknown."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.domain.refund_states import NOT_SENT, AttemptState, RefundState
from anka.flows.steps.refund_progress import event, follow, legs_after, write
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

REFUNDS = system("refunds")
S = AttemptState
# Abnormal is stuck, not over: a person looks after it, and the channel is still asked in case it mends by itself.
OPEN = frozenset({S.CREATED, S.SUBMITTING, S.PROCESSING, S.UNKNOWN, S.WAITING_FUNDS, S.ABNORMAL})
# What was refused for want of funds moved nothing: also a channel that is asked once may be asked again then.


class HeldByDispute(Exception):
    """The payer's bank may have taken the payment back: nothing is sent of it until that is decided. Not for people: ask again later."""


class Asking(StrEnum):
    """How a channel may be asked for a refund: again under the same number, or once only because it knows no numbers of refunds."""

    AGAIN = "again"
    ONCE = "once"


def always_again(_channel: str) -> Asking:
    """Return that every channel knows its refunds by our numbers."""
    return Asking.AGAIN


def submit_attempt(*, number: str, at: Moment, asking: Callable[[str], Asking] = always_again) -> Attempt | None:
    """Mark a fresh attempt as being submitted and return it as it was before; None where nothing is left to ask the channel.

    A returned status of `created` means: submit. Anything else means that the channel was, or may have been, asked before: query first.
    Where it may be asked once only (`asking` tells of each channel), what may have reached it goes to a person instead, and
    `waiting_funds` means: submit again.

    Raises:
        NotFound: there is no such attempt. HeldByDispute: it was not sent yet, and must not be now.
    """
    with database.transaction():
        attempt = lock_attempt(number=number)
        if attempt.status not in OPEN:
            return None
        if attempt.is_charged_back and attempt.status in NOT_SENT:
            raise HeldByDispute
        is_once = asking(attempt.channel) == Asking.ONCE
        if is_once and attempt.status not in NOT_SENT:
            _hand_over(attempt, at)
            return None
        if attempt.status == S.CREATED or is_once:
            change: dict[str, Any] = {
                "attempt": {"status": S.SUBMITTING, **legs_after(attempt=attempt, leg=RefundState.PROCESSING)},
                "events": [event(what="refund_submitted", attempt=attempt, more={})],
            }
            write(change=change, attempt=attempt, actor=str(REFUNDS), at=at)
        return attempt


def _hand_over(attempt: Attempt, at: Moment) -> None:
    """Nobody can be asked whether this refund was made, and asking for it again could make it twice."""
    change: dict[str, Any] = {"attempt": {"status": S.MANUAL}, "events": []}
    follow(change=change, attempt=attempt, target=S.MANUAL, channel_number=None, at=at)
    write(change=change, attempt=attempt, actor=str(REFUNDS), at=at)
