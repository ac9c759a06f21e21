"""One payment through one channel."""

from enum import StrEnum

from anka.domain.transitions import transitions


class PaymentState(StrEnum):
    """What is known about a payment."""

    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"


P = PaymentState
# Money can arrive after the channel was told to close, or after it reported a failure: it is taken, and goes the late way.
PAYMENT_CHANGES = transitions(
    what="payment",
    changes={
        P.CREATED: (P.PENDING, P.PAID, P.FAILED, P.CLOSED),
        P.PENDING: (P.PAID, P.FAILED, P.CLOSED),
        P.FAILED: (P.PAID,),
        P.CLOSED: (P.PAID,),
    },
)


def after(*, before: PaymentState, after: PaymentState) -> PaymentState:
    """Return the new state, or raise IllegalChange."""
    return PAYMENT_CHANGES.require(before=before, after=after)


def table() -> list[tuple[str, str]]:
    """Return every allowed change as sorted rows (from, to)."""
    return PAYMENT_CHANGES.table()
