"""Copies of the database: PostgreSQL's own programs, run with the address of this installation, and what a copy alone would miss."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from anka.config import embedded
from anka.config.embedded import EmbeddedDatabaseError

VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE", "options": "PGOPTIONS"}
# Restored events and checkpoints carry the numbers of the transactions they were made in; a new server counts from the beginning.
REACHED = """
SELECT greatest((SELECT max(transaction_id) FROM core_event), (SELECT max(to_transaction) FROM core_checkpoint), '0'::xid8)::text::bigint,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
USED_AT_ONCE = 100_000
USE = "SELECT use_transaction_numbers(%s)"


class DumpFailed(Exception):
    """A program of PostgreSQL did not do its work; what it said is part of the message."""

    code, status = "dump_failed", 500


class NotEmpty(Exception):
    """The database to restore into holds something."""

    code, status = "not_empty", 409


def back_up(*, url: str, file: Path) -> int:
    """Write everything in the database to a file, while the market runs; return its size in bytes. Readable by its owner only.

    Raises:
        DumpFailed: there is no file of that name then.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    try:
        words = ["--format=custom", "--no-owner", "--no-privileges", "--no-unlogged-table-data", f"--file={unfinished}"]
        _run("pg_dump", words, url)
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def restore(*, url: str, file: Path) -> None:
    """Read a file of `back_up` into an empty database: all of it or nothing.

    Raises:
        NotEmpty, DumpFailed: nothing was restored.
    """
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if found is None or found[0]:
        raise NotEmpty("The database is not empty, so nothing was restored. Restore into a new ANKA_HOME or an empty database.")
    _run(
        "pg_restore", ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", f"--dbname={_name(url)}", str(file)], url
    )


def behind(*, url: str) -> int:
    """Return by how many transaction numbers the server is behind what was restored."""
    with psycopg.connect(url) as connection:
        found = connection.execute(REACHED).fetchone()
    reached, next_number = found or (0, 0)
    return max(0, int(reached) - int(next_number) + 1)


def catch_up(*, url: str) -> Iterator[int]:
    """Use up transaction numbers until the server is beyond those that were restored, yielding how many at a time.

    Without this, new events would fall into the range of checkpoints that were signed long ago, and look like forgeries.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        while count := min(behind(url=url), USED_AT_ONCE):
            connection.execute(USE, (count,))
            yield count


def _name(url: str) -> str:
    return str(conninfo_to_dict(url).get("dbname") or "anka")


def _run(program: str, words: list[str], url: str) -> None:
    parts = conninfo_to_dict(url)
    # In the environment, since every user of the machine can read the words of a command.
    address = {VARIABLES[name]: str(value) for name, value in parts.items() if name in VARIABLES and value is not None}
    done = subprocess.run(  # noqa: S603  PostgreSQL's own program, without a shell
        [str(_program(program, url)), "--no-password", *words], env={**os.environ, **address}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[:500]
        raise DumpFailed(f"{program} failed, so nothing was changed: {said}")


def _program(name: str, url: str) -> Path:
    """Return the program that fits the server: of its major version from the wheel, else the one on the PATH."""
    with psycopg.connect(url) as connection:
        major = connection.info.server_version // 10_000
    try:
        return embedded.binaries(major=major) / name
    except EmbeddedDatabaseError:
        found = shutil.which(name)
        if found is None:
            raise DumpFailed(
                f"There is no {name} for PostgreSQL {major} here; install PostgreSQL's client programs of that version."
            ) from None
        return Path(found)
