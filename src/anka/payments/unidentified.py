"""Money that does not fit: as it lies in the queue, under lock or to be shown."""

from datetime import datetime

import msgspec

from anka.core import database
from anka.core.refusals import NotFound
from anka.domain.unidentified import Oddity, UnidentifiedState

LOCK = "SELECT lock_unidentified($1)"
TAKEN = """
SELECT taken.unidentified_id IS NOT NULL, odd.payment_number, odd.amount_minor, odd.currency
FROM payments_transaction AS taken
    LEFT JOIN payments_unidentified AS odd ON odd.shop_id = taken.shop_id AND odd.id = taken.unidentified_id
WHERE taken.channel = %s AND taken.transaction_number = %s
"""
COLUMNS = """
SELECT odd.shop_id, odd.id, odd.number, odd.reason, odd.channel, odd.transaction_number, odd.payment_number, odd.order_id,
       odd.expected_minor, odd.amount_minor, odd.currency, odd.found_at, odd.status, odd.proposed_order, odd.proposed_by,
       odd.proposed_at, odd.decided_by, odd.decided_at, odd.matched_order, o.number, refund.number, refund.status
FROM payments_unidentified AS odd
    LEFT JOIN orders_order AS o ON o.shop_id = odd.shop_id AND o.id = odd.order_id
    LEFT JOIN payments_leg AS leg ON leg.shop_id = odd.shop_id AND leg.unidentified_id = odd.id
    LEFT JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
"""
ONE = COLUMNS + "WHERE odd.shop_id = shop_of_number(%(number)s) AND odd.number = %(number)s"
OF_ORDER = COLUMNS + "WHERE odd.shop_id = %(shop)s AND odd.order_id = %(order)s ORDER BY odd.found_at DESC LIMIT 20"
QUEUE = (
    COLUMNS
    + """
WHERE (%(status)s::text IS NULL OR odd.status = %(status)s)
    AND (%(before)s::timestamptz IS NULL OR (odd.found_at, odd.number) < (%(before)s::timestamptz, %(before_number)s))
ORDER BY odd.found_at DESC, odd.number DESC LIMIT %(limit)s
"""
)
COUNT = "SELECT count(*) FROM (SELECT 1 FROM payments_unidentified WHERE status = 'open' LIMIT 1000) AS waiting"
QUESTION = "SELECT asked_at FROM payments_question WHERE channel = %s AND payment_number = %s AND answered_at IS NULL"
MOST = 100


class Unidentified(msgspec.Struct, frozen=True):
    """Money that does not fit. `expected_minor` and `order_id` are known where we began the payment it came under."""

    shop_id: int
    id: int
    number: str
    reason: Oddity
    channel: str
    transaction_number: str
    payment_number: str
    order_id: int | None
    expected_minor: int | None
    amount_minor: int
    currency: str
    found_at: datetime
    status: UnidentifiedState
    proposed_order: str | None
    proposed_by: int | None
    proposed_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    matched_order: str | None
    order_number: str | None = None
    refund_number: str | None = None
    refund_status: str | None = None


class QueueCursor(msgspec.Struct, frozen=True):
    """Where the queue goes on: after this piece of money."""

    found_at: datetime
    number: str


_decoder = msgspec.json.Decoder(Unidentified)


def lock_unidentified(*, number: str) -> Unidentified:
    """Lock a piece of unidentified money until the transaction ends, and return it.

    Raises:
        NotFound: there is none under this number.
        Busy: somebody else held it for more than 3 s.
    """
    found = database.call(LOCK, number)
    if found is None:
        raise NotFound
    return _decoder.decode(found)


def unidentified(*, number: str) -> Unidentified:
    """Return one piece of unidentified money, with its order and refund.

    Raises:
        NotFound: there is none under this number.
    """
    found = _read(ONE, {"number": number})
    if not found:
        raise NotFound
    return found[0]


def unidentified_of_order(*, shop_id: int, order_id: int) -> list[Unidentified]:
    """Return the money that came for an order and did not fit, newest first, at most 20."""
    return _read(OF_ORDER, {"shop": shop_id, "order": order_id})


def queue(*, status: UnidentifiedState | None, after: QueueCursor | None, limit: int) -> list[Unidentified]:
    """Return unidentified money of one status, or all of it, newest first."""
    return _read(
        QUEUE,
        {
            "status": status,
            "before": after.found_at if after else None,
            "before_number": after.number if after else "",
            "limit": max(1, min(limit, MOST + 1)),
        },
    )


def waiting() -> int:
    """Return how many pieces of money wait for a person, counting at most 1,000."""
    return int(database.value(COUNT))


def question_asked_at(*, channel: str, payment_number: str) -> datetime | None:
    """Return since when a channel is being asked about a payment, or None where nothing is open."""
    asked: datetime | None = database.value(QUESTION, (channel, payment_number))
    return asked


def taken_as_unidentified(*, channel: str, transaction_number: str) -> tuple[bool, tuple[str, int, str] | None]:
    """Return whether a transaction was taken at all, and, where it lies in the queue, its payment number, amount and currency."""
    found = database.rows(TAKEN, (channel, transaction_number))
    if not found:
        return False, None
    is_odd, *facts = found[0]
    return True, (facts[0], facts[1], facts[2]) if is_odd else None


def _read(statement: str, parameters: dict[str, object]) -> list[Unidentified]:
    return [
        msgspec.convert(dict(zip(Unidentified.__struct_fields__, row, strict=True)), Unidentified)
        for row in database.rows(statement, parameters)
    ]
