"""What is kept of the audit: its runs, for a while, and what it has found, for ever."""

from dataclasses import dataclass
from datetime import datetime

from anka.core import database

RUNS = """
SELECT id, scope, asked_by, market_at, started_at, ended_at, position, violations FROM core_audit_run
WHERE %(scope)s::text IS NULL OR scope = %(scope)s ORDER BY started_at DESC, id DESC LIMIT %(limit)s
"""
FINDINGS = """
SELECT id, invariant, place, what, found_at, seen_at, gone_at FROM core_audit_finding
WHERE gone_at IS NULL ORDER BY found_at DESC, id DESC LIMIT %s
"""
KEEP = "SELECT keep_audit_run(%s, %s, %s, %s, %s, %s, %s)"
FIND = "SELECT * FROM keep_findings(%s, %s::jsonb, %s)"
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: over everything (`whole`) or what was `changed` since the last, by whom, when (the machine's time), and what came of it.

    `position` is where the next look at what has changed begins.
    """

    scope: str
    asked_by: str
    market_at: datetime
    started_at: datetime
    ended_at: datetime
    position: str
    violations: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A violation as it was found: first, last, and since when it is gone, on the machine's clock."""

    id: int
    invariant: str
    place: str
    what: str
    found_at: datetime
    seen_at: datetime
    gone_at: datetime | None


def last_run(*, scope: str | None = None) -> Run | None:
    """Return the last run of this scope, or of any; None where there was none."""
    found = runs(scope=scope, limit=1)
    return found[0] if found else None


def runs(*, scope: str | None = None, limit: int) -> list[Run]:
    """Return the last runs, newest first."""
    names = ("id", "scope", "asked_by", "market_at", "started_at", "ended_at", "position", "violations")
    asked = {"scope": scope, "limit": max(1, min(limit, MOST))}
    return [Run(**dict(zip(names, row, strict=True))) for row in database.rows(RUNS, asked)]


def standing_findings(*, limit: int = MOST) -> list[KeptFinding]:
    """Return what is violated as far as is known, newest first."""
    return [KeptFinding(*row) for row in database.rows(FINDINGS, (max(1, min(limit, MOST)),))]


def keep_run(*, run: Run, found: str, complete: str) -> list[tuple[str, str, str]]:
    """Keep a run with what it found (JSON) inside a transaction, and return what of that is new: invariant, place, what.

    `complete` is "whole" where everything was looked at and all that was found is given, so that the rest is known to be gone.
    """
    database.require_transaction()
    database.rows(KEEP, (run.scope, run.asked_by, run.market_at, run.started_at, run.ended_at, run.position, run.violations))
    return [(row[0], row[1], row[2]) for row in database.rows(FIND, (run.ended_at, found, complete == "whole"))]
