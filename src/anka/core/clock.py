"""The clock port. Only edges and jobs read it; everything below takes a Moment as an argument."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant, read once at the edge.

    `now` is the market's time: every deadline runs on it, and the sandbox can move it. `real` is the machine's time: sign-in,
    tokens, rate limits and notice timestamps stay on it. In production both are equal. Both are aware, in UTC.
    """

    now: datetime
    real: datetime


def _no_offset() -> timedelta:
    return timedelta(0)


def _immovable(at: datetime) -> None:
    raise ClockDoesNotMove(f"cannot move to {at}: only the sandbox has a movable clock")


class ClockDoesNotMove(RuntimeError):
    """Somebody tried to move the clock of an installation that handles real money."""


# The sandbox's movable clock plugs in here (config does it); production keeps the machine's time.
offset: Callable[[], timedelta] = _no_offset
set_now: Callable[[datetime], None] = _immovable


def moment() -> Moment:
    """Return this instant. Call it once per request or job, at the edge."""
    real = datetime.now(UTC)
    return Moment(now=real + offset(), real=real)
