"""Waiting for what other tests on the same server have begun: until it ends, what was written here still counts as being written."""

import threading

from anka.core import database

MOST_LOOKS = 1200
TICK = threading.Event()
"""Never set: waiting for it passes a little time."""


def wait_for_the_horizon() -> None:
    """Go on when all that was written so far is older than every running transaction of the server."""
    written = database.value("SELECT pg_current_xact_id()::text")
    for _look in range(MOST_LOOKS):
        if database.value("SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::xid8", (written,)):
            return
        TICK.wait(0.05)
    raise AssertionError("a transaction runs on and on")
