"""The worker: looks for work several times a second, until it is told to stop. Any number of workers may run."""

import logging
import secrets
import signal
import threading
from datetime import datetime, timedelta

from django.db import connection as django_connection

from anka.core.clock import moment
from anka.core.refusals import DatabaseUnavailable
from anka.jobs import housekeeping, sweeps

log = logging.getLogger("anka.worker")
IDLE_SECONDS = 0.25
UNREACHABLE_SECONDS = 1.0
HOUSEKEEPING_EVERY = timedelta(minutes=1)


def run(*, stop: threading.Event) -> None:
    """Work until `stop` is set. A database that went away is waited for; nothing is lost meanwhile."""
    reachable = True
    kept_at: datetime | None = None
    while not stop.is_set():
        wait = IDLE_SECONDS
        try:
            at = moment()
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
    """Work until SIGTERM or SIGINT, finishing what has begun."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    run(stop=stop)
