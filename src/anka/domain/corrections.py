"""What a difference between a channel's bill and our books comes to in money, once a person says that the bill is right.

A correction makes the channel's accounts here say what the channel says. What belongs to a buyer or a merchant is never corrected away: a
payment nobody took is taken, a refund that came back is owed again, each by its own flow; those have no correction here.
"""

from dataclasses import dataclass
from typing import Literal

from anka.domain.postings import Posting, one_journal
from anka.domain.postings_channel import found_over, found_short

Touches = Literal["clearing", "available", "fee", "settled"]
# The sign of what the bill has more than we: a refund that is larger there leaves less in our account.
_BY_KIND: dict[tuple[str, str], tuple[Touches, int]] = {
    ("amount_differs", "payment"): ("clearing", 1),
    ("not_on_bill", ""): ("clearing", 1),
    ("twice", "payment"): ("clearing", 1),
    ("twice", "refund"): ("available", -1),
    ("refund_differs", "refund"): ("available", -1),
    ("refund_differs", "refund_reversed"): ("available", 1),
    ("refund_unknown", "refund"): ("available", -1),
    ("fee_differs", "payment"): ("fee", 1),
    ("fee_differs", "refund"): ("fee", 1),
    ("fee_differs", "refund_reversed"): ("fee", 1),
    ("settlement_differs", "settlement"): ("settled", 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A difference as it stands: its kind, the kind of the bill's line ("" where it has none), both sums, and what was corrected before.

    All in minor units of one currency; None where that side has nothing.
    """

    kind: str
    line: str
    ours_minor: int | None
    theirs_minor: int | None
    corrected_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What would be posted: a fee more or less, a settlement more or less, or what one of the channel's accounts gains or loses.

    `amount_minor` is positive where the account grows (for `settled`: where more moves from clearing to available), never zero.
    """

    touches: Touches
    amount_minor: int


def correction(*, sums: Sums) -> Correction | None:
    """Return what makes our books agree with the bill, or None where nothing is to be posted, or not by a correction.

    What was billed twice and is in our books once is taken in a second time; a line of a payment we do not know is none of these.
    """
    touched = _BY_KIND.get((sums.kind, sums.line))
    if touched is None or (sums.kind == "twice" and sums.ours_minor is None):
        return None
    touches, sign = touched
    ours = 0 if sums.kind == "twice" else sums.ours_minor or 0
    amount_minor = sign * ((sums.theirs_minor or 0) - ours) - sums.corrected_minor
    return Correction(touches=touches, amount_minor=amount_minor) if amount_minor else None


def corrected(*, shop_id: int, channel: str, finding: str, of: Correction) -> Posting:
    """Return the journal of a correction, under `recon:{finding}`, so that each finding is corrected once."""
    size = abs(of.amount_minor)
    if of.touches in ("clearing", "available"):
        found = found_over if of.amount_minor > 0 else found_short
        return found(shop_id=shop_id, channel=channel, account=of.touches, finding=finding, amount_minor=size)
    clearing, available = f"psp:{channel}:clearing", f"psp:{channel}:available"
    grows, shrinks, kind = ("psp_fee", clearing, "fee_corrected") if of.touches == "fee" else (available, clearing, "settlement_corrected")
    pair = (grows, shrinks, size) if of.amount_minor > 0 else (shrinks, grows, size)
    return one_journal(shop_id=shop_id, key=f"recon:{finding}", kind=kind, pairs=[pair])
