"""Locks the kernel takes back when their holder dies: `flock` on small files that are never deleted."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anka.config.embedded.errors import EmbeddedDatabaseError

_POLL_SECONDS = 0.02


class EmbeddedDatabaseBusy(EmbeddedDatabaseError):
    """Somebody else holds a lock for longer than starting or stopping can take."""

    code = "embedded_database_busy"
    template = (
        "Another process is still starting or stopping the embedded database of %(home)s (%(reason)s); nothing was lost. "
        "Wait a moment and start again; if it stays so, see who holds the files in %(folder)s. Log: %(log)s"
    )


def try_lock(*, path: Path, kind: int) -> int | None:
    """Take the lock (`fcntl.LOCK_EX` or `fcntl.LOCK_SH`) at once and return its descriptor, or None if another process has it.

    Closing the descriptor gives the lock back, once no forked child holds a copy of it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def wait_for_lock(*, path: Path, kind: int, seconds: float) -> int | None:
    """Take the lock and return its descriptor; return None if that took longer than so many seconds."""
    deadline = time.monotonic() + seconds
    descriptor = try_lock(path=path, kind=kind)
    while descriptor is None and time.monotonic() < deadline:
        threading.Event().wait(_POLL_SECONDS)
        descriptor = try_lock(path=path, kind=kind)
    return descriptor


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close the descriptor at the end of the block, whatever happens in it."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)
