"""Resources that run out or go away: a clean error, nothing lost, and everything goes on by itself afterwards."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from anka.config import embedded
from anka.core import database
from anka.core.refusals import DatabaseUnavailable
from tests import databases
from tests.embedded import tools
from tests.faults.crash import cut_the_line

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
