"""Clocks warn before they fall: whom, at which share of their time, once, and only while they run."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from anka.core import database
from anka.core.clock import Moment
from anka.core.schema import read_sql
from anka.domain.deadlines import CLOCKS, WARNED, warnings
from anka.jobs import housekeeping, sandbox_play
from anka.jobs.warnings import tell_of_late, warn, warn_of_all
from tests.builders import Order, a_placed_order, a_sealed_order, at
from tests.databases import Database
from tests.jobs.market import Market

START = at().now
HOUR = timedelta(hours=1)
HEARD = (
    "SELECT audience, (details ->> 'percent')::int FROM messaging_notice WHERE shop_id = %s AND kind = 'clock_warning' ORDER BY made_at, id"
)
TURNS = ("promise", "answer", "offer", "escalate", "appeal", "evidence", "look", "rule")


def a_clock(kind: str, *, runs: timedelta = 10 * HOUR, position: int = 1, order: Order | None = None) -> Order:
    """An order with a clock of this kind that started at the beginning."""
    order = order or a_sealed_order()
    stop(order, "hold", "confirm", "settle", "promise")
    database.rows("SELECT start_clock(%s, %s, %s, %s, %s, %s)", (order.shop.id, order.state.id, position, kind, START, START + runs))
    return order


def stop(order: Order, *kinds: str, state: str = "stopped") -> None:
    """End clocks of an order."""
    positions, when = list(range(9)), at(20).now
    database.rows("SELECT end_clocks(%s, %s, %s, %s::text[], %s, %s)", (order.shop.id, order.state.id, positions, list(kinds), when, state))


def after(share: float, runs: timedelta = 10 * HOUR) -> Moment:
    """The moment at which this much of a clock's time has passed, 1.0 being all of it."""
    return Moment(now=START + runs * share, real=START)


def heard(order: Order) -> list[tuple[Any, ...]]:
    """Who was warned about an order, and at how many percent, in order."""
    return database.rows(HEARD, (order.shop.id,))


@pytest.mark.parametrize("kind", TURNS)
def test_each_turn_warns_whoever_must_move_at_half_and_at_four_fifths(kind: str, fresh_database: Database) -> None:
    order, audiences = a_clock(kind), WARNED[kind].audiences
    for share, percents in ((0.499, ()), (0.5, (50,)), (0.6, (50,)), (0.799, (50,)), (0.8, (50, 80)), (0.99, (50, 80))):
        warn(at=after(share))
        assert sorted(heard(order)) == sorted((audience, percent) for percent in percents for audience in audiences), share


def test_whom_each_clock_warns(fresh_database: Database) -> None:
    expected = {
        "hold": {"buyer"},
        "promise": {"shop"},
        "answer": {"shop"},
        "offer": {"buyer"},
        "escalate": {"buyer"},
        "appeal": {"buyer"},
        "evidence": {"buyer", "shop"},
        "look": {"platform"},
        "rule": {"platform"},
        "ceiling": {"platform"},
    }
    assert {kind: set(warned.audiences) for kind, warned in WARNED.items()} == expected


def test_shares_stand_in_their_order_and_none_is_the_whole() -> None:
    """The statement leaves out early what has not come to the first of them."""
    for warned in WARNED.values():
        assert list(warned.percents) == sorted(set(warned.percents))
        assert 0 < warned.percents[0] <= warned.percents[-1] < 100
        assert warned.after is None or len(warned.percents) == 1


def test_an_unpaid_order_has_one_last_call(fresh_database: Database) -> None:
    order, hold = a_placed_order(), timedelta(minutes=15)
    assert [(warn(at=after(share, hold)), heard(order)) for share in (0.5, 0.79, 0.8, 0.9)] == [
        (0, []),
        (0, []),
        (1, [("buyer", 80)]),
        (0, [("buyer", 80)]),
    ]


def test_a_case_raises_the_alarm_after_ten_days(fresh_database: Database) -> None:
    order = a_clock("ceiling", runs=CLOCKS["ceiling"].default)
    warn(at=at(days=9, hours=23.9))
    assert heard(order) == []
    warn(at=at(days=10))
    warn(at=at(days=14))
    assert heard(order) == [("platform", 66)]


@pytest.mark.parametrize("kind", ["confirm", "settle", "keep", "arrival", "late", "external"])
def test_clocks_nobody_has_to_act_on_warn_of_nothing(kind: str, fresh_database: Database) -> None:
    order = a_clock(kind)
    assert (warn(at=after(0.9)), heard(order)) == (0, [])


