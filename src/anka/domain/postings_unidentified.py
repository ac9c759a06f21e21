"""Money that came in, and the journals it becomes: in time, served late, owed back, or kept apart until somebody knows what it is.

Two things can bring an order's money: a channel that has just captured it, and finance staff who found out what money in the
unidentified account was for. Both offer the same three ways on, so that the flows need not know which it was.
"""

from dataclasses import dataclass
from typing import Protocol

from anka.domain import postings
from anka.domain.chart import PLATFORM_SHOP, kind_of
from anka.domain.money import require_amount
from anka.domain.postings import Journal, Posting, Transfer


class Arrival(Protocol):
    """Money that is there, and what it can become."""

    def paid(self, *, order_id: int) -> Posting:
        """Take it into the order's escrow, in time."""

    def late_kept(self, *, order_id: int) -> Posting:
        """Take it into the escrow of an order that had closed."""

    def owed_back(self, *, refund_number: str) -> Posting:
        """Owe it back at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What a channel has just captured for a payment of ours."""

    shop_id: int
    channel: str
    transaction_number: str
    amount_minor: int

    def paid(self, *, order_id: int) -> Posting:
        """Take it into the order's escrow, in time."""
        return postings.paid(
            shop_id=self.shop_id,
            order_id=order_id,
            channel=self.channel,
            transaction_id=self.transaction_number,
            amount_minor=self.amount_minor,
        )

    def late_kept(self, *, order_id: int) -> Posting:
        """Take it into the escrow of an order that had closed."""
        return postings.paid_late_kept(
            shop_id=self.shop_id,
            order_id=order_id,
            channel=self.channel,
            transaction_id=self.transaction_number,
            amount_minor=self.amount_minor,
        )

    def owed_back(self, *, refund_number: str) -> Posting:
        """Owe it back at once."""
        return postings.paid_late_refunded(
            shop_id=self.shop_id,
            channel=self.channel,
            transaction_id=self.transaction_number,
            refund_number=refund_number,
            amount_minor=self.amount_minor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Money of the platform's unidentified account that turned out to be for an order of this shop: it crosses a bridge first."""

    shop_id: int
    channel: str
    unidentified_number: str
    amount_minor: int

    def paid(self, *, order_id: int) -> Posting:
        """Take it into the order's escrow."""
        return self._across(f"order:{order_id}:escrow")

    def late_kept(self, *, order_id: int) -> Posting:
        """Take it into the escrow of an order that had closed; there is no difference to paying in time."""
        return self._across(f"order:{order_id}:escrow")

    def owed_back(self, *, refund_number: str) -> Posting:
        """Owe it back at once, in the books of the order's shop."""
        into_shop, out = self._across(f"unidentified:{self.channel}")
        owed = returned(shop_id=self.shop_id, channel=self.channel, refund_number=refund_number, amount_minor=self.amount_minor)
        return (into_shop, *owed, out)

    def _across(self, target: str) -> Posting:
        key, bridge = f"match:{self.unidentified_number}", f"bridge:{self.shop_id}"
        into_shop = _journal(self.shop_id, f"{key}:in", "matched", (f"bridge:{PLATFORM_SHOP}", target, self.amount_minor))
        return (into_shop, _journal(PLATFORM_SHOP, key, "matched", (f"unidentified:{self.channel}", bridge, self.amount_minor)))


def unidentified(*, shop_id: int, channel: str, transaction_number: str, amount_minor: int) -> Posting:
    """Take captured money that does not fit, and keep it apart."""
    pair = (f"psp:{channel}:clearing", f"unidentified:{channel}", amount_minor)
    return (_journal(shop_id, f"pay:{channel}:{transaction_number}", "unidentified", pair),)


def returned(*, shop_id: int, channel: str, refund_number: str, amount_minor: int) -> Posting:
    """Owe unidentified money back through its channel; in the transaction that writes the refund and its job."""
    pair = (f"unidentified:{channel}", f"refund_payable:{channel}", amount_minor)
    return (_journal(shop_id, f"refund:{refund_number}:accepted", "refund_accepted", pair),)


def _journal(shop_id: int, key: str, kind: str, pair: tuple[str, str, int]) -> Journal:
    debit, credit, amount = pair
    kind_of(debit)
    kind_of(credit)
    return Journal(shop_id, key, kind, (Transfer(debit, credit, require_amount(amount_minor=amount)),))
