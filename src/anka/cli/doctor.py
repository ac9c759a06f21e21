"""`anka doctor`: looks at everything this installation needs and says what is wrong and how to mend it. Changes nothing."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata

import django.db
import msgspec
from django.db.migrations.executor import MigrationExecutor

from anka.adapters.keyring.file import KeyringNotUsable
from anka.config import start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import Environment, EnvironmentNotUsable
from anka.config.migrate import state_tables
from anka.core import clock, database
from anka.core.refusals import Refusal
from anka.jobs import keys
from anka.vault import queries as vault
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing

FAILURES = (Refusal,)
LEAST_POSTGRESQL = 15
LEAST_FREE_BYTES = 1_073_741_824
MOST_SKEW_SECONDS = 5.0
LATE_WORK = "SELECT count(*) FROM core_outbox WHERE done_at IS NULL AND due_at < %s - interval '5 minutes'"
LATE_CLOCKS = "SELECT count(*) FROM core_clock WHERE state = 'running' AND due_at < %s - interval '5 minutes'"
# Enough to know that the keyring is right, without unwrapping the keys of ten thousand shops.
SHOPS_TRIED = "SELECT DISTINCT ON (wrapped_by) shop_id FROM vault_data_key ORDER BY wrapped_by, shop_id LIMIT 100"


class Finding(msgspec.Struct, frozen=True):
    """The result of one look. `mend` says what to do, "" where nothing is wrong."""

    part: str
    found: str
    mend: str = ""


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare --json."""
    parser.add_argument("--json", action="store_true", help="machine output")


def run(*, given: argparse.Namespace) -> int:
    """Print every finding; 1 where something is wrong."""
    findings = list(_findings())
    sick = any(finding.mend for finding in findings)
    if given.json:
        sys.stdout.write(f"{msgspec.json.encode({'healthy': not sick, 'findings': findings}).decode()}\n")
        return 1 if sick else 0
    for finding in findings:
        sys.stdout.write(f"{'WRONG' if finding.mend else 'ok   '}  {finding.part}: {finding.found}\n")
        if finding.mend:
            sys.stdout.write(f"       → {finding.mend}\n")
    return 1 if sick else 0


def _findings() -> Iterator[Finding]:
    try:
        installation = start.looking_after()
    except EnvironmentNotUsable as reason:
        yield Finding("configuration", str(reason), "set the variable as said, then run this again")
        return
    mode = "sandbox, money is pretended" if installation.sandbox else "production"
    yield Finding("configuration", f"{mode}; version {_version()}; {installation.base_url}; data in {installation.home}")
    yield _home(installation)
    try:
        with start.ready():
            yield from _with_database(installation)
    except (EmbeddedDatabaseError, django.db.Error, Refusal) as reason:
        yield Finding("database", " ".join(str(reason).split()), "start the database, or mend ANKA_DATABASE_URL")


def _version() -> str:
    try:
        return metadata.version("anka")
    except metadata.PackageNotFoundError:
        return "from source"


def _home(installation: Environment) -> Finding:
    known = installation.home
    while not known.exists() and known != known.parent:
        known = known.parent
    if not os.access(known, os.W_OK):
        return Finding("data folder", f"{installation.home} cannot be written", f"run: chown {os.geteuid()} {known}, or set ANKA_HOME")
    free = shutil.disk_usage(known).free
    mend = "make room: PostgreSQL stops at a full disk" if free < LEAST_FREE_BYTES else ""
    return Finding("data folder", f"{free // 1_048_576} MiB free", mend)


LOOKS: list[Callable[[], Finding]] = []


def _look(look: Callable[[], Finding]) -> Callable[[], Finding]:
    LOOKS.append(look)
    return look


def _with_database(installation: Environment) -> Iterator[Finding]:
    version = database.value("SELECT current_setting('server_version_num')::integer") // 10_000
    where = "given by ANKA_DATABASE_URL" if installation.database_url else "embedded"
    yield Finding("database", f"PostgreSQL {version}, {where}", "" if version >= LEAST_POSTGRESQL else "use PostgreSQL 15 or newer")
    plan = MigrationExecutor(django.db.connection).migration_plan(MigrationExecutor(django.db.connection).loader.graph.leaf_nodes())
    if plan:
        yield Finding("tables", f"{len(plan)} migrations are missing", "run: anka migrate")
        return
    for look in LOOKS:
        yield look()


@_look
def _tables() -> Finding:
    """The tables of moves in PostgreSQL have to say what the code says."""
    other = [
        table
        for table, rows in state_tables().items()
        if sorted(map(repr, database.rows(f"SELECT * FROM {table}"))) != sorted(repr(tuple(map(_plain, row))) for row in rows)
    ]
    return Finding("tables", f"of another version: {', '.join(other)}" if other else "up to date", "run: anka migrate" if other else "")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


@_look
def _role() -> Finding:
    may = database.value("SELECT has_table_privilege('core_event', 'UPDATE')")
    name = database.value("SELECT current_user")
    if may and not start.looking_after().sandbox:
        return Finding("database role", f"{name} may rewrite history", "connect as anka_app, which may only do what it was granted")
    return Finding("database role", str(name))


@_look
def _clocks() -> Finding:
    skew = abs((database.value("SELECT clock_timestamp()") - datetime.now(UTC)).total_seconds())
    ahead = clock.moment().now - clock.moment().real
    moved = f"; the sandbox clock runs {ahead} ahead" if ahead.total_seconds() > 1 else ""
    mend = "set the clocks of both machines by NTP" if skew > MOST_SKEW_SECONDS else ""
    return Finding("clocks", f"database and this machine differ by {skew:.1f} s{moved}", mend)


@_look
def _keyring() -> Finding:
    try:
        ring = keys.keyring()
        shops = [shop_id for (shop_id,) in database.rows(SHOPS_TRIED)]
        for shop_id in shops:
            keys.opener_for(shop_id=shop_id)
    except (KeyringNotUsable, KeyEncryptionKeyMissing, DataKeyDidNotOpen) as reason:
        return Finding("keyring", str(reason), "put the right keyring where ANKA_KEYRING says; without it no key can be opened")
    names = ", ".join(vault.wrapped_by_names()) or "none yet"
    return Finding("keyring", f"new data keys are wrapped by {ring.current}; in use: {names}")


@_look
def _queue() -> Finding:
    now = clock.moment().now
    late = int(database.value(LATE_WORK, (now,))) + int(database.value(LATE_CLOCKS, (now,)))
    return Finding("queue", f"{late} things are more than 5 minutes late", "start a worker: anka worker" if late else "")
