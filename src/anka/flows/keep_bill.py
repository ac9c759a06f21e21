"""Keep a channel's bill as it was read: its head, its lines in batches, its end. Each step is one transaction and harmless to repeat."""

from collections.abc import Sequence
from datetime import date

from anka.core import database
from anka.core.clock import Moment
from anka.payments.bills import KeptLine

# How many lines one transaction writes.
BATCH = 2_000
BEGIN = "SELECT begin_bill(%s, %s, decode(%s, 'hex'), %s, %s, %s, %s)"
KEEP = """
INSERT INTO payments_bill_line (bill_id, line, kind, number, payment_number, channel_number, amount_minor, fee_minor, currency, occurred_at)
SELECT %s, * FROM unnest(%s::integer[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],
    %s::timestamptz[])
ON CONFLICT (bill_id, line) DO NOTHING
"""
FINISH = "SELECT finish_bill(%s, %s)"


class BillIncomplete(RuntimeError):
    """Lines of a bill are missing at its end: it was not kept in order, which is a mistake of ours."""


def begin_bill(*, channel: str, day: date, digest: str, origin: tuple[str, str], line_count: int, at: Moment) -> int:
    """Make a bill known and return its number here; the same bytes again are the same bill.

    `origin` is `asked` or `file`, and the actor who brought it.
    """
    with database.transaction():
        return int(database.value(BEGIN, (channel, day, digest, *origin, line_count, at.now)))


def keep_lines(*, bill_id: int, lines: Sequence[KeptLine]) -> None:
    """Keep a batch of a bill's lines; those that are here already stay as they are."""
    with database.transaction():
        columns = [[getattr(line, name) for line in lines] for name in KeptLine.__struct_fields__]
        database.rows(KEEP, (bill_id, *columns))


def finish_bill(*, bill_id: int, at: Moment) -> None:
    """Say that all lines of a bill are here: from now on it is the bill of its day.

    Raises:
        BillIncomplete: they are not.
    """
    with database.transaction():
        if not database.value(FINISH, (bill_id, at.now)):
            raise BillIncomplete(f"bill {bill_id} lacks lines")
