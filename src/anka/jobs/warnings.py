"""Warns people of clocks before they fall. Set-based: however many clocks come to their warning at once, each batch is one statement."""

import json
from datetime import datetime, timedelta

from anka.core import database
from anka.core.clock import Moment
from anka.domain.deadlines import WARNED

MOST_ROUNDS = 100
RULES = json.dumps(
    [
        {
            "clock": clock,
            "percents": warned.percents,
            "after_seconds": int(warned.after.total_seconds()) if warned.after else None,
            "audiences": warned.audiences,
        }
        for clock, warned in WARNED.items()
    ]
)
"""The domain's table of warnings as the SQL functions read it."""
NEXT = """
WITH coming AS MATERIALIZED (SELECT at FROM warnings_between(%(after)s, %(until)s, %(rules)s::jsonb) AS at)
SELECT max(at) FROM coming WHERE at <= (SELECT min(at) FROM coming) + %(together)s
"""


def warn(*, at: Moment, limit: int = 1000) -> int:
    """Tell whom it concerns about a batch of clocks that have come to a warning, and return how many clocks; 0 where nothing is left.

    A clock tells each warning once, whoever sweeps and however often; where a sweep comes late it tells the last one only.
    """
    warned: int = database.value("SELECT warn_of_clocks(%s, %s::jsonb, %s)", (at.now, RULES, limit))
    return warned


def tell_of_late(*, at: Moment, limit: int = 1000) -> int:
    """Tell buyer and shop about a batch of deliveries that are late from now on, once each, and return how many."""
    late: int = database.value("SELECT tell_of_late_deliveries(%s, %s)", (at.now, limit))
    return late


def warn_of_all(*, at: Moment) -> int:
    """Warn, and tell of broken promises, batch by batch until nothing is left, at most 100,000 clocks; return of how many."""
    total = 0
    for _round in range(MOST_ROUNDS):
        warned = warn(at=at) + tell_of_late(at=at)
        total += warned
        if warned == 0:
            break
    return total


def next_warning(*, after: datetime, until: datetime, together: timedelta) -> datetime | None:
    """Return when the next running clock warns, None where none does until then; those that warn within `together` of it count as one."""
    found: datetime | None = database.value(NEXT, {"after": after, "until": until, "rules": RULES, "together": together})
    return found
