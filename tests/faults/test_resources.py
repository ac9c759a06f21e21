"""Resources that run out or go away: a clean error, nothing lost, and everything goes on by itself afterwards."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from anka.config import embedded
from anka.core import database
from anka.core.refusals import Busy, DatabaseUnavailable
from tests import databases
from tests.api.client import Client
from tests.api.people import a_client
from tests.builders import Order, a_paid_order, a_product, a_sealed_order
from tests.embedded import tools
from tests.faults.crash import cut_the_line, watching
from tests.faults.interleave import PATIENCE

ASKED: dict[str, Callable[[], object]] = {
    "rows": lambda: database.value("SELECT 1"),
    "row": lambda: database.ask("SELECT $1::integer", 1),
}


def _in_a_flow(ask: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with database.transaction():
            return ask()

    return run


ASKED |= {f"{name} in a flow": _in_a_flow(ask) for name, ask in ASKED.items()}


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[embedded.Server]:
    """A server for this test alone, with Django connected to it. It holds no schema."""
    with embedded.running(home=tmp_path / "home", settings=tools.FAST) as server:
        databases.point_django_at(server.owner_url)
        yield server
        databases.point_django_at(databases.NOT_STARTED)
    shutil.rmtree(embedded.folder_of(home=tmp_path / "home"))


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_a_connection_that_broke_while_idle_is_replaced_without_anyone_noticing(ask: Callable[[], object]) -> None:
    assert ask()
    cut_the_line()
    assert ask()


@pytest.mark.no_database
@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_a_server_that_crashed_under_an_idle_connection_is_told_cleanly_if_at_all(
    own_server: embedded.Server, ask: Callable[[], object]
) -> None:
    """Its last word is a warning, which waits unread: libpq then has an error without SQLSTATE, on a connection it takes for good."""
    assert ask()
    mine = connection.connection.info.backend_pid
    with closing(psycopg.connect(own_server.owner_url)) as other:
        os.kill(other.info.backend_pid, signal.SIGKILL)
        assert tools.eventually(lambda: not tools.alive(mine))
    assert tools.eventually(lambda: _accepts(own_server))
    try:
        assert ask()
    except DatabaseUnavailable:
        assert ask()


def _accepts(server: embedded.Server) -> bool:
    try:
        return bool(tools.query(server.owner_url, "SELECT 1"))
    except psycopg.OperationalError:
        return False


def test_no_connection_left_is_told_and_heals_by_itself(fresh_database: databases.Database) -> None:
    buyer, product = a_client(), a_product(stock=2)
    wish = {"product_id": product.number, "quantity": 1}
    assert buyer.post("/orders", wish, key="first").status == 201
    with closing(fresh_database.as_owner()) as owner:
        databases.close_connection()
        owner.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(sql.Identifier(fresh_database.name)))
        refused = buyer.post("/orders", wish | {"allow_duplicate": True}, key="second")
        assert (refused.status, refused.code) == (503, "database_unavailable")
        assert refused.headers["Retry-After"]
        assert Client().call("GET", "/readyz").status == 503
        assert Client().call("GET", "/livez").status == 200
        owner.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT -1").format(sql.Identifier(fresh_database.name)))
    placed = buyer.post("/orders", wish | {"allow_duplicate": True}, key="second")
    assert placed.status == 201
    assert product.available == 0


def _hold(owner: "psycopg.Connection[Any]", order: Order) -> None:
    """Hold an order's row, as somebody else would who is at work on it."""
    owner.execute("BEGIN")
    owner.execute("SELECT FROM orders_order WHERE shop_id = %s AND id = %s FOR UPDATE", (order.shop.id, order.state.id))


def test_a_statement_that_takes_too_long_is_told_and_changes_nothing(worker_database: databases.Database) -> None:
    order = a_sealed_order()
    with closing(worker_database.as_owner()) as owner:
        _hold(owner, order)
        database.rows("SET statement_timeout = '100ms'")
        with pytest.raises(Busy):
            order.cancel(key="once")
        owner.execute("ROLLBACK")
    database.rows("RESET statement_timeout")
    assert order.stages == ["sealed"]
    assert order.cancel(key="once")
    assert order.stages == ["recalled"]


def test_a_deadlock_is_told_changes_nothing_and_the_next_try_works(worker_database: databases.Database) -> None:
    """Our flows lock in one order; somebody at the database who does not is the one case where PostgreSQL has to choose."""
    order = a_paid_order()
    with closing(worker_database.as_owner()) as owner, closing(worker_database.as_owner()) as onlooker:
        owner.execute("BEGIN")
        held = "SELECT FROM vault_key WHERE shop_id = %s AND id = %s FOR UPDATE"
        owner.execute(held, (order.shop.id, order.state.units[0].key_id))
        wants = "SELECT FROM orders_order WHERE shop_id = %s AND id = %s FOR UPDATE"
        other = Thread(target=owner.execute, args=(wants, (order.shop.id, order.state.id)))

        def wait_the_other_way_round(moment: str, sql: str) -> None:
            if moment == "statement" and "change_order(" in sql and other.ident is None:
                other.start()
                blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
                assert tools.eventually(lambda: onlooker.execute(blocked, (owner.info.backend_pid,)).fetchone() == (True,))
                # Each looks for a circle once, when it has waited for so long. The other looks before we close it, so it is up to us.
                (milliseconds,) = onlooker.execute(LOOKS_AFTER).fetchone() or (1_000,)
                Event().wait(10 * milliseconds / 1_000)

        with watching(wait_the_other_way_round), pytest.raises(Busy):
            order.cancel(key="once")
        other.join(PATIENCE)
        owner.execute("ROLLBACK")
    assert order.stages == ["queued"]
    assert order.cancel(key="once")
    assert order.stages == ["released"]


LOOKS_AFTER = "SELECT setting::integer FROM pg_settings WHERE name = 'deadlock_timeout'"
