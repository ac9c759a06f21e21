"""The database's disk fills up under load: people are told to try again, nothing is lost, and with room it goes on by itself."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from anka.config import embedded
from tests.kills.journal import Journal
from tests.kills.verdict import settled, verdict
from tests.kills.workload import Client
from tests.kills.world import World, eventually

SIZE = "400m"
CLIENTS = 4
PATIENCE_SECONDS = 60.0


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A home whose database lives on a file system of its own."""
    home = Path(tempfile.mkdtemp(prefix="anka-kills-"))
    folder = embedded.folder_of(home=home)
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    if mounted:
        folder.chmod(0o711)
        yield home
        subprocess.run(["umount", "--lazy", folder], check=True)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
    if not mounted:
        pytest.skip("a small file system can only be mounted as root, with the capability to")


def test_a_disk_that_fills_up_under_load(small_disk: Path) -> None:
    journal, stop, chance = Journal(), threading.Event(), Random(1)
    with World(home=small_disk) as world:
        buyers = world.market.of("buyer")[:CLIENTS]
        clients = [Client(world, journal, buyer, Random(chance.random()), stop, 0.02) for buyer in buyers]
        threads = [threading.Thread(target=client.work) for client in clients]
        for thread in threads:
            thread.start()
        try:
            assert eventually(lambda: _acknowledged(journal) > 50, seconds=PATIENCE_SECONDS)
            ballast = _fill(embedded.folder_of(home=small_disk))
            # Everybody has run against it, and nobody gets on.
            assert eventually(lambda: all(client.waits >= 5 for client in clients), seconds=PATIENCE_SECONDS), journal.wrongs
            before = _acknowledged(journal)
            ballast.unlink()
            assert eventually(lambda: _acknowledged(journal) > before + 50, seconds=PATIENCE_SECONDS), world.log_text()[-3000:]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert settled(world) == []
        assert verdict(world, journal) == []


def _fill(folder: Path) -> Path:
    """Leave no room. What the database has reserved already it may still write."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            # Others write as well, so how much there is is only known when there is no more.
            with suppress(OSError):
                while file.write(bytes(size)):
                    continue
    return ballast


def _acknowledged(journal: Journal) -> int:
    return sum(entry.acknowledged for entry in list(journal.entries))
