"""The shapes of orders that go out: units, payments, refunds, what happened, what may be done."""

from datetime import datetime
from typing import Any

import msgspec


class Action(msgspec.Struct):
    """One thing that may, or may not, be done now; `why_not` says why. `needs` names what has to be said with it: `ask`, an amount."""

    name: str
    method: str
    path: str
    label: str
    allowed: bool
    why_not: str | None
    unit: str | None = None
    needs: list[str] = []


class ProductRef(msgspec.Struct):
    """The product of an order."""

    id: str
    name: str
    kind: str
    face_value: str
    region: str


class UnitView(msgspec.Struct):
    """One piece: where its goods are (stage), where its money is (money), and since when.

    `use_check`, `used_by`, `voidable` and `matches_order` are the newest word of the issuer's records, `frozen_minor` is what an open case
    argues about, `replaces` the unit whose place this one took.
    """

    id: str
    position: int
    stage: str
    money: str
    since: datetime
    delivered_at: datetime | None
    revealed_at: datetime | None
    confirmed_at: datetime | None
    amount_minor: int
    refunded_minor: int
    frozen_minor: int
    use_check: str
    used_by: str
    voidable: bool
    matches_order: str
    replaces: str | None


class PaymentView(msgspec.Struct):
    """A payment. `cashier_url` is where it is paid, `qr` the text of the code for a second device; both only while it is open."""

    number: str
    order: str
    channel: str
    status: str
    amount_minor: int
    currency: str
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    refunded_minor: int
    cashier_url: str | None
    qr: str | None


class AttemptView(msgspec.Struct):
    """One conversation with a channel about a leg of a refund."""

    number: str
    channel: str
    status: str
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    channel_number: str | None


class LegView(msgspec.Struct):
    """One way a refund takes, by when it should have arrived, what comes next by when, and what you may do about it.

    `next_step`: arrived, ask_channel, channel_pays, ask_again, wait_for_funds, to_wallet, person_looks, person_transfers or
    buyer_may_choose; `next_by` is when a person will have looked, or the money will have arrived. `actions`: choose_wallet.
    """

    leg: int
    channel: str
    amount_minor: int
    status: str
    arrives_by: datetime
    ended_at: datetime | None
    channel_number: str | None
    next_step: str
    next_by: datetime | None
    actions: list[str]
    attempts: list[AttemptView]


class RefundView(msgspec.Struct):
    """Money that goes back."""

    number: str
    order: str
    case: str | None
    cause: str
    status: str
    amount_minor: int
    currency: str
    units: list[str]
    intended_at: datetime
    ended_at: datetime | None
    legs: list[LegView]


class EventView(msgspec.Struct):
    """One event of the order's chain; `proof` is the hash that chains it to the one before."""

    at: datetime
    actor: str
    what: str
    units: list[str]
    details: dict[str, Any]
    proof: str


class OrderWarning(msgspec.Struct):
    """Something worth knowing about an order, or one unit of it, that stops nothing: issuer_says_bad, late_delivery, odd_payment,
    late_payment, double_payment."""

    code: str
    detail: str
    unit: str | None = None


class OrderView(msgspec.Struct):
    """An order with everything about it; `actions` is the truth about what may be done now."""

    number: str
    shop: str
    shop_name: str
    product: ProductRef
    quantity: int
    amount_minor: int
    currency: str
    label: str
    status: str
    placed_at: datetime
    hold_until: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    paid_minor: int
    refunded_minor: int
    notice: str
    policy_version: str
    units: list[UnitView]
    payments: list[PaymentView]
    refunds: list[RefundView]
    cases: list[str]
    timeline: list[EventView]
    warnings: list[OrderWarning]
    actions: list[Action]


class UnitLine(msgspec.Struct):
    """A unit of an order in a list."""

    id: str
    stage: str
    money: str


class OrderLine(msgspec.Struct):
    """An order in a list. `due_at` is when it was promised, while something of it is still to be delivered."""

    number: str
    shop: str
    shop_name: str
    name: str
    kind: str
    face_value: str
    quantity: int
    amount_minor: int
    currency: str
    label: str
    status: str
    placed_at: datetime
    hold_until: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    refunded_minor: int
    due_at: datetime | None
    units: list[UnitLine]


class OrderList(msgspec.Struct):
    """One page of orders; `next` is the cursor of the following page."""

    items: list[OrderLine]
    next: str | None


class Secret(msgspec.Struct):
    """The plain text of a unit. It is not stored on the way; do not log it."""

    unit: str
    secret: str
