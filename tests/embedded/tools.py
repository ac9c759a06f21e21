"""What the tests of the embedded database share: other processes as users, and waiting with an end."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from anka.config import embedded
from anka.config.embedded.places import place_of
from anka.config.embedded.supervisor import process, server_processes

NOBODY = 65534
# Losing power is not what these tests are about.
FAST: Mapping[str, str] = {"fsync": "off", "shared_buffers": "16MB"}
SECONDS = 60.0
SOURCE = Path(embedded.__file__).resolve().parents[3]
INSTALLED = embedded.binaries().parents[2]


def eventually(condition: Callable[[], bool], *, seconds: float = SECONDS) -> bool:
    """Look again and again until the condition holds; return whether it did before the time was up."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return condition()


def running_servers(home: Path) -> list[int]:
    """Return every living process of the server of this home: the postmaster, its children, their supervisor."""
    place = place_of(home=home)
    marks = (f"/postgres -D {place.data} ", f"postgres: {place.cluster}: ", f'"cluster": "{place.cluster}"')
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and process(pid=int(entry)) is not None and any(mark in command(int(entry)) for mark in marks):
            found.append(int(entry))
    return found


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def supervisors(home: Path) -> list[int]:
    return [pid for pid in running_servers(home) if "supervisor.py" in command(pid)]


def alive(pid: int) -> bool:
    return process(pid=pid) is not None


def children(home: Path) -> list[int]:
    return [found.pid for found in server_processes(cluster=place_of(home=home).cluster)]


def query(url: str, statement: str) -> Any:
    """Run one statement and return the first column of its first row, if it has one."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
    return None if row is None else row[0]


@dataclass
class User:
    """Another process that uses the embedded database of a home."""

    process: subprocess.Popen[str]
    said: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.said["url"])

    @property
    def owner_url(self) -> str:
        return str(self.said["owner_url"])

    @property
    def server_pid(self) -> int:
        return int(self.said["pid"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)

    def end(self) -> None:
        """Wait for one that has already said why it cannot go on."""
        self.process.communicate("", SECONDS)

    def leave(self) -> dict[str, Any]:
        """End its input, wait for it and return the last thing it said."""
        output, _ = self.process.communicate("", SECONDS)
        return dict(json.loads(output.splitlines()[-1]))


def spawn_user(
    home: Path, *, python: str = sys.executable, uid: int | None = None, port: int = 0, path: tuple[Path, ...] = (), cwd: Path = Path("/")
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, "-B", str(Path(__file__).with_name("user.py")), str(home), str(port), json.dumps(dict(FAST))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": os.pathsep.join(str(part) for part in (*path, SOURCE, INSTALLED)), "PATH": os.defpath},
        start_new_session=True,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )


def first_words(user: subprocess.Popen[str]) -> User:
    """Wait for what a user says first: where its server is, or why there is none."""
    assert user.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(user.stdout, selectors.EVENT_READ)
        assert selector.select(SECONDS), "the user said nothing in time"
    return User(user, json.loads(user.stdout.readline()))


def unprivileged_python() -> str | None:
    """Return a Python that the user nobody can run with our sources, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        attempt = [python, "-c", "import sys; import anka.config.embedded as e; e.binaries(); sys.exit(sys.version_info < (3, 11))"]
        environment = {"PYTHONPATH": f"{SOURCE}{os.pathsep}{INSTALLED}", "PATH": os.defpath}
        try:
            done = subprocess.run(attempt, env=environment, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False)
        except PermissionError:
            continue
        if done.returncode == 0:
            return python
    return None
