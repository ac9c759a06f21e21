"""A merchant's own money as it is read: terms, withdrawals, and who acts."""

from datetime import datetime
from typing import Any

import msgspec

from anka.domain.deposits import USUAL_FEE_BASIS_POINTS, FeeBearer, Tier
from anka.domain.withdrawals import WithdrawalState


class Standing(msgspec.Struct, frozen=True):
    """Who the actor is at this moment: active at all, role in the shop, roles on the platform."""

    active: bool
    shop_role: str | None
    staff_roles: tuple[str, ...]


class Desk(msgspec.Struct, frozen=True):
    """A shop whose funds are locked. `replay` is the reference of a request that was carried out before."""

    shop_id: int
    shop_code: str
    shop_open: bool
    standing: Standing
    replay: str | None


class Terms(msgspec.Struct, frozen=True):
    """What a shop has to put down, the least it needs for new orders (minor units), how long its money stays pending, and who bears a
    channel's fee for a refund, at which rate."""

    tier: Tier
    required_minor: int
    floor_minor: int
    settle_minutes: int
    fee_bearer: FeeBearer = FeeBearer.PLATFORM
    fee_basis_points: int = USUAL_FEE_BASIS_POINTS


class Step(msgspec.Struct, frozen=True):
    """One step in the chain of a shop's funds: when, who, what, about which number, with which details."""

    at: datetime
    actor: str
    what: str
    number: str
    details: dict[str, Any]


class Withdrawal(msgspec.Struct, frozen=True):
    """A withdrawal with everything that happened to it; `account` is masked. Person ids are 0 where nobody has acted."""

    shop_id: int
    shop_code: str
    number: str
    status: WithdrawalState
    amount_minor: int
    fee_minor: int
    currency: str
    account: str
    asked_by: int
    asked_at: datetime
    first_by: int | None
    decided_by: int | None
    decided_at: datetime | None
    paid_by: int | None
    bank_reference: str | None
    ended_at: datetime | None
    reason: str

    @property
    def paid_out_minor(self) -> int:
        """What arrives at the bank."""
        return self.amount_minor - self.fee_minor
