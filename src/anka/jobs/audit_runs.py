"""The audit by itself: hourly over what has changed, each night over everything, in a thread of its own beside the worker's loop.

On the machine's time: it is about books, not about the market's deadlines. Whatever it finds freezes payouts and is told once.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Literal

from django.db import connection as django_connection

from anka.core import audits, database, heartbeat
from anka.core.audits import Run
from anka.core.clock import Moment, moment
from anka.core.refusals import DatabaseUnavailable, Refusal
from anka.flows.keep_audit import keep_audit
from anka.jobs import audit
from anka.jobs.audit import Violation
from anka.payments.bills import CHINA

log = logging.getLogger("anka.worker")
HOURLY = timedelta(hours=1)
NIGHT = time(3, 0)
LOOK_SECONDS = 30.0
Scope = Literal["changed", "whole"]
# One audit at a time, however many workers there are.
TRY = "SELECT pg_try_advisory_lock(7266735)"
FREE = "SELECT pg_advisory_unlock(7266735)"


def audit_and_keep(*, scope: Scope, asked_by: str, at: Moment) -> tuple[list[Violation], int]:
    """Audit everything or what has changed since the last run, keep the run, and return what was found and how much of it is new."""
    last = audits.last_run() if scope == "changed" else None
    # Before the snapshot: what is being written now is looked at again next time rather than never.
    position = audit.position()
    begun = Run(
        scope=scope if last else "whole",
        asked_by=asked_by,
        market_at=at.now,
        started_at=at.real,
        ended_at=at.real,
        position=position,
        violations=0,
    )
    found = audit.audit(now=at.now, since=last.position if last else "")
    # The machine's clock again: how long it took is kept with the run.
    run = replace(begun, ended_at=moment().real, violations=len(found))
    news = keep_audit(run=run, found=found, at=at)
    heartbeat.note(name="audit", at=run.ended_at, value=len(found))
    return found, news


def due(*, at: Moment) -> Scope | None:
    """Return what has to be looked at now: everything once a night, what has changed once an hour, or nothing."""
    whole = audits.last_run(scope="whole")
    if whole is None or whole.started_at < _last_night(at.real):
        return "whole"
    last = audits.last_run()
    return "changed" if last is None or at.real - last.started_at >= HOURLY else None


def _last_night(real: datetime) -> datetime:
    here = real.astimezone(CHINA)
    tonight = datetime.combine(here.date(), NIGHT, tzinfo=CHINA)
    return tonight if here >= tonight else tonight - timedelta(days=1)


def audit_when_due(*, at: Moment) -> bool:
    """Audit if it is time and nobody else is at it; tell whether it was done."""
    if due(at=at) is None or not database.value(TRY):
        return False
    try:
        # Somebody may have finished between the question and the lock.
        scope = due(at=at)
        if scope is None:
            return False
        found, news = audit_and_keep(scope=scope, asked_by="system:audit", at=at)
        if news:
            log.error("the audit found %s violations, %s of them new: payouts are frozen; the first: %s", len(found), news, found[0])
        return True
    finally:
        database.value(FREE)


def run(*, stop: threading.Event, clock: Callable[[], Moment] = moment) -> None:
    """Audit whenever it is due by the clock, until `stop` is set. A database that is away is waited for."""
    while not stop.is_set():
        try:
            audit_when_due(at=clock())
        except DatabaseUnavailable:
            log.info("the audit waits for the database")
        except Refusal as refused:
            log.warning("an audit did not come to its end (%s); it is tried again", refused.code)
        except Exception:
            # Auditing must not end the worker, nor end itself: it is tried again.
            log.exception("an audit went wrong; it is tried again, nothing was changed")
        stop.wait(LOOK_SECONDS)
    django_connection.close()
