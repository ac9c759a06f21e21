"""What the model is made of: plain records, and the two divisions of money. Imports nothing of the market. Time is whole minutes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.model.rules import Facts, Verdict

FEE = 500
DAY = 1440
ENDED = frozenset({"released", "recalled", "voided", "replaced", "closed_out"})


class No(Exception):
    """This may not be done; nothing has changed."""


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide by largest remainder; ties go to the earlier part."""
    total = sum(weights)
    parts = [amount * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: (-(amount * weights[index] % total), index))
    for index in order[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def share_out(amount: int, most: Sequence[int]) -> list[int]:
    """Divide an amount over what each can bear."""
    return split(min(amount, sum(most)), most) if sum(most) else [0 for _part in most]


@dataclass
class Clock:
    """A clock of a unit."""

    due: int
    paused_at: int | None = None


@dataclass(eq=False)
class Unit:
    """One piece of goods."""

    position: int
    amount: int
    stage: str = "reserved"
    money: str = "none"
    refunded: int = 0
    merchant: int = 0
    frozen: int = 0
    confirmed: bool = False
    delivered_at: int = 0
    cases: int = 0
    case: "Case | None" = None
    use: str = "unknown"
    used_by: str = "unknown"
    voidable: bool = False
    wrong: bool = False
    percent: int | None = None
    clocks: dict[str, Clock] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """What has not gone back."""
        return self.amount - self.refunded

    def borne(self, amount: int) -> int:
        """How much of an amount of a confirmed unit the merchant bears."""
        return split(amount, [self.merchant, self.left - self.merchant])[0] if amount else 0


@dataclass(eq=False)
class Offer:
    """What one side has put on the table."""

    side: str
    amount: int
    keys: int
    expires: int
    status: str = "open"


@dataclass(eq=False)
class Ruling:
    """The platform's word."""

    instance: int
    by: int
    amount: int
    approved: int | None = None


@dataclass(eq=False)
class Case:
    """One argument."""

    order: "Order"
    units: list[Unit]
    facts: list[Facts]
    verdict: Verdict
    asker: str
    refund_to: str
    reason: str
    facts_rule: str = ""
    status: str = "open"
    ask: int | None = None
    ask_replacement: bool = False
    offered: int | None = None
    refund: int = 0
    outcome: str | None = None
    rounds: int = 0
    until: int | None = None
    since: int | None = None
    keys_void: bool = False
    offers: list[Offer] = field(default_factory=list)
    proposed: Ruling | None = None
    given: list[Ruling] = field(default_factory=list)
    clocks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.facts_rule = self.facts_rule or self.verdict.rule

    @property
    def lefts(self) -> list[int]:
        """What each of its units has left."""
        return [unit.left for unit in self.units]

    @property
    def offer(self) -> Offer | None:
        """The offer that is open."""
        return next((offer for offer in self.offers if offer.status == "open"), None)

    @property
    def agreeable(self) -> bool:
        """Whether the parties may settle it between themselves."""
        return self.verdict.kind in ("turn", "platform", "refusal")


@dataclass(eq=False)
class Refund:
    """Money on its way back."""

    order: "Order"
    amount: int
    channel: str
    units: list[Unit]
    status: str = "open"
    attempts: int = 1


@dataclass(eq=False)
class Payment:
    """One way an order was, or could be, paid."""

    channel: str
    amount: int
    status: str = "live"
    refunded: int = 0


@dataclass(eq=False)
class Product:
    """What is sold, and where its keys are."""

    manual: bool
    notice: bool
    price: int
    promise: int
    available: int
    held: int = 0
    voided: int = 0


@dataclass(eq=False)
class Order:
    """One order."""

    product: Product
    quantity: int
    hold_until: int
    units: list[Unit]
    paid_at: int | None = None
    closed_at: int | None = None
    closed_by: str | None = None
    paid: int = 0
    refunded: int = 0
    released: int = 0
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    promise: tuple[int, int] | None = None

    @property
    def escrow(self) -> int:
        """What its escrow holds."""
        return self.paid - self.refunded - self.released

    @property
    def price(self) -> int:
        """What all of it costs."""
        return self.product.price * self.quantity
