"""The money of one shop as plain sums per account, written from the design and not from the code that posts.

An account's sum is what it was credited with less what it was debited with, so that a channel's or a bank's money is negative here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

PLACES = ("pending", "available", "deposit")
COMMISSION_PERCENT = 5


def fee_of(amount: int) -> int:
    """The commission: rounded down, so that rounding is the shop's gain."""
    return amount * COMMISSION_PERCENT // 100


def withdrawal_fee(amount: int) -> int:
    """A thousandth, at least 1.00 and at most 25.00."""
    return min(2_500, max(100, amount // 1_000))


def divided(amount: int, weights: list[int]) -> list[int]:
    """The parts of an amount in proportion, the largest remainders rounded up, the earlier part first."""
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % whole), place))
    for place in order[: amount - sum(parts)]:
        parts[place] += 1
    return parts


@dataclass
class Books:
    """The accounts in a shop's own books, and its buyer's wallet in the platform's."""

    shop: int
    sums: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    wallet: int = 0

    def move(self, debit: str, credit: str, amount: int) -> None:
        """Debit one account, credit another."""
        self.sums[debit] -= amount
        self.sums[credit] += amount

    def to_wallet(self, debit: str, amount: int) -> None:
        """Money leaves the shop's books for the buyer's wallet."""
        self.move(debit, "bridge:0", amount)
        self.wallet += amount

    def from_wallet(self, credit: str, amount: int) -> None:
        """Money comes from the buyer's wallet."""
        self.move("bridge:0", credit, amount)
        self.wallet -= amount

    def place(self, name: str) -> str:
        """The account of a place of the shop's."""
        return f"merchant:{self.shop}:{name}"

    def has(self, name: str) -> int:
        """What lies at a place of the shop's, or what it owes."""
        return -self.sums[f"recv:merchant:{self.shop}"] if name == "owes" else self.sums[self.place(name)]

    def everything(self) -> dict[str, int]:
        """Every account that is not empty."""
        return {account: amount for account, amount in self.sums.items() if amount}

    def collect(self) -> None:
        """What the shop owes is paid out of what is available."""
        amount = min(self.has("owes"), self.has("available"))
        self.move(self.place("available"), f"recv:merchant:{self.shop}", amount)

    def draw(self, own: dict[str, int], *, last: str, places: tuple[str, ...] = PLACES) -> list[tuple[str, int]]:
        """From which accounts the shop pays: what is its own by rights where it lies, then wherever it has money, the rest from `last`."""
        left = {name: self.has(name) for name in PLACES}
        taken: list[tuple[str, int]] = []
        missing = 0
        for name, amount in own.items():
            part = min(amount, left[name])
            left[name] -= part
            taken.append((self.place(name), part))
            missing += amount - part
        for name in places:
            part = min(missing, left[name])
            missing -= part
            taken.append((self.place(name), part))
        return [*taken, (last, missing)]


@dataclass
class Unit:
    """One thing sold: `left` of its price has not gone back, `merchant` and `commission` is how that is divided once it is confirmed."""

    price: int
    left: int
    opened: bool = False
    merchant: int = 0
    commission: int = 0
    confirmed: bool = False
    settled: bool = False
    argued: bool = False
    over: bool = False
    held: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """Whether its money is in escrow."""
        return not self.confirmed and self.left > 0

    def confirm(self) -> None:
        """Divide what is left between the shop and the platform."""
        self.confirmed = True
        self.commission = fee_of(self.left)
        self.merchant = self.left - self.commission


@dataclass
class Leg:
    """One way of a refund: owed through `channel`; its attempts as [channel, state], oldest first."""

    channel: str
    amount: int
    units: list[Unit]
    attempts: list[list[str]]
    arrived: bool = False
    stuck: bool = False
    twice: bool = False
    proof: bool = False

    @property
    def newest(self) -> list[str]:
        """The attempt that counts, unless an older one has paid."""
        return self.attempts[-1]

    @property
    def paying(self) -> list[str]:
        """The attempt that has paid, or may."""
        return next((attempt for attempt in self.attempts if attempt[1] == "succeeded"), self.newest)

    @property
    def payable(self) -> str:
        """The account where it is owed."""
        return f"refund_payable:{self.channel}"


@dataclass
class Order:
    """An order: its units, and through which channel it was paid."""

    escrow: str
    channel: str
    units: list[Unit]
    doubled: str = ""
    legs: list[Leg] = field(default_factory=list)
    case: list[Unit] = field(default_factory=list)
    asked: int = 0
