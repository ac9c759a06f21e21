"""`anka restore`: read a copy made by `anka backup` into an empty database, bring it to this version, and make it ready to go on."""

import argparse
import sys
from pathlib import Path

import django.db
import psycopg
from rich.console import Console
from rich.progress import track

from anka.config import dump, start
from anka.config.dump import DumpFailed, NotEmpty
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.config.migrate import migrate
from anka.core.refusals import Refusal

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, DumpFailed, NotEmpty, Refusal, OSError, psycopg.Error, django.db.Error)


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a copy made by anka backup")


def run(*, given: argparse.Namespace) -> int:
    """Restore; nothing is left half done: where it was interrupted after the copy was read, running `anka migrate` goes on."""
    if not given.file.is_file():
        sys.stderr.write(f"anka: there is no file {given.file}; nothing was restored.\n")
        return 1
    with start.database_of(start.looking_after()) as addresses:
        start.set_up(database_url=addresses.owner)
        dump.restore(url=addresses.owner, file=given.file)
        migrate()
        django.db.connection.close()
        steps = -(-dump.behind(url=addresses.owner) // dump.USED_AT_ONCE)
        for _ in track(dump.catch_up(url=addresses.owner), total=steps, description="transaction numbers", console=Console(stderr=True)):
            pass
    sys.stdout.write("Restored. Put the keyring in its place, then run: anka doctor and anka audit\n")
    return 0
