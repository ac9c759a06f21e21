from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anka.jobs import audit
from tests import databases
from tests.databases import Database, SharedServer
from tests.jobs.market import Market, open_market

END = datetime(2100, 1, 1, tzinfo=UTC)
# What earlier tests did is over: it belongs to days that nobody compares any more.
OVER = """
TRUNCATE payments_bill, payments_bill_line, payments_difference, payments_difference_step, payments_evidence;
ALTER TABLE payments_transaction DISABLE TRIGGER USER;
UPDATE payments_transaction SET taken_at = taken_at - interval '300 days';
UPDATE payments_attempt SET ended_at = ended_at - interval '300 days';
"""


@pytest.fixture(scope="session")
def gateway_database(server: SharedServer) -> Iterator[str]:
    """An empty database for the gateway's own books."""
    with server.empty("gateway") as reached:
        yield reached


@pytest.fixture
def market(fresh_database: Database, gateway_database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Market]:
    """A market on a database of its own, so that sweeps find this test's work alone; clean by every invariant afterwards."""
    with open_market(home=tmp_path, gateway_database=gateway_database) as market:
        yield market
        if not request.node.get_closest_marker("breaks_invariants"):
            assert audit.audit(now=END) == []


@pytest.fixture(scope="module")
def bills_database(server: databases.SharedServer) -> Iterator[databases.Database]:
    """A database for these tests alone: a bill is about everything there is."""
    name = server.name("bills")
    yield server.create(name)
    server.drop(name)


@pytest.fixture
def quiet_day(bills_database: databases.Database) -> Iterator[None]:
    """A day on which nothing has happened yet."""
    with bills_database.as_owner() as owner:
        owner.execute(OVER)
    databases.point_django_at(bills_database.runtime)
    # What was corrected on days that are over has lost its reasons; nothing else may be wrong.
    before = audit.audit(now=END)
    yield
    assert [found for found in audit.audit(now=END) if found not in before] == []
    databases.point_django_at(databases.NOT_STARTED)
