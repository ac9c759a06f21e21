"""Statements as CSV: amounts as decimals of the currency, one line per movement, opening and closing balance around them.

A spreadsheet takes a cell that begins with = + - @ or a tab for a formula. References come from outside, so such a text gets an apostrophe
in front; amounts are written by us and stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from anka.domain.money import format_amount
from anka.ledger.statements import MOST_EXPORTED, Account, Period, Statement, whole_statement

HEADINGS = ("at", "event", "reference", "counter_account", "change", "balance", "currency")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "%", "|")
IN_MEMORY = 1 << 20


def plain(text: str) -> str:
    """Return a text as a spreadsheet may show it: one that would be a formula begins with an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_parts(*, pages: Iterable[Statement]) -> Iterator[bytes]:
    """Yield the CSV (RFC 4180, UTF-8) of a statement's pages, one piece per page. Nothing is held but a page."""
    last: Statement | None = None
    for page in pages:
        rows: list[tuple[str, ...]] = [] if last else [HEADINGS, _balance(page, "opening_balance")]
        rows += _rows(page)
        last = page
        yield _written(rows)
    if last:
        yield _written([_balance(last, "closing_balance")])


def csv_file(*, account: Account, period: Period, most: int = MOST_EXPORTED) -> IO[bytes]:
    """Return the CSV of a whole statement as an open file at its beginning, up to a megabyte of it in memory. The caller closes it.

    It is written before anything is sent, so that a slow reader keeps no transaction open and no half statement is taken for a whole one.

    Raises:
        StatementTooLong: the period has more than `most` lines.
    """
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  handed to the caller
    try:
        for part in csv_parts(pages=whole_statement(account=account, period=period, most=most)):
            file.write(part)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _rows(page: Statement) -> list[tuple[str, ...]]:
    currency = page.account.currency
    return [
        (
            line.at.isoformat(),
            plain(line.kind),
            plain(line.reference),
            plain(line.counter_account),
            format_amount(amount_minor=line.change_minor, currency=currency),
            format_amount(amount_minor=line.balance_minor, currency=currency),
            currency,
        )
        for line in page.lines
    ]


def _balance(page: Statement, name: str) -> tuple[str, ...]:
    opening = name == "opening_balance"
    at, minor = (page.period.since, page.opening_minor) if opening else (page.period.until, page.closing_minor)
    currency = page.account.currency
    return (at.isoformat(), name, "", plain(page.account.code), "", format_amount(amount_minor=minor, currency=currency), currency)


def _written(rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
