"""Starting, sharing and stopping the embedded PostgreSQL."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from anka.config.embedded import supervisor
from anka.config.embedded.binaries import binaries_for, version_of
from anka.config.embedded.errors import EmbeddedDatabaseError
from anka.config.embedded.failures import ServerDidNotStart, failure_from_log, failure_from_system, log_written_since
from anka.config.embedded.initialise import DATABASE, OWNER, RUNTIME, initialise, is_initialised
from anka.config.embedded.locks import EmbeddedDatabaseBusy, closing, try_lock, wait_for_lock
from anka.config.embedded.places import Place, place_of, prepare, prepare_socket
from anka.config.embedded.postmaster import Postmaster, postmaster_of
from anka.config.embedded.programs import ENVIRONMENT
from anka.config.embedded.settings import ACCESS_RULES, server_arguments
from anka.config.embedded.supervisor import Process

# Recovering after a crash reads the write-ahead log again: seconds as a rule, minutes on a slow disk.
START_SECONDS = 300.0
STOP_SECONDS = sum(patience for _, patience in supervisor.STOP_STEPS) + 15.0
_HANDOVER_SECONDS = 20.0
_POLL_SECONDS = 0.01
_LOG_BYTES = 10 * 1024 * 1024
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class DatabaseServerGone(EmbeddedDatabaseError):
    """The server ended while we were using it."""

    code = "embedded_database_gone"
    template = (
        "The embedded database ended unexpectedly; everything that was saved is kept. Start again: it recovers by itself. Log: %(log)s"
    )


class PortDiffers(EmbeddedDatabaseError):
    """A server that already runs cannot take on another port."""

    code = "embedded_port_differs"
    template = (
        "The embedded database of %(home)s already runs for another process, without the port %(port)s; nothing was lost. "
        "Ask for no port, or stop the other process first. Log: %(log)s"
    )


@dataclass
class Server:
    """A running server and our share in it. It lives until the last holder has stopped it or died."""

    place: Place
    process: Process
    port: int
    version: str
    _lease: int | None
    _closing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pid(self) -> int:
        """The process number of the postmaster."""
        return self.process.pid

    @property
    def url(self) -> str:
        """The address for web and worker processes: role `anka_app`, which may only do what it was granted."""
        return self._url(RUNTIME)

    @property
    def owner_url(self) -> str:
        """The address for migrations: role `anka_owner`, which owns the database."""
        return self._url(OWNER)

    def _url(self, role: str) -> str:
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self.place.socket), safe='')}&port={self.port}"

    def check(self) -> None:
        """Raise DatabaseServerGone if the server has ended under us."""
        if not self.process.alive():
            raise DatabaseServerGone(**self.place.facts())

    def stop(self) -> None:
        """Give our share back; if it was the last one, return only when the server is gone. Calling it again does nothing.

        Raises EmbeddedDatabaseBusy if the server does not end in time.
        """
        with self._closing:
            lease, self._lease = self._lease, None
        if lease is None:
            return
        os.close(lease)
        try:
            _stop_if_unused(self.place)
        except OSError as failure:
            raise failure_from_system(place=self.place, failure=failure) from failure


def start(*, home: Path, port: int | None = None, settings: Mapping[str, str] = NO_SETTINGS) -> Server:
    """Start the embedded database of this home, or share the one that already runs.

    Without `port` it listens on a unix socket only; with one, on 127.0.0.1 too. `settings` are PostgreSQL settings on top of the tuned
    ones; a server that already runs keeps its own. Every failure is an EmbeddedDatabaseError, and leaves no server behind.
    """
    place = place_of(home=home)
    try:
        prepare(place=place)
        arguments = server_arguments(place=place, port=port, settings=settings)
        start_lock = wait_for_lock(path=place.start_lock, kind=fcntl.LOCK_EX, seconds=START_SECONDS)
        if start_lock is None:
            raise EmbeddedDatabaseBusy(**place.facts(reason="it has been starting for minutes"))
        with closing(start_lock):
            prepare_socket(place=place)
            return _start_locked(place, start_lock, port, arguments)
    except OSError as failure:
        raise failure_from_system(place=place, failure=failure) from failure


@contextmanager
def running(*, home: Path, port: int | None = None, settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[Server]:
    """Start the embedded database for the length of the block; see `start`."""
    server = start(home=home, port=port, settings=settings)
    try:
        yield server
    finally:
        server.stop()


def folder_of(*, home: Path) -> Path:
    """Return the folder that holds everything of this home's embedded database: data, log and locks."""
    return place_of(home=home).folder


