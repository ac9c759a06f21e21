"""The movable clock: how far the time of a sandbox instance runs ahead of real time.

One eight-byte file, mapped into every process of the instance, so that all of them move together and reading costs no system call.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import ClassVar

FURTHEST = timedelta(days=3_650)
_SIZE = 8
_MICROSECOND = timedelta(microseconds=1)


class ClockCannotGoBack(Exception):
    """The movable clock was asked to run backwards."""

    code: ClassVar[str] = "clock_cannot_go_back"
    status: ClassVar[int] = 409


class ClockTooFarAhead(Exception):
    """The movable clock was asked to go more than ten years ahead of real time."""

    code: ClassVar[str] = "clock_too_far_ahead"
    status: ClassVar[int] = 422


_views: dict[Path, memoryview] = {}
_opening = Lock()


def offset(*, home: Path) -> timedelta:
    """Return how far this instance's clock runs ahead of real time: zero until it is moved."""
    return timedelta(microseconds=_view(home)[0])


def now(*, home: Path) -> datetime:
    """Return the time of this instance, aware UTC: real time plus the offset."""
    return datetime.now(UTC) + offset(home=home)


def advance(*, home: Path, seconds: int) -> timedelta:
    """Move the clock `seconds` ahead and return the new offset. Raises ClockCannotGoBack, ClockTooFarAhead."""
    if seconds > FURTHEST.total_seconds():
        raise ClockTooFarAhead("The clock was not moved: it may run at most ten years ahead. Ask for less.")
    view = _view(home)
    with _alone(home):
        return _store(view=view, wanted=timedelta(microseconds=view[0]) + timedelta(seconds=seconds))


def set_now(*, home: Path, at: datetime, real_now: datetime) -> timedelta:
    """Move the clock to `at`, given real time, and return the new offset. Raises ClockCannotGoBack, ClockTooFarAhead."""
    view = _view(home)
    with _alone(home):
        return _store(view=view, wanted=at - real_now)


def _store(*, view: memoryview, wanted: timedelta) -> timedelta:
    if wanted < timedelta(microseconds=view[0]):
        raise ClockCannotGoBack("The clock was not moved: it never runs backwards. Ask for a later time.")
    if wanted > FURTHEST:
        raise ClockTooFarAhead("The clock was not moved: it may run at most ten years ahead. Ask for less.")
    # One aligned eight-byte store: a reader sees the old offset or the new one, never a mixture.
    view[0] = wanted // _MICROSECOND
    return wanted


def _view(home: Path) -> memoryview:
    view = _views.get(home)
    if view is None:
        with _opening:
            view = _views.get(home)
            if view is None:
                view = _views[home] = _map(home)
    return view


def _map(home: Path) -> memoryview:
    folder = home / "sandbox"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "clock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Growing to the size it already has changes nothing, so two processes may do it at once.
        os.ftruncate(descriptor, _SIZE)
        return memoryview(mmap.mmap(descriptor, _SIZE)).cast("q")
    finally:
        os.close(descriptor)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    # Each caller opens the file for itself: flock then also holds between threads of one process.
    descriptor = os.open(home / "sandbox" / "clock", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
