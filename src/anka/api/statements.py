"""Statements over HTTP, whoever's account it is: days in, one page or a whole file out. Edges name the account."""

from datetime import date, datetime, time, timedelta

import msgspec
from django.utils import timezone

from anka.api.bodies import Cursor, Input, Limit
from anka.api.call import Answer, Call
from anka.api.parsing import cursor_text, read_cursor
from anka.core.refusals import BadInput
from anka.ledger.export import csv_file
from anka.ledger.statements import Account, Period, account_statement

USUAL_DAYS, MOST_DAYS = 30, 400
YEARS = range(2000, 2100)
# A file is answered in one piece, so it stays well below a megabyte and a half.
MOST_LINES = 10_000


class Days(Input):
    """From which day to which, both included, in the market's time zone; the last 30 days where nothing is said."""

    first_day: date | None = None
    last_day: date | None = None


class StatementQuery(Days):
    """The days, where the list goes on, and how long a page is."""

    cursor: Cursor | None = None
    limit: Limit = 20


class After(msgspec.Struct, frozen=True):
    """Where a statement goes on: after this line."""

    id: int


class StatementLine(msgspec.Struct):
    """One movement: what happened, its key in the ledger, the account on the other side, what it changed, and the balance after it."""

    at: datetime
    kind: str
    reference: str
    counter_account: str
    change_minor: int
    balance_minor: int


class StatementAnswer(msgspec.Struct):
    """A page of a statement, oldest line first. Opening and closing balance are those of all days asked for."""

    since: datetime
    until: datetime
    currency: str
    opening_minor: int
    closing_minor: int
    items: list[StatementLine]
    next: str | None


def page(*, call: Call, account: Account) -> Answer:
    """Answer with a page of the account's statement for the days of the call's `StatementQuery`.

    Raises:
        BadInput: the days make no period, or the cursor is not ours.
    """
    asked: StatementQuery = call.query
    after = read_cursor(asked.cursor, After)
    period = period_of(days=asked, now=call.at.now)
    found = account_statement(account=account, period=period, after=after.id if after else None, limit=asked.limit)
    items = [
        StatementLine(line.at, line.kind, line.reference, line.counter_account, line.change_minor, line.balance_minor)
        for line in found.lines
    ]
    more = cursor_text(After(found.more)) if found.more is not None else None
    answer = StatementAnswer(period.since, period.until, account.currency, found.opening_minor, found.closing_minor, items, more)
    return Answer(200, answer)


def as_file(*, call: Call, account: Account, name: str) -> Answer:
    """Answer with the statement for the days of the call's `Days` as CSV, to be saved under this name.

    Raises:
        BadInput: the days make no period. StatementTooLong: they have more than 10,000 lines.
    """
    with csv_file(account=account, period=period_of(days=call.query, now=call.at.now), most=MOST_LINES) as file:
        written = file.read()
    headers = (("Content-Disposition", f'attachment; filename="{name}.csv"'), ("Cache-Control", "no-store"))
    return Answer(200, raw=written, content_type="text/csv; charset=utf-8", headers=headers)


def period_of(*, days: Days, now: datetime) -> Period:
    """Return the days asked for as a period, from midnight to midnight.

    Raises:
        BadInput: the last day is before the first, they are more than 400, or of another century.
    """
    last = days.last_day or timezone.localtime(now).date()
    first = days.first_day or last - timedelta(days=min(USUAL_DAYS - 1, (last - date.min).days))
    if first.year not in YEARS or last.year not in YEARS:
        raise BadInput(fields={"first_day": "a day from 2000-01-01 to 2099-12-31", "last_day": "a day from 2000-01-01 to 2099-12-31"})
    if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        raise BadInput(fields={"last_day": f"not before first_day, and at most {MOST_DAYS} days"})
    return Period(_midnight(first), _midnight(last + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())
