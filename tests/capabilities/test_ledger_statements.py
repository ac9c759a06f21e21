"""Statements: opening balance plus lines is the closing balance, page by page and as a file, for any account and period."""

import csv
import io
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from anka.core import database as door
from anka.domain.chart import kind_of
from anka.ledger import export, statements
from anka.ledger.export import csv_file, csv_parts, plain
from anka.ledger.statements import Account, Line, Period, Statement, StatementTooLong, account_statement, whole_statement
from tests.builders import Shop, a_shop
from tests.builders.moments import BEGINNING

POST = "SELECT post_journal(%s, %s, %s, %s, %s, %s, %s, %s::bigint[])"
DEPOSIT = "merchant:1:deposit"
EVER = Period(BEGINNING - timedelta(days=1), BEGINNING + timedelta(days=100))


def post(shop: Shop, key: str, at: datetime, pair: tuple[str, str, int], *, currency: str = "CNY") -> None:
    debit, credit, amount = pair
    door.value(POST, (shop.id, key, "test", at, currency, [debit], [credit], [amount]))


def day(number: int) -> datetime:
    return BEGINNING + timedelta(days=number)


def a_busy_shop(*, days: int = 5) -> Shop:
    """A shop whose deposit grows by 100 a day and loses 30 of it the same day."""
    shop = a_shop()
    for number in range(days):
        post(shop, f"in-{number}", day(number), ("psp:sandbox:clearing", DEPOSIT, 100))
        post(shop, f"out-{number}", day(number), (DEPOSIT, "penalty", 30))
    return shop


def sums_up(statement: Statement) -> None:
    balances = [statement.opening_minor, *(line.balance_minor for line in statement.lines)]
    assert [after - before for before, after in pairwise(balances)] == [line.change_minor for line in statement.lines]


def test_a_statement_tells_what_moved_the_account_and_what_it_held() -> None:
    shop = a_busy_shop()
    found = account_statement(account=Account(shop.id, DEPOSIT, "CNY"), period=Period(day(1), day(3)), after=None, limit=100)
    assert (found.opening_minor, found.closing_minor, found.more) == (70, 210, None)
    assert [(line.at, line.kind, line.reference, line.counter_account, line.change_minor, line.balance_minor) for line in found.lines] == [
        (day(1), "test", "in-1", "psp:sandbox:clearing", 100, 170),
        (day(1), "test", "out-1", "penalty", -30, 140),
        (day(2), "test", "in-2", "psp:sandbox:clearing", 100, 240),
        (day(2), "test", "out-2", "penalty", -30, 210),
    ]


@pytest.mark.parametrize("code", [DEPOSIT, "psp:sandbox:clearing", "penalty"])
def test_any_account_is_told_on_the_side_on_which_it_grows(code: str) -> None:
    shop = a_busy_shop()
    found = account_statement(account=Account(shop.id, code, "CNY"), period=EVER, after=None, limit=100)
    assert found.closing_minor == shop.balance(code)
    assert {line.change_minor > 0 for line in found.lines} == ({True, False} if code == DEPOSIT else {True})
    sums_up(found)
    assert kind_of(code)


def test_pages_follow_one_another_and_carry_the_balance() -> None:
    shop = a_busy_shop()
    account, after, pages = Account(shop.id, DEPOSIT, "CNY"), None, []
    for _page in range(20):
        page = account_statement(account=account, period=EVER, after=after, limit=3)
        pages.append(page)
        after = page.more
        if after is None:
            break
    assert [len(page.lines) for page in pages] == [3, 3, 3, 1]
    assert {(page.opening_minor, page.closing_minor) for page in pages} == {(0, 350)}
    lines = tuple(line for page in pages for line in page.lines)
    assert lines == account_statement(account=account, period=EVER, after=None, limit=100).lines
    assert lines[-1].balance_minor == 350


def test_periods_that_meet_share_a_balance_and_no_line() -> None:
    shop = a_busy_shop()
    account = Account(shop.id, DEPOSIT, "CNY")
    weeks = [account_statement(account=account, period=Period(day(n), day(n + 1)), after=None, limit=100) for n in range(-1, 7)]
    assert all(before.closing_minor == after.opening_minor for before, after in pairwise(weeks))
    assert [len(week.lines) for week in weeks] == [0, 2, 2, 2, 2, 2, 0, 0]
    assert weeks[-1].closing_minor == 350


