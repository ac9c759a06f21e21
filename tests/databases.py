"""The PostgreSQL of a test run: one server for all workers, one migrated template, one copy per worker, a fresh copy on demand.

`ANKA_TEST_DATABASE_URL` names a server to use instead of the embedded one; its role must be able to create databases and roles.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from anka.config import embedded
from anka.config.migrate import migrate
from anka.core.schema import RUNTIME

RUN = "ANKA_TEST_RUN"
HOME = "ANKA_TEST_HOME"
GIVEN = "ANKA_TEST_DATABASE_URL"
NOT_STARTED = "postgresql://nobody@/the_test_did_not_ask_for_a_database"
LOCK_SECONDS = 120
# Nothing here must survive a power cut.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "120",
    "deadlock_timeout": "100ms",
}


def prepare_environment() -> None:
    """Name this run before any worker is started; workers inherit it. Settings are read from the environment, so it comes first."""
    os.environ.setdefault(RUN, f"{os.getpid()}")
    if HOME not in os.environ:
        os.environ[HOME] = tempfile.mkdtemp(prefix="anka-tests-")
    os.environ["ANKA_HOME"] = os.environ[HOME]
    os.environ["ANKA_SANDBOX"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "anka.config.settings"
    os.environ["ANKA_DATABASE_URL"] = NOT_STARTED
    for name in ("ANKA_SECRET_KEY", "ANKA_KEYRING", "ANKA_BASE_URL", "ANKA_PRODUCTION", "ANKA_LOG_FORMAT"):
        os.environ.pop(name, None)


def remove_home() -> None:
    """Delete the embedded server's folder after the last worker has stopped using it."""
    home = Path(os.environ[HOME])
    shutil.rmtree(embedded.folder_of(home=home), ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class Database:
    """One database: `owner` may do anything to it, `runtime` what the application may."""

    name: str
    owner: str
    runtime: str

    def as_owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the owner, past the application: to plant violations, to look at locks. The caller closes it."""
        return psycopg.connect(self.owner, autocommit=True)


@dataclass(frozen=True)
class SharedServer:
    """The server all workers share."""

    maintenance: str
    run: str

    @property
    def template(self) -> str:
        """The name of the migrated, empty database that all others are copies of."""
        return f"anka_test_{self.run}_template"

    def database(self, name: str) -> Database:
        """Return how to reach a database of this run."""
        owner = make_conninfo(self.maintenance, dbname=name)
        return Database(name=name, owner=owner, runtime=self._runtime(owner))

    def _runtime(self, owner: str) -> str:
        if os.environ.get(GIVEN):
            # The given role stays who connects; it acts as the application's role from the first statement on.
            return make_conninfo(owner, options=f"-c role={RUNTIME}")
        return make_conninfo(owner, user=RUNTIME)

    def create(self, name: str) -> Database:
        """Copy the template."""
        with psycopg.connect(self.maintenance, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(self.template)))
        return self.database(name)

    def name(self, what: str) -> str:
        """Return a name for a database of this worker."""
        return f"anka_test_{self.run}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{what}"

    @contextmanager
    def empty(self, what: str) -> Iterator[str]:
        """Make a database without tables, for the gateway's own books, and give how to reach it; it is dropped at the end."""
        name = self.name(what)
        with psycopg.connect(self.maintenance, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_conninfo(self.maintenance, dbname=name)
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with psycopg.connect(self.maintenance, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def prepare(self) -> None:
        """Make and migrate the template once; other workers wait."""
        with psycopg.connect(self.maintenance, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(7266732)")
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (self.template,)).fetchone():
                return
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (RUNTIME,)).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(RUNTIME)))
            unfinished = f"{self.template}_unfinished"
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
            _migrate(self.database(unfinished))
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(self.template)))


def _migrate(database: Database) -> None:
    point_django_at(database.owner)
    migrate()
    point_django_at(NOT_STARTED)
    with database.as_owner() as owner:
        _wait_longer_for_locks(owner)


def _wait_longer_for_locks(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Let nobody give up after the 3 s of production: a test that holds a lock may need longer for what it does meanwhile."""
    wait_for_locks(owner, limit=f"{LOCK_SECONDS}s")


def wait_for_locks(owner: psycopg.Connection[tuple[Any, ...]], *, limit: str) -> None:
    """Let every function that waits for locks wait so long."""
    limited = "SELECT oid::regprocedure::text FROM pg_proc WHERE proconfig::text LIKE '%lock_timeout=%'"
    functions = [str(row[0]) for row in owner.execute(limited)]
    assert functions
    for function in functions:
        owner.execute(f"ALTER FUNCTION {function} SET lock_timeout = '{limit}'".encode())


def point_django_at(conninfo: str) -> None:
    """Make every connection opened from now on, in any thread or child process, go to this database."""
    close_connection()
    parts = conninfo_to_dict(conninfo)
    named = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    options = {key: str(text) for key, text in parts.items() if key not in named.values()}
    settings = connections.settings["default"]
    settings.update({key: str(parts.get(name) or "") for key, name in named.items()})
    settings["OPTIONS"] = {"connect_timeout": 5, **options}
    os.environ["ANKA_DATABASE_URL"] = conninfo


def close_connection() -> None:
    """Close this thread's connection. Every thread a test starts calls it at its end."""
    connections["default"].close()


@contextmanager
def shared_server() -> Iterator[SharedServer]:
    """Share the run's server, with the template ready."""
    given = os.environ.get(GIVEN)
    run = os.environ[RUN]
    if given:
        server = SharedServer(maintenance=given, run=run)
        server.prepare()
        yield server
        return
    with embedded.running(home=Path(os.environ[HOME]), settings=FAST) as running:
        server = SharedServer(maintenance=running.owner_url, run=run)
        server.prepare()
        yield server


def forget_rules(place: Database) -> None:
    """Take away every draft and announcement but the rules a database begins with."""
    tables = ("policies_withdrawal", "policies_publication", "policies_run", "policies_draft", "core_event")
    with place.as_owner() as owner, owner.transaction():
        for table in tables:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        owner.execute("DELETE FROM policies_withdrawal")
        owner.execute("DELETE FROM policies_publication WHERE by_person <> 0")
        # Orders of earlier tests may be looked at again: let them be older than any announcement but the first.
        first = "SELECT version FROM policies_publication ORDER BY in_force_from LIMIT 1"
        owner.execute(f"UPDATE orders_order SET policy_version = ({first}), placed_at = '2000-01-01Z'".encode())
        owner.execute("DELETE FROM policies_run")
        owner.execute("DELETE FROM policies_draft")
        owner.execute("DELETE FROM core_event WHERE shop_id = 0")
        # Work of an earlier test would be taken up first, and the batch be full before this one's turn.
        owner.execute("DELETE FROM core_outbox WHERE topic = 'policy_run'")
        for table in tables:
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


def drop_template() -> None:
    """Leave nothing behind on a server that is not ours."""
    given = os.environ.get(GIVEN)
    if given:
        server = SharedServer(maintenance=given, run=os.environ[RUN])
        server.drop(server.template)
