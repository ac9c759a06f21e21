"""A refund is an intent; a leg is its part through one payment; an attempt is one conversation with one channel.

Unknown is never failed: it is asked about first, then tried again with the same number.
"""

from enum import StrEnum

from anka.domain.transitions import transitions


class AttemptState(StrEnum):
    """What is known about one attempt, from whatever source said it last."""

    CREATED = "created"
    SUBMITTING = "submitting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"
    WAITING_FUNDS = "waiting_funds"
    CLOSED = "closed"
    ABNORMAL = "abnormal"
    FAILED = "failed"
    REVERSED = "reversed"
    MANUAL = "manual"


class RefundState(StrEnum):
    """How far a refund is, and each of its legs. `stuck` has an owner and a clock; it is not failed."""

    INTENDED = "intended"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    STUCK = "stuck"
    FAILED = "failed"


class StuckReason(StrEnum):
    """Why a person looks after a leg of a refund."""

    FAILED = "failed"
    CLOSED = "closed"
    ABNORMAL = "abnormal"
    OUTCOME_UNKNOWN = "outcome_unknown"
    BY_HAND = "by_hand"
    RETURNED = "returned"
    REVERSED = "reversed"
    LATE = "late"
    PAID_TWICE = "paid_twice"


A, R = AttemptState, RefundState
_ANSWERS = (A.PROCESSING, A.SUCCEEDED, A.UNKNOWN, A.WAITING_FUNDS, A.CLOSED, A.ABNORMAL, A.FAILED, A.MANUAL)
# A closed attempt is over: the next one has a new number. Success can still arrive after a reported failure or closing, as long as no
# newer attempt has taken its place.
ATTEMPT_CHANGES = transitions(
    what="refund attempt",
    changes={
        A.CREATED: (A.SUBMITTING, A.CLOSED),
        A.SUBMITTING: _ANSWERS,
        A.PROCESSING: tuple(state for state in _ANSWERS if state != A.PROCESSING),
        A.UNKNOWN: (A.SUBMITTING, *(state for state in _ANSWERS if state != A.UNKNOWN)),
        A.WAITING_FUNDS: (A.SUBMITTING, *(state for state in _ANSWERS if state != A.WAITING_FUNDS)),
        A.ABNORMAL: (A.PROCESSING, A.SUCCEEDED, A.CLOSED, A.FAILED, A.MANUAL),
        A.CLOSED: (A.SUCCEEDED,),
        A.FAILED: (A.SUCCEEDED, A.MANUAL),
        A.SUCCEEDED: (A.REVERSED,),
        A.REVERSED: (A.MANUAL,),
        A.MANUAL: (A.SUCCEEDED, A.FAILED),
    },
)
REFUND_CHANGES = transitions(
    what="refund",
    changes={
        R.INTENDED: (R.PROCESSING, R.SUCCEEDED, R.STUCK),
        R.PROCESSING: (R.SUCCEEDED, R.STUCK, R.FAILED),
        R.STUCK: (R.PROCESSING, R.SUCCEEDED, R.FAILED),
        R.FAILED: (R.PROCESSING, R.SUCCEEDED),
        R.SUCCEEDED: (R.STUCK,),
    },
)


NOT_SENT = frozenset({A.CREATED, A.WAITING_FUNDS})
"""Nothing has moved under the attempt's number: the channel was never asked, or wants funds of ours first."""
OVER_FOR_CERTAIN = frozenset({A.CLOSED, A.FAILED, A.REVERSED})
"""After these nothing moves any more under the attempt's number, so that another way may be taken."""
HAS_GIVEN_UP = OVER_FOR_CERTAIN | {A.ABNORMAL}
"""After these the channel does nothing by itself: it could not, and was asked for its other way."""


def attempt_after(*, before: AttemptState, after: AttemptState) -> AttemptState:
    """Return the attempt's new state, or raise IllegalChange."""
    return ATTEMPT_CHANGES.require(before=before, after=after)


def after(*, before: RefundState, after: RefundState) -> RefundState:
    """Return the new state of a refund or of one of its legs, or raise IllegalChange."""
    return REFUND_CHANGES.require(before=before, after=after)


def of_legs(*, legs: tuple[RefundState, ...]) -> RefundState:
    """Return the state of a refund from the states of its legs: stuck or failed shows first, succeeded only when every leg is.

    Raises:
        ValueError: there is no leg.
    """
    if not legs:
        raise ValueError("a refund has at least one leg")
    for shown_first in (R.FAILED, R.STUCK):
        if shown_first in legs:
            return shown_first
    return legs[0] if len(set(legs)) == 1 else R.PROCESSING


def attempt_table() -> list[tuple[str, str]]:
    """Return every allowed change of an attempt as sorted rows (from, to)."""
    return ATTEMPT_CHANGES.table()


def table() -> list[tuple[str, str]]:
    """Return every allowed change of a refund or leg as sorted rows (from, to)."""
    return REFUND_CHANGES.table()
