"""Every event that moves money, as journals of paired transfers. An unbalanced journal cannot be written down in this form.

A journal is posted in the books of one shop under a key that makes it happen once. What crosses from one shop's books to another's
(wallet and order) is two journals over bridge accounts, the second key ending in `:in`; both belong into one transaction. Amounts of zero
produce no transfer, and a journal without transfers is not produced at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from anka.domain.chart import PLATFORM_SHOP, kind_of
from anka.domain.money import fee, require_amount

Legs = tuple[tuple[str, int], ...]
"""What goes back through each channel: (channel, amount in minor units)."""


class UnequalSums(Exception):
    """What is taken does not equal what is owed; nothing may be posted."""

    code, status = "unequal_sums", 500


@dataclass(frozen=True, slots=True)
class Transfer:
    """A positive amount from the debited to the credited account of the same books."""

    debit: str
    credit: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Journal:
    """Transfers that happen together, once, in the books of one shop."""

    shop_id: int
    key: str
    kind: str
    transfers: tuple[Transfer, ...]


Posting = tuple[Journal, ...]


def one_journal(*, shop_id: int, key: str, kind: str, pairs: Iterable[tuple[str, str, int]]) -> Posting:
    """Return a journal of these transfers (debit, credit, amount in minor units), without those of zero; nothing where none is left.

    Raises:
        UnknownAccount: the chart has no such account. BadAmount: an amount is negative or too large.
    """
    transfers = tuple(Transfer(debit, credit, require_amount(amount_minor=amount)) for debit, credit, amount in pairs if amount != 0)
    for transfer in transfers:
        kind_of(transfer.debit)
        kind_of(transfer.credit)
    return (Journal(shop_id, key, kind, transfers),) if transfers else ()


def paired(*, sources: Iterable[tuple[str, int]], targets: Iterable[tuple[str, int]]) -> list[tuple[str, str, int]]:
    """Pair what is taken with what is owed, in order, so that every amount is used up exactly: (source, target, amount).

    Raises:
        UnequalSums: the two do not sum to the same. BadAmount: an amount is negative or too large.
    """
    left = [(account, require_amount(amount_minor=amount)) for account, amount in sources]
    owed = [(account, require_amount(amount_minor=amount)) for account, amount in targets]
    if sum(amount for _, amount in left) != sum(amount for _, amount in owed):
        raise UnequalSums(f"taken {left}, owed {owed}")
    pairs: list[tuple[str, str, int]] = []
    for target, amount in owed:
        rest = amount
        while rest:
            source, available = left.pop(0)
            part = min(rest, available)
            if part:
                pairs.append((source, target, part))
            if available > part:
                left.insert(0, (source, available - part))
            rest -= part
    return pairs


def _payable(legs: Legs) -> list[tuple[str, int]]:
    return [(f"refund_payable:{channel}", amount) for channel, amount in legs]


def paid(*, shop_id: int, order_id: int, channel: str, transaction_id: str, amount_minor: int) -> Posting:
    """Take a captured payment into the order's escrow."""
    pairs = [(f"psp:{channel}:clearing", f"order:{order_id}:escrow", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"pay:{channel}:{transaction_id}", kind="paid", pairs=pairs)


def paid_from_wallet(*, shop_id: int, order_id: int, buyer_id: int, payment_number: str, amount_minor: int) -> Posting:
    """Pay an order from the buyer's wallet: out of the platform's books, into the shop's."""
    key = f"pay:wallet:{payment_number}"
    out = [(f"buyer:{buyer_id}:wallet", f"bridge:{shop_id}", amount_minor)]
    into = [(f"bridge:{PLATFORM_SHOP}", f"order:{order_id}:escrow", amount_minor)]
    return one_journal(shop_id=PLATFORM_SHOP, key=key, kind="paid_from_wallet", pairs=out) + one_journal(
        shop_id=shop_id, key=f"{key}:in", kind="paid_from_wallet", pairs=into
    )


def wallet_topped_up(*, buyer_id: int, channel: str, transaction_id: str, amount_minor: int) -> Posting:
    """Take a captured payment into the buyer's wallet."""
    pairs = [(f"psp:{channel}:clearing", f"buyer:{buyer_id}:wallet", amount_minor)]
    return one_journal(shop_id=PLATFORM_SHOP, key=f"pay:{channel}:{transaction_id}", kind="wallet_topped_up", pairs=pairs)


def paid_late_kept(*, shop_id: int, order_id: int, channel: str, transaction_id: str, amount_minor: int) -> Posting:
    """Take money that came after the order closed, and serve the order with it after all."""
    pairs = [
        (f"psp:{channel}:clearing", f"unidentified:{channel}", amount_minor),
        (f"unidentified:{channel}", f"order:{order_id}:escrow", amount_minor),
    ]
    return one_journal(shop_id=shop_id, key=f"pay:{channel}:{transaction_id}", kind="paid_late_kept", pairs=pairs)


def paid_late_refunded(*, shop_id: int, channel: str, transaction_id: str, refund_number: str, amount_minor: int) -> Posting:
    """Take money that came after the order closed, and owe it back at once."""
    taken = [(f"psp:{channel}:clearing", f"unidentified:{channel}", amount_minor)]
    owed = [(f"unidentified:{channel}", f"refund_payable:{channel}", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"pay:{channel}:{transaction_id}", kind="paid_late", pairs=taken) + one_journal(
        shop_id=shop_id, key=f"refund:{refund_number}:accepted", kind="refund_accepted", pairs=owed
    )


def refund_accepted(*, shop_id: int, order_id: int, refund_number: str, legs: Legs) -> Posting:
    """Owe the buyer money out of escrow, per channel it will go back through; in the transaction that writes the refund and its job."""
    pairs = paired(sources=[(f"order:{order_id}:escrow", sum(amount for _, amount in legs))], targets=_payable(legs))
    return one_journal(shop_id=shop_id, key=f"refund:{refund_number}:accepted", kind="refund_accepted", pairs=pairs)


def refund_done_channel(*, shop_id: int, refund_number: str, leg: int, channel: str, amount_minor: int) -> Posting:
    """Record that the channel has paid this leg back. After a reversal the money goes out again as a new leg with its own number."""
    pairs = [(f"refund_payable:{channel}", f"psp:{channel}:available", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"refund:{refund_number}:{leg}:done", kind="refund_done", pairs=pairs)


def refund_done_wallet(*, shop_id: int, refund_number: str, leg: int, channel: str, buyer_id: int, amount_minor: int) -> Posting:
    """Pay this leg into the buyer's wallet; `channel` is the one it was owed through (`wallet`, or another by the buyer's choice)."""
    key = f"refund:{refund_number}:{leg}:done"
    out = [(f"refund_payable:{channel}", f"bridge:{PLATFORM_SHOP}", amount_minor)]
    into = [(f"bridge:{shop_id}", f"buyer:{buyer_id}:wallet", amount_minor)]
    return one_journal(shop_id=shop_id, key=key, kind="refund_done_wallet", pairs=out) + one_journal(
        shop_id=PLATFORM_SHOP, key=f"{key}:in", kind="refund_done_wallet", pairs=into
    )


def refund_reversed(*, shop_id: int, refund_number: str, leg: int, channel: str, amount_minor: int) -> Posting:
    """Owe a leg again that bounced after the channel had reported success."""
    pairs = [(f"psp:{channel}:available", f"refund_payable:{channel}", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"refund:{refund_number}:{leg}:reversed", kind="refund_reversed", pairs=pairs)


def confirmed(*, shop_id: int, order_id: int, unit: str, amount_minor: int, commission_basis_points: int) -> Posting:
    """Release what escrow still holds for a unit: to the merchant's pending balance, less the commission (rounded down)."""
    commission = fee(amount_minor=amount_minor, basis_points=commission_basis_points)
    escrow = f"order:{order_id}:escrow"
    pairs = [(escrow, f"merchant:{shop_id}:pending", amount_minor - commission), (escrow, "commission", commission)]
    return one_journal(shop_id=shop_id, key=f"confirm:{unit}", kind="confirmed", pairs=pairs)


def settled(*, shop_id: int, unit: str, amount_minor: int) -> Posting:
    """Make the merchant's part of a confirmed unit available to be withdrawn."""
    pairs = [(f"merchant:{shop_id}:pending", f"merchant:{shop_id}:available", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"settle:{unit}", kind="settled", pairs=pairs)
