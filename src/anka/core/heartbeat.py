"""Workers say that they live, so that others can tell when none does. On real time: it is about machines, not about the market."""

from datetime import datetime, timedelta

from anka.core import database

EVERY = timedelta(seconds=2)
# A worker that waits for a slow channel may take most of a minute for one round.
SILENT_AFTER = timedelta(seconds=90)
BEAT = "SELECT worker_beat(%s, %s, %s)"
KNOWN = "SELECT name, started_at, beat_at FROM core_worker ORDER BY beat_at DESC, name LIMIT 1000"
NOTE = "SELECT note_result(%s, %s, %s)"
NOTED = "SELECT found_at, value FROM core_result WHERE name = %s"


def beat(*, name: str, started_at: datetime, real_now: datetime) -> None:
    """Say that the worker of this name lives. Names silent for a day are forgotten."""
    database.rows(BEAT, (name, started_at, real_now))


def workers() -> list[tuple[str, datetime, datetime]]:
    """Return name, start and last heartbeat of every worker that is known, the liveliest first."""
    return [(name, started_at, beat_at) for name, started_at, beat_at in database.rows(KNOWN)]


def note(*, name: str, at: datetime, value: int) -> None:
    """Remember the last result of a look at the whole installation, e.g. how many violations the audit found."""
    database.rows(NOTE, (name, at, value))


def noted(*, name: str) -> tuple[datetime, int] | None:
    """Return when the last result of this name was found and what it was, or None."""
    found = database.rows(NOTED, (name,))
    return (found[0][0], int(found[0][1])) if found else None
