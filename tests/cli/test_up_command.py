"""`anka up --demo` as a whole: from nothing to a market one can shop in, a second time, killed in every part, and gone without a trace."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from anka.cli.demo_market import folder
from anka.cli.demo_orders import STORIES
from anka.config import embedded
from tests.cli.running import anka, start
from tests.embedded import tools

pytestmark = pytest.mark.no_database

READY, PATIENCE = "Ctrl-C stops everything", 1200
STAGES = {"reserved", "sealed", "revealed", "released", "recalled"}
TICK = threading.Event()


def eventually(true: object, rounds: int = PATIENCE) -> bool:
    """Look again and again, for up to two minutes."""
    assert callable(true)
    return any(true() or TICK.wait(0.1) for _round in range(rounds))


@dataclass
class Market:
    """A running `anka up --demo`."""

    home: Path
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def variables(self) -> dict[str, str]:
        return {"ANKA_HOME": str(self.home)}

    def up(self) -> None:
        self.process = start(("up", "--demo", "--port", "18700"), self.variables, self.log)
        assert eventually(lambda: READY in self.said() or self.process.poll() is not None), self.said()
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        return self.log.read_text()

    @property
    def address(self) -> str:
        return next(line.split()[1] for line in self.said().splitlines() if line.strip().startswith("Anka "))

    def ask(self, path: str, body: object = None, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}{path}", data, headers), timeout=60) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        try:
            return bool(self.ask("/readyz"))
        except (OSError, urllib.error.HTTPError):
            return False

    def pids(self) -> list[int]:
        """Every process that runs with this home."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                try:
                    variables = (entry / "environ").read_bytes().split(b"\0")
                except OSError:
                    continue
                if f"ANKA_HOME={self.home}".encode() in variables:
                    found.append(int(entry.name))
        return found

    def left_over(self) -> list[int]:
        return self.pids() + tools.running_servers(self.home)

    def child(self, name: str) -> int:
        """The process of one program, 0 while it is being started again."""
        assert self.process is not None
        for pid in self.pids():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if name.encode() in words and parent == self.process.pid:
                return pid
        return 0


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    market = Market(tmp_path / "home", tmp_path / "up.log")
    yield market
    if market.process is not None:
        # The others follow it; the database's supervisor, which looks after the server, must not be killed.
        market.process.kill()
        market.process.wait()
    gone = eventually(lambda: not market.left_over(), 600)
    shutil.rmtree(embedded.folder_of(home=market.home), ignore_errors=True)
    assert gone


def _counts(market: Market) -> tuple[int, int]:
    token = market.ask("/api/v1/auth/token", {"username": "buyer1", "password": "anka-demo"})["token"]
    orders = market.ask("/api/v1/orders?limit=100", token=token)["items"]
    assert {unit["stage"] for order in orders for unit in order["units"]} >= STAGES
    return len(orders), len(market.ask("/api/v1/products?limit=100")["items"])


def _database_that_does_not_start_at_once(market: Market) -> None:
    """It is killed, and something keeps it from starting for a while: the market waits for it, and goes on."""
    settings = embedded.folder_of(home=market.home) / "data" / "postgresql.conf"
    good = settings.read_bytes()
    settings.write_bytes(good + b"\nnonsense = on\n")
    (postmaster,) = (pid for pid in tools.running_servers(market.home) if "/postgres -D " in tools.command(pid))
    os.kill(postmaster, signal.SIGKILL)
    assert eventually(lambda: "a setting it cannot use" in market.said()), market.said()
    settings.write_bytes(good)
    assert eventually(market.answers), market.said()


def test_the_demo_market(market: Market) -> None:
    market.up()
    orders, products = _counts(market)
    assert orders == sum(buyer == "buyer1" for _, buyer, _, _ in STORIES)
    assert products >= 12
    assert anka("audit", variables=market.variables).status == 0

    for name in ("web", "worker", "sandbox"):
        victim = market.child(name)
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda name=name: f"{name} ended unexpectedly" in market.said())
        assert eventually(lambda name=name, victim=victim: market.child(name) not in (0, victim))
    assert eventually(market.answers)
    (postmaster,) = (pid for pid in tools.running_servers(market.home) if "/postgres -D " in tools.command(pid))
    os.kill(postmaster, signal.SIGKILL)
    assert eventually(lambda: "the database ended unexpectedly" in market.said())
    assert eventually(market.answers), market.said()
    _database_that_does_not_start_at_once(market)

    assert market.process is not None
    # As a terminal does on Ctrl-C: to everybody at once.
    os.killpg(market.process.pid, signal.SIGINT)
    assert market.process.wait(60) == 0
    assert "Unexpected" not in market.said()
    assert "Traceback" not in market.said()
    assert market.left_over() == []

    market.up()
    assert _counts(market) == (orders, products)
    market.process.kill()
    market.process.wait()
    assert eventually(lambda: not market.left_over(), 600)
    assert anka("audit", variables=market.variables).status == 0


def _files() -> list[dict[str, str]]:
    with (folder() / "products.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_demo_files_are_as_large_as_promised() -> None:
    products = _files()
    assert len(products) >= 12
    assert len({product["shop"] for product in products}) >= 5
    assert sum(int(product["keys"]) for product in products) >= 20_000
    assert all(None not in product and all(value is not None for value in product.values()) for product in products)
    assert any(product["notice_zh"] for product in products)
    for product in products:
        lines = (folder() / "keys" / f"{product['slug']}.csv").read_text().splitlines()
        assert len(set(lines)) == int(product["keys"]) + 1


def test_every_story_is_about_a_product_there_is() -> None:
    slugs = {product["slug"] for product in _files()}
    assert {slug for _, _, slug, _ in STORIES} <= slugs
    assert [ago for ago, _, _, _ in STORIES] == sorted((ago for ago, _, _, _ in STORIES), reverse=True)


def test_the_keys_can_be_made_again(tmp_path: Path) -> None:
    copy = tmp_path / "demo"
    shutil.copytree(folder(), copy)
    shutil.rmtree(copy / "keys")
    subprocess.run([sys.executable, str(copy / "make_keys.py")], check=True)
    for file in (folder() / "keys").iterdir():
        assert (copy / "keys" / file.name).read_bytes() == file.read_bytes()
