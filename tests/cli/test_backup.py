"""A market is copied while it runs, its home is lost, and it goes on elsewhere: nothing is missing, keys open, the audit is clean."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from anka.config import dump, embedded
from anka.core import database
from anka.core.clock import moment
from anka.jobs import audit, checkpoints
from tests import builders
from tests.builders import Order
from tests.cli.running import anka
from tests.databases import Database, SharedServer, point_django_at
from tests.embedded import tools
from tests.horizon import wait_for_the_horizon


@pytest.fixture
def order(fresh_database: Database) -> Order:
    """A sealed order of a market with signed events."""
    del fresh_database
    made = builders.a_sealed_order()
    wait_for_the_horizon()
    assert checkpoints.make_checkpoint(at=moment())
    return made


@pytest.fixture
def elsewhere(tmp_path: Path, order: Order, fresh_database: Database) -> Iterator[Path]:
    """An empty home, as on a new machine, with a copy of the market beside it."""
    dump.back_up(url=fresh_database.owner, file=tmp_path / "market.dump")
    home = tmp_path / "home"
    yield home
    assert tools.eventually(lambda: not tools.running_servers(home))
    shutil.rmtree(embedded.folder_of(home=home), ignore_errors=True)


def goes_on(order: Order) -> list[audit.Violation]:
    """Open the key that was sealed before, sign what happened, and audit everything."""
    assert order.reveal() == order.product.secrets[0]
    wait_for_the_horizon()
    checkpoints.make_checkpoint(at=moment())
    return audit.audit(now=moment().now)


def test_a_lost_market_goes_on_elsewhere(elsewhere: Path, order: Order) -> None:
    copy, variables = elsewhere.with_name("market.dump"), {"ANKA_HOME": str(elsewhere)}
    assert copy.stat().st_mode & 0o777 == 0o600
    done = anka("restore", str(copy), variables=variables)
    assert done.status == 0, done.err
    assert anka("audit", variables=variables).status == 0
    again = anka("restore", str(copy), variables=variables)
    assert (again.status, "not empty" in again.complaint) == (1, True)
    with embedded.running(home=elsewhere) as server:
        point_django_at(server.url)
        assert goes_on(order) == []
        point_django_at("dbname=none")


@pytest.mark.breaks_invariants
def test_without_catching_up_new_events_look_like_forgeries(elsewhere: Path, order: Order) -> None:
    """The negative control: a plain pg_restore on a new server is not enough, and the audit says so."""
    with embedded.running(home=elsewhere) as server:
        dump.restore(url=server.owner_url, file=elsewhere.with_name("market.dump"))
        assert dump.behind(url=server.owner_url) > 0
        point_django_at(server.owner_url)
        assert order.reveal() == order.product.secrets[0]
        found = audit.audit(now=moment().now)
        assert {violation.invariant for violation in found} == {"I12"}
        point_django_at("dbname=none")


def test_a_copy_from_the_command_line(fresh_database: Database, order: Order, server: SharedServer, tmp_path: Path) -> None:
    variables = {"ANKA_HOME": str(tmp_path), "ANKA_DATABASE_URL": fresh_database.owner}
    done = anka("backup", str(tmp_path / "copy"), variables=variables)
    assert done.status == 0, done.err
    assert "keyring" in done.out
    assert anka("backup", str(tmp_path / "copy"), variables=variables).status == 1
    name = f"{fresh_database.name}_restored"
    with psycopg.connect(server.maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        restored = server.database(name)
        assert anka("restore", str(tmp_path / "copy"), variables={**variables, "ANKA_DATABASE_URL": restored.owner}).status == 0
        point_django_at(restored.runtime)
        assert goes_on(order) == []
        assert database.value("SELECT has_table_privilege('core_event', 'UPDATE')") is False
        point_django_at(fresh_database.runtime)
    finally:
        server.drop(name)


def test_what_cannot_be_copied_leaves_no_file(tmp_path: Path) -> None:
    done = anka(
        "backup", str(tmp_path / "copy"), variables={"ANKA_HOME": str(tmp_path), "ANKA_DATABASE_URL": "host=127.0.0.1 port=1 dbname=x"}
    )
    assert done.status == 1
    assert list(tmp_path.glob("*copy*")) == []
