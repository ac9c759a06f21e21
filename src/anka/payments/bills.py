"""Bills of channels and what in them differs from our books, as they are read."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

import msgspec

from anka.core import database
from anka.core.refusals import NotFound

# All Chinese channels count days by this time, which knows no summer.
CHINA = timezone(timedelta(hours=8))
MOST = 100


class DifferenceKind(StrEnum):
    """What a bill and our books say otherwise of each other."""

    NOT_TAKEN = "not_taken"
    NOT_ON_BILL = "not_on_bill"
    AMOUNT_DIFFERS = "amount_differs"
    NOT_POSTED = "not_posted"
    TWICE = "twice"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_OPEN = "refund_open"
    REFUND_DIFFERS = "refund_differs"
    REFUND_NOT_ON_BILL = "refund_not_on_bill"
    REVERSAL_OPEN = "reversal_open"
    FEE_DIFFERS = "fee_differs"
    SETTLEMENT_DIFFERS = "settlement_differs"
    DISPUTE = "dispute"
    OTHER = "other"


class DifferenceState(StrEnum):
    """What became of a difference: it waits for a person, is none after all and somebody has said why, or has been put right."""

    OPEN = "open"
    EXPLAINED = "explained"
    CORRECTED = "corrected"


class KeptBill(msgspec.Struct, frozen=True):
    """A bill as it was read. `compared_to` is the last line that was compared with our books."""

    id: int
    channel: str
    day: date
    digest: str
    source: str
    read_by: str
    line_count: int
    read_at: datetime | None
    compared_to: int
    compared_at: datetime | None


class KeptLine(msgspec.Struct, frozen=True):
    """One line of a kept bill; what its fields mean is said at the channels' port."""

    line: int
    kind: str
    number: str
    payment_number: str
    channel_number: str
    amount_minor: int
    fee_minor: int
    currency: str
    occurred_at: datetime


class Verdict(msgspec.Struct, frozen=True):
    """What our books say of a line: `matched`, or the kind of difference. `fee_minor` is what of its fee is posted, None where nothing."""

    line: int
    verdict: str
    shop_id: int | None
    ours_minor: int
    reference: str | None
    fee_minor: int | None


class Missing(msgspec.Struct, frozen=True):
    """Something our books have and no bill has; `known` where every bill it could stand on has been read."""

    kind: DifferenceKind
    shop_id: int
    number: str
    channel_number: str
    amount_minor: int
    currency: str
    at: datetime
    known: bool


class Difference(msgspec.Struct, frozen=True):
    """One entry of the inbox. `number` is ours (payment or refund attempt) where one is known.

    `corrected_minor` is what decisions about it have posted so far, counted as anka.domain.corrections does.
    """

    id: int
    channel: str
    day: date
    kind: DifferenceKind
    number: str
    channel_number: str
    ours_minor: int | None
    theirs_minor: int | None
    currency: str
    found_at: datetime
    status: DifferenceState
    proposed_as: str | None
    proposed_by: str | None
    proposed_note: str | None
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    bill_id: int | None
    line: int | None
    corrected_minor: int

    @property
    def size_minor(self) -> int:
        """How much is at stake, in minor units: the larger of the two sums."""
        return max(self.ours_minor or 0, self.theirs_minor or 0)


class DifferenceCursor(msgspec.Struct, frozen=True):
    """Where the inbox goes on: after this entry."""

    found_at: datetime
    id: int


