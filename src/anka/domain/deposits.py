"""A shop's deposit: how much is required, by tier and by what it sells, and below what it takes no new orders."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from anka.domain.case_states import Fault
from anka.domain.deadlines import ClockOutOfBounds, clock_named
from anka.domain.goods import Goods
from anka.domain.money import fee


class Tier(StrEnum):
    """How well the platform knows a shop. `open`: nothing is required, as everywhere before a level was set."""

    OPEN = "open"
    NEW = "new"
    PROVEN = "proven"
    TRUSTED = "trusted"


class FeeBearer(StrEnum):
    """Who bears what a channel keeps of a payment that is refunded: the platform, or the merchant where the merchant is at fault."""

    PLATFORM = "platform"
    MERCHANT = "merchant"


class Level(NamedTuple):
    """What is required, and the floor: below it there are no new orders. In minor units."""

    required_minor: int
    floor_minor: int


# The riskier the goods (what is found out late, what is worth much), the more a shop puts down.
_BY_GOODS: MappingProxyType[Goods, int] = MappingProxyType(
    {Goods.CARD_KEY: 100_000, Goods.TOP_UP: 100_000, Goods.RENTAL: 150_000, Goods.BOOSTING: 200_000, Goods.ACCOUNT: 300_000}
)
_PERCENT: MappingProxyType[Tier, int] = MappingProxyType({Tier.OPEN: 0, Tier.NEW: 100, Tier.PROVEN: 50, Tier.TRUSTED: 20})
_FLOOR_PERCENT = 50
USUAL_FEE_BASIS_POINTS, MOST_FEE_BASIS_POINTS = 60, 200
"""What channels usually keep of a payment, and the most that terms may make a merchant bear: 0.60 % and 2.00 %."""


def level(*, tier: Tier, goods: Iterable[Goods]) -> Level:
    """Return what a shop of this tier that sells these goods puts down: the highest of them, and the floor at half of it."""
    most = max((_BY_GOODS[kind] for kind in goods), default=0)
    required = most * _PERCENT[tier] // 100
    return Level(required, required * _FLOOR_PERCENT // 100)


def borne_fee(*, bearer: FeeBearer, basis_points: int, fault: str, refunded_minor: int) -> int:
    """Return what the merchant bears of a channel's fee for a refund of this much through channels; 0 where the platform bears it."""
    if bearer is not FeeBearer.MERCHANT or fault != Fault.MERCHANT:
        return 0
    return fee(amount_minor=refunded_minor, basis_points=basis_points)


def settles_after(*, minutes: int) -> timedelta:
    """Return how long a shop's money stays pending.

    Raises:
        ClockOutOfBounds: it is outside the bounds of the clock `settle`.
    """
    length, clock = timedelta(minutes=minutes), clock_named(name="settle")
    if not clock.minimum <= length <= clock.maximum:
        raise ClockOutOfBounds(f"clock {clock.id} runs from {clock.minimum} to {clock.maximum}, not {length}")
    return length
