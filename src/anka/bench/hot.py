"""The hot path measured: create, begin a payment, pay, cancel, over HTTP and as bare SQL, in turns on one database.

A throw-away installation in a folder of its own, with PostgreSQL and the web processes exactly as `anka up` starts them.
"""

import gc
import os
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from anka.bench import load, pgbench, processor_time, recording
from anka.bench.cycle import ACTIONS, NotAsExpected, new_cycle
from anka.bench.results import Result, Share, Side, percentile
from anka.bench.scratch import Say, home
from anka.config import embedded, start
from anka.config.processes import Family

if TYPE_CHECKING:
    from anka.bench.prepare import Prepared

ROUNDS = 3
READY_SECONDS = 60
TRIAL_SECONDS = 2.0
# Plans made while tables were empty are bad ones; a market in use has a history, and statistics about it.
HISTORY_RUNS = 2
HTTP_CLIENTS = (4, 8, 16)
PGBENCH_CLIENTS = (2, 4, 8)
# What a cycle writes, to see that both sides do the same work.
TABLES = (
    "orders_order",
    "orders_unit",
    "core_event",
    "core_clock",
    "core_outbox",
    "core_request",
    "ledger_journal",
    "ledger_transfer",
    "vault_allocation",
    "payments_payment",
    "payments_transaction",
    "payments_notice",
    "payments_refund",
    "payments_leg",
    "payments_attempt",
    "cases_case",
    "cases_receipt",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: seconds per run, and how many clients (0: whatever a short trial finds best)."""

    seconds: float
    clients: int = 0


@dataclass
class Stage:
    """A running installation with everything needed to measure it."""

    server: embedded.Server
    web_pid: int
    port: int
    home: Path
    prepared: "Prepared"
    connection: psycopg.Connection[tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.connection = psycopg.connect(self.server.owner_url, autocommit=True)

    def counts(self) -> tuple[int, ...]:
        """Return how many rows each of TABLES has."""
        columns = ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
        found = self.connection.execute(f"SELECT {columns}").fetchone()
        return found or ()

    def used(self) -> dict[str, float]:
        """Return the processor seconds used so far by each part."""
        return {
            "client": time.process_time(),
            "web": processor_time.of_family(root=self.web_pid),
            "postgresql": processor_time.of_family(root=self.server.pid),
        }


def measure(*, wish: Wish, say: Say) -> Result:
    """Build an installation, measure it, remove it, and return what was found.

    Raises:
        NotAsExpected: something was refused or did not answer, so there is nothing to tell.
        EmbeddedDatabaseError: the database did not start.
    """
    with _installation(say) as stage:
        say("giving the market a history")
        for _ in range(HISTORY_RUNS):
            _pgbench(stage, max(PGBENCH_CLIENTS), wish.seconds)
            stage.connection.execute("VACUUM ANALYZE")
        say("looking for the best number of clients")
        http_clients = wish.clients or _best(HTTP_CLIENTS, lambda clients: _http(stage, clients, TRIAL_SECONDS))
        pgbench_clients = wish.clients or _best(PGBENCH_CLIENTS, lambda clients: _pgbench(stage, clients, TRIAL_SECONDS))
        http: list[Side] = []
        bare: list[Side] = []
        for number in range(1, ROUNDS + 1):
            say(f"round {number} of {ROUNDS}")
            http.append(_http(stage, http_clients, wish.seconds))
            bare.append(_pgbench(stage, pgbench_clients, wish.seconds))
        say("auditing what was written")
        from anka.bench.prepare import violations  # noqa: PLC0415  needs Django, which _installation has set up

        return Result(
            http=http,
            pgbench=bare,
            statements_per_cycle=len(stage.prepared.statements),
            tables=TABLES,
            violations=violations(now=datetime.now(UTC)),
            cores=os.cpu_count() or 1,
        )


def _best(candidates: tuple[int, ...], run: Callable[[int], Side]) -> int:
    """Return the number of clients with the most cycles, each tried twice in turns."""
    rates = dict.fromkeys(candidates, 0.0)
    for clients in candidates * 2:
        rates[clients] += run(clients).cycles_per_second
    return max(candidates, key=rates.__getitem__)


def _http(stage: Stage, clients: int, seconds: float) -> Side:
    before, rows = stage.used(), stage.counts()
    gc.collect()
    prepared = stage.prepared
    done = load.run(
        port=stage.port,
        clients=clients,
        seconds=seconds,
        new_cycle=lambda: new_cycle(market=prepared.market, gateway_key=prepared.gateway_key),
    )
    latencies = {name: (percentile(found, 50) * 1000, percentile(found, 95) * 1000) for name, found in done.latencies.items()}
    side = Side("http", clients, done.cycles, done.seconds, latency_ms=latencies)
    return _completed(stage, side, before, rows)


def _pgbench(stage: Stage, clients: int, seconds: float) -> Side:
    before, rows = stage.used(), stage.counts()
    done = pgbench.run(
        program=embedded.binaries() / "pgbench",
        url=stage.server.url,
        file=stage.home / "cycle.sql",
        written=stage.prepared.script,
        clients=clients,
        seconds=seconds,
    )
    side = Side("pgbench", clients, done.cycles, done.seconds, latency_ms={"cycle, mean": (done.latency_ms, done.latency_ms)})
    completed = _completed(stage, side, before, rows)
    completed.cpu.client = done.processor_seconds * 1e6 / (done.cycles * len(ACTIONS))
    return completed


def _completed(stage: Stage, side: Side, before: dict[str, float], rows: tuple[int, ...]) -> Side:
    """Add what the run used and wrote."""
    if not side.cycles:
        raise NotAsExpected("Not a single cycle was completed, so nothing was measured. Ask for more --seconds.")
    used = stage.used()
    each = {name: (used[name] - before[name]) * 1e6 / (side.cycles * len(ACTIONS)) for name in used}
    side.cpu = Share(**each)
    written = zip(stage.counts(), rows, strict=True)
    side.rows_per_cycle = tuple((after - earlier) / side.cycles for after, earlier in written)
    return side


@contextmanager
def _installation(say: Say) -> Iterator[Stage]:
    """Run an installation of its own for the length of the block; nothing of it is left afterwards."""
    port = _free_port()
    os.environ.setdefault("ANKA_ACCESS_LOG", "0")
    with home(ANKA_PORT=str(port), ANKA_BASE_URL=f"http://127.0.0.1:{port}") as folder:
        family = Family(say=say)
        say("building a market")
        prepared = _prepared(folder, family)
        with embedded.running(home=folder) as server:
            try:
                words = ("web", "--host", "127.0.0.1", "--port", str(port))
                web = family.start(name="web", words=words, environment={"ANKA_DATABASE_URL": server.url})
                _wait_for(port)
                stage = Stage(server, web.process.pid if web.process else 0, port, folder, prepared)
                with stage.connection:
                    yield stage
            finally:
                family.end()


def _prepared(home: Path, family: Family) -> "Prepared":
    with embedded.running(home=home, settings=recording.LOUD) as server:
        family.run_once(name="migrate", words=("migrate",), environment={"ANKA_DATABASE_URL": server.owner_url})
        environment = start.set_up(database_url=server.url)
        from django.db import connection  # noqa: PLC0415  Django is set up only now

        from anka.bench.prepare import prepare  # noqa: PLC0415

        try:
            return prepare(environment=environment, owner_url=server.owner_url, log=server.place.log)
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise NotAsExpected(f"The web processes did not answer within {READY_SECONDS} s. Nothing was measured.")
