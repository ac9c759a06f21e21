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


class Stuck(msgspec.Struct, frozen=True):
    """What a person has to look after about a leg: why, since when, by when, and who has taken it up (None: nobody yet)."""

    id: int
    reason: str
    since: datetime
    due_at: datetime
    owner: int | None


class Proof(msgspec.Struct, frozen=True):
    """What a person says about money that no machine can see, not approved by a second one yet.

    `kind` is transfer (made by hand: to `payee`, from our account `bank`) or console (the channel's own pages show it).
    """

    id: int
    kind: str
    says: str
    payee: str
    bank: str
    reference: str
    amount_minor: int
    made_by: int
    made_at: datetime


class Attempt(msgspec.Struct, frozen=True):
    """One conversation with one channel about one leg of a refund, read under the lock of its order.

    Where unidentified money without an order goes back, `order_id` is None, `buyer_id` 0, and the payment is the channel's own;
    where unused balance of a wallet does, `order_id` is None and `buyer_id` the wallet's owner.
    `leg_channel` is where the money is owed through; an attempt may take another way (the wallet, or by hand). `reversals` counts how often
    the leg's money had arrived and came back. `is_charged_back`: the payer's bank may have taken the payment back, so nothing is sent.
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
    is_latest: bool
    submitted_at: datetime | None
    mended_at: datetime | None
    ended_at: datetime | None
    leg_channel: str
    leg_status: RefundState
    alarmed_at: datetime | None
    intended_at: datetime
    reversals: int
    stuck: Stuck | None
    proof: Proof | None
    is_charged_back: bool = False


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