def _start_locked(place: Place, start_lock: int, port: int | None, arguments: list[str]) -> Server:
    lease = wait_for_lock(path=place.lease, kind=fcntl.LOCK_SH, seconds=STOP_SECONDS)
    if lease is None:
        raise EmbeddedDatabaseBusy(**place.facts(reason="it is being stopped"))
    try:
        folder = binaries_for(place=place)
        if not is_initialised(place=place):
            initialise(place=place, folder=folder, start_lock=start_lock)
        found = _running(place, port) or _launch(place, folder, arguments)
        version = ".".join(str(part) for part in version_of(folder=folder))
        return Server(place, found.process, found.port, version, lease)
    except BaseException:
        os.close(lease)
        _stop_if_unused(place)
        raise


def _running(place: Place, port: int | None) -> Postmaster | None:
    """Return the server that runs already, with a supervisor to look after it, or None.

    Raises PortDiffers if it does not listen on the port asked for.
    """
    found = postmaster_of(place=place)
    if found is None:
        return None
    if found.status == "stopping":
        if not supervisor.wait_until_gone(process=found.process, seconds=STOP_SECONDS):
            raise EmbeddedDatabaseBusy(**place.facts(reason="it is being stopped"))
        return None
    if port is not None and found.port != port:
        raise PortDiffers(**place.facts(), port=str(port))
    supervisor_lock = try_lock(path=place.supervisor_lock, kind=fcntl.LOCK_EX)
    if supervisor_lock is not None:
        # Its supervisor was killed: without a new one it would outlive its users.
        with closing(supervisor_lock):
            adopted = [found.process.pid, found.process.started]
            os.close(_spawn_supervisor(place, {"supervisor_lock": supervisor_lock}, {"adopted": adopted}))
    return _wait_until_ready(place, found.process, offset=_log_size(place))


def _launch(place: Place, folder: Path, arguments: list[str]) -> Postmaster:
    supervisor_lock = wait_for_lock(path=place.supervisor_lock, kind=fcntl.LOCK_EX, seconds=_HANDOVER_SECONDS)
    if supervisor_lock is None:
        raise EmbeddedDatabaseBusy(**place.facts(reason="its supervisor does not answer, or runs in another container"))
    with closing(supervisor_lock):
        supervisor.kill_leftovers(cluster=place.cluster)
        server_lock = wait_for_lock(path=place.server_lock, kind=fcntl.LOCK_EX, seconds=_HANDOVER_SECONDS)
        if server_lock is None:
            raise EmbeddedDatabaseBusy(**place.facts(reason="a server process is still alive, perhaps in another container"))
        with closing(server_lock):
            offset = _clean_up(place)
            order: dict[str, object] = {
                "command": [str(folder / "postgres"), "-D", str(place.data), *arguments],
                "environment": {**ENVIRONMENT, **_stale_number(place)},
                "user": place.user,
            }
            report = _spawn_supervisor(place, {"supervisor_lock": supervisor_lock, "server_lock": server_lock}, order)
    with closing(report):
        return _wait_for_first_answer(place, report, offset)


