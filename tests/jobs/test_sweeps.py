"""What happens by itself: once, whoever looks and however often; trouble stays with the order that has it."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from anka.core import database, outbox
from anka.core.clock import Moment
from anka.flows.confirm_order import confirm_order
from anka.jobs import sweeps, worker
from tests import databases
from tests.builders import Order, a_key, a_product
from tests.databases import Database, SharedServer
from tests.jobs.market import PRICE, Market, attempts, events, snapshot, work

WEEK = 8


def owner_does(database_of_test: Database, statement: str, *parameters: object) -> None:
    with database_of_test.as_owner() as connection:
        connection.execute(statement.encode(), parameters)


def poison(database_of_test: Database, table: str, order: Order, *, error: str = "XX001") -> None:
    """Make every change of an order's rows in a table fail in a way nobody foresaw."""
    name = f"poison_{table}_{order.state.id}"
    key = "id" if table == "orders_order" else "order_id"
    owner_does(
        database_of_test,
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison' USING ERRCODE = '{error}'; END $$;"
        f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN (NEW.{key} = {order.state.id} AND NEW.shop_id = {order.shop.id})"
        f" EXECUTE FUNCTION {name}();",
    )


def heal(database_of_test: Database, table: str, order: Order) -> None:
    name = f"poison_{table}_{order.state.id}"
    owner_does(database_of_test, f"DROP TRIGGER {name} ON {table}")


def confirmed(market: Market, order: Order) -> None:
    market.run()
    order.reveal(when=market.now)
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=market.now)


def one_of_everything(market: Market) -> list[Order]:
    """Orders for which something is about to happen: expire, deliver, refund, confirm, settle."""
    unpaid, to_confirm, to_settle = market.an_order(), market.a_paid_order(), market.a_paid_order()
    market.run()
    to_confirm.reveal(when=market.now)
    confirmed(market, to_settle)
    market.move(days=WEEK)
    cancelled, queued = market.a_paid_order(), market.a_paid_order()
    market.cancel(cancelled)
    return [unpaid, to_confirm, to_settle, cancelled, queued]


def assert_all_happened(orders: list[Order]) -> None:
    unpaid, to_confirm, to_settle, cancelled, queued = orders
    assert (unpaid.stages, events(unpaid).count("order_timed_out")) == (["released"], 1)
    assert (to_confirm.moneys, events(to_confirm).count("delivery_confirmed")) == (["released"], 1)
    assert (to_settle.moneys, events(to_settle).count("units_settled")) == (["settled"], 1)
    assert (attempts(cancelled)[0][1], events(cancelled).count("refund_submitted")) == ("processing", 1)
    assert (queued.stages, events(queued).count("units_sealed")) == (["sealed"], 1)


def test_sweeping_twice_is_sweeping_once(market: Market) -> None:
    orders = one_of_everything(market)
    assert market.run() >= 5
    assert_all_happened(orders)
    after = snapshot()
    assert market.run() == 0
    assert snapshot() == after


def test_four_workers_at_once_do_each_piece_once(market: Market) -> None:
    orders = one_of_everything(market)
    more = [market.a_paid_order() for _ in range(12)]
    at = market.now
    start = threading.Barrier(4)

    def sweep(_: int) -> int:
        start.wait()
        try:
            return sum(sweeps.fall(at=at) + sweeps.work_off(at=at) for _ in range(4))
        finally:
            databases.close_connection()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(sweep, range(4))) >= 5 + len(more)
    market.run()
    assert_all_happened(orders)
    assert [events(order).count("units_sealed") for order in more] == [1] * len(more)


def test_a_lease_is_held_by_one_and_taken_over_from_the_dead(market: Market) -> None:
    order = market.a_paid_order()
    at = market.now
    (task,) = outbox.lease(topics=["deliver"], limit=10, at=at)
    assert outbox.lease(topics=["deliver"], limit=10, at=at) == []
    market.run()
    assert order.stages == ["queued"]
    later = Moment(now=at.now + outbox.LEASE, real=at.real)
    (again,) = outbox.lease(topics=["deliver"], limit=10, at=later)
    assert (again.subject, again.tries) == (task.subject, 2)
    # The dead one comes back: the work is no longer its own.
    outbox.done(task=task, at=later)
    outbox.later(task=task, due_at=later.now + timedelta(days=9))
    ((due, _tries, _failure, finished),) = work(order, "deliver")
    assert (due <= at.now, finished) == (True, None)
    outbox.later(task=again, due_at=later.now)
    market.move(minutes=2)
    market.run()
    assert order.stages == ["sealed"]
    ((_due, _tries, _failure, finished),) = work(order, "deliver")
    assert finished is not None


