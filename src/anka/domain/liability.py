"""Who pays when money goes back after the merchant has it: the waterfall. Pure: balances in, journals out.

A refund of confirmed goods is taken from the sale's own balance first, then from whatever else the shop has, in this order: pending,
available, deposit. What is still missing is advanced by the platform and becomes a receivable, which the shop's later money pays. The
commission bears its own share. What a case had set aside is freed in the same transaction and is therefore the first to be taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from anka.domain import postings, postings_channel, postings_merchant
from anka.domain.chart import PLATFORM_SHOP
from anka.domain.money import require_amount
from anka.domain.postings import Legs, Posting

PLACES = ("pending", "available", "deposit")
HOLDABLE = ("pending", "available")
Taken = tuple[tuple[str, int], ...]
"""What is taken from where, in order: (place, amount in minor units), every amount more than zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What a shop has, by place, and what it owes the platform (`receivable`), in minor units."""

    pending: int = 0
    available: int = 0
    frozen: int = 0
    deposit: int = 0
    withdrawing: int = 0
    receivable: int = 0

    def at(self, place: str) -> int:
        """Return what lies at a place."""
        return int(getattr(self, place))

    def moved(self, **changes: int) -> "Position":
        """Return the position after these changes, place by place."""
        return replace(self, **{place: self.at(place) + change for place, change in changes.items()})

    def less(self, taken: Taken) -> "Position":
        """Return the position after something was taken; a receivable grows by it."""
        changes: dict[str, int] = {}
        for place, amount in taken:
            sign = 1 if place == "receivable" else -1
            changes[place] = changes.get(place, 0) + sign * amount
        return self.moved(**changes)


def waterfall(*, position: Position, own: Mapping[str, int], places: tuple[str, ...] = PLACES, last: str = "receivable") -> Taken:
    """Return from where the sum of `own` is taken: its own places first, then `places` in order, the rest from `last`.

    `own` says how much of it lies in which of `places` by rights; it may not be there any more.

    Raises:
        BadAmount: an amount is out of bounds.
    """
    missing, left, taken = 0, position, dict.fromkeys((*places, last), 0)
    for place, amount in own.items():
        part = min(require_amount(amount_minor=amount), left.at(place))
        taken[place] += part
        left = left.moved(**{place: -part})
        missing += amount - part
    for place in places:
        part = min(missing, left.at(place))
        taken[place] += part
        missing -= part
    taken[last] += missing
    return tuple((place, amount) for place, amount in taken.items() if amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repay:
    """A refund is owed: from escrow, from what the merchant got (`own`, by place), and from the commission its share."""

    order_id: int
    refund_number: str
    escrow_minor: int
    commission_minor: int
    own: Mapping[str, int]
    legs: Legs


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A case begins about a confirmed unit: as much of the merchant's part is set aside as is there."""

    case_number: str
    unit: str
    place: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """A case is over: what was set aside for this unit goes back to where it came from."""

    case_number: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The merchant's part of a unit becomes available; first it pays what the shop owes."""

    unit: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensate:
    """A buyer is compensated by a decision. `bearer` is merchant or platform."""

    case_number: str
    buyer_id: int
    amount_minor: int
    bearer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalise:
    """A decision takes a penalty out of the deposit, as far as the deposit goes."""

    case_number: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BearFee:
    """The merchant at fault bears the channel's fee for a refund; claimed after the refund."""

    refund_number: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """A chargeback is lost: escrow, merchant and commission bear their shares; what was paid back before is our loss (`unborne`)."""

    order_id: int
    channel: str
    dispute: str
    escrow_minor: int
    commission_minor: int
    unborne_minor: int
    own: Mapping[str, int]


Claim = Repay | Hold | Free | Settle | Compensate | Penalise | BearFee | Lose
Held = Mapping[tuple[str, str], Taken]
"""What was set aside for (case, unit), from where."""


def resolve(*, shop_id: int, claims: tuple[Claim, ...], position: Position, held: Held) -> tuple[Posting, Position]:
    """Return the journals that satisfy these claims one after the other, given what the shop has, and what it has then.

    The journals of the shop's own books come first, those of the platform's last.
    """
    found: list[postings.Journal] = []
    for claim in claims:
        posting, position = _resolved(shop_id, claim, position, held)
        found += posting
    return tuple(sorted(found, key=lambda journal: journal.shop_id == PLATFORM_SHOP)), position


