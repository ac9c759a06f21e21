"""The last steps of a refund leg beside the plain one: to the wallet instead, by hand, back to us, and once more after that.

A leg may arrive, bounce and arrive again. `reversals` counts how often it bounced before; it makes each round's key its own.
"""

from dataclasses import replace

from anka.domain import postings
from anka.domain.chart import kind_of
from anka.domain.money import require_amount
from anka.domain.postings import Journal, Posting, Transfer


def _round(key: str, reversals: int) -> str:
    return f"{key}:{reversals}" if reversals else key


def done_channel(*, shop_id: int, leg: tuple[str, int], channel: str, amount_minor: int, reversals: int) -> Posting:
    """Record that the channel has paid a leg (refund number, leg) back."""
    number, position = leg
    (journal,) = postings.refund_done_channel(
        shop_id=shop_id, refund_number=number, leg=position, channel=channel, amount_minor=amount_minor
    )
    return (replace(journal, key=_round(journal.key, reversals)),)


def done_wallet(*, shop_id: int, leg: tuple[str, int], channel: str, buyer_id: int, amount_minor: int, reversals: int) -> Posting:
    """Pay a leg into the buyer's wallet; `channel` is the one it was owed through."""
    number, position = leg
    out, into = postings.refund_done_wallet(
        shop_id=shop_id, refund_number=number, leg=position, channel=channel, buyer_id=buyer_id, amount_minor=amount_minor
    )
    return replace(out, key=_round(out.key, reversals)), replace(into, key=f"{_round(out.key, reversals)}:in")


def done_by_hand(*, shop_id: int, leg: tuple[str, int], channel: str, bank: str, amount_minor: int, reversals: int) -> Posting:
    """Record that a person has sent a leg from our bank account; `channel` is the one it was owed through."""
    number, position = leg
    pair = (f"refund_payable:{channel}", f"bank:{bank}")
    return (_journal(shop_id, _round(f"refund:{number}:{position}:done", reversals), "refund_done_by_hand", pair, amount_minor),)


def done_by_bank(*, shop_id: int, leg: tuple[str, int], channels: tuple[str, str], amount_minor: int, reversals: int) -> Posting:
    """Record that a lost chargeback has paid a leg; `channels` are those the leg was owed through and the payment came by."""
    number, position = leg
    pair = (f"refund_payable:{channels[0]}", f"dispute:{channels[1]}")
    return (_journal(shop_id, _round(f"refund:{number}:{position}:done", reversals), "refund_done_by_bank", pair, amount_minor),)


def bounced(*, shop_id: int, leg: tuple[str, int], channel: str, amount_minor: int, reversals: int) -> Posting:
    """Owe a leg again that came back after the channel had reported success."""
    number, position = leg
    (journal,) = postings.refund_reversed(shop_id=shop_id, refund_number=number, leg=position, channel=channel, amount_minor=amount_minor)
    return (replace(journal, key=_round(journal.key, reversals)),)


def _journal(shop_id: int, key: str, kind: str, pair: tuple[str, str], amount_minor: int) -> Journal:
    for account in pair:
        kind_of(account)
    return Journal(shop_id, key, kind, (Transfer(*pair, require_amount(amount_minor=amount_minor)),))