@pytest.mark.parametrize("error", ["XX001", "23514", "AN004"])
def test_a_poisoned_task_backs_off_and_blocks_nobody(
    market: Market, fresh_database: Database, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    sick, well = market.a_paid_order(), market.a_paid_order()
    poison(fresh_database, "orders_unit", sick, error=error)
    with caplog.at_level(logging.WARNING, logger="anka.worker"):
        market.run()
    assert (sick.stages, well.stages) == (["queued"], ["sealed"])
    ((due, tries, failure, finished),) = work(sick, "deliver")
    assert (tries, finished) == (1, None)
    assert failure is not None
    # What stands in the table is what a person looks for in the log.
    assert failure.split()[-1] in caplog.text
    waits = []
    for _ in range(14):
        ((due, _tries, _failure, _finished),) = work(sick, "deliver")
        waits.append((due - market.now.now).total_seconds())
        market.move(minutes=waits[-1] / 60)
        market.run()
    assert [round(wait / 5) for wait in waits[:6]] == [1, 2, 4, 8, 16, 32]
    assert max(waits) <= 3600.0
    heal(fresh_database, "orders_unit", sick)
    market.move(hours=1)
    market.run()
    assert sick.stages == ["sealed"]
    ((_due, _tries, failure, finished),) = work(sick, "deliver")
    assert failure is None
    assert finished is not None


def test_an_order_that_cannot_expire_is_put_aside_and_the_others_expire(market: Market, fresh_database: Database) -> None:
    sick, well = market.an_order(), [market.an_order() for _ in range(3)]
    held = market.an_order()
    market.begin(held)
    poison(fresh_database, "orders_order", sick)
    market.move(minutes=16)
    market.run()
    assert [order.stages for order in (sick, *well, held)] == [["reserved"], *[["released"]] * 4]
    ((_due, _tries, _failure, finished),) = work(sick, "expire")
    assert finished is None
    market.move(minutes=1)
    market.run()
    ((_due, tries, failure, _finished),) = work(sick, "expire")
    assert (tries, str(failure).startswith("DataCorrupted") or str(failure).startswith("InternalError")) == (1, True)
    heal(fresh_database, "orders_order", sick)
    market.move(hours=1)
    market.run()
    assert sick.state.closed_by == "timeout"


@pytest.mark.parametrize(("kind", "table"), [("confirm", "orders_unit"), ("settle", "orders_unit")])
def test_a_clock_that_cannot_be_acted_on_is_put_aside(market: Market, fresh_database: Database, kind: str, table: str) -> None:
    sick, well = market.a_paid_order(), market.a_paid_order()
    market.run()
    for order in (sick, well):
        order.reveal(when=market.now)
        if kind == "settle":
            confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=market.now)
    poison(fresh_database, table, sick)
    market.move(days=WEEK)
    market.run()
    before = "held" if kind == "confirm" else "released"
    after = "released" if kind == "confirm" else "settled"
    assert (sick.moneys, well.moneys) == ([before], [after])
    assert len(work(sick, kind)) == 1
    heal(fresh_database, table, sick)
    market.move(hours=1)
    market.run()
    assert sick.moneys == [after]


