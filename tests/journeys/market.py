"""The whole market as its processes: web, worker, sandbox gateway, over real HTTP, on the test's database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from anka.core.clock import Moment
from anka.sandbox import clock
from tests.databases import Database

READY_SECONDS = 120.0
POLL_SECONDS = 0.1
ENOUGH_FOR_ANYTHING_SECONDS = 90.0


@dataclass(frozen=True)
class Market:
    """A running market."""

    address: str
    gateway: str
    home: Path

    def moment(self) -> Moment:
        """The market's time at this moment."""
        return Moment(now=clock.now(home=self.home), real=datetime.now(UTC))

    def advance(self, *, minutes: int) -> None:
        """Move the market's clock; what falls due on the way is done when this returns."""
        answer = httpx.post(f"{self.address}/api/v1/sandbox/clock", json={"advance_seconds": minutes * 60}, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text

    def issuer_says(self, unit: str, **word: object) -> None:
        """Let the issuer know something of a unit's key, and say so."""
        answer = httpx.post(f"{self.address}/api/v1/sandbox/issuer/{unit}", json=word, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text

    def pay_late(self, *, payment: str) -> None:
        """Let money arrive that was sent after the gateway had closed the payment."""
        answer = httpx.post(
            f"{self.address}/api/v1/sandbox/payments/{payment}",
            json={"outcome": "paid", "faults": ["late"]},
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*, database: Database, home: Path, log: Path) -> Iterator[Market]:
    """Run the three processes for the length of the block."""
    web, gateway = _free_port(), _free_port()
    market = Market(address=f"http://127.0.0.1:{web}", gateway=f"http://127.0.0.1:{gateway}", home=home)
    variables = {
        "ANKA_HOME": str(home),
        "ANKA_PORT": str(web),
        "ANKA_BASE_URL": market.address,
        "ANKA_GATEWAY_URL": market.gateway,
        "ANKA_PARENT": str(os.getpid()),
    }
    with log.open("ab") as lines:
        started = [
            _start(["sandbox"], {**variables, "ANKA_DATABASE_URL": database.owner}, lines.fileno()),
            _start(["web", "--workers", "1"], {**variables, "ANKA_DATABASE_URL": database.runtime}, lines.fileno()),
            _start(["worker"], {**variables, "ANKA_DATABASE_URL": database.runtime}, lines.fileno()),
        ]
        try:
            _wait(f"{market.gateway}/livez", started, log)
            _wait(f"{market.address}/readyz", started, log)
            yield market
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(timeout=60)


def _start(words: list[str], variables: Mapping[str, str], log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "anka.cli.main", *words], env={**os.environ, **variables}, stdout=log, stderr=log)


def _wait(address: str, processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline:
        assert all(process.poll() is None for process in processes), log.read_text()[-2000:]
        try:
            if httpx.get(address, timeout=20, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        pause.wait(POLL_SECONDS)
    raise AssertionError(f"{address} did not answer: {log.read_text()[-2000:]}")