def _stale_number(place: Place) -> dict[str, str]:
    """Tell PostgreSQL to disregard the process number in a postmaster.pid left over from a crash.

    That number may belong to somebody else by now, and PostgreSQL would refuse to start. We hold the server lock, so it is stale. The
    variable is how pg_ctl tells the same; all other checks of PostgreSQL (its shared memory) stay in force.
    """
    try:
        number = (place.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return {}
    return {"PG_GRANDPARENT_PID": number} if number.isdigit() else {}


def _clean_up(place: Place) -> int:
    """Remove sockets a crash left over, write the access rules, keep the log short; return where the log ends now."""
    for left_over in place.socket.glob(".s.PGSQL.*"):
        left_over.unlink()
    if not place.access_rules.exists() or place.access_rules.read_text() != ACCESS_RULES:
        place.access_rules.write_text(ACCESS_RULES)
        place.access_rules.chmod(0o644)
    if _log_size(place) > _LOG_BYTES:
        place.log.replace(place.log.with_suffix(".log.1"))
    return _log_size(place)


def _log_size(place: Place) -> int:
    return place.log.stat().st_size if place.log.exists() else 0


def _spawn_supervisor(place: Place, locks: dict[str, int], order: dict[str, object]) -> int:
    """Start the supervisor in a session of its own, holding these locks; return a pipe that ends when it does."""
    report, report_end = os.pipe()
    try:
        numbers = {**locks, "report": report_end}
        common = {"cluster": place.cluster, "lease": str(place.lease), "log": str(place.log)}
        text = json.dumps({**order, **numbers, **common})
        # Our own script, run by the Python that runs us, without a shell.
        subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", supervisor.__file__, text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=list(numbers.values()),
            start_new_session=True,
            cwd="/",
            check=True,
            timeout=_HANDOVER_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as failure:
        os.close(report)
        raise ServerDidNotStart(**place.facts(reason=f"its supervisor did not start: {failure}")) from failure
    finally:
        os.close(report_end)
    return report


def _wait_for_first_answer(place: Place, report: int, offset: int) -> Postmaster:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ended, _, _ = select.select([report], [], [], _POLL_SECONDS)
        if ended:
            raise failure_from_log(place=place, text=log_written_since(place=place, offset=offset))
        found = postmaster_of(place=place)
        if found is not None and found.status == "ready":
            return found
    raise ServerDidNotStart(**place.facts(reason=f"not ready after {START_SECONDS:.0f} seconds"))


def _wait_until_ready(place: Place, process: Process, *, offset: int) -> Postmaster:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = postmaster_of(place=place)
        if found is None or found.process != process:
            raise failure_from_log(place=place, text=log_written_since(place=place, offset=offset))
        if found.status == "ready":
            return found
        threading.Event().wait(_POLL_SECONDS)
    raise ServerDidNotStart(**place.facts(reason=f"not ready after {START_SECONDS:.0f} seconds"))


def _stop_if_unused(place: Place) -> None:
    """Stop the server unless somebody else uses it, and wait until nothing of it is left."""
    last = try_lock(path=place.lease, kind=fcntl.LOCK_EX)
    if last is None:
        # Either others still use it, or its supervisor has seen that nobody does and is stopping it.
        shared = wait_for_lock(path=place.lease, kind=fcntl.LOCK_SH, seconds=STOP_SECONDS)
        if shared is None:
            raise EmbeddedDatabaseBusy(**place.facts(reason="it does not stop"))
        os.close(shared)
        return
    with closing(last):
        found = postmaster_of(place=place)
        if found is not None:
            supervisor.stop_process(process=found.process)
        # The supervisor leaves when the server and its children are gone; without one we look after the children ourselves.
        supervisor_lock = wait_for_lock(path=place.supervisor_lock, kind=fcntl.LOCK_EX, seconds=_HANDOVER_SECONDS)
        if supervisor_lock is None:
            raise EmbeddedDatabaseBusy(**place.facts(reason="it does not stop"))
        with closing(supervisor_lock):
            supervisor.kill_leftovers(cluster=place.cluster)
