"""The last steps of a refund leg beside the plain one: to the wallet instead, by hand, back to us, and once more after that.

A leg may arrive, bounce and arrive again. `reversals` counts how often it bounced before; it makes each round's key its own.
"""

from dataclasses import replace

from anka.domain import postings
from anka.domain.postings import Posting, one_journal


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
    pairs = [(f"refund_payable:{channel}", f"bank:{bank}", amount_minor)]
    return one_journal(shop_id=shop_id, key=_round(f"refund:{number}:{position}:done", reversals), kind="refund_done_by_hand", pairs=pairs)


def done_by_bank(*, shop_id: int, leg: tuple[str, int], channels: tuple[str, str], amount_minor: int, reversals: int) -> Posting:
    """Record that a lost chargeback has paid a leg; `channels` are those the leg was owed through and the payment came by."""
    number, position = leg
    owed_through, came_by = channels
    pairs = [(f"refund_payable:{owed_through}", f"dispute:{came_by}", amount_minor)]
    return one_journal(shop_id=shop_id, key=_round(f"refund:{number}:{position}:done", reversals), kind="refund_done_by_bank", pairs=pairs)


def returned(*, shop_id: int, leg: tuple[str, int], channel: str, bank: str, amount_minor: int, reversals: int) -> Posting:
    """Owe a leg again that was sent by hand and came back to our bank account."""
    number, position = leg
    pairs = [(f"bank:{bank}", f"refund_payable:{channel}", amount_minor)]
    return one_journal(shop_id=shop_id, key=_round(f"refund:{number}:{position}:reversed", reversals), kind="refund_reversed", pairs=pairs)


def bounced(*, shop_id: int, leg: tuple[str, int], channel: str, amount_minor: int, reversals: int) -> Posting:
    """Owe a leg again that came back after the channel had reported success."""
    number, position = leg
    (journal,) = postings.refund_reversed(shop_id=shop_id, refund_number=number, leg=position, channel=channel, amount_minor=amount_minor)
    return (replace(journal, key=_round(journal.key, reversals)),)
