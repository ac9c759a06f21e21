from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anka.adapters.channels.wechat_keys import sandbox_keys
from tests.channels.wechat.world import TABLES, World, open_world
from tests.databases import SharedServer


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sides' keys, made once: making RSA keys is slow."""
    home = tmp_path_factory.mktemp("wechat-keys")
    sandbox_keys(home)
    return home / "sandbox" / "channels" / "wechat.json"


@pytest.fixture(scope="session")
def database_url(server: SharedServer) -> Iterator[str]:
    """An empty database of this worker's own: the gateway makes its tables itself."""
    with server.empty("wechat") as reached:
        yield reached


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, database_url: str, keys_file: Path) -> Iterator[World]:
    with open_world(home=tmp_path_factory.mktemp("wechat"), database_url=database_url, keys_file=keys_file) as world:
        yield world


@pytest.fixture
def world(opened: World) -> World:
    """The module's gateway, with nothing in it and at real time."""
    with opened.gateway.store.transaction() as connection:
        connection.execute(f"TRUNCATE {', '.join(f'sandbox.{table}' for table in TABLES)}".encode())
    opened.real.at = datetime.now(UTC)
    return opened