def test_a_sweep_that_comes_late_tells_the_last_call_only(fresh_database: Database) -> None:
    order = a_clock("answer")
    assert warn(at=after(0.95)) == 1
    assert warn(at=after(0.96)) == 0
    assert heard(order) == [("shop", 80)]


def test_a_clock_that_has_run_out_falls_and_warns_no_more(fresh_database: Database) -> None:
    order = a_clock("answer")
    assert (warn(at=after(1.0)), warn(at=after(2.0)), heard(order)) == (0, 0, [])


@pytest.mark.parametrize("state", ["stopped", "fallen"])
def test_a_clock_that_has_ended_warns_no_more(state: str, fresh_database: Database) -> None:
    order = a_clock("answer")
    stop(order, "answer", state=state)
    assert (warn(at=after(0.9)), heard(order)) == (0, [])


def test_a_paused_clock_warns_of_nothing_until_it_runs_again(fresh_database: Database) -> None:
    order = a_clock("answer")
    database.rows("UPDATE core_clock SET state = 'paused', paused_at = %s WHERE shop_id = %s AND kind = 'answer'", (START, order.shop.id))
    assert (warn(at=after(0.6)), heard(order)) == (0, [])
    database.rows("UPDATE core_clock SET state = 'running', paused_at = NULL WHERE shop_id = %s AND kind = 'answer'", (order.shop.id,))
    assert (warn(at=after(0.6)), heard(order)) == (1, [("shop", 50)])


def test_a_warning_says_which_clock_until_when_and_about_what(fresh_database: Database) -> None:
    order = a_clock("answer")
    warn(at=after(0.5))
    ((number, case, kind, clock, due, made),) = database.rows(
        "SELECT order_number, case_number, kind, details ->> 'clock', details ->> 'due_at', made_at FROM messaging_notice"
        " WHERE kind = 'clock_warning'"
    )
    assert (number, case, kind, clock, made) == (order.number, None, "clock_warning", "answer", after(0.5).now)
    assert datetime.fromisoformat(due) == START + 10 * HOUR


def test_a_warning_about_an_open_case_names_it(fresh_database: Database) -> None:
    order = a_sealed_order()
    order.cancel()
    a_clock("answer", order=order)
    database.rows("UPDATE cases_unit SET open = true WHERE shop_id = %s", (order.shop.id,))
    warn(at=after(0.5))
    case = database.value("SELECT number FROM cases_case WHERE shop_id = %s", (order.shop.id,))
    assert database.value("SELECT case_number FROM messaging_notice WHERE kind = 'clock_warning'") == case is not None


