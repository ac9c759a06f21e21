"""SIGTERM: what has begun is finished and answered, nothing new is taken, and everybody is gone.

Nothing here measures time. What is held here is held until the test lets go of it: requests that have begun may take longer than the 5 s
of production, locks may be held for longer than its 3 s (tests.databases), and every other bound is there so that a hanging test ends.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anka.accounts.tokens import EVERYTHING
from anka.core import database
from anka.core.clock import moment
from anka.flows.issue_token import issue_token
from tests import builders
from tests.builders import Order
from tests.cli.running import environment, start
from tests.databases import Database

TICK = threading.Event()
MOST_SECONDS = 60
LOOK_SECONDS = 2
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def eventually(true: Any) -> bool:
    return any(true() or TICK.wait(0.05) for _round in range(MOST_SECONDS * 20))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Web:
    """A running `anka web` on a database of its own."""

    def __init__(self, place: Database, home: Path) -> None:
        self.port = free_port()
        variables = {
            "ANKA_HOME": os.environ["ANKA_HOME"],
            "ANKA_DATABASE_URL": place.runtime,
            "ANKA_BASE_URL": f"http://127.0.0.1:{self.port}",
            "ANKA_LOG_FORMAT": "json",
        }
        self.log = home / "web.log"
        self.process = start(("web", "--port", str(self.port), "--workers", "1", "--grace", str(MOST_SECONDS)), variables, self.log)
        assert eventually(lambda: self.answers("/livez")), self.log.read_text()

    def worker(self) -> int:
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, check=True)
        (child,) = children.stdout.split()
        return int(child)

    def ask(self, path: str, body: object = None, token: str = "", seconds: float = MOST_SECONDS) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", "Idempotency-Key": "once"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return json.load(answer)

    def answers(self, path: str) -> bool:
        """Whether somebody who comes now is answered; who is left waiting in the queue of a socket nobody listens to any more is not."""
        try:
            return bool(self.ask(path, seconds=LOOK_SECONDS))
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


@pytest.fixture
def web(fresh_database: Database, tmp_path: Path) -> Iterator[Web]:
    web = Web(fresh_database, tmp_path)
    yield web
    if web.process.poll() is None:
        os.killpg(web.process.pid, signal.SIGKILL)
    web.process.wait(MOST_SECONDS)


def confirming(web: Web, order: Order, told: dict[str, Any]) -> threading.Thread:
    """Confirm an order in a thread; what comes back is put into `told`."""
    token = issue_token(person_id=order.buyer.person_id, scopes=EVERYTHING, at=moment())

    def ask() -> None:
        try:
            told["answer"] = web.ask(f"/api/v1/orders/{order.number}/confirm", {}, token)
        except (OSError, urllib.error.HTTPError) as stopped:
            told["stopped"] = stopped

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


def test_a_request_in_flight_is_answered_and_nothing_new_is_taken(web: Web, fresh_database: Database) -> None:
    order = builders.a_revealed_order()
    told: dict[str, Any] = {}
    with psycopg.connect(fresh_database.owner) as holder:
        holder.execute("SELECT FROM orders_order WHERE number = %s FOR UPDATE", (order.number,))
        thread = confirming(web, order, told)
        assert eventually(lambda: database.value(WAITING))
        web.process.terminate()
        assert eventually(lambda: not web.answers("/livez"))
        assert not told
        holder.rollback()
    thread.join(MOST_SECONDS)
    assert told["answer"]["number"] == order.number, told
    assert order.moneys == ["released"]
    assert web.process.wait(MOST_SECONDS) == 0


@pytest.mark.breaks_invariants
def test_where_it_is_killed_instead_the_effect_is_none(web: Web, fresh_database: Database) -> None:
    """The negative control: without grace the same request gets no answer. Its effect is none, and a repeat carries it out."""
    order = builders.a_revealed_order()
    told: dict[str, Any] = {}
    with psycopg.connect(fresh_database.owner) as holder:
        holder.execute("SELECT FROM orders_order WHERE number = %s FOR UPDATE", (order.number,))
        thread = confirming(web, order, told)
        assert eventually(lambda: database.value(WAITING))
        os.killpg(web.process.pid, signal.SIGKILL)
        thread.join(MOST_SECONDS)
        assert "stopped" in told
        holder.rollback()
    assert eventually(lambda: not database.value(WAITING))
    assert order.moneys == ["held"]


def test_a_worker_stops_and_leaves_its_work_to_others(fresh_database: Database, tmp_path: Path) -> None:
    variables = {"ANKA_HOME": os.environ["ANKA_HOME"], "ANKA_DATABASE_URL": fresh_database.runtime}
    process = start(("worker",), variables, tmp_path / "worker.log")
    try:
        assert eventually(lambda: database.value("SELECT count(*) FROM core_worker"))
        order = builders.a_paid_order()
        with psycopg.connect(fresh_database.owner) as holder:
            holder.execute("SELECT FROM orders_order WHERE number = %s FOR UPDATE", (order.number,))
            assert eventually(lambda: database.value(WAITING))
            process.terminate()
            holder.rollback()
        assert process.wait(MOST_SECONDS) == 0
        assert order.stages in (["sealed"], ["queued"])
        leased = "SELECT count(*) FROM core_outbox WHERE done_at IS NULL AND leased_until IS NOT NULL"
        assert database.value(leased) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(MOST_SECONDS)
    assert "Traceback" not in (tmp_path / "worker.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing signals a single thread of another process")
def test_a_signal_that_another_thread_took_is_heard(web: Web) -> None:
    """The kernel gives a signal to any thread of a process, mostly but not always to the one that acts on it."""
    worker = web.worker()
    other = max(int(thread) for thread in os.listdir(f"/proc/{worker}/task"))
    assert other != worker
    assert ctypes.CDLL(None).tgkill(worker, other, int(signal.SIGTERM)) == 0
    assert eventually(lambda: not Path(f"/proc/{worker}").exists()), web.log.read_text()
    assert eventually(lambda: web.answers("/livez"))


LOADING = """
import os, signal, sys, threading
from anka.config import processes

# As a master does: what stops it is noted, and seen to elsewhere.
signal.signal(signal.SIGTERM, lambda *_: None)
if "ends" in sys.argv:
    processes.let_forked_end_on_sigterm()
child = os.fork()
if child == 0:
    for _ in range(40):
        threading.Event().wait(0.05)
    os._exit(3)
os.kill(child, signal.SIGTERM)
_, status = os.waitpid(child, 0)
assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""


@pytest.mark.parametrize(("words", "status"), [(["ends"], 256 - signal.SIGTERM), ([], 3)], ids=["ends", "control"])
def test_what_is_still_loading_when_told_to_stop_ends_at_once(words: list[str], status: int) -> None:
    """A process that serves nothing yet has nothing to finish; with its master's handler it would be waited for until grace is over."""
    done = subprocess.run([sys.executable, "-P", "-c", LOADING, *words], env=environment(), timeout=MOST_SECONDS, check=False)
    assert done.returncode == status


def test_what_is_told_of_a_request_in_the_log_of_a_process(web: Web) -> None:
    web.ask("/livez")
    web.process.terminate()
    assert web.process.wait(MOST_SECONDS) == 0
    lines = [json.loads(line) for line in web.log.read_text().splitlines() if line.startswith("{")]
    assert any(line["logger"] == "anka.access" and line["route"] == "/livez" and line["status"] == 200 for line in lines)
    assert subprocess.run(["pgrep", "-g", str(web.process.pid)], capture_output=True, check=False).returncode == 1