BILL = """
SELECT id, channel, day, encode(digest, 'hex'), source, read_by, line_count, read_at, compared_to, compared_at FROM payments_bill
"""
CURRENT = BILL + "WHERE channel = %s AND day = %s AND read_at IS NOT NULL AND superseded_at IS NULL"
LATEST = BILL + "WHERE read_at IS NOT NULL AND superseded_at IS NULL ORDER BY day DESC, channel LIMIT %s"
LINES = """
SELECT line, kind, number, payment_number, channel_number, amount_minor, fee_minor, currency, occurred_at
FROM payments_bill_line WHERE bill_id = %s AND line = ANY (%s) ORDER BY line
"""
JUDGE = "SELECT * FROM judge_bill_lines(%s, %s)"
MISSING = "SELECT * FROM missing_from_bills(%s, %s, %s, %s)"
DIFFERENCE = """
SELECT id, channel, day, kind, number, channel_number, ours_minor, theirs_minor, currency, found_at, status, proposed_as, proposed_by,
       proposed_note, decided_by, decided_at, note, bill_id, line, corrected_minor FROM payments_difference
"""
ONE = DIFFERENCE + "WHERE id = %s"
INBOX = (
    DIFFERENCE
    + """
WHERE (%(status)s::text IS NULL OR status = %(status)s) AND (%(channel)s::text IS NULL OR channel = %(channel)s)
    AND (%(day)s::date IS NULL OR day = %(day)s)
    AND (%(before)s::timestamptz IS NULL OR (found_at, id) < (%(before)s::timestamptz, %(before_id)s))
ORDER BY found_at DESC, id DESC LIMIT %(limit)s
"""
)
# Those of our own side (no line) come up again when their day is compared; these are the ones a line may have settled meanwhile.
WITH_LINES = (
    DIFFERENCE
    + """
WHERE channel = %s AND status = 'open' AND bill_id IS NOT NULL AND id > %s
    AND (SELECT superseded_at IS NULL FROM payments_bill AS bill WHERE bill.id = bill_id) ORDER BY id LIMIT %s
"""
)
# What no current bill speaks of any more: its bill was corrected, or its payment stands on a bill by now.
GONE = """
SELECT found.id FROM payments_difference AS found
WHERE found.channel = %(channel)s AND found.status = 'open' AND found.corrected_minor = 0 AND (
    EXISTS (SELECT FROM payments_bill AS bill WHERE bill.id = found.bill_id AND bill.superseded_at IS NOT NULL)
    OR found.kind IN ('not_on_bill', 'refund_not_on_bill') AND EXISTS (
        SELECT FROM payments_bill_line AS said JOIN payments_bill AS bill ON bill.id = said.bill_id
        WHERE said.kind = CASE found.kind WHEN 'not_on_bill' THEN 'payment' ELSE 'refund' END AND bill.channel = found.channel
            AND bill.read_at IS NOT NULL AND bill.superseded_at IS NULL
            AND CASE found.kind WHEN 'not_on_bill' THEN said.channel_number = found.channel_number
                    OR said.channel_number = '' AND said.number = found.number ELSE said.number = found.number END))
ORDER BY found.id LIMIT %(limit)s
"""
COUNTS = "SELECT status, count(*) FROM payments_difference WHERE channel = %s AND day = %s GROUP BY 1"
WAITING = "SELECT count(*) FROM (SELECT 1 FROM payments_difference WHERE status = 'open' LIMIT 1000) AS waiting"


def current_bill(*, channel: str, day: date) -> KeptBill | None:
    """Return the bill that counts for a day, None where none was read."""
    found = database.rows(CURRENT, (channel, day))
    return KeptBill(*found[0]) if found else None


def latest_bills(*, limit: int) -> list[KeptBill]:
    """Return the bills that count, newest day first."""
    return [KeptBill(*row) for row in database.rows(LATEST, (max(1, min(limit, MOST)),))]


def bill_lines(*, bill_id: int, lines: Sequence[int]) -> list[KeptLine]:
    """Return these lines of a bill, in order."""
    return [KeptLine(*row) for row in database.rows(LINES, (bill_id, list(lines)))]


def judged(*, bill_id: int, lines: Sequence[int]) -> list[Verdict]:
    """Return what our books say of these lines of a bill, in order."""
    return [Verdict(*row) for row in database.rows(JUDGE, (bill_id, list(lines)))]


def missing(*, channel: str, day: date, patience: date, limit: int) -> list[Missing]:
    """Return what our books have around a day and no bill has; bills of days before `patience` are not waited for."""
    return [Missing(DifferenceKind(row[0]), *row[1:]) for row in database.rows(MISSING, (channel, day, patience, limit))]


def open_with_lines(*, channel: str, after_id: int, limit: int) -> list[Difference]:
    """Return open differences about lines of bills that count, oldest first, after the one given."""
    return [_difference(row) for row in database.rows(WITH_LINES, (channel, after_id, limit))]


def gone(*, channel: str, limit: int) -> list[int]:
    """Return open differences that are none any more, because of what was read since."""
    return [row[0] for row in database.rows(GONE, {"channel": channel, "limit": limit})]


def counts(*, channel: str, day: date) -> dict[str, int]:
    """Return how many differences of a day are in each state."""
    return {status: int(number) for status, number in database.rows(COUNTS, (channel, day))}


def waiting() -> int:
    """Return how many differences wait for a person, counting at most 1,000."""
    return int(database.value(WAITING))


def difference(*, difference_id: int) -> Difference:
    """Return one difference.

    Raises:
        NotFound: there is none under this number.
    """
    found = database.rows(ONE, (difference_id,))
    if not found:
        raise NotFound
    return _difference(found[0])


def inbox(
    *, status: DifferenceState | None, channel: str | None = None, day: date | None = None, after: DifferenceCursor | None, limit: int
) -> list[Difference]:
    """Return differences, newest first, of one state, channel and day or of all."""
    asked = {
        "status": status,
        "channel": channel,
        "day": day,
        "before": after.found_at if after else None,
        "before_id": after.id if after else 0,
        "limit": max(1, min(limit, MOST + 1)),
    }
    return [_difference(row) for row in database.rows(INBOX, asked)]


def _difference(row: database.Row) -> Difference:
    found = dict(zip(Difference.__struct_fields__, row, strict=True))
    return Difference(**(found | {"kind": DifferenceKind(found["kind"]), "status": DifferenceState(found["status"])}))
