from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from anka.adapters.channels.alipay_keys import sandbox_keys
from tests.channels.alipay.world import Alipay, open_alipay
from tests.databases import SharedServer
from tests.sandbox.world import Merchant

# Filled by the environment of whoever runs the tests; the SDK would ask a proxy for 127.0.0.1.
PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture(scope="session")
def alipay_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of both sides, made once: making RSA keys is slow."""
    home = tmp_path_factory.mktemp("keys")
    sandbox_keys(home=home)
    return home / "sandbox"


@pytest.fixture(scope="session")
def alipay_database(server: SharedServer) -> Iterator[str]:
    """An empty database for the gateway's own books."""
    with server.empty("alipay") as reached:
        yield reached


@pytest.fixture(scope="module")
def alipay(tmp_path_factory: pytest.TempPathFactory, alipay_keys: Path, alipay_database: str) -> Iterator[Alipay]:
    home = tmp_path_factory.mktemp("alipay")
    shutil.copytree(alipay_keys, home / "sandbox")
    merchant = Merchant()
    try:
        with pytest.MonkeyPatch.context() as environment:
            for name in PROXIES:
                environment.delenv(name, raising=False)
            with open_alipay(home=home, database_url=alipay_database, merchant=merchant) as opened:
                yield opened
    finally:
        merchant.close()
