from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import SharedServer
from tests.sandbox.world import Merchant, World, build

TABLES = ("payment", "closed_unseen", "refund", "foretold", "notice", "preset", "nonce")


@pytest.fixture(scope="session")
def database_url(server: SharedServer) -> Iterator[str]:
    """An empty database of this worker's own: the gateway makes its tables itself."""
    with server.empty("sandbox") as reached:
        yield reached


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    merchant = Merchant()
    yield merchant
    merchant.close()


@pytest.fixture
def world(tmp_path: Path, database_url: str, merchant: Merchant) -> Iterator[World]:
    world, running = build(home=tmp_path, database_url=database_url, merchant=merchant)
    yield world
    with world.gateway.store.transaction() as connection:
        connection.execute(f"TRUNCATE {', '.join(f'sandbox.{table}' for table in TABLES)}".encode())
    world.channel.close_connections()
    running.stop()