def test_clocks_nobody_can_act_on_starve_nobody(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fallen clocks of units whose money is elsewhere are passed over, even where there are more of them than a batch holds."""
    monkeypatch.setattr(sweeps, "CLOCKS", 2)
    stuck = [market.a_paid_order() for _ in range(3)]
    order = market.a_paid_order()
    market.run()
    for each in stuck:
        market.cancel(each)
        # A clock that should have been stopped with the refund, as an older version might have left it.
        database.rows(
            "UPDATE core_clock SET state = 'running', ended_at = NULL WHERE shop_id = %s AND order_id = %s AND kind = 'confirm'",
            (each.shop.id, each.state.id),
        )
    market.move(days=WEEK)
    order_at = market.now
    assert sweeps.fall(at=order_at) == 1
    assert order.moneys == ["released"]
    assert sweeps.fall(at=order_at) == 0


def test_a_refund_stops_the_clocks_of_its_units_and_of_no_others(market: Market) -> None:
    order = market.a_paid_order(quantity=3)
    market.run()
    market.cancel(order, 2)
    clocks = "SELECT position FROM core_clock WHERE shop_id = %s AND order_id = %s AND kind = 'confirm' AND state = 'running' ORDER BY 1"
    assert database.rows(clocks, (order.shop.id, order.state.id)) == [(1,), (3,)]
    market.cancel(order)
    assert database.rows(clocks, (order.shop.id, order.state.id)) == []
    market.move(days=WEEK)
    market.run()
    market.run_for(minutes=1)
    assert order.moneys == ["refunded"] * 3


def test_a_promise_that_fell_breaks_nothing(market: Market) -> None:
    waiting = market.a_paid_order(product=a_product(stock=1))
    running = "SELECT count(*) FROM core_clock WHERE shop_id = %s AND kind = 'promise' AND state = 'running'"
    assert database.value(running, (waiting.shop.id,)) == 1
    market.move(hours=50)
    sweeps.fall(at=market.now)
    assert waiting.stages == ["queued"]
    market.run()
    assert waiting.stages == ["sealed"]
    assert database.value(running, (waiting.shop.id,)) == 0


def test_goods_nobody_touched_for_two_days_are_given_back(market: Market, fresh_database: Database) -> None:
    sick, well = market.a_paid_order(), market.a_paid_order()
    poison(fresh_database, "core_clock", sick)
    market.run()
    assert (sick.stages, well.stages) == (["queued"], ["sealed"])
    market.move(hours=47)
    market.run()
    assert sick.stages == ["queued"]
    heal(fresh_database, "core_clock", sick)
    # Delivery is tried once an hour by now; the two days are over a little earlier.
    database.rows("UPDATE core_outbox SET due_at = due_at + interval '2 days' WHERE done_at IS NULL AND shop_id = %s", (sick.shop.id,))
    market.move(hours=1.1)
    market.run()
    market.run_for(minutes=1)
    assert (sick.stages, sick.moneys, market.paid_back(sick)) == (["released"], ["refunded"], PRICE)
    assert sick.product.available == 1
    assert well.stages == ["sealed"]


def test_a_promise_that_fell_does_not_bar_the_way_out(market: Market) -> None:
    waiting = market.a_paid_order()
    market.move(hours=50)
    market.cancel(waiting)
    market.run()
    market.run_for(minutes=1)
    assert (waiting.moneys, market.paid_back(waiting)) == (["refunded"], PRICE)


class Working:
    """A worker in a thread of its own."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.ended = False
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            worker.run(stop=self.stop)
            self.ended = True
        finally:
            databases.close_connection()

    def __enter__(self) -> Working:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop.set()
        self._thread.join(timeout=120)
        assert self.ended, "it did not stop, or died"


def until(condition: Any, *, patience: int = 2400) -> None:
    """Look until something holds, at most two minutes."""
    pause = threading.Event()
    for _ in range(patience):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("it did not happen")


def test_the_worker_works_and_stops_when_told(market: Market) -> None:
    order = market.a_paid_order()
    with Working():
        until(lambda: order.stages == ["sealed"])


def test_the_worker_outlives_its_connections(market: Market, fresh_database: Database) -> None:
    first = market.a_paid_order()
    with Working():
        until(lambda: first.stages == ["sealed"])
        for _ in range(3):
            with fresh_database.as_owner() as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                    (fresh_database.name,),
                )
            databases.close_connection()
            order = market.a_paid_order()
            until(lambda order=order: order.stages == ["sealed"])


def test_the_worker_waits_for_a_database_that_is_away(
    market: Market, fresh_database: Database, server: SharedServer, caplog: pytest.LogCaptureFixture
) -> None:
    order = market.an_order()
    number = market.begin(order)
    (notice,) = market.play(order, number).notices
    maintenance = psycopg.connect(server.maintenance, autocommit=True)
    with maintenance as owner, caplog.at_level(logging.WARNING, logger="anka.worker"), Working():
        shut(owner, fresh_database)
        until(lambda: "cannot be reached" in caplog.text)
        assert market.give(notice) == 503
        owner.execute(f'ALTER DATABASE "{fresh_database.name}" ALLOW_CONNECTIONS true'.encode())
        until(lambda: "the database is back" in caplog.text)
        assert market.give(notice) == 200
        until(lambda: order.stages == ["sealed"])


def shut(owner: psycopg.Connection[Any], which: Database) -> None:
    """Let nobody in any more and throw everybody out, as a restart would."""
    owner.execute(f'ALTER DATABASE "{which.name}" ALLOW_CONNECTIONS false'.encode())
    owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", (which.name,))


def test_the_worker_outlives_what_nobody_foresaw(market: Market, fresh_database: Database, caplog: pytest.LogCaptureFixture) -> None:
    owner_does(fresh_database, "ALTER TABLE core_outbox RENAME TO core_outbox_gone")
    with caplog.at_level(logging.ERROR, logger="anka.worker"), Working():
        until(lambda: "a sweep went wrong" in caplog.text)
        owner_does(fresh_database, "ALTER TABLE core_outbox_gone RENAME TO core_outbox")
        order = market.a_paid_order()
        until(lambda: order.stages == ["sealed"])
