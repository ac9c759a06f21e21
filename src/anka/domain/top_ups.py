"""Money that a person puts into the wallet, or an owner into a shop's deposit, and what of it may go back the way it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from anka.domain.refund_plan import LIMITS, ChannelLimit, ChannelLimitReached, Paid, PlannedLeg, plan

LEAST_MINOR = 100
MOST_MINOR = 500_000
"""What one top-up of a wallet may bring: 1.00 to 5,000.00."""
MOST_DEPOSIT_MINOR = 10_000_000
"""What one payment into a deposit may bring: a shop's deposit is put down once, so it may be 100,000.00."""
LASTS = timedelta(minutes=30)
"""How long the cashier of a top-up stays open."""
MOST_OPEN = 5
"""How many a person may have open at once: one may change the channel or lose a page, but not pile up payments."""
ASKED_FOR = timedelta(days=1)
"""How long after its end a channel that says nothing certain is asked whether it has the money after all."""


class Purpose(StrEnum):
    """What a payment without an order fills."""

    WALLET = "wallet"
    DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True)
class ReturnPlan:
    """How much of what was asked for goes back, by which legs, and how much a channel no longer takes back."""

    legs: tuple[PlannedLeg, ...]
    blocked_minor: int

    @property
    def amount_minor(self) -> int:
        """What the legs sum to."""
        return sum(leg.amount_minor for leg in self.legs)


def bounds(*, purpose: Purpose) -> tuple[int, int]:
    """Return the least and the most that one payment for this purpose may bring, in minor units."""
    return LEAST_MINOR, MOST_MINOR if purpose is Purpose.WALLET else MOST_DEPOSIT_MINOR


def topped_up_left(*, balance_minor: int, payments: Sequence[Paid]) -> int:
    """Return what of a wallet is topped-up money that is not spent and has not gone back.

    What came into the wallet otherwise (refunds by choice, compensation) is spent first: so as much as possible can go back.
    """
    return min(balance_minor, sum(payment.refundable_minor for payment in payments))


def plan_return(
    *, amount_minor: int, payments: Sequence[Paid], now: datetime, limits: MappingProxyType[str, ChannelLimit] = LIMITS
) -> ReturnPlan:
    """Return by which payments an amount goes back, the newest first; one whose channel no longer takes it back is passed over.

    The legs sum to less than the amount where the channels, or the payments, do not allow more.
    """
    legs: list[PlannedLeg] = []
    rest, blocked = amount_minor, 0
    for payment in sorted(payments, key=lambda one: one.payment_id, reverse=True):
        part = min(rest, payment.refundable_minor)
        if part <= 0:
            continue
        try:
            legs += plan(refund_minor=part, payments=(payment,), now=now, limits=limits)
            rest -= part
        except ChannelLimitReached:
            blocked += payment.refundable_minor
    return ReturnPlan(legs=tuple(legs), blocked_minor=min(rest, blocked))
