"""`anka reset`: throw a sandbox's data away and be as new. Never touches what a sandbox did not make, nor what is in use."""

import argparse
import fcntl
import os
import shutil
import sys
from pathlib import Path

from anka.config import embedded
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.embedded.locks import closing, try_lock
from anka.config.embedded.places import place_of

FAILURES = (EmbeddedDatabaseError, OSError)
OURS = ("keyring.json", "sandbox", "static", "postgresql")


class StillInUse(EmbeddedDatabaseError):
    """Somebody uses the database that was to be thrown away."""

    code = "embedded_database_in_use"
    template = "The database of %(home)s is in use; nothing was removed. Stop what runs there, then try again."


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare --yes."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(*, given: argparse.Namespace) -> int:
    """Remove the embedded database, the keyring and the sandbox's files of ANKA_HOME."""
    home = Path(os.environ.get("ANKA_HOME") or Path.cwd() / ".anka").expanduser().absolute()
    # Only a sandbox has this folder: data of an installation that handles real money is never taken for play.
    if not (home / "sandbox").is_dir():
        sys.stderr.write(f"anka: there is no sandbox in {home}; nothing was removed.\n")
        return 1
    folder = embedded.folder_of(home=home)
    if not given.yes and input(f"Remove all data of the sandbox in {home} and {folder}? Type yes: ").strip() != "yes":
        sys.stderr.write("Nothing was removed.\n")
        return 1
    if folder.is_dir():
        _remove_database(home, folder)
    for name in OURS:
        path = home / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    sys.stderr.write(f"The sandbox in {home} is as new.\n")
    return 0


def _remove_database(home: Path, folder: Path) -> None:
    lease = try_lock(path=place_of(home=home).lease, kind=fcntl.LOCK_EX)
    if lease is None:
        raise StillInUse(home=str(home))
    with closing(lease):
        shutil.rmtree(folder)
