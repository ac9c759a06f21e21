"""The worker's reconciliation against the real gateway: it asks for yesterday's bill in the morning, once, and takes what nobody took."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from anka.core import database
from anka.jobs import channels, reconcile
from anka.payments import bills
from anka.payments.bills import CHINA
from tests.jobs.market import Market


def asked() -> list[str]:
    return [row[0] for row in database.rows("SELECT subject FROM core_outbox WHERE topic = 'reconcile' ORDER BY subject")]


def today(market: Market) -> date:
    return market.now.now.astimezone(CHINA).date()


def move_to(market: Market, day: date, hour: int, minute: int) -> None:
    """Move the market's clock forward to a time of day in China."""
    wanted = datetime.combine(day, time(hour, minute), tzinfo=CHINA)
    market.move(minutes=(wanted - market.now.now) / timedelta(minutes=1))


def pursue(market: Market, day: date) -> None:
    for _step in range(10):
        if reconcile.pursue(subject=f"sandbox:{day}", at=market.now) != timedelta(0):
            return


def open_kinds(day: date) -> list[str]:
    return [one.kind.value for one in bills.inbox(status=bills.DifferenceState.OPEN, channel="sandbox", day=day, after=None, limit=50)]


def test_yesterday_is_asked_for_in_the_morning_once(market: Market) -> None:
    tomorrow = today(market) + timedelta(days=1)
    move_to(market, tomorrow, 10, 29)
    assert reconcile.ask_daily(at=market.now) == 0
    move_to(market, tomorrow, 10, 31)
    with_bills = [code for code, channel in channels.channels.items() if channel.manners.has_bills]
    assert reconcile.ask_daily(at=market.now) == len(with_bills)
    assert f"sandbox:{tomorrow - timedelta(days=1)}" in asked()
    assert reconcile.ask_daily(at=market.now) == 0


def test_a_payment_that_nobody_took_is_taken_from_the_bill(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    day = today(market)
    market.play(order, number, "paid", "never")
    assert order.state.paid_minor == 0
    move_to(market, day + timedelta(days=1), 10, 31)
    pursue(market, day)
    # It came after the order had closed or in time: either way the books have it, and nothing differs.
    bill = bills.current_bill(channel="sandbox", day=day)
    assert bill is not None
    assert bill.compared_at is not None
    assert (
        database.value(
            "SELECT count(*) FROM payments_transaction AS t JOIN payments_payment AS p ON p.id = t.payment_id"
            " AND p.shop_id = t.shop_id WHERE p.number = %s",
            (number,),
        )
        == 1
    )
    assert [one for one in open_kinds(day) if one == "not_taken"] == []


def test_a_bill_that_is_not_there_yet_is_asked_for_again(market: Market) -> None:
    day = today(market)
    assert reconcile.pursue(subject=f"sandbox:{day}", at=market.now) == reconcile.NOT_YET
    move_to(market, day + timedelta(days=1), 10, 31)
    assert reconcile.pursue(subject=f"sandbox:{day}", at=market.now) == timedelta(0)
    # One that is never there is given up some day.
    assert reconcile.pursue(subject="nobody:2026-01-01", at=market.now) is None


def test_without_asking_the_channel_the_money_stays_outside(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: a comparison that only compares leaves the payment where it is, and says so."""
    monkeypatch.setattr(reconcile, "_ACTS", {})
    order = market.an_order()
    day = today(market)
    market.play(order, market.begin(order), "paid", "never")
    move_to(market, day + timedelta(days=1), 10, 31)
    pursue(market, day)
    assert open_kinds(day) == ["not_taken"]
    assert order.state.paid_minor == 0


def test_money_for_nobody_is_in_the_inbox_and_asked_about(market: Market) -> None:
    number = "WHO-BILLED"
    day = today(market)
    market.capture_for_nobody(number, 1)
    move_to(market, day + timedelta(days=1), 10, 31)
    pursue(market, day)
    assert "not_taken" in open_kinds(day)
    assert database.value("SELECT count(*) FROM payments_question WHERE payment_number = %s", (number,)) == 1
    # The channel says the same for a minute; then the money is in the books, and the difference settles itself.
    market.run()
    market.run_for(minutes=3)
    market.move(hours=1)
    pursue(market, day)
    assert "not_taken" not in open_kinds(day)
