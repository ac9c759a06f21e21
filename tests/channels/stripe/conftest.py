from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.channels.stripe.world import Cards, open_world
from tests.databases import SharedServer

TABLES = ("payment", "closed_unseen", "refund", "foretold", "notice", "preset", "nonce")


@pytest.fixture(scope="module")
def gateway(server: SharedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cards]:
    name = server.name("stripe")
    with psycopg.connect(server.maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with open_world(home=tmp_path_factory.mktemp("stripe"), database_url=make_conninfo(server.maintenance, dbname=name)) as world:
        yield world
    server.drop(name)


@pytest.fixture
def cards(gateway: Cards) -> Iterator[Cards]:
    """The gateway, empty again afterwards."""
    yield gateway
    with gateway.world.gateway.store.transaction() as connection:
        connection.execute(f"TRUNCATE {', '.join(f'sandbox.{table}' for table in TABLES)}".encode())
