"""Counting requests: by route and status, with a histogram of how long they took, over all processes of this machine.

Each process counts in a small file of its own, mapped into memory; whoever asks adds the files up. A process takes over the file of one
that has ended, so a count never falls, and there are never more files than processes at once. Counting costs no system call.
"""

import fcntl
import hashlib
import mmap
import os
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

# Whatever else there is counts as 0.
STATUSES = (200, 201, 204, 206, 301, 302, 303, 304, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503, 0)
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MOST_PROCESSES = 256
_PLACE = {status: place for place, status in enumerate(STATUSES)}
_OTHER = len(STATUSES) - 1
_SLOWEST = len(STATUSES) + len(BOUNDS)
# Statuses, then one cell per bound and one for what took longer, then the sum of microseconds.
WIDTH = _SLOWEST + 2
_CELL = 8


class Tallies:
    """The counters of one process, and the sums of all processes that count in the same folder."""

    def __init__(self, *, names: Sequence[str], folder: Path) -> None:
        self.names = tuple(names)
        self._start = {name: number * WIDTH for number, name in enumerate(self.names)}
        self._size = max(1, len(self.names)) * WIDTH * _CELL
        layout = repr((self.names, STATUSES, BOUNDS)).encode()
        self._prefix = f"requests-{hashlib.sha256(layout).hexdigest()[:12]}-"
        self._folder = folder
        self._lock = Lock()
        self._cells = self._own()

    def count(self, *, name: str, status: int, seconds: float) -> None:
        """Count one request. A name that was not announced is not counted."""
        start = self._start.get(name)
        if start is None:
            return
        cells, place = self._cells, start + _PLACE.get(status, _OTHER)
        bound = start + len(STATUSES) + bisect_left(BOUNDS, seconds)
        with self._lock:
            cells[place] += 1
            cells[bound] += 1
            cells[start + WIDTH - 1] += int(seconds * 1_000_000)

    def totals(self) -> dict[str, list[int]]:
        """Return, by name, the cells summed over all processes, those that have ended included; names never counted are left out."""
        sums = [0] * (self._size // _CELL)
        for view in self._all():
            for place, number in enumerate(view):
                if number:
                    sums[place] += number
        rows = {name: sums[start : start + WIDTH] for name, start in self._start.items()}
        return {name: row for name, row in rows.items() if any(row)}

    def _own(self) -> memoryview:
        """Return the cells of a file nobody else counts in; where there can be none, cells that only this process sees."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in range(MOST_PROCESSES):
                view = self._taken(self._folder / f"{self._prefix}{number}")
                if view is not None:
                    return view
        except OSError:
            pass
        return memoryview(bytearray(self._size)).cast("q")

    def _taken(self, path: Path) -> memoryview | None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, self._size)
        # The descriptor stays open as long as the process lives: its lock says that the file is taken.
        return memoryview(mmap.mmap(descriptor, self._size)).cast("q")

    def _all(self) -> list[memoryview]:
        found = []
        for path in sorted(self._folder.glob(f"{self._prefix}*")) if self._folder.is_dir() else []:
            content = path.read_bytes()
            if len(content) == self._size:
                found.append(memoryview(content).cast("q"))
        return found or [self._cells]
