"""`anka backup`: copy the whole database to a file, while the market runs. The keyring is not in it, on purpose."""

import argparse
import sys
from pathlib import Path

import psycopg

from anka.config import start
from anka.config.dump import DumpFailed, back_up
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.config.wiring import place_of_keyring

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, DumpFailed, OSError, psycopg.Error)


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare the file."""
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write the copy; must not exist yet")


def run(*, given: argparse.Namespace) -> int:
    """Write the copy."""
    if given.file.exists():
        sys.stderr.write(f"anka: {given.file} exists already; nothing was written. Choose another name.\n")
        return 1
    installation = start.looking_after()
    with start.database_of(installation) as addresses:
        size = back_up(url=addresses.owner, file=given.file)
    place = place_of_keyring(installation)
    where = "ANKA_KEYRING" if place.lstrip().startswith("{") else place
    sys.stdout.write(
        f"{given.file}: {size:,} bytes. Keep {where} and ANKA_SECRET_KEY as well, in another place: without them no key can be opened.\n"
    )
    return 0
