"""Who is killed when: a schedule drawn from a seed, each victim ended by SIGKILL, and how long it took until the market served again."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import psycopg

from tests.kills.world import World, eventually

# How often each is chosen. `together` is the database and the web at once, `twice` the database again while it recovers.
WEIGHTS: Mapping[str, int] = {"database": 8, "backend": 4, "web": 3, "web process": 2, "worker": 3, "gateway": 2, "together": 1, "twice": 1}
DATABASE_KILLS = frozenset({"database", "backend", "together", "twice"})
# A market that does not serve again within this will not do so later either.
GIVE_UP_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 1.2
# A worker works when something was done by itself since; where nothing waits to be done, when it says that it lives.
WORKED = """
SELECT EXISTS (SELECT FROM core_event WHERE transaction_id > %(position)s::text::xid8 AND actor LIKE 'system:%%')
    OR EXISTS (SELECT FROM core_worker WHERE started_at >= %(killed)s) AND NOT EXISTS (
        SELECT FROM core_outbox WHERE done_at IS NULL AND leased_until IS NULL AND due_at <= %(now)s)
"""


@dataclass(frozen=True)
class Kill:
    """One kill: what, when (seconds of the monotonic clock), and after how many seconds the market served again."""

    kind: str
    at: float
    recovery: float


class NeverServedAgain(Exception):
    """After a kill the market did not come back."""


@dataclass
class Killer:
    """Kills until `stop` is set."""

    world: World
    random: Random
    stop: threading.Event
    kinds: tuple[str, ...] = tuple(WEIGHTS)
    kills: list[Kill] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Kill, wait until the market serves again, pause, and so on."""
        try:
            while not self.stop.wait(self.random.uniform(0.1, LONGEST_PAUSE_SECONDS)):
                kind = self.random.choices(self.kinds, [WEIGHTS[kind] for kind in self.kinds])[0]
                with self.world.calm if kind == "worker" else nullcontext():
                    self.kill(kind)
        except NeverServedAgain as never:
            self.wrongs.append(str(never))

    def kill(self, kind: str) -> None:
        """Kill once and note how long it took until the market served again.

        Raises:
            NeverServedAgain: it did not within a minute.
        """
        began = time.monotonic()
        if not VICTIMS[kind](self):
            return
        if not eventually(lambda: self._serves(kind), seconds=GIVE_UP_SECONDS):
            raise NeverServedAgain(f"after killing {kind} the market did not serve again within {GIVE_UP_SECONDS:.0f} s")
        self.kills.append(Kill(kind, began, time.monotonic() - began))

    def _serves(self, kind: str) -> bool:
        """Tell whether the part that was killed does its work: as a client sees it, who asks on a new connection."""
        if kind == "worker":
            return self._has_worked()
        address = self.world.gateway if kind == "gateway" else self.world.web
        if kind == "gateway":
            return address.serves("/readyz")
        token = self.world.market.of("buyer")[0].token
        return address.serves("/api/v1/orders?limit=1", token=token)

    def _has_worked(self) -> bool:
        with suppress(psycopg.Error), closing(self.world.connect()) as connection:
            now = datetime.now(UTC)
            found = connection.execute(WORKED.encode(), {"position": self._position, "killed": self._killed, "now": now}).fetchone()
            return bool(found and found[0])
        return False

    def worker(self) -> bool:
        """Kill the worker and note from where on what is done by itself is done by its successor."""
        self._killed = datetime.now(UTC)
        gone = self._child("worker")
        with suppress(psycopg.Error), closing(self.world.connect()) as connection:
            found = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
            self._position = str(found[0]) if found else "0"
        return gone

    def web(self) -> bool:
        """Kill the web's master; its processes follow it."""
        return self._child("web")

    def web_process(self) -> bool:
        """Kill one of the web's processes; the others go on."""
        master = self.world.child("web")
        found = children_of(master) if master else []
        return bool(found) and end(self.random.choice(found))

    def gateway(self) -> bool:
        """Kill the gateway."""
        return self._child("sandbox")

    def database(self) -> bool:
        """Kill the postmaster; the processes it leaves behind are ended by its supervisor."""
        server = self.world.server
        return end(server.pid) and eventually(lambda: self.world.server is not server, seconds=GIVE_UP_SECONDS)

    def twice(self) -> bool:
        """Kill the postmaster, and its successor while that recovers."""
        server = self.world.server
        if not end(server.pid):
            return False
        successor: list[int] = []

        def found() -> bool:
            successor[:] = self.world.postmasters()
            return successor not in ([], [server.pid])

        if eventually(found, seconds=GIVE_UP_SECONDS):
            end(successor[0])
        return eventually(self._is_up, seconds=GIVE_UP_SECONDS)

    def together(self) -> bool:
        """Kill the database and the web at once."""
        web = self.world.child("web")
        killed = bool(web) and end(web)
        return self.database() and killed

    def backend(self) -> bool:
        """Kill one process of the database; the postmaster ends all others and recovers."""
        with suppress(psycopg.Error), closing(self.world.connect()) as canary:
            found = [pid for pid in self.world.backends() if pid != canary.info.backend_pid]
            return bool(found) and end(self.random.choice(found)) and _hung_up(canary)
        return False

    def _is_up(self) -> bool:
        """Tell whether the database as we know it now lives; which one that is changes meanwhile."""
        return self.world.server.process.alive()

    def _child(self, name: str) -> bool:
        victim = self.world.child(name)
        return bool(victim) and end(victim) and eventually(lambda: self.world.child(name) not in (0, victim), seconds=GIVE_UP_SECONDS)


VICTIMS: Mapping[str, Callable[[Killer], bool]] = {
    "database": Killer.database,
    "backend": Killer.backend,
    "web": Killer.web,
    "web process": Killer.web_process,
    "worker": Killer.worker,
    "gateway": Killer.gateway,
    "together": Killer.together,
    "twice": Killer.twice,
}


def end(pid: int) -> bool:
    """Kill a process; tell whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def children_of(parent: int) -> list[int]:
    """The processes another has started."""
    return sorted(_numbers(f"/proc/{parent}/task/{parent}/children"))


def _numbers(path: str) -> Iterator[int]:
    with suppress(OSError), open(path, encoding="ascii") as file:
        yield from map(int, file.read().split())


def _hung_up(canary: "psycopg.Connection[tuple[object, ...]]") -> bool:
    """Wait until the server has ended a connection of ours that did nothing."""
    readable, _, _ = select.select([canary.pgconn.socket], [], [], GIVE_UP_SECONDS)
    return bool(readable)