def _resolved(shop_id: int, claim: Claim, position: Position, held: Held) -> tuple[Posting, Position]:
    match claim:
        case Repay() | Lose():
            return _repay(shop_id, claim, position) if isinstance(claim, Repay) else _lose(shop_id, claim, position)
        case Hold():
            return _hold(shop_id, claim, position)
        case Free():
            return _free(shop_id, claim, position, held.get((claim.case_number, claim.unit), ()))
        case Settle():
            return _settle(shop_id, claim, position)
        case Compensate():
            return _compensate(shop_id, claim, position)
        case Penalise() | BearFee():
            return _charge(shop_id, claim, position)


def _hold(shop_id: int, claim: Hold, position: Position) -> tuple[Posting, Position]:
    taken = waterfall(position=position, own={claim.place: claim.amount_minor}, places=HOLDABLE, last="missing")
    there = tuple(pair for pair in taken if pair[0] != "missing")
    posting = postings_merchant.held(shop_id=shop_id, case_number=claim.case_number, unit=claim.unit, taken=there)
    return posting, position.less(there).moved(frozen=_sum(there))


def _free(shop_id: int, claim: Free, position: Position, back: Taken) -> tuple[Posting, Position]:
    posting = postings_merchant.freed(shop_id=shop_id, case_number=claim.case_number, unit=claim.unit, taken=back)
    for place, amount in back:
        position = position.moved(**{"frozen": -amount, place: amount})
    return posting, position


def _compensate(shop_id: int, claim: Compensate, position: Position) -> tuple[Posting, Position]:
    """The same waterfall, but what the shop does not have is the platform's expense, and all of it where the platform is at fault."""
    bears = claim.bearer == "merchant"
    taken = waterfall(position=position if bears else Position(), own={"pending": claim.amount_minor}, last="compensation")
    posting = postings_merchant.compensated(shop_id=shop_id, case_number=claim.case_number, buyer_id=claim.buyer_id, taken=taken)
    return posting, position.less(tuple(pair for pair in taken if pair[0] != "compensation"))


def _charge(shop_id: int, claim: Penalise | BearFee, position: Position) -> tuple[Posting, Position]:
    """A penalty as far as the deposit goes; a fee by the whole waterfall."""
    if isinstance(claim, Penalise):
        amount = min(claim.amount_minor, position.deposit)
        posting = postings_merchant.penalised(shop_id=shop_id, case_number=claim.case_number, amount_minor=amount)
        return posting, position.moved(deposit=-amount)
    taken = waterfall(position=position, own={"pending": claim.amount_minor})
    return postings_merchant.fee_borne(shop_id=shop_id, refund_number=claim.refund_number, taken=taken), position.less(taken)


def _repay(shop_id: int, claim: Repay, position: Position) -> tuple[Posting, Position]:
    taken = waterfall(position=position, own=claim.own)
    sources = (("escrow", claim.escrow_minor), *taken, ("commission", claim.commission_minor))
    posting = postings_merchant.repaid(
        shop_id=shop_id, order_id=claim.order_id, refund_number=claim.refund_number, legs=claim.legs, sources=sources
    )
    return posting, position.less(taken)


def _lose(shop_id: int, claim: Lose, position: Position) -> tuple[Posting, Position]:
    taken = waterfall(position=position, own=claim.own)
    sources = {"escrow": claim.escrow_minor, **dict(taken), "commission": claim.commission_minor, "bad_debt": claim.unborne_minor}
    posting = postings_channel.chargeback_lost(
        shop_id=shop_id, order_id=claim.order_id, channel=claim.channel, dispute=claim.dispute, sources=sources
    )
    return posting, position.less(taken)


def _settle(shop_id: int, claim: Settle, position: Position) -> tuple[Posting, Position]:
    """What an earlier refund took out of the pending balance is not there to be settled; what is owed is paid at once."""
    amount = min(claim.amount_minor, position.pending)
    owed = min(position.receivable, position.available + amount)
    posting = postings.settled(shop_id=shop_id, unit=claim.unit, amount_minor=amount)
    posting += postings_merchant.collected(shop_id=shop_id, occasion=f"settle:{claim.unit}", amount_minor=owed)
    return posting, position.moved(pending=-amount, available=amount - owed, receivable=-owed)


def _sum(taken: Taken) -> int:
    return sum(amount for _place, amount in taken)
