"""`anka doctor`: looks at everything this installation needs and says what is wrong and how to mend it. Changes nothing."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata

import django.db
import msgspec
from django.db.migrations.executor import MigrationExecutor

from anka.adapters.channels import configured
from anka.cli.doctor_looks import LOOKS, Finding
from anka.config import embedded, start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import Environment, EnvironmentNotUsable
from anka.core import database
from anka.core.refusals import Refusal
from anka.sandbox.protocols import PROTOCOLS

FAILURES = (Refusal,)
LEAST_POSTGRESQL = 15
LEAST_FREE_BYTES = 1_073_741_824


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
    if not installation.sandbox and not installation.secure:
        mode += ", over plain HTTP because ANKA_PLAIN_HTTP=1 says that nobody can listen"
    yield Finding("configuration", f"{mode}; version {_version()}; {installation.base_url}; data in {installation.home}")
    yield _home(installation)
    told = _channels(installation)
    yield told
    if told.mend and not installation.sandbox:
        # Nothing of this installation starts before that is mended.
        return
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
    places = [known]
    if not installation.database_url and embedded.folder_of(home=installation.home).is_dir():
        places.append(embedded.folder_of(home=installation.home))
    free = min(shutil.disk_usage(place).free for place in places)
    mend = "make room: PostgreSQL stops at a full disk" if free < LEAST_FREE_BYTES else ""
    return Finding("data folder", f"{free // 1_048_576} MiB free", mend)


def _channels(installation: Environment) -> Finding:
    """Read what is configured, with every key it names; no channel is called."""
    if installation.sandbox:
        made, wrong = configured.sandbox_channels(
            codes=PROTOCOLS, home=installation.home, gateway_url=installation.gateway_url, base_url=installation.base_url
        )
        refused = "; ".join(f"{code}: {reason}" for code, reason in wrong.items())
        mend = f"remove {installation.home / 'sandbox' / 'channels'} to have new keys made" if wrong else ""
        return Finding("channels", refused or f"{', '.join(['sandbox', *made])}; all of them pretended", mend)
    try:
        found = configured.read_channels(place=installation.channels, base_url=installation.base_url)
    except configured.ChannelsNotUsable as reason:
        return Finding("channels", str(reason), "mend the file or the key as said, then run this again")
    if not found:
        return Finding("channels", "none, so only the wallet can pay; set ANKA_CHANNELS_FILE to configure some")
    return Finding("channels", f"{', '.join(found)}; their keys can be read")


def _with_database(installation: Environment) -> Iterator[Finding]:
    version = database.value("SELECT current_setting('server_version_num')::integer") // 10_000
    where = "given by ANKA_DATABASE_URL" if installation.database_url else "embedded"
    yield Finding("database", f"PostgreSQL {version}, {where}", "" if version >= LEAST_POSTGRESQL else "use PostgreSQL 15 or newer")
    plan = MigrationExecutor(django.db.connection).migration_plan(MigrationExecutor(django.db.connection).loader.graph.leaf_nodes())
    if plan:
        yield Finding("tables", f"{len(plan)} migrations are missing", "run: anka migrate")
        return
    for look in LOOKS:
        yield look(installation)
