"""How a refund goes back: over which payments, in which parts, within what each channel allows. Never silently to the wallet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

WALLET = "wallet"
HAND = "hand"
"""A transfer that a person makes at the bank, with proof and a second person's approval: the way for money no channel takes back."""


class Destination(StrEnum):
    """Where the buyer wants the money: back the way it came, or — only by the buyer's own choice — in the wallet or by hand."""

    ORIGINAL = "original"
    WALLET = "wallet"
    HAND = "hand"


class RefundNotCoverable(Exception):
    """What can still go back through these payments is less than the refund."""

    code, status = "refund_not_coverable", 409

    def __init__(self, *, refund_minor: int, coverable_minor: int) -> None:
        super().__init__(f"a refund of {refund_minor} minor units cannot go back this way: {coverable_minor} at most")
        self.refund_minor, self.coverable_minor = refund_minor, coverable_minor


class ChannelLimitReached(RefundNotCoverable):
    """The money is there, but a channel no longer takes it back: its time is over, or it was asked too often for one payment."""

    code = "refund_limit_reached"


@dataclass(frozen=True, slots=True)
class ChannelLimit:
    """What a channel allows: how long after the payment, how many refunds per payment, how far apart."""

    window: timedelta | None
    refunds: int | None
    spacing: timedelta


_NO_LIMIT = ChannelLimit(None, None, timedelta(0))
LIMITS: MappingProxyType[str, ChannelLimit] = MappingProxyType(
    {
        "wechat": ChannelLimit(timedelta(days=365), 50, timedelta(minutes=1)),
        "alipay": ChannelLimit(timedelta(days=90), None, timedelta(seconds=3)),
        "epay": _NO_LIMIT,
        "epay_v2": _NO_LIMIT,
        "stripe": _NO_LIMIT,
        WALLET: _NO_LIMIT,
        "sandbox": _NO_LIMIT,
    }
)
"""Sources: WeChat Pay v3 and Alipay open documentation. Alipay's window is set by contract, 90 days unless configured otherwise; what a
易支付 installation allows depends on who runs it."""


def limits_with(*, windows: Mapping[str, timedelta]) -> MappingProxyType[str, ChannelLimit]:
    """Return the channels' limits with these windows instead of the documented ones, as contracts have them."""
    changed = {code: ChannelLimit(window, *_beside_window(LIMITS.get(code, _NO_LIMIT))) for code, window in windows.items()}
    return MappingProxyType(dict(LIMITS) | changed)


def _beside_window(limit: ChannelLimit) -> tuple[int | None, timedelta]:
    return limit.refunds, limit.spacing


@dataclass(frozen=True, slots=True)
class Paid:
    """A captured payment and what of it has not gone back yet."""

    payment_id: int
    channel: str
    refundable_minor: int
    paid_at: datetime | None = None
    refunds_made: int = 0
    last_refund_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """One part of a refund: through which payment it came, where it goes, how much, and not before when (None: now)."""

    payment_id: int
    channel: str
    amount_minor: int
    not_before: datetime | None = None


def _within_limits(payment: Paid, now: datetime, limits: MappingProxyType[str, ChannelLimit]) -> bool:
    limit = limits.get(payment.channel, _NO_LIMIT)
    in_window = limit.window is None or payment.paid_at is None or now <= payment.paid_at + limit.window
    return in_window and (limit.refunds is None or payment.refunds_made < limit.refunds)


def _cover(refund_minor: int, payments: Sequence[Paid]) -> list[tuple[Paid, int]]:
    """One payment that matches exactly, else the smallest that suffices, else as few as possible, largest first."""
    ordered = sorted(payments, key=lambda payment: (payment.refundable_minor, payment.payment_id))
    for payment in ordered:
        if payment.refundable_minor >= refund_minor:
            return [(payment, refund_minor)]
    parts: list[tuple[Paid, int]] = []
    rest = refund_minor
    for payment in reversed(ordered):
        part = min(rest, payment.refundable_minor)
        if part:
            parts.append((payment, part))
        rest -= part
    return parts


# What is no channel asks for nobody's permission: our own books, and our own hands.
_OUR_OWN = {Destination.WALLET: WALLET, Destination.HAND: HAND}


def _leg(payment: Paid, amount_minor: int, destination: Destination, now: datetime, limit: ChannelLimit) -> PlannedLeg:
    if destination != Destination.ORIGINAL:
        return PlannedLeg(payment.payment_id, _OUR_OWN[destination], amount_minor)
    possible_at = now if payment.last_refund_at is None else payment.last_refund_at + limit.spacing
    return PlannedLeg(payment.payment_id, payment.channel, amount_minor, possible_at if possible_at > now else None)


def plan(
    *,
    refund_minor: int,
    payments: Sequence[Paid],
    now: datetime,
    destination: Destination = Destination.ORIGINAL,
    limits: MappingProxyType[str, ChannelLimit] = LIMITS,
) -> tuple[PlannedLeg, ...]:
    """Return the legs that bring the whole refund back: an exact match first, then one partial, then the fewest legs.

    Raises:
        RefundNotCoverable: the payments cannot bear it.
        ChannelLimitReached: they could, but not within their channels' limits. To the wallet and by hand these do not count.
        ValueError: the refund is not a positive amount.
    """
    if type(refund_minor) is not int or refund_minor <= 0:
        raise ValueError(f"a refund is a positive number of minor units, not {refund_minor!r}")
    left = [payment for payment in payments if payment.refundable_minor > 0]
    free = destination != Destination.ORIGINAL
    usable = [payment for payment in left if free or _within_limits(payment, now, limits)]
    coverable = sum(payment.refundable_minor for payment in usable)
    if coverable < refund_minor:
        reached = sum(payment.refundable_minor for payment in left) >= refund_minor
        raise (ChannelLimitReached if reached else RefundNotCoverable)(refund_minor=refund_minor, coverable_minor=coverable)
    covered = _cover(refund_minor, usable)
    return tuple(_leg(payment, part, destination, now, limits.get(payment.channel, _NO_LIMIT)) for payment, part in covered)