def test_a_batch_is_bounded_and_the_rest_comes_next(fresh_database: Database) -> None:
    orders = [a_clock("answer") for _ in range(5)]
    assert [warn(at=after(0.6), limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert [heard(order) for order in orders] == [[("shop", 50)]] * 5
    assert warn_of_all(at=after(0.9)) == 5


def test_two_sweeps_at_once_tell_once(fresh_database: Database) -> None:
    orders = [a_clock("evidence") for _ in range(6)]
    gate = threading.Barrier(4)

    def sweep() -> None:
        gate.wait(timeout=60)
        warn(at=after(0.6))
        connection.close()

    sweepers = [threading.Thread(target=sweep) for _ in range(4)]
    for sweeper in sweepers:
        sweeper.start()
    for sweeper in sweepers:
        sweeper.join(timeout=60)
    assert [sorted(heard(order)) for order in orders] == [[("buyer", 50), ("shop", 50)]] * 6


GUARDS = {
    "paused": ("clock.state = 'running' AND clock.due_at > in_now", "clock.due_at > in_now"),
    "run out": ("clock.state = 'running' AND clock.due_at > in_now", "clock.state = 'running'"),
    "far off": ("<= in_now) AS reached", "IS NOT NULL) AS reached"),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_negative_control_without_a_guard_the_wrong_clock_warns(guard: str, fresh_database: Database) -> None:
    order, with_guard = a_clock("evidence"), read_sql("messaging", "functions/warnings.sql")
    if guard == "paused":
        database.rows("UPDATE core_clock SET state = 'paused', paused_at = %s WHERE kind = 'evidence'", (START,))
    when = {"paused": 0.6, "run out": 1.1, "far off": 0.6}[guard]
    assert with_guard.count(GUARDS[guard][0]) == 1
    with fresh_database.as_owner() as owner:
        owner.execute(with_guard.replace(*GUARDS[guard]).encode())
    warn(at=after(when))
    wrong = 80 if guard != "paused" else 50
    assert sorted(heard(order)) == [("buyer", wrong), ("shop", wrong)]


def test_negative_control_without_the_memory_a_warning_is_told_again(fresh_database: Database) -> None:
    order = a_clock("answer")
    warn(at=after(0.6))
    database.rows("DELETE FROM messaging_warned")
    warn(at=after(0.6))
    assert heard(order) == [("shop", 50)] * 2


def test_the_database_and_the_domain_agree_when_a_clock_warns(fresh_database: Database) -> None:
    for runs in (timedelta(minutes=15), 7 * timedelta(days=1), timedelta(seconds=1001), timedelta(microseconds=2_000_002)):
        due = START + runs
        found = database.rows("SELECT clock_warns_at(%s, %s, 50, NULL), clock_warns_at(%s, %s, 80, NULL)", (START, due, START, due))
        for ours, theirs in zip(warnings(started_at=START, due_at=due), found[0], strict=True):
            assert abs(ours - theirs) <= timedelta(microseconds=1)


def test_the_workers_housekeeping_warns(fresh_database: Database) -> None:
    order = a_clock("answer")
    housekeeping.keep_house(at=after(0.6))
    assert heard(order) == [("shop", 50)]


def test_the_sandboxs_clock_stops_at_every_warning(market: Market) -> None:
    order = market.an_order()
    placed = order.state.placed_at
    sandbox_play.move_clock(advance_seconds=3 * 86_400, now=None)
    assert order.state.closed_by == "timeout"
    ((kind, made),) = database.rows("SELECT details ->> 'clock', made_at FROM messaging_notice WHERE kind = 'clock_warning'")
    assert (kind, made - placed) == ("hold", timedelta(minutes=12))


def test_warnings_come_at_their_own_time_on_the_sandboxs_clock(market: Market) -> None:
    order = market.an_order()
    began = market.now.now
    for kind, hours in (("answer", 24), ("offer", 48)):
        due = began + timedelta(hours=hours)
        database.rows("SELECT start_clock(%s, %s, 1, %s, %s, %s)", (order.shop.id, order.state.id, kind, began, due))
    sandbox_play.move_clock(advance_seconds=40 * 3600, now=None)
    found = database.rows("SELECT details ->> 'clock', made_at FROM messaging_notice WHERE details ->> 'clock' <> 'hold' ORDER BY made_at")
    assert [(kind, round((made - began) / HOUR, 6)) for kind, made in found] == [
        ("answer", 12.0),
        ("answer", 19.2),
        ("offer", 24.0),
        ("offer", 38.4),
    ]
    stop(order, "answer", "offer")


def kept(order: Order) -> int:
    """How many notices about an order there are."""
    return int(database.value("SELECT count(*) FROM messaging_notice WHERE shop_id = %s AND kind <> 'order_delivered'", (order.shop.id,)))


def test_read_notices_are_forgotten_after_ninety_days_and_unread_ones_never(fresh_database: Database) -> None:
    order = a_clock("evidence")
    warn(at=after(0.6))
    database.rows("UPDATE messaging_notice SET read_at = made_at WHERE audience = 'buyer'")
    made = after(0.6).now
    for days, left in ((89, 2), (91, 1), (400, 1)):
        stop(order, "evidence")
        housekeeping.keep_house(at=Moment(now=made + timedelta(days=days), real=datetime.now(UTC)))
        assert kept(order) == left, days


def test_forgetting_is_bounded(fresh_database: Database) -> None:
    order = a_sealed_order()
    for _ in range(5):
        database.rows("SELECT tell(%s, %s, NULL, 'buyer', 'order_paid', NULL, %s)", (order.shop.id, order.state.id, START))
    database.rows("UPDATE messaging_notice SET read_at = made_at")
    late = START + timedelta(days=100)
    before = kept(order)
    assert database.value("SELECT forget_notices(%s, 2)", (late,)) == 2
    assert kept(order) == before - 2


def test_what_was_warned_of_is_forgotten_only_when_the_clock_has_ended(fresh_database: Database) -> None:
    running, ended = a_clock("answer", runs=timedelta(days=365)), a_clock("answer", runs=timedelta(days=365))
    warn(at=at(days=200))
    stop(ended, "answer")
    housekeeping.keep_house(at=at(days=291))
    assert database.rows("SELECT shop_id FROM messaging_warned") == [(running.shop.id,)]


def test_a_broken_promise_is_told_to_both_once(fresh_database: Database) -> None:
    order = a_clock("promise", runs=HOUR, position=0)
    for share, left in ((0.99, []), (1.0, ["buyer", "shop"]), (1.5, ["buyer", "shop"])):
        tell_of_late(at=after(share, HOUR))
        found = database.rows(
            "SELECT audience FROM messaging_notice WHERE shop_id = %s AND kind = 'late_delivery' ORDER BY 1", (order.shop.id,)
        )
        assert [audience for (audience,) in found] == left, share
