"""Crash points: die at every statement of a flow, try again with the same key, and look whether it happened exactly once.

    CRASHES.append(Flow("pay from wallet", prepare=an_order_with_a_full_wallet, run=pay, happened=paid_once))

`crash_points(flow)` first counts the places where the process can die: before each statement, before the commit, and after the commit
but before the answer. Then, for each of them, it prepares the ground anew, kills the connection there the way a dead process would (the
socket is cut, nothing is rolled back by us), and repeats the same request on a new connection, twice.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import connection

from anka.core import database
from anka.core.idempotency import AlreadyDone, once
from tests.databases import close_connection

Subject = TypeVar("Subject")
MOST_POINTS = 60
MOST_LOOKS = 50000


class ProcessDied(BaseException):
    """Stands for the end of the process: not an Exception, so that nothing in the flow can catch it by mistake."""


@dataclass(frozen=True)
class Flow(Generic[Subject]):
    """A flow with the ground it starts from and the proof that it happened exactly once.

    `run` is the request, key included, so that running it again is repeating it. `happened` asserts; it is called after the last repeat.
    """

    name: str
    prepare: Callable[[], Subject]
    run: Callable[[Subject], object]
    happened: Callable[[Subject], None]

    def __str__(self) -> str:
        return self.name


@dataclass
class Trace:
    """What a run has told so far, and where it is to die (never, by default)."""

    dies_at: int = -1
    seen: list[str] = field(default_factory=list)
    backend: int = 0

    def __call__(self, moment: str, sql: str) -> None:
        place = len(self.seen)
        self.seen.append(f"{moment} {' '.join(sql.split())[:60]}".strip())
        if place == self.dies_at:
            self.backend = cut_the_line()
            raise ProcessDied


def cut_the_line() -> int:
    """Break this thread's connection without a word to the server, as the end of a process does; return who served it, or 0."""
    raw = connection.connection
    if raw is None or raw.closed:
        return 0
    backend: int = raw.info.backend_pid
    duplicate = socket.socket(fileno=raw.pgconn.socket)
    duplicate.shutdown(socket.SHUT_RDWR)
    duplicate.detach()
    return backend


def wait_until_gone(backend: int) -> None:
    """Go on when the server has noticed that nobody listens any more, and has rolled back what was open."""
    for _ in range(MOST_LOOKS):
        if not database.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (backend,)):
            return
    raise AssertionError(f"the server never noticed that the client of {backend} is gone")


@contextmanager
def watching(watcher: Callable[[str, str], None]) -> Iterator[None]:
    """Call the watcher at every step of every transaction, until the block ends."""
    database.watchers.append(watcher)
    try:
        yield
    finally:
        database.watchers.remove(watcher)


def places(flow: Flow[Subject]) -> list[str]:
    """Where this flow can die, in order, found by running it once."""
    subject, trace = flow.prepare(), Trace()
    with watching(trace):
        flow.run(subject)
    flow.happened(subject)
    assert 0 < len(trace.seen) <= MOST_POINTS, trace.seen
    return trace.seen


def dies_at(flow: Flow[Subject], place: int) -> str:
    """Run the flow to this place, die there, repeat the request twice; return where that was.

    Raises:
        AssertionError: the flow did not happen exactly once.
    """
    subject, trace = flow.prepare(), Trace(dies_at=place)
    with watching(trace):
        try:
            flow.run(subject)
        except ProcessDied:
            close_connection()
            wait_until_gone(trace.backend)
        else:
            raise AssertionError(f"{flow.name} ended before place {place}: {trace.seen}")
    for _ in range(2):
        repeat(lambda: flow.run(subject))
    flow.happened(subject)
    return trace.seen[-1]


def repeat(run: Callable[[], object]) -> object:
    """Send a request again: what was done already answers with what it made."""
    try:
        return once(run)
    except AlreadyDone as done:
        return done.reference


def crash_points(flow: Flow[Subject]) -> int:
    """Die at every place of a flow in turn and return how many there were."""
    found = places(flow)
    for place in range(len(found)):
        dies_at(flow, place)
    return len(found)
