"""What moves a merchant's own money, as journals: set aside and freed, compensation, penalty, deposit, withdrawal, what is owed.

Every account here stands in the shop's own books. Only a compensation crosses into the platform's, where the buyer's wallet is.
"""

from collections.abc import Iterable

from anka.domain.chart import PLATFORM_SHOP
from anka.domain.postings import Legs, Posting, UnequalSums, one_journal, paired

BANK = "bank:main"
"""The account from which merchants are paid out."""
Pairs = Iterable[tuple[str, int]]


def account(*, shop_id: int, place: str) -> str:
    """Return the code of a place where a shop's money can be, or of what it owes, or of who pays in its stead."""
    if place == "receivable":
        return f"recv:merchant:{shop_id}"
    return place if place in ("compensation", "commission") else f"merchant:{shop_id}:{place}"


def repaid(*, shop_id: int, order_id: int, refund_number: str, legs: Legs, sources: Pairs) -> Posting:
    """Owe the buyer a refund from wherever the money is by now: `escrow`, places of the shop, `commission`, a `receivable`.

    Raises:
        UnequalSums: the sources do not sum to the legs.
    """
    taken = [
        (f"order:{order_id}:escrow" if place == "escrow" else account(shop_id=shop_id, place=place), amount) for place, amount in sources
    ]
    owed = [(f"refund_payable:{channel}", amount) for channel, amount in legs]
    return _journal(shop_id, f"refund:{refund_number}:accepted", "refund_accepted", paired(sources=taken, targets=owed))


def held(*, shop_id: int, case_number: str, unit: str, taken: Pairs) -> Posting:
    """Set aside what the merchant has of a unit that is argued about, from wherever it is there."""
    frozen = account(shop_id=shop_id, place="frozen")
    pairs = [(account(shop_id=shop_id, place=place), frozen, amount) for place, amount in taken]
    return _journal(shop_id, f"case:{case_number}:{unit}:hold", "case_held", pairs)


def freed(*, shop_id: int, case_number: str, unit: str, taken: Pairs) -> Posting:
    """Give back what was set aside, to where it came from."""
    frozen = account(shop_id=shop_id, place="frozen")
    pairs = [(frozen, account(shop_id=shop_id, place=place), amount) for place, amount in taken]
    return _journal(shop_id, f"case:{case_number}:{unit}:free", "case_freed", pairs)


def compensated(*, shop_id: int, case_number: str, buyer_id: int, taken: Pairs) -> Posting:
    """Pay a compensation into the buyer's wallet: never through a channel, which gives back no more than was paid."""
    key, kind = f"case:{case_number}:compensation", "compensated"
    pairs = [(account(shop_id=shop_id, place=place), f"bridge:{PLATFORM_SHOP}", amount) for place, amount in taken]
    total = sum(amount for _debit, _credit, amount in pairs)
    return _journal(shop_id, key, kind, pairs) + _journal(
        PLATFORM_SHOP, f"{key}:in", kind, [(f"bridge:{shop_id}", f"buyer:{buyer_id}:wallet", total)]
    )


def penalised(*, shop_id: int, case_number: str, amount_minor: int) -> Posting:
    """Take a penalty out of the deposit."""
    pair = (account(shop_id=shop_id, place="deposit"), "penalty", amount_minor)
    return _journal(shop_id, f"case:{case_number}:penalty", "penalised", [pair])


def collected(*, shop_id: int, occasion: str, amount_minor: int) -> Posting:
    """Let available money pay back what the platform has advanced; `occasion` names what brought the money."""
    pair = (account(shop_id=shop_id, place="available"), account(shop_id=shop_id, place="receivable"), amount_minor)
    return _journal(shop_id, f"collect:{occasion}", "receivable_collected", [pair])


def fee_borne(*, shop_id: int, refund_number: str, taken: Pairs) -> Posting:
    """Let the merchant who is at fault bear the fee that a channel keeps of what is refunded."""
    pairs = [(account(shop_id=shop_id, place=place), "psp_fee", amount) for place, amount in taken]
    return _journal(shop_id, f"fee:{refund_number}:borne", "channel_fee_borne", pairs)


def deposit_paid_in(*, shop_id: int, channel: str, transaction_id: str, amount_minor: int) -> Posting:
    """Take a captured payment of the merchant's into the deposit."""
    pair = (f"psp:{channel}:clearing", account(shop_id=shop_id, place="deposit"), amount_minor)
    return _journal(shop_id, f"pay:{channel}:{transaction_id}", "deposit_paid_in", [pair])


def deposit_from_balance(*, shop_id: int, number: str, amount_minor: int) -> Posting:
    """Put available money into the deposit."""
    return _between(shop_id, f"deposit:{number}", "deposit_from_balance", ("available", "deposit"), amount_minor)


def deposit_released(*, shop_id: int, number: str, amount_minor: int) -> Posting:
    """Give the deposit back to the available balance."""
    return _between(shop_id, f"deposit:{number}:released", "deposit_released", ("deposit", "available"), amount_minor)


def withdrawal_asked(*, shop_id: int, number: str, amount_minor: int) -> Posting:
    """Put available money aside for a withdrawal."""
    return _between(shop_id, f"withdrawal:{number}:asked", "withdrawal_asked", ("available", "withdrawing"), amount_minor)


def withdrawal_ended(*, shop_id: int, number: str, amount_minor: int) -> Posting:
    """Give back what was put aside for a withdrawal that was refused or failed."""
    return _between(shop_id, f"withdrawal:{number}:failed", "withdrawal_failed", ("withdrawing", "available"), amount_minor)


def withdrawal_paid(*, shop_id: int, number: str, amount_minor: int, fee_minor: int) -> Posting:
    """Pay a withdrawal out of the bank; the fee stays with the platform.

    Raises:
        UnequalSums: the fee is less than nothing, or leaves nothing to be paid.
    """
    if not 0 <= fee_minor < amount_minor:
        raise UnequalSums(f"fee {fee_minor} of {amount_minor}")
    aside = account(shop_id=shop_id, place="withdrawing")
    pairs = [(aside, BANK, amount_minor - fee_minor), (aside, "withdraw_fee", fee_minor)]
    return _journal(shop_id, f"withdrawal:{number}:paid", "withdrawal_paid", pairs)


def _between(shop_id: int, key: str, kind: str, way: tuple[str, str], amount_minor: int) -> Posting:
    source, target = way
    return _journal(shop_id, key, kind, [(account(shop_id=shop_id, place=source), account(shop_id=shop_id, place=target), amount_minor)])


def _journal(shop_id: int, key: str, kind: str, pairs: Iterable[tuple[str, str, int]]) -> Posting:
    return one_journal(shop_id=shop_id, key=key, kind=kind, pairs=pairs)