def test_what_was_dated_back_is_in_its_day() -> None:
    """A node whose clock is behind posts later with an earlier time: opening, lines and closing still agree."""
    shop = a_busy_shop(days=3)
    post(shop, "late", day(1), ("psp:sandbox:clearing", DEPOSIT, 7))
    account = Account(shop.id, DEPOSIT, "CNY")
    second = account_statement(account=account, period=Period(day(1), day(2)), after=None, limit=100)
    third = account_statement(account=account, period=Period(day(2), day(3)), after=None, limit=100)
    assert (second.opening_minor, second.closing_minor, third.opening_minor, third.closing_minor) == (70, 147, 147, 217)
    assert [line.balance_minor for line in second.lines] == [170, 140, 147]
    sums_up(second)
    sums_up(third)


def test_an_account_never_used_and_another_shops_have_empty_statements() -> None:
    shop, other = a_busy_shop(), a_shop()
    for account in (Account(other.id, DEPOSIT, "CNY"), Account(shop.id, DEPOSIT, "USD"), Account(shop.id, "merchant:2:deposit", "CNY")):
        found = account_statement(account=account, period=EVER, after=None, limit=10)
        assert (found.opening_minor, found.closing_minor, found.lines, found.more) == (0, 0, (), None)
        assert list(whole_statement(account=account, period=EVER)) == [found]


def test_an_export_is_the_whole_statement_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "AT_ONCE", 4)
    shop = a_busy_shop()
    account = Account(shop.id, DEPOSIT, "CNY")
    pages = list(whole_statement(account=account, period=EVER))
    assert [len(page.lines) for page in pages] == [4, 4, 2]
    assert (
        tuple(line for page in pages for line in page.lines) == account_statement(account=account, period=EVER, after=None, limit=100).lines
    )
    monkeypatch.setattr(statements, "AT_ONCE", 5)
    assert [len(page.lines) for page in whole_statement(account=account, period=EVER)] == [5, 5, 0]


def test_a_period_with_too_much_in_it_is_refused_whole() -> None:
    shop = a_busy_shop()
    account = Account(shop.id, DEPOSIT, "CNY")
    with pytest.raises(StatementTooLong):
        csv_file(account=account, period=EVER, most=9)
    with csv_file(account=account, period=EVER, most=10) as file:
        assert len(file.read().splitlines()) == 13


def test_the_file_has_decimals_of_the_currency_and_both_balances() -> None:
    shop = a_shop()
    for currency, amount in (("JPY", 1234), ("CNY", 1234), ("KWD", 1234)):
        post(shop, f"in-{currency}", day(0), ("psp:sandbox:clearing", DEPOSIT, amount), currency=currency)
        post(shop, f"out-{currency}", day(1), (DEPOSIT, "penalty", 4), currency=currency)
    told = []
    for currency in ("JPY", "CNY", "KWD"):
        with csv_file(account=Account(shop.id, DEPOSIT, currency), period=Period(day(1), day(2))) as file:
            told.append(list(csv.reader(io.StringIO(file.read().decode()))))
    assert [[row[4:] for row in table[1:]] for table in told] == [
        [["", "1234", "JPY"], ["-4", "1230", "JPY"], ["", "1230", "JPY"]],
        [["", "12.34", "CNY"], ["-0.04", "12.30", "CNY"], ["", "12.30", "CNY"]],
        [["", "1.234", "KWD"], ["-0.004", "1.230", "KWD"], ["", "1.230", "KWD"]],
    ]
    assert told[0][0] == list(export.HEADINGS)
    assert [row[1] for row in told[0][1:]] == ["opening_balance", "test", "closing_balance"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "%0A", "|calc"])
def test_no_cell_is_a_formula(text: str) -> None:
    line = Line(1, BEGINNING, text, text, text, -5, -5)
    page = Statement(Account(1, text, "CNY"), EVER, -5, -5, (line,), None)
    table = list(csv.reader(io.StringIO(b"".join(csv_parts(pages=[page])).decode(), newline="")))
    cells = [cell for row in table for cell in row]
    assert f"'{text}" in cells
    dangerous = [cell for cell in cells if cell.startswith(export.FORMULA)]
    # Only numbers of ours begin with a minus.
    assert set(dangerous) == {"-0.05"}


def test_other_texts_stay_as_they_are() -> None:
    assert [plain(text) for text in ("", "confirm:1", "退款", "'x", "a=1")] == ["", "confirm:1", "退款", "'x", "a=1"]
