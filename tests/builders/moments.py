"""Moments of the tests: a fixed beginning, and so many minutes after it."""

from datetime import UTC, datetime, timedelta

from anka.core.clock import Moment

BEGINNING = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, ten in the morning in China."""


def at(minutes: float = 0, *, hours: float = 0, days: float = 0) -> Moment:
    """The moment this long after the beginning, the market's and the machine's clock alike."""
    now = BEGINNING + timedelta(days=days, hours=hours, minutes=minutes)
    return Moment(now=now, real=now)
