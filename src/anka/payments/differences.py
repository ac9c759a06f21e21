"""Where a difference between a bill and our books lies: whose books it is about, what correcting it posts, which refund it speaks of."""

from collections.abc import Sequence

import msgspec

from anka.core import database
from anka.domain.chart import PLATFORM_SHOP
from anka.domain.corrections import Correction, Sums, corrected, correction
from anka.domain.postings import Posting
from anka.payments.bills import Difference, DifferenceState

PLACES = """
SELECT found.id, coalesce(taken.shop_id, attempt.shop_id, payment.shop_id),
    coalesce(refund.currency, bought.currency, odd.currency, payment.currency)::text, coalesce(said.kind, ''),
    (SELECT count(*) FROM payments_difference_step AS step WHERE step.difference_id = found.id AND step.journal_key IS NOT NULL)::integer,
    (SELECT string_agg(step.journal_key, ', ' ORDER BY step.id) FROM payments_difference_step AS step WHERE step.difference_id = found.id),
    refund.number, attempt.leg, o.number, EXISTS (
        SELECT FROM payments_stuck AS stuck WHERE stuck.shop_id = attempt.shop_id AND stuck.refund_id = attempt.refund_id
            AND stuck.leg = attempt.leg AND stuck.ended_at IS NULL)
FROM payments_difference AS found
    LEFT JOIN payments_bill_line AS said ON said.bill_id = found.bill_id AND said.line = found.line
    LEFT JOIN payments_attempt AS attempt ON found.number <> '' AND attempt.shop_id = shop_of_number(found.number)
        AND attempt.number = found.number AND attempt.channel = found.channel
    LEFT JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
    LEFT JOIN payments_transaction AS taken ON attempt.id IS NULL AND taken.channel = found.channel AND found.channel_number <> ''
        AND taken.transaction_number = found.channel_number
    LEFT JOIN payments_payment AS bought ON bought.shop_id = taken.shop_id AND bought.id = taken.payment_id
    LEFT JOIN payments_unidentified AS odd ON odd.shop_id = taken.shop_id AND odd.id = taken.unidentified_id
    LEFT JOIN payments_payment AS payment ON attempt.id IS NULL AND taken.shop_id IS NULL AND found.number <> ''
        AND payment.shop_id = shop_of_number(found.number) AND payment.number = found.number AND payment.channel = found.channel
        AND payment.status = 'paid'
    LEFT JOIN payments_dispute AS disputed ON found.kind = 'dispute' AND disputed.channel = found.channel
        AND disputed.channel_number = found.channel_number
    LEFT JOIN orders_order AS o ON o.shop_id = coalesce(refund.shop_id, bought.shop_id, payment.shop_id, disputed.shop_id)
        AND o.id = coalesce(refund.order_id, bought.order_id, payment.order_id, disputed.order_id)
WHERE found.id = ANY (%s)
"""
# Which kinds may lie in the platform's own books: nobody here asked for the refund, or a day was settled in one sum.
OURS_ALONE = frozenset({"refund_unknown", "settlement_differs"})


class Place(msgspec.Struct, frozen=True):
    """Whose books a difference is about (None where nobody's are), in what currency these are, and the kind of the bill's line.

    `journals` names what decisions have posted, `corrections` counts them. `refund`, `leg` and `order` are set where it speaks of one;
    `is_stuck` where the refund waits for a person. Of a line about a dispute that channels told us of, `order` is the disputed one.
    """

    shop_id: int | None
    currency: str | None
    line: str
    corrections: int
    journals: str | None
    refund: str | None
    leg: int | None
    order: str | None
    is_stuck: bool


def places(*, ids: Sequence[int]) -> dict[int, Place]:
    """Return where these differences lie, by number."""
    return {row[0]: Place(*row[1:]) for row in database.rows(PLACES, (list(ids),))}


def correction_of(*, difference: Difference, place: Place) -> Correction | None:
    """Return what deciding that an open difference was corrected would post, or None where that posts nothing.

    Nothing is posted into the books of a shop that is not known, or in another currency than these are kept in.
    """
    if difference.status != DifferenceState.OPEN or (place.currency or difference.currency) != difference.currency:
        return None
    if place.shop_id is None and difference.kind not in OURS_ALONE:
        return None
    sums = Sums(
        kind=difference.kind,
        line=place.line,
        ours_minor=difference.ours_minor,
        theirs_minor=difference.theirs_minor,
        corrected_minor=difference.corrected_minor,
    )
    return correction(sums=sums)


def journal_of(*, difference: Difference, place: Place) -> Posting:
    """Return the journal that deciding that a difference was corrected would post; nothing where it posts none."""
    found = correction_of(difference=difference, place=place)
    if found is None:
        return ()
    shop_id = PLATFORM_SHOP if place.shop_id is None else place.shop_id
    finding = f"{difference.id}:{place.corrections + 1}"
    return corrected(shop_id=shop_id, channel=difference.channel, finding=finding, of=found)
