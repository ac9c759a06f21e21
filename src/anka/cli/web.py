"""`anka web`: pages and the API under granian, as many processes as cores, each of two threads."""

import argparse
import os
import signal
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from anka.config import environment, log, processes, start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError)
# Measured: more threads per process cost 14 to 30 per cent.
THREADS = 2
PORT = 8000
GRACE_SECONDS = 5


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare the address and the number of processes."""
    parser.add_argument("--host", default=os.environ.get("ANKA_HOST") or "127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=int(os.environ.get("ANKA_PORT") or PORT), help="port to listen on (default 8000)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    grace = f"seconds that requests which have begun may still take when told to stop (default {GRACE_SECONDS})"
    parser.add_argument("--grace", type=int, default=GRACE_SECONDS, help=grace)


def load(target: str) -> Callable[..., Any]:
    """Return the application, in a worker process of its own."""
    # A worker whose master was killed would keep the port and answer with yesterday's settings.
    processes.die_with_parent(by=signal.SIGKILL)
    processes.leave_interrupts_to_others()
    processes.wake_main_thread_on_signals()
    log.configure(form=environment.read().log_format)
    from anka.config.wsgi import application  # noqa: PLC0415  each worker sets Django up for itself, after the fork

    return application


def run(*, given: argparse.Namespace) -> int:
    """Serve until told to stop."""
    processes.follow_parent()
    installation = environment.read()
    log.configure(form=installation.log_format)
    # Collected static files may lie here; without the folder their server complains at every start.
    (installation.home / "static").mkdir(parents=True, exist_ok=True)
    with start.database_of(installation) as addresses:
        os.environ["ANKA_DATABASE_URL"] = addresses.runtime
        server = Granian(
            "anka.config.wsgi:application",
            address=given.host,
            port=given.port,
            interface=Interfaces.WSGI,
            workers=given.workers,
            blocking_threads=THREADS,
            log_level=LogLevels.warning,
            # What the server says of itself goes where our log goes: to stderr, in our form. Standard output is for answers.
            log_dictconfig={"loggers": {"_granian": {"level": "WARNING", "propagate": True}}},
            respawn_failed_workers=True,
            respawn_interval=0.5,
            workers_kill_timeout=given.grace,
            websockets=False,
        )
        processes.let_forked_end_on_sigterm()
        server.serve(target_loader=load, wrap_loader=True)
    return 0
