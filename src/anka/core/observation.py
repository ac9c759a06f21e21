"""What is being done at this moment, for the log and for the counters: the request, or the piece of work, of this thread.

Names, contents and secrets have no place here: only what an operator needs to find a line again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from secrets import token_hex
from threading import local

# Where the WSGI environment carries it.
KEY = "anka.seen"
UNKNOWN = "other"
LONGEST_ID = 64
_state = local()
_process = token_hex(5)
_serial = count(1)


class Seen:
    """One request as the operator sees it. `route` is the address's template, `who` a kind: nobody, token, session or gateway."""

    __slots__ = ("method", "parameters", "request_id", "route", "seconds", "status", "who")

    def __init__(self, *, request_id: str, method: str) -> None:
        self.request_id = request_id
        self.method = method
        self.route = UNKNOWN
        self.who = "nobody"
        self.parameters: Mapping[str, object] = {}
        self.status = 0
        self.seconds = 0.0


def request_id_of(given: str | None) -> str:
    """Return the id a request brought with it, where that is short printable ASCII without spaces; else a new one."""
    if given and len(given) <= LONGEST_ID and given.isascii() and given.isprintable() and " " not in given:
        return given
    return f"{_process}-{next(_serial)}"


def begin(*, seen: Seen) -> None:
    """From now on, this thread is about this request."""
    _state.seen = seen


def end() -> None:
    """From now on, this thread is about nothing."""
    _state.seen = None


@contextmanager
def working_on(*, topic: str, subject: str) -> Iterator[None]:
    """Make the block about one piece of work of the worker."""
    _state.work = (topic, subject)
    try:
        yield
    finally:
        _state.work = None


def about() -> dict[str, str]:
    """Return what this thread is about, as fields of a log line."""
    seen: Seen | None = getattr(_state, "seen", None)
    if seen is not None:
        return {"request_id": seen.request_id, "method": seen.method, "route": seen.route}
    work: tuple[str, str] | None = getattr(_state, "work", None)
    return {"topic": work[0], "subject": work[1]} if work else {}
