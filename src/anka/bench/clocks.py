"""Clocks of cases that fall together: how long the worker takes from the moment they fall until the last consequence is carried out.

Every case is a real one: ordered, paid from a wallet, taken up by the merchant, and asked back by the buyer. Silence refunds all of it.
"""

import time
from datetime import UTC, datetime

import msgspec
import psycopg

from anka.bench.scratch import Say, installation

# What the market promises: the consequence of a clock is carried out within a minute, however many fall.
LIMIT_SECONDS = 60.0
# Plans made while tables were empty are bad ones; a market in use has a history, and statistics about it.
HISTORY = 300


class Fallen(msgspec.Struct):
    """What was found: so many clocks fell in one minute, and the worker was done with them after so long."""

    cases: int
    seconds: float
    carried_out: int
    violations: list[str]

    @property
    def ratio(self) -> float:
        """The part of the limit that was used; below 1 is within it."""
        return self.seconds / LIMIT_SECONDS


def measure(*, cases: int, say: Say) -> Fallen:
    """Build an installation with so many cases, let their clocks fall, remove it, and return what was found.

    Raises:
        EmbeddedDatabaseError: the database did not start.
    """
    with installation(say=say) as owner_url:
        return _fall(cases, owner_url, say)


def _fall(cases: int, owner_url: str, say: Say) -> Fallen:
    from anka.bench.argued import argue, carried_out, open_market  # noqa: PLC0415  needs Django
    from anka.core.clock import Moment  # noqa: PLC0415
    from anka.jobs import audit, sweeps  # noqa: PLC0415

    def fall(last_due: datetime) -> float:
        """The worker's own look, again and again, until there is nothing left: exactly what it does several times a second."""
        at: Moment = Moment(now=last_due, real=datetime.now(UTC))
        began = time.monotonic()
        while sweeps.fall(at=at):
            pass
        return time.monotonic() - began

    say("giving the market a history")
    market = open_market()
    fall(argue(market=market, cases=HISTORY))
    say(f"opening {cases} cases")
    last_due, before = argue(market=market, cases=cases), carried_out()
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    say("letting their clocks fall")
    seconds = fall(last_due)
    say("auditing what was written")
    found = [str(violation) for violation in audit.audit(now=last_due)]
    return Fallen(cases=cases, seconds=seconds, carried_out=carried_out() - before, violations=found)


def as_text(*, found: Fallen) -> str:
    """Return the result for people."""
    lines = [
        f"{found.carried_out} of {found.cases} consequences carried out in {found.seconds:.1f} s: {found.cases / found.seconds:.0f}/s",
        f"{found.ratio:.2f} of the minute the market promises",
        *(found.violations or ["the audit finds nothing"]),
    ]
    return "\n".join(lines)


def as_json(*, found: Fallen) -> str:
    """Return the result for programs."""
    return msgspec.json.encode({**msgspec.to_builtins(found), "ratio": found.ratio}).decode()
