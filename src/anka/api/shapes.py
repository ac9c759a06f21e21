"""The shapes that go out. Field names are the contract's; amounts are integers in minor units, times RFC 3339 with zone."""

from datetime import datetime
from typing import Any, Literal

import msgspec


class StepUpAnswer(msgspec.Struct):
    """Until when this session may do what asks for a recent sign-in. A token's scopes decide instead, so it stays as it is."""

    fresh_until: datetime


class TokenAnswer(msgspec.Struct):
    """A bearer token. It is shown once."""

    token: str
    token_type: str
    expires_at: datetime
    scopes: list[str]


class Action(msgspec.Struct):
    """One thing that may, or may not, be done now; `why_not` says why."""

    name: str
    method: str
    path: str
    label: str
    allowed: bool
    why_not: str | None
    unit: str | None = None


class ProductRef(msgspec.Struct):
    """The product of an order."""

    id: str
    name: str
    kind: str
    face_value: str
    region: str


class UnitView(msgspec.Struct):
    """One piece: where its goods are (stage), where its money is (money), and since when."""

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
    status: str
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    channel_number: str | None


class LegView(msgspec.Struct):
    """One way a refund takes, and by when it should have arrived."""

    channel: str
    amount_minor: int
    status: str
    arrives_by: datetime
    ended_at: datetime | None
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
    """Something worth knowing about an order that stops nothing."""

    code: str
    detail: str


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
    """An order in a list."""

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
    units: list[UnitLine]


class OrderList(msgspec.Struct):
    """One page of orders; `next` is the cursor of the following page."""

    items: list[OrderLine]
    next: str | None


class TermsView(msgspec.Struct):
    """What the merchant promises with a product."""

    version: int
    refund_window_minutes: int
    warranty_minutes: int
    promise_minutes: int
    hold_minutes: int
    maximum_quantity: int


class ShopView(msgspec.Struct):
    """The merchant behind a product."""

    code: str
    name: str
    opened_at: datetime


class ProductView(msgspec.Struct):
    """A product with its terms, the notice to be confirmed (empty where there is none), its merchant, and what is in stock."""

    id: str
    name: str
    description: str
    kind: str
    delivery: str
    face_value: str
    region: str
    price_minor: int
    currency: str
    on_sale: bool
    available: int
    shop: ShopView
    terms: TermsView
    notice: str
    listed_at: datetime


class ProductList(msgspec.Struct):
    """One page of products."""

    items: list[ProductView]
    next: str | None


class RuleView(msgspec.Struct):
    """One rule, as people read it."""

    id: str
    position: int
    words: dict[str, str]


class PolicyView(msgspec.Struct):
    """The rules: readable, and as the data they are decided by (TOML by file name)."""

    version: str
    current: bool
    rules: list[RuleView]
    reasons: list[dict[str, Any]]
    data: dict[str, str]


class Quote(msgspec.Struct):
    """What would happen: a decision per unit, the amount, the ways it takes and by when, in words. Asking changes nothing."""

    id: str
    decisions: list[dict[str, Any]]
    refund_minor: int
    left_minor: int
    ask_required: bool
    currency: str
    legs: list[dict[str, Any]]
    words: dict[str, str]
    policy_version: str
    allowed: bool
    why_not: dict[str, str] | None


class CaseView(msgspec.Struct):
    """A case: whose turn, by when, what happens if nobody moves, what was decided and on which facts."""

    number: str
    order: str
    kind: str
    status: str
    units: list[str]
    asker: str
    reason: str
    statement: str
    turn: str
    due_at: datetime | None
    if_silent: str | None
    ask_minor: int | None
    ask_replacement: bool
    offered_minor: int | None
    merchant_answer: str
    fault: str | None
    decision: dict[str, Any] | None
    facts: Any
    words: dict[str, str] | None
    policy_version: str | None
    refund_minor: int
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    answers: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    ruling: dict[str, Any] | None
    proposed_ruling: dict[str, Any] | None
    outcome: str | None
    refunds: list[str]
    actions: list[Action]


class CasesAnswer(msgspec.Struct):
    """The cases a request became: one per distinct decision."""

    cases: list[CaseView]


class CaseLine(msgspec.Struct):
    """A case in a list."""

    number: str
    order: str
    kind: str
    status: str
    units: list[str]
    reason: str
    turn: str
    due_at: datetime | None
    refund_minor: int
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None


class CaseList(msgspec.Struct):
    """One page of cases."""

    items: list[CaseLine]
    next: str | None


class Secret(msgspec.Struct):
    """The plain text of a unit. It is not stored on the way; do not log it."""

    unit: str
    secret: str


class WalletLine(msgspec.Struct):
    """One movement of the wallet; the amount is negative where money left it."""

    at: datetime
    kind: str
    amount_minor: int


class Wallet(msgspec.Struct):
    """The balance of the buyer's wallet and its newest movements."""

    balance_minor: int
    currency: str
    items: list[WalletLine]
    next: str | None


class ClockAnswer(msgspec.Struct):
    """The time of the market now, and what the clocks that fell have done."""

    now: datetime
    offset_seconds: int


class PlayAnswer(msgspec.Struct):
    """What the gateway made of it."""

    status: str


class Health(msgspec.Struct):
    """Whether this instance works, and what does not."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]
