"""The supervisor: the small process that starts PostgreSQL and takes it away when its last user is gone.

It also runs as a script of its own, with the standard library only and no import from this package: it must start in milliseconds, without
site-packages, and keep working while the package around it is being upgraded. Every user of the server holds a shared `flock` on the lease
file. The supervisor waits for the exclusive lock, which the kernel grants once the last user has let go, no matter how it ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

POLL_SECONDS = 0.02
# Fast shutdown first; then an immediate one, which recovers from the write-ahead log at the next start; then the kernel.
STOP_STEPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
_PROC = Path("/proc/self/stat")


@dataclass(frozen=True)
class Process:
    """One process, told apart from a later one with the same number by the moment it started."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Return whether it still runs; one that has ended but was not waited for does not."""
        return _started(self.pid) == self.started


def process(*, pid: int) -> Process | None:
    """Return the living process with this number, or None; a zombie counts as dead."""
    started = _started(pid)
    return None if started is None else Process(pid, started)


def _started(pid: int) -> str | None:
    if not _PROC.exists():
        line = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip()
        return None if not line or line.startswith("Z") else line.split(None, 1)[1]
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def command_line(*, pid: int) -> str:
    """Return the command line of a process, its arguments joined by blanks; empty if there is none."""
    if not _PROC.exists():
        return _ps("-ww", "-o", "command=", "-p", str(pid)).strip()
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")).strip()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def _ps(*arguments: str) -> str:
    # Every system without /proc has ps, in a place of its own; the arguments are options and numbers.
    command = ["ps", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}).stdout  # noqa: S603


def _pids() -> Iterator[int]:
    if _PROC.exists():
        yield from (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    else:
        yield from (int(entry) for entry in _ps("-ax", "-o", "pid=").split())


def server_processes(*, cluster: str) -> list[Process]:
    """Return the living child processes of the server with this cluster name, whether or not their postmaster still lives."""
    named = (process(pid=pid) for pid in _pids() if command_line(pid=pid).startswith(f"postgres: {cluster}: "))
    return [found for found in named if found is not None]


def wait_until_gone(*, process: Process, seconds: float) -> bool:
    """Wait until the process has ended, at most so many seconds; return whether it has."""
    deadline = time.monotonic() + seconds
    _sleep_until_ended(process, seconds)
    while process.alive() and time.monotonic() < deadline:
        threading.Event().wait(POLL_SECONDS)
    return not process.alive()


def _sleep_until_ended(process: Process, seconds: float) -> None:
    """Let the kernel wake us at the end of the process, where it can; return at once where it cannot."""
    if sys.platform != "linux":
        return
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:  # gone already, or a kernel without it
        return
    try:
        if process.alive():
            select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)


def stop_process(*, process: Process) -> bool:
    """Shut a postmaster down, harder at each step; return whether it is gone."""
    for number, patience in STOP_STEPS:
        if process.alive():
            _send(process.pid, number)
        if wait_until_gone(process=process, seconds=patience):
            return True
    return False


def kill_leftovers(*, cluster: str) -> None:
    """Kill server processes whose postmaster died under them. The caller holds the supervisor lock, so no new server can be among them."""
    leftovers = server_processes(cluster=cluster)
    for leftover in leftovers:
        _send(leftover.pid, signal.SIGKILL)
    for leftover in leftovers:
        wait_until_gone(process=leftover, seconds=5.0)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


@dataclass(frozen=True)
class Order:
    """What the launcher asks of a supervisor: adopt the server (pid, start), or start one by `command`; locks are open descriptors."""

    cluster: str
    lease: str
    log: str
    supervisor_lock: int
    report: int
    server_lock: int = -1
    adopted: tuple[int, str] | None = None
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: tuple[int, int] | None = None


def _execute_postgres(order: Order) -> NoReturn:
    """Become PostgreSQL: the log as output, the server lock inherited by every process of the server, the privileges dropped."""
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    fcntl.fcntl(order.server_lock, fcntl.F_SETFD, 0)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if order.user is not None:
        os.setgroups([])
        os.setgid(order.user[1])
        os.setuid(order.user[0])
    # PostgreSQL by its full path: that there is no shell in between is the point.
    os.execve(order.command[0], order.command, order.environment)  # noqa: S606


def _launch(order: Order) -> Process:
    pid = os.fork()
    if pid == 0:
        try:
            _execute_postgres(order)
        except OSError as failure:
            os.write(2, f"FATAL:  could not execute PostgreSQL: {failure}\n".encode())
        finally:
            os._exit(127)
    os.close(order.server_lock)
    # A child keeps its number until it is waited for, so nobody else can have it yet, even if it has ended already.
    return process(pid=pid) or Process(pid, "ended")


def _leave_when_gone(server: Process, cluster: str) -> None:
    try:
        os.waitpid(server.pid, 0)
    except ChildProcessError:  # an adopted server is nobody's child
        while not wait_until_gone(process=server, seconds=3600.0):
            continue
    kill_leftovers(cluster=cluster)
    os._exit(0)


class _StopAsked(Exception):
    """The system asked the supervisor itself to end, and so the server."""


def _ask_to_stop(_number: int, _frame: object) -> None:
    raise _StopAsked


def _supervise(order: Order) -> None:
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    for descriptor in {order.supervisor_lock, order.server_lock, order.report} - {-1}:
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    server = Process(*order.adopted) if order.adopted else _launch(order)
    signal.signal(signal.SIGTERM, _ask_to_stop)
    threading.Thread(target=_leave_when_gone, args=(server, order.cluster), daemon=True).start()
    lease = os.open(order.lease, os.O_RDWR | os.O_NOFOLLOW)
    with suppress(_StopAsked):
        fcntl.flock(lease, fcntl.LOCK_EX)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop_process(process=server)
    # The other thread ends this process, and with it the locks, once the server and what it left behind are gone.
    threading.Event().wait(30.0)


def main() -> None:
    """Leave the caller's process tree, start or adopt the server, and stay until it is gone."""
    order = Order(**json.loads(sys.argv[1]))
    if os.fork() != 0:
        os._exit(0)
    _supervise(order)


if __name__ == "__main__":
    main()
