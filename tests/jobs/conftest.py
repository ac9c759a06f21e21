from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from anka.jobs import audit
from tests.databases import Database, SharedServer
from tests.jobs.market import Market, open_market

END = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def gateway_database(server: SharedServer) -> Iterator[str]:
    """An empty database for the gateway's own books."""
    name = f"anka_test_{server.run}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_gateway"
    with psycopg.connect(server.maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(server.maintenance, dbname=name)
    server.drop(name)


@pytest.fixture
def market(fresh_database: Database, gateway_database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Market]:
    """A market on a database of its own, so that sweeps find this test's work alone; clean by every invariant afterwards."""
    with open_market(home=tmp_path, gateway_database=gateway_database) as market:
        yield market
        if not request.node.get_closest_marker("breaks_invariants"):
            assert audit.audit(now=END) == []
