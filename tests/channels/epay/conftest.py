from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.channels.epay.signing import KEYS
from tests.channels.epay.world import Epay, open_world
from tests.databases import SharedServer

TABLES = ("payment", "closed_unseen", "refund", "foretold", "notice", "preset", "nonce")


@pytest.fixture(scope="module")
def gateway(server: SharedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Epay]:
    """One gateway for a module, with keys that need not be made."""
    name = server.name("epay")
    with psycopg.connect(server.maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    home = tmp_path_factory.mktemp("epay")
    write_keys(home)
    with open_world(home=home, database_url=make_conninfo(server.maintenance, dbname=name)) as world:
        yield world
    server.drop(name)


@pytest.fixture
def epay(gateway: Epay) -> Iterator[Epay]:
    """The gateway, empty again afterwards."""
    yield gateway
    with gateway.gateway.store.transaction() as connection:
        connection.execute(f"TRUNCATE {', '.join(f'sandbox.{table}' for table in TABLES)}".encode())


def write_keys(home: Path) -> None:
    folder = home / "sandbox" / "channels"
    folder.mkdir(parents=True)
    keys = {name: (KEYS / f"{name}.pem").read_text() for name in ("merchant", "platform")}
    (folder / "epay_v2.json").write_text(json.dumps({"pid": "1002", "merchant_key": keys["merchant"], "platform_key": keys["platform"]}))
