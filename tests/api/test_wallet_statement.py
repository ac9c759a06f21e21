"""A wallet's owner reads and saves its statement, and nobody else's."""

import csv
import io

import pytest

from tests.api.people import Person, a_client
from tests.builders import at, fill_wallet

# The day on which the builders' clock begins, in China.
DAY = at().now.date().isoformat()
DAYS = f"?first_day={DAY}&last_day={DAY}"


def a_saver(*amounts: int) -> Person:
    """Somebody whose wallet was filled with these amounts."""
    person = a_client()
    for amount in amounts:
        fill_wallet(person.buyer, amount)
    return person


def test_the_statement_has_every_line_with_the_balance_after_it() -> None:
    answer = a_saver(500, 250).get(f"/wallet/statement{DAYS}")
    assert answer.status == 200, answer.body
    found = answer.json
    assert (found["opening_minor"], found["closing_minor"], found["currency"], found["next"]) == (0, 750, "CNY", None)
    lines = [(line["kind"], line["counter_account"], line["change_minor"], line["balance_minor"]) for line in found["items"]]
    assert lines == [("wallet_topped_up", "psp:sandbox:clearing", 500, 500), ("wallet_topped_up", "psp:sandbox:clearing", 250, 750)]
    assert (found["since"], found["until"]) == ("2026-03-02T00:00:00+08:00", "2026-03-03T00:00:00+08:00")


def test_pages_follow_one_another() -> None:
    person = a_saver(1, 2, 3)
    first = person.get(f"/wallet/statement{DAYS}&limit=2").json
    second = person.get(f"/wallet/statement{DAYS}&limit=2&cursor={first['next']}").json
    assert [line["balance_minor"] for line in first["items"] + second["items"]] == [1, 3, 6]
    assert (second["opening_minor"], second["closing_minor"], second["next"]) == (0, 6, None)


def test_the_file_can_be_saved_and_has_decimals() -> None:
    answer = a_saver(500, 250).get(f"/wallet/statement.csv{DAYS}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="wallet.csv"'
    table = list(csv.reader(io.StringIO(answer.body.decode())))
    assert [row[4:] for row in table] == [
        ["change", "balance", "currency"],
        ["", "0.00", "CNY"],
        ["5.00", "5.00", "CNY"],
        ["2.50", "7.50", "CNY"],
        ["", "7.50", "CNY"],
    ]


def test_other_days_and_other_people_have_other_statements() -> None:
    person = a_saver(500)
    later = person.get("/wallet/statement?first_day=2026-03-03&last_day=2026-03-05").json
    assert (later["opening_minor"], later["closing_minor"], later["items"]) == (500, 500, [])
    assert a_client().get(f"/wallet/statement{DAYS}").json["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("first_day=2026-03-03&last_day=2026-03-02", "first_day=2024-01-01&last_day=2026-03-02", "first_day=yesterday"),
        *(
            "first_day=1999-12-31&last_day=2000-01-02",
            "last_day=2100-01-01",
            "last_day=0001-01-01",
            "last_day=9999-12-31",
            "day=2026-03-02",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/wallet/statement", "/wallet/statement.csv"])
def test_days_that_make_no_period_are_refused(path: str, query: str) -> None:
    assert a_client().get(f"{path}?{query}").status == 422


def test_a_cursor_that_is_not_ours_is_refused() -> None:
    assert a_client().get("/wallet/statement?cursor=eyJ4IjoxfQ").status == 422
