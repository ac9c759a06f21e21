"""The first start: a new data folder with the database and its two roles, there completely or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from anka.config.embedded.binaries import version_of
from anka.config.embedded.failures import ServerDidNotStart, failure_from_log
from anka.config.embedded.places import Place
from anka.config.embedded.programs import run_program

DATABASE = "anka"
OWNER = "anka_owner"
RUNTIME = "anka_app"
_SECONDS = 180.0

# The superuser of initdb cannot log in (see ACCESS_RULES), so what the owner needs beyond its database is granted here.
_STATEMENTS = f"""\
CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB
CREATE ROLE {RUNTIME} LOGIN
GRANT {RUNTIME} TO {OWNER} WITH ADMIN OPTION
GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO {OWNER}
CREATE DATABASE {DATABASE} OWNER {OWNER}
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC
GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {RUNTIME}
"""


def is_initialised(*, place: Place) -> bool:
    """Return whether the first start has already been completed."""
    return (place.data / "PG_VERSION").exists()


def initialise(*, place: Place, folder: Path, start_lock: int) -> None:
    """Create the data folder with PostgreSQL's programs in `folder`.

    It is built under another name and renamed at the end, so an interrupted first start leaves nothing half done; the programs hold
    the start lock with us, so that the next start cannot meet one that outlived us. Raises what `failure_from_log` returns.
    """
    unfinished = place.folder / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    if place.user is not None:
        os.chown(unfinished, *place.user)
    locale = ["--locale=C"]
    if version_of(folder=folder)[0] >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    commands = (
        ([folder / "initdb", "-D", unfinished, "-U", "postgres", "-E", "UTF8", *locale, "--data-checksums", "-A", "reject"], ""),
        ([folder / "postgres", "--single", "-D", unfinished, "-c", "exit_on_error=true", "postgres"], _STATEMENTS),
    )
    try:
        for command, text in commands:
            _run(place, [str(part) for part in command], text, start_lock)
        unfinished.rename(place.data)
        _flush(place.folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _run(place: Place, command: list[str], text: str, start_lock: int) -> None:
    try:
        done = run_program(command=command, user=place.user, seconds=_SECONDS, text=text, held=[start_lock])
    except subprocess.TimeoutExpired:
        raise ServerDidNotStart(**place.facts(reason=f"{Path(command[0]).name} took more than {_SECONDS:.0f} seconds")) from None
    if done.returncode != 0:
        _keep(place, done.stdout)
        raise failure_from_log(place=place, text=done.stdout)


def _keep(place: Place, text: str) -> None:
    try:
        with open(place.log, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW, 0o600)) as log:
            log.write(text)
    except OSError:
        # On a full disk the log cannot be written either; the error that follows says so itself.
        return


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
