"""A whole market as `anka up` runs it, supervised by us as by a service manager: what dies is started again.

Everything is started, watched and stopped by one thread, because Linux ends a child together with the thread that started it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import msgspec
import psycopg

from anka.cli.up import free_port
from anka.config import embedded
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.embedded.postmaster import postmaster_of
from anka.config.embedded.supervisor import server_processes
from anka.config.processes import Child, Family
from tests.cli.running import COMMAND, environment
from tests.kills.market import Market
from tests.kills.wire import Address, NoAnswer

HOST = "127.0.0.1"
# Below the ports that outgoing connections use: a client must not sit on the port of a server that is just being started again.
FIRST_PORT = 20_000
READY_SECONDS = 60.0
POLL_SECONDS = 0.02
ROOT = Path(__file__).resolve().parents[2]
CHILDREN = ("web", "worker", "sandbox")


class WorldNotReady(Exception):
    """A part of the market did not come up, so there is nothing to kill."""


@dataclass
class LoggedChild(Child):
    """A program of the family that writes into a log and knows nothing of our own environment."""

    log: Path = Path("/dev/null")

    def start(self) -> None:
        """Start its process."""
        variables = environment(**self.environment, ANKA_PARENT=str(os.getpid()))
        with self.log.open("ab") as file:
            self.process = subprocess.Popen([*COMMAND, *self.words], env=variables, stdout=file, stderr=subprocess.STDOUT)
        # We kill on purpose, so no life counts as too short.
        self.started = float("-inf")


@dataclass
class World:
    """A running market. Use it as a context manager; nothing of it is left afterwards, whatever happened.

    `settings` are PostgreSQL settings on top of the product's own: negative controls take a guard away with them.
    """

    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="anka-kills-")))
    said: list[str] = field(default_factory=list)
    servers: list[embedded.Server] = field(default_factory=list)
    trouble: BaseException | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    # Held by whoever needs to know that only the worker does what falls due.
    calm: threading.Lock = field(default_factory=threading.Lock)
    # By how many seconds the market's clock was moved: keys of requests are kept by it.
    passed: int = 0
    market: Market = field(init=False)
    web: Address = field(init=False)
    gateway: Address = field(init=False)

    def __post_init__(self) -> None:
        self._family = Family(say=self.said.append)
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper")
        first = FIRST_PORT + os.getpid() % 5_000
        self.web = Address(HOST, free_port(host=HOST, first=first))
        self.gateway = Address(HOST, free_port(host=HOST, first=self.web.port + 1))

    def __enter__(self) -> "World":
        self._thread.start()
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _wait(self) -> None:
        while not self._up.wait(POLL_SECONDS):
            if not self._thread.is_alive():
                raise WorldNotReady(f"{self.trouble}\n{self.log_text()[-4000:]}") from self.trouble

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._family.stop.set()
        self._thread.join()
        shutil.rmtree(embedded.folder_of(home=self.home), ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def log(self) -> Path:
        """Where all parts write."""
        return self.home / "parts.log"

    def log_text(self) -> str:
        """What all parts have written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def server(self) -> embedded.Server:
        """The database as it runs now."""
        return self.servers[-1]

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect as the database's owner, past the application. The caller closes it."""
        return psycopg.connect(self.server.owner_url, autocommit=True, connect_timeout=5)

    def child(self, name: str) -> int:
        """The process that runs a program now; 0 while it is being started again."""
        found = next((child for child in self._family.children if child.name == name), None)
        return found.process.pid if found is not None and found.alive and found.process is not None else 0

    def backends(self) -> list[int]:
        """Every process of the database except the postmaster."""
        return [found.pid for found in server_processes(cluster=self.server.place.cluster)]

    def postmasters(self) -> list[int]:
        """The postmaster that runs on the data now, ready or not."""
        found = postmaster_of(place=self.server.place)
        return [] if found is None else [found.process.pid]

    def is_whole(self) -> bool:
        """Tell whether every part runs."""
        return self.trouble is None and all(self.child(name) for name in CHILDREN) and self.server.process.alive()

    def move_clock(self, seconds: int) -> None:
        """Let time pass in the market. An outage may swallow it."""
        self.passed += seconds
        with suppress(NoAnswer):
            self.web.tell("/api/v1/sandbox/clock", {"advance_seconds": seconds}, token=self.market.people[0].token)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `anka` beside the market, to its end."""
        return self._program([*COMMAND, *words], self.server.url)

    def _program(self, command: list[str], url: str) -> "subprocess.CompletedProcess[str]":
        variables = environment(**self._variables(url))
        variables["PYTHONPATH"] += os.pathsep + str(ROOT)
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)

    def _variables(self, url: str) -> dict[str, str]:
        return {
            "ANKA_HOME": str(self.home),
            "ANKA_DATABASE_URL": url,
            "ANKA_PORT": str(self.web.port),
            "ANKA_BASE_URL": f"http://{HOST}:{self.web.port}",
            "ANKA_GATEWAY_URL": f"http://{HOST}:{self.gateway.port}",
        }

    def _keep(self) -> None:
        """Run the market until told to stop. What goes wrong is kept for whoever asks."""
        try:
            self.servers.append(embedded.start(home=self.home, settings=self.settings))
            self._family.watchers.append(self._revive)
            self._start()
            self._up.set()
            while not self._family.stop.wait(POLL_SECONDS):
                self._family.look_after()
        except BaseException as trouble:  # noqa: BLE001  handed to the thread that asked for the market
            self.trouble = trouble
        finally:
            self._family.end()
            for server in self.servers[-1:]:
                server.stop()

    def _revive(self) -> None:
        """Start the database again where it died, as `anka up` does."""
        try:
            self.server.check()
        except EmbeddedDatabaseError:
            self.said.append("the database is started again")
            try:
                self.servers.append(embedded.start(home=self.home, settings=self.settings))
            except EmbeddedDatabaseError as failure:
                # Killed again while it was starting. A service manager tries again, and so do we at the next look.
                self.said.append(f"the database did not start: {failure}")
                return
            self.servers.pop(0).stop()

    def _start(self) -> None:
        self._done(self._program([*COMMAND, "migrate"], self.server.owner_url))
        built = self._done(self._program([sys.executable, "-m", "tests.kills.market"], self.server.url))
        self.market = msgspec.json.decode(built, type=Market)
        self._child("sandbox", ("sandbox", "--host", HOST), self.server.owner_url)
        self._child("web", ("web", "--host", HOST, "--port", str(self.web.port)), self.server.url)
        self._child("worker", ("worker",), self.server.url)
        for address in (self.gateway, self.web):
            if not eventually(lambda address=address: address.serves("/readyz"), seconds=READY_SECONDS):  # type: ignore[misc]
                raise WorldNotReady(f"nothing answers at {address}")

    def _done(self, done: "subprocess.CompletedProcess[str]") -> str:
        if done.returncode != 0:
            raise WorldNotReady(f"{done.args} failed: {done.stderr[-2000:]}")
        return done.stdout

    def _child(self, name: str, words: tuple[str, ...], url: str) -> None:
        child = LoggedChild(name, words, self._variables(url), log=self.log)
        child.start()
        self._family.children.append(child)


def eventually(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Look again and again until the condition holds; return whether it did before the time was up."""
    tick = threading.Event()
    for _round in range(int(seconds / POLL_SECONDS)):
        if condition():
            return True
        tick.wait(POLL_SECONDS)
    return condition()
