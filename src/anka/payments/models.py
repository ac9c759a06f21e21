"""Refund attempts as they are read under lock, and refunds as they are shown."""

from datetime import datetime

import msgspec

from anka.domain.refund_states import AttemptState, RefundState


class RepaidUnit(msgspec.Struct, frozen=True):
    """A unit that a refund repays, with its money as it stands."""

    position: int
    amount_minor: int
    money: str
    unit_amount_minor: int
    unit_refunded_minor: int


class Attempt(msgspec.Struct, frozen=True):
    """One conversation with one channel about one leg of a refund, read under the lock of its order.

    Where unidentified money without an order goes back, `order_id` is None, `buyer_id` 0, and the payment is the channel's own.
    """

    shop_id: int
    shop_code: str
    order_id: int | None
    buyer_id: int
    currency: str
    attempt_id: int
    number: str
    status: AttemptState
    channel: str
    amount_minor: int
    asked: int
    created_at: datetime
    leg: int
    refund_id: int
    refund_number: str
    refund_status: RefundState
    payment_number: str
    payment_channel: str
    payment_amount_minor: int
    transaction_number: str | None
    other_legs_open: int
    attempts_so_far: int
    units: tuple[RepaidUnit, ...]


attempt_decoder = msgspec.json.Decoder(Attempt)


class LegView(msgspec.Struct, frozen=True):
    """One way a refund takes, with how often its channel was asked and what it calls it."""

    channel: str
    amount_minor: int
    status: str
    arrives_by: datetime
    attempts: int
    channel_number: str | None
    submitted_at: datetime | None
    ended_at: datetime | None


class RefundView(msgspec.Struct, frozen=True):
    """A refund as its parties see it."""

    number: str
    order_number: str
    buyer_id: int
    shop_id: int
    cause: str
    case_number: str | None
    amount_minor: int
    currency: str
    status: str
    intended_at: datetime
    ended_at: datetime | None
    positions: list[int]
    legs: list[LegView]
