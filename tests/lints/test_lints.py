"""Each lint finds its small bad example, and leaves the good one alone."""

import pytest
from scripts import invariants_page
from scripts.lints import calls, money, places, size, time
from scripts.lints.__main__ import LINTS, findings
from scripts.lints.source import Lint, Source

FLOW, DOMAIN, QUERY, PAGE, TEST = (
    "src/anka/flows/pay.py",
    "src/anka/domain/tax.py",
    "src/anka/orders/queries.py",
    "src/anka/web/page.py",
    "tests/flows/test_pay.py",
)
LONG = "def f() -> None:\n" + "    a = 1\n" * 60

EXAMPLES: list[tuple[Lint, str, str, str]] = [
    (size.file_length, PAGE, "a = 1\n" * 401, "a = 1\n" * 400),
    (size.file_length, DOMAIN, "a = 1\n" * 251, "a = 1\n" * 250),
    (size.file_length, FLOW, "a = 1\n" * 151, "a = 1\n\n" * 150),
    (size.file_length, "src/anka/flows/sql/functions/pay.sql", "SELECT 1;\n" * 401, "SELECT 1;\n" * 400),
    (size.function_length, PAGE, LONG, LONG.removesuffix("    a = 1\n")),
    (size.function_length, TEST, LONG, ""),
    (size.parameter_count, PAGE, "def f(a, b, c, d, *, e, f, g): ...", "def f(self, a, b, c, d, *, e, f): ..."),
    (calls.keywords_only, FLOW, "def pay(order, amount): ...", "def pay(*, order, amount): ..."),
    (calls.keywords_only, FLOW, "def pay(order, *, amount): ...", "def pay(order): ..."),
    (calls.keywords_only, QUERY, "def find(*numbers): ...", "def _find(shop, number): ..."),
    (calls.no_flags, PAGE, "def show(*, hidden: bool): ...", "def show(*, is_paid: bool): ..."),
    (money.no_float_money, PAGE, "price_minor: float = 1", "price_minor: int = 1"),
    (money.no_float_money, PAGE, "def f(price_minor: float): ...", "def f(seconds: float): ..."),
    (money.no_float_money, DOMAIN, "half = order.price_minor / 2", "half = share(amount_minor=order.price_minor, percent=50)"),
    (money.no_float_money, DOMAIN, "more = price_minor * 1.05", "more = price_minor * 2"),
    (money.no_float_money, DOMAIN, "shown = float(price_minor)", "shown = str(price_minor)"),
    (time.clock_is_an_argument, FLOW, "a = datetime.now(UTC)", "a = at.now"),
    (time.clock_is_an_argument, DOMAIN, "a = datetime.datetime.utcnow()", "a = datetime.fromisoformat('2026-03-02')"),
    (time.clock_is_an_argument, PAGE, "a = time.time()", "a = timezone.localtime(moment)"),
    (time.clock_is_an_argument, PAGE, "a = timezone.localtime()", "a = calendar.now()"),
    (time.no_clock_in_sql, "src/anka/orders/sql/functions/a.sql", "SELECT now();", "SELECT in_now; -- never now()"),
    (time.no_clock_in_sql, QUERY, "A = 'SELECT 1 WHERE due < CURRENT_TIMESTAMP'", "A = 'do it now()'"),
    (time.no_sleep, TEST, "time.sleep(1)", "done.wait(1)"),
    (time.no_sleep, TEST, "from time import sleep\nsleep(1)", ""),
    (places.writes_in_their_place, QUERY, "A = 'INSERT INTO orders_order VALUES (1)'", "A = 'SELECT 1'"),
    (places.writes_in_their_place, PAGE, "A = '''UPDATE orders_unit AS unit\n SET stage = 1'''", "A = 'Update the set'"),
    (places.writes_in_their_place, "src/anka/jobs/a.py", "A = 'DELETE FROM orders_order'", '"""DELETE FROM is what writes.py may say."""'),
    (places.domain_stands_alone, DOMAIN, "import msgspec", "import json"),
    (places.domain_stands_alone, DOMAIN, "from anka.core import database", "from anka.domain.money import split"),
    (places.domain_stands_alone, DOMAIN, "from . import money", "from dataclasses import dataclass"),
]


@pytest.mark.parametrize(("lint", "path", "bad", "good"), EXAMPLES)
def test_a_lint_finds_the_bad_and_leaves_the_good(lint: Lint, path: str, bad: str, good: str) -> None:
    assert len(list(lint(Source(path=path, text=bad)))) == 1
    assert list(lint(Source(path=path, text=good))) == []


def test_every_lint_has_an_example() -> None:
    assert {lint for lint, *_ in EXAMPLES} == set(LINTS)


@pytest.mark.parametrize(
    ("lint", "path"),
    [
        (places.writes_in_their_place, "src/anka/orders/writes.py"),
        (places.writes_in_their_place, FLOW),
        (time.clock_is_an_argument, "src/anka/jobs/worker.py"),
    ],
)
def test_a_lint_knows_where_it_does_not_apply(lint: Lint, path: str) -> None:
    assert list(lint(Source(path=path, text="A = 'DELETE FROM orders_order'\nB = datetime.now(UTC)"))) == []


def test_the_house_is_clean() -> None:
    assert [str(finding) for finding in findings()] == []


def test_the_page_of_invariants_says_what_the_audit_does() -> None:
    assert invariants_page.PAGE.read_text(encoding="utf-8") == invariants_page.page(), "run: python scripts/invariants_page.py"
