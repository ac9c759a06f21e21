"""One order as it is read from the database: everything a flow needs to decide, everything a page needs to show."""

from datetime import datetime

import msgspec

from anka.core.actors import Actor, ActorKind
from anka.domain.delivery_states import Stage
from anka.domain.dispute_states import DisputeKind
from anka.domain.goods import Goods
from anka.domain.payment_states import PaymentState
from anka.domain.unit_money import UnitMoney


class Standing(msgspec.Struct, frozen=True):
    """Who the actor is at this moment: active at all, role in the order's shop, roles on the platform."""

    active: bool
    shop_role: str | None
    staff_roles: tuple[str, ...]


class Unit(msgspec.Struct, frozen=True):
    """One piece of goods. Its number in the world is the order's number, a dash and its position.

    `merchant_minor` is what the merchant got of it, `frozen_minor` what an open case argues about; `use_check` to `delivered_percent` are
    the newest conclusive word of the issuer's records, in the words of the facts (domain/facts.py).
    """

    position: int
    goods: Goods
    stage: Stage
    money: UnitMoney
    amount_minor: int
    refunded_minor: int
    since: datetime
    delivered_at: datetime | None
    revealed_at: datetime | None
    revealed_by: int | None
    confirmed_at: datetime | None
    key_id: int | None
    under_case: bool
    frozen_minor: int = 0
    merchant_minor: int = 0
    case_count: int = 0
    replaces: int | None = None
    use_check: str = "unknown"
    used_by: str = "unknown"
    voidable: bool = False
    matches_order: str = "unknown"
    delivered_percent: int | None = None
    issuer_asked_at: datetime | None = None

    @property
    def left_minor(self) -> int:
        """What of the unit's price has not gone back."""
        return self.amount_minor - self.refunded_minor

    @property
    def commission_minor(self) -> int:
        """What of a confirmed unit the platform has as commission; nothing before it is confirmed."""
        return self.left_minor - self.merchant_minor if self.confirmed_at else 0


class Payment(msgspec.Struct, frozen=True):
    """One payment of the order, whatever became of it; how often its channel was asked to refund of it, and when last."""

    id: int
    number: str
    channel: str
    status: PaymentState
    amount_minor: int
    refunded_minor: int
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    transaction_number: str | None
    refunds_made: int = 0
    last_refund_at: datetime | None = None


class DisputedUnit(msgspec.Struct, frozen=True):
    """What an open chargeback takes of a unit if it is lost, and what it froze beside what an open case had frozen already."""

    position: int
    share_minor: int
    frozen_minor: int


class OpenDispute(msgspec.Struct, frozen=True):
    """A dispute about one of the order's payments that its channel has not decided yet."""

    id: int
    number: str
    kind: DisputeKind
    payment_id: int
    channel: str
    amount_minor: int
    evidence_due_at: datetime
    units: tuple[DisputedUnit, ...]


class OrderState(msgspec.Struct, frozen=True):
    """An order with its units, payments and terms. `replay` is the reference of a request that was carried out before, `issuer` the code
    of who can be asked about its keys."""

    shop_id: int
    shop_code: str
    shop_name_zh: str
    shop_name_en: str
    id: int
    number: str
    buyer_id: int
    product_id: int
    quantity: int
    amount_minor: int
    currency: str
    commission_basis_points: int
    notice: str
    policy_version: str
    placed_at: datetime
    hold_until: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    paid_minor: int
    refunded_minor: int
    released_minor: int
    product_number: str
    kind: Goods
    delivery: str
    title_zh: str
    title_en: str
    face_value: str
    region: str
    refund_window_minutes: int
    warranty_minutes: int
    promise_minutes: int
    units: tuple[Unit, ...]
    payments: tuple[Payment, ...]
    standing: Standing
    replay: str | None
    issuer: str | None = None
    disputes: tuple[OpenDispute, ...] = ()

    @property
    def dispute(self) -> str:
        """What is argued about outside, in the words of the facts: a chargeback, a complaint, or nothing."""
        kinds = {dispute.kind for dispute in self.disputes}
        if DisputeKind.CHARGEBACK in kinds:
            return str(DisputeKind.CHARGEBACK)
        return str(DisputeKind.COMPLAINT) if kinds else "none"

    @property
    def charged_back(self) -> frozenset[int]:
        """The payments that a bank may have taken back: nothing else goes back of them until that is decided."""
        return frozenset(dispute.payment_id for dispute in self.disputes if dispute.kind == DisputeKind.CHARGEBACK)

    def unit(self, position: int) -> Unit | None:
        """Return the unit at a position, counted from 1, or None."""
        return next((unit for unit in self.units if unit.position == position), None)

    def payment(self, number: str) -> Payment | None:
        """Return the payment with this number, or None."""
        return next((payment for payment in self.payments if payment.number == number), None)

    def unit_number(self, position: int) -> str:
        """Return the number under which the world knows a unit."""
        return f"{self.number}-{position}"

    def live_payments(self) -> tuple[Payment, ...]:
        """Return payments that a channel may still turn into money."""
        return tuple(p for p in self.payments if p.status in (PaymentState.CREATED, PaymentState.PENDING))

    def sees(self, actor: Actor) -> bool:
        """Tell whether the order exists for this actor: its buyer, its merchant, the platform's staff, our own jobs."""
        if actor.kind in (ActorKind.SYSTEM, ActorKind.GATEWAY, ActorKind.OPERATOR):
            return True
        if not self.standing.active:
            return False
        if actor.kind == ActorKind.BUYER:
            return self.buyer_id == actor.person_id
        if actor.kind == ActorKind.MERCHANT:
            return self.standing.shop_role is not None
        return bool(self.standing.staff_roles)


decoder = msgspec.json.Decoder(OrderState)
