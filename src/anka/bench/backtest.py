"""A back-test of changed rules over a hundred thousand receipts, against the twenty seconds it may take."""

import time
from datetime import UTC, datetime, timedelta

import msgspec

from anka.bench import history
from anka.bench.made_facts import stricter_rules
from anka.bench.scratch import Say, installation
from anka.domain.policy.decide import decide
from anka.domain.policy.table import default_rules

LIMIT_SECONDS = 20.0
DAYS = 30


class Tried(msgspec.Struct):
    """What was found: so many receipts judged again in so long, processor time of Python alone, and whether the counts are right."""

    receipts: int
    seconds: float
    processor_seconds: float
    changed: int
    expected_changed: int

    @property
    def ratio(self) -> float:
        """The part of the limit that was used; below 1 is within it."""
        return self.seconds / LIMIT_SECONDS

    @property
    def right(self) -> bool:
        """Whether it looked at every receipt and found what judging them by hand finds."""
        return self.changed == self.expected_changed


def measure(*, receipts: int, say: Say) -> Tried:
    """Build an installation with so many receipts, try stricter rules on them, remove it, and return what was found.

    Raises:
        EmbeddedDatabaseError: the database did not start.
    """
    with installation(say=say) as owner_url:
        return _try(receipts, owner_url, say)


def _try(receipts: int, owner_url: str, say: Say) -> Tried:
    from anka.jobs.backtest import backtest  # noqa: PLC0415  needs Django

    until, old, new = datetime.now(UTC), default_rules(), stricter_rules()
    say(f"writing {receipts} receipts")
    history.write(owner_url=owner_url, count=receipts, rules=old, until=until)
    say("judging each of them by hand")
    made = history.judgements(count=receipts, rules=old)
    expected = sum(decide(facts, new).to_json() != decision.to_json() for _place, _sequence, facts, decision in made)
    say("trying the rules")
    began, used = time.monotonic(), time.process_time()
    report = backtest(rules=new, since=until - timedelta(days=DAYS), until=until)
    return Tried(
        receipts=report.looked_at,
        seconds=time.monotonic() - began,
        processor_seconds=time.process_time() - used,
        changed=report.changed,
        expected_changed=expected,
    )


def as_text(*, found: Tried) -> str:
    """Return the result for people."""
    lines = [
        f"{found.receipts} receipts judged again in {found.seconds:.1f} s: {found.receipts / found.seconds:.0f}/s",
        f"Python took {found.processor_seconds:.1f} s of one core; PostgreSQL and waiting for it the rest",
        f"{found.ratio:.2f} of the {LIMIT_SECONDS:.0f} s it may take",
        f"{found.changed} decisions change, {'as' if found.right else f'NOT the {found.expected_changed} that are'} found by hand",
    ]
    return "\n".join(lines)


def as_json(*, found: Tried) -> str:
    """Return the result for programs."""
    return msgspec.json.encode({**msgspec.to_builtins(found), "ratio": found.ratio, "right": found.right}).decode()
