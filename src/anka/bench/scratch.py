"""An installation made for one measurement and removed with everything in it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from anka.config import embedded, start
from anka.config.processes import Family

Say = Callable[[str], None]
INHERITED = ("ANKA_DATABASE_URL", "ANKA_SECRET_KEY", "ANKA_KEYRING", "ANKA_PRODUCTION")
"""What a shell may say about another installation; a measurement must not touch that."""


@contextmanager
def home(**environment: str) -> Iterator[Path]:
    """Give a data folder of its own to whatever runs in this block, as a sandbox, with these variables too; remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="anka-bench-"))
    os.environ.update(ANKA_HOME=str(folder), ANKA_SANDBOX="1", **environment)
    for name in INHERITED:
        os.environ.pop(name, None)
    try:
        yield folder
    finally:
        shutil.rmtree(embedded.folder_of(home=folder), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def installation(*, say: Say) -> Iterator[str]:
    """Run a fresh database, migrate it and set Django up on it; yield the owner's address of it.

    Raises:
        EmbeddedDatabaseError: the database did not start.
    """
    with home() as folder:
        family = Family(say=say)
        try:
            with embedded.running(home=folder) as server:
                family.run_once(name="migrate", words=("migrate",), environment={"ANKA_DATABASE_URL": server.owner_url})
                start.set_up(database_url=server.url)
                from django.db import connection  # noqa: PLC0415  Django is set up only now

                try:
                    yield server.owner_url
                finally:
                    connection.close()
        finally:
            family.end()
