"""Statements: what moved an account in a period, line by line, with the balance before, after each line, and at the end.

A period is told by when things were posted, the lines of a page by the order in which they were written. Opening balance plus all lines is
always the closing balance.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.refusals import Refusal

MOST_ON_A_PAGE = 500
# Lines an export reads at once, and lines it may have at all; more is asked for in shorter periods.
AT_ONCE, MOST_EXPORTED = 1000, 200_000

ACCOUNT = "SELECT id, side FROM ledger_account WHERE shop_id = %s AND code = %s AND currency = %s"
# Every transfer of the account as what it adds to the side on which the account grows.
CHANGES = """
WITH change AS (
    SELECT id, journal_id, amount_minor * %(debit)s AS amount FROM ledger_transfer WHERE shop_id = %(shop)s AND debit_id = %(account)s
    UNION ALL
    SELECT id, journal_id, amount_minor * -%(debit)s FROM ledger_transfer WHERE shop_id = %(shop)s AND credit_id = %(account)s
), dated AS (
    SELECT change.id, change.amount, journal.posted_at
    FROM change JOIN ledger_journal AS journal ON journal.shop_id = %(shop)s AND journal.id = change.journal_id)
SELECT coalesce(sum(amount) FILTER (WHERE posted_at < %(since)s), 0)::bigint,
    coalesce(sum(amount) FILTER (WHERE posted_at < %(until)s), 0)::bigint,
    coalesce(sum(amount) FILTER (WHERE posted_at < %(since)s OR posted_at < %(until)s AND id <= %(after)s), 0)::bigint,
    count(*) FILTER (WHERE posted_at >= %(since)s AND posted_at < %(until)s)
FROM dated
"""
_SIDE = """
(SELECT transfer.id, journal.posted_at, journal.kind, journal.idempotency_key, other.code, transfer.amount_minor * {sign}
 FROM ledger_transfer AS transfer
    JOIN ledger_journal AS journal ON journal.shop_id = transfer.shop_id AND journal.id = transfer.journal_id
    JOIN ledger_account AS other ON other.shop_id = transfer.shop_id AND other.id = transfer.{other}
 WHERE transfer.shop_id = %(shop)s AND transfer.{own} = %(account)s AND transfer.id > %(after)s
    AND journal.posted_at >= %(since)s AND journal.posted_at < %(until)s
 ORDER BY transfer.id LIMIT %(limit)s)
"""
LINES = (
    _SIDE.format(sign="%(debit)s", own="debit_id", other="credit_id")
    + "UNION ALL"
    + _SIDE.format(sign="-%(debit)s", own="credit_id", other="debit_id")
    + "ORDER BY 1 LIMIT %(limit)s"
)
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


class StatementTooLong(Refusal):
    """The period has more lines than are exported at once."""

    code, status = "statement_too_long", 422
    says = _("This period has more than %(most)s lines. Nothing is missing; ask for a shorter one.")


class Account(msgspec.Struct, frozen=True):
    """Which account, in whose books (shop_id 0: the platform's), in which currency."""

    shop_id: int
    code: str
    currency: str


class Period(msgspec.Struct, frozen=True):
    """From one instant (included) until another (not included)."""

    since: datetime
    until: datetime


class Line(msgspec.Struct, frozen=True):
    """One movement: the journal's kind and key, the account on the other side, what it changed, and the balance after it (minor units).

    Amounts are those of the side on which the account grows: positive is more of what it holds, negative less.
    """

    id: int
    at: datetime
    kind: str
    reference: str
    counter_account: str
    change_minor: int
    balance_minor: int


class Statement(msgspec.Struct, frozen=True):
    """One page of a statement. Opening and closing balance are the period's; `more` is after which line the next page begins."""

    account: Account
    period: Period
    opening_minor: int
    closing_minor: int
    lines: tuple[Line, ...]
    more: int | None


def account_statement(*, account: Account, period: Period, after: int | None, limit: int) -> Statement:
    """Return a page of an account's statement, oldest line first, at most 500; an account that was never used has an empty one."""
    limit = max(1, min(limit, MOST_ON_A_PAGE))
    place = after or 0
    given = _given(account, period)
    if given is None:
        return Statement(account, period, 0, 0, (), None)
    opening, closing, balance, _count = database.rows(CHANGES, {**given, "after": place})[0]
    found = _read(given, place, balance, limit + 1)
    lines = found[:limit]
    return Statement(account, period, opening, closing, lines, lines[-1].id if len(found) > limit else None)


def whole_statement(*, account: Account, period: Period, most: int = MOST_EXPORTED) -> Iterator[Statement]:
    """Yield every page of a statement, as it stands at one moment; the reader holds one page at a time. Inside it a transaction is open,
    so take the pages without waiting for anybody.

    Raises:
        StatementTooLong: it has more than `most` lines; raised before the first page.
    """
    with database.transaction():
        database.rows(SNAPSHOT)
        given = _given(account, period)
        if given is None:
            yield Statement(account, period, 0, 0, (), None)
            return
        opening, closing, balance, count = database.rows(CHANGES, {**given, "after": 0})[0]
        if count > most:
            raise StatementTooLong(most=most)
        place = 0
        for _page in range(count // AT_ONCE + 1):
            lines = _read(given, place, balance, AT_ONCE)
            place, balance = (lines[-1].id, lines[-1].balance_minor) if lines else (place, balance)
            yield Statement(account, period, opening, closing, lines, place if len(lines) == AT_ONCE else None)


def _given(account: Account, period: Period) -> dict[str, object] | None:
    found = database.rows(ACCOUNT, (account.shop_id, account.code, account.currency))
    if not found:
        return None
    account_id, side = found[0]
    debit = 1 if side == "debit" else -1
    return {"shop": account.shop_id, "account": account_id, "debit": debit, "since": period.since, "until": period.until}


def _read(given: dict[str, object], after: int, balance: int, limit: int) -> tuple[Line, ...]:
    """Return the next lines, each with the balance after it."""
    lines = []
    for line_id, posted_at, kind, key, other, change in database.rows(LINES, {**given, "after": after, "limit": limit}):
        balance += change
        lines.append(Line(line_id, posted_at, kind, key, other, change, balance))
    return tuple(lines)
