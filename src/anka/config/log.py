"""The log: one line per message on stderr, as text for people or as JSON for machines. Keys and tokens are never logged.

Every line says what it is about (the request, or the piece of work), and passes the second net of `redaction`. Requests have one line
each, written here without the machinery of `logging`, because there is one for every request.
"""

import logging
import os
import re
import sys
import traceback
from datetime import UTC, datetime

import msgspec

from anka.config.redaction import redacted
from anka.core import observation
from anka.core.observation import Seen

QUIET = ("httpx", "httpcore", "asyncio", "django.request")
MOST_FRAMES = 40
# The number of what an address is about; anything else in its place is somebody's typing and is not repeated.
_NUMBER = re.compile(r"[A-Z][A-Z0-9]{1,7}-[0-9A-Z]{10,20}(?:-\d{1,4})?")
_NAMED_BY = re.compile(r"\b(order|case|refund|payment)s/[{<]")
_kind_of_route: dict[str, str] = {}


class _Settings:
    """What `configure` decided, for the lines that do not go through `logging`."""

    form = "text"
    access = False
    descriptor = 2


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        named = observation.about().get("request_id")
        line = f"{moment:%H:%M:%S} {record.levelname.lower():7} {record.name}: {record.getMessage()}{f' [{named}]' if named else ''}"
        return redacted(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
            "process": record.process,
            **observation.about(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = exception_as_object(record.exc_info[1])
        return msgspec.json.encode(entry).decode()


def exception_as_object(error: BaseException) -> dict[str, object]:
    """Return an exception for machines: its type, what it says, where it came from, innermost last, and what caused it.

    What a database says repeats the values it was given, so of its errors only the SQLSTATE is told.
    """
    sqlstate = getattr(error, "sqlstate", None)
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    cause = error.__cause__ or error.__context__
    return {
        "type": type(error).__name__,
        "says": f"SQLSTATE {sqlstate}" if sqlstate else redacted(str(error))[:500],
        "at": [f"{frame.filename.rpartition('anka/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
        **({"because_of": type(cause).__name__} if cause is not None else {}),
    }


def configure(*, form: str) -> None:
    """Send the log to stderr as "text" or "json". Calling it again replaces what was there.

    Each request is told in one line, unless ANKA_ACCESS_LOG=0.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR if name == "django.request" else logging.WARNING)
    _Settings.form, _Settings.access = form, os.environ.get("ANKA_ACCESS_LOG", "1") != "0"
    _Settings.descriptor = sys.stderr.fileno()


def access(seen: Seen) -> None:
    """Write the one line of a request that was answered."""
    if _Settings.access:
        line = _json_of(seen) if _Settings.form == "json" else _text_of(seen)
        # One write: lines of several threads and processes do not run into each other.
        os.write(_Settings.descriptor, line)


def _json_of(seen: Seen) -> bytes:
    entry = {
        "at": datetime.now(UTC).isoformat(),
        "level": "info",
        "logger": "anka.access",
        "message": f"{seen.method} {seen.route} {seen.status}",
        "process": os.getpid(),
        "request_id": seen.request_id,
        "method": seen.method,
        "route": seen.route,
        "status": seen.status,
        "duration_ms": round(seen.seconds * 1000, 2),
        "person": seen.who,
        **numbers_in(seen),
    }
    return msgspec.json.encode(entry) + b"\n"


def _text_of(seen: Seen) -> bytes:
    numbers = "".join(f" {number}" for number in numbers_in(seen).values())
    moment = datetime.now(UTC).astimezone()
    words = f"{seen.method} {seen.route}{numbers} {seen.status} {seen.seconds * 1000:.1f} ms {seen.who} [{seen.request_id}]"
    return f"{moment:%H:%M:%S} info    anka.access: {words}\n".encode()


def numbers_in(seen: Seen) -> dict[str, str]:
    """Return the number of the order, case, refund or payment that the address of a request names."""
    number = seen.parameters.get("number")
    if not isinstance(number, str):
        return {}
    kind = _kind_of_route.get(seen.route)
    if kind is None:
        found = _NAMED_BY.search(seen.route)
        kind = _kind_of_route[seen.route] = found[1] if found else ""
    return {kind: number} if kind and _NUMBER.fullmatch(number) else {}
