"""Every protocol's own bill against our books, over the real gateway: what agrees leaves nothing over, what differs is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anka.jobs import audit
from tests.databases import Database
from tests.jobs.conftest import END
from tests.jobs.every_channel import CODES, EveryChannel, make_keys, open_every_channel
from tests.jobs.market import PRICE


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("every-channel")
    make_keys(home=home)
    return home


@pytest.fixture
def every(fresh_database: Database, gateway_database: str, keys: Path, tmp_path: Path) -> Iterator[EveryChannel]:
    """The market with every channel; clean by every invariant afterwards."""
    with open_every_channel(home=tmp_path, keys=keys, gateway_database=gateway_database) as every:
        yield every
        assert audit.audit(now=END) == []


def test_a_day_of_payments_and_refunds_agrees_to_the_last_cent(every: EveryChannel) -> None:
    for code in CODES:
        every.paid(code)
        every.refunded(code, quantity=2, positions=(1,))
        every.refunded(code)
    every.market.run()
    every.market.run_for(minutes=6)
    day = every.next_morning()
    for code in CODES:
        assert (code, every.reconcile(code, day)) == (code, [])
        assert every.told(code, day, "payment") == (4 * PRICE, 4 * 60)
        assert every.told(code, day, "refund") == (2 * PRICE, 0)
        settled, _fee = every.told(code, day, "settlement")
        # The channel owes us nothing any more, and what can be drawn is what it paid out less what went back.
        assert (every.held(code, "clearing"), every.held(code, "available")) == (4 * PRICE - 4 * 60 - settled, settled - 2 * PRICE)
        assert settled == 4 * PRICE - 4 * 60
