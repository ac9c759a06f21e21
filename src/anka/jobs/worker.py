"""The worker: looks for work several times a second, until it is told to stop. Any number of workers may run.

It says that it lives every two seconds, from the same loop that works: a worker that hangs is not heard of. The audit, which may take
long, runs in a thread of its own.
"""

import logging
import os
import secrets
import signal
import socket
import threading
from datetime import UTC, datetime, timedelta

from django.db import connection as django_connection

from anka.core import heartbeat
from anka.core.clock import moment
from anka.core.refusals import DatabaseUnavailable
from anka.jobs import audit_runs, housekeeping, sweeps

log = logging.getLogger("anka.worker")
IDLE_SECONDS = 0.25
UNREACHABLE_SECONDS = 1.0
HOUSEKEEPING_EVERY = timedelta(minutes=1)
# Whoever stops us kills us soon after; what is not finished by then is rolled back and leased anew, as after a crash.
MOST_SECONDS_TO_STOP = 5.0


class _Heart:
    """Says every two seconds that this worker lives."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:150]}:{os.getpid()}"
        self.started_at = datetime.now(UTC)
        self.last: datetime | None = None

    def beat(self, real_now: datetime) -> None:
        if self.last is None or abs(real_now - self.last) >= heartbeat.EVERY:
            heartbeat.beat(name=self.name, started_at=self.started_at, real_now=real_now)
            self.last = real_now


def run(*, stop: threading.Event) -> None:
    """Work until `stop` is set. A database that went away is waited for; nothing is lost meanwhile."""
    reachable = True
    kept_at: datetime | None = None
    heart = _Heart()
    while not stop.is_set():
        wait = IDLE_SECONDS
        try:
            at = moment()
            heart.beat(at.real)
            if sweeps.fall(at=at) + sweeps.work_off(at=at):
                wait = 0.0
            if kept_at is None or at.real - kept_at >= HOUSEKEEPING_EVERY:
                housekeeping.keep_house(at=at)
                kept_at = at.real
            if not reachable:
                log.warning("the database is back")
                reachable = True
        except DatabaseUnavailable:
            if reachable:
                log.warning("the database cannot be reached; waiting, nothing is lost")
                reachable = False
            wait = UNREACHABLE_SECONDS
        except Exception:
            # Whatever it was, the work is still there: a worker that ends helps nobody.
            log.exception("a sweep went wrong (%s); nothing was lost, it is repeated", secrets.token_hex(4))
            wait = UNREACHABLE_SECONDS
        stop.wait(wait)
    django_connection.close()


def run_until_signalled() -> None:
    """Work until SIGTERM or SIGINT, finishing what has begun, for five seconds at most."""
    stop, finished = threading.Event(), threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    threading.Thread(target=_watch, args=(stop, finished), daemon=True).start()
    # An audit that is under way when we are told to stop is left: it has changed nothing.
    threading.Thread(target=audit_runs.run, kwargs={"stop": stop}, daemon=True).start()
    run(stop=stop)
    finished.set()


def _watch(stop: threading.Event, finished: threading.Event) -> None:
    """End the process where a round takes too long to finish after we were told to stop."""
    stop.wait()
    if not finished.wait(MOST_SECONDS_TO_STOP):
        log.warning("a round took too long to finish; what was not done is taken up again after a minute, nothing is lost")
        os._exit(0)
