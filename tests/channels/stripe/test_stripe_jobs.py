"""Stripe in a whole market: an event pays, a refund arrives once whatever happens, and one that fails after success is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from anka.adapters.channels.sandbox_play import FaultWish, ReturnedNotice, play_payment
from anka.adapters.channels.stripe import StripeChannel
from anka.adapters.channels.stripe_settings import sandbox_settings
from anka.jobs import audit, channels, notices, payments
from tests.builders import Order, a_key
from tests.databases import Database, SharedServer
from tests.jobs.conftest import END
from tests.jobs.market import PRICE, Market, attempts, kept, open_market, refunds, snapshot
from tests.sandbox.world import PATIENCE


@dataclass
class Shop:
    market: Market

    def begin(self) -> tuple[Order, str]:
        order = self.market.an_order()
        begun = payments.begin(
            actor=order.buyer, order_number=order.number, channel="stripe", request=a_key(order.buyer), at=self.market.now
        )
        assert begun.started is not None
        return order, begun.number

    def play(self, number: str, *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_payment(channel=self.market.channel, number=number, outcome="paid", faults=faults).notices)

    def give(self, notice: ReturnedNotice) -> int:
        return notices.receive(channel="stripe", message=notice.incoming, at=self.market.now)[0]

    def a_paid_order(self) -> tuple[Order, str]:
        order, number = self.begin()
        (notice,) = self.play(number)
        assert self.give(notice) == 200
        return order, number

    def refunded(self, number: str) -> list[tuple[str, int]]:
        with self.market.gateway.store.transaction() as connection:
            found = connection.execute("SELECT status, amount_minor FROM sandbox.refund WHERE payment_number = %s", (number,)).fetchall()
        return [(row[0], row[1]) for row in found]


@pytest.fixture(scope="module")
def books(server: SharedServer) -> Iterator[str]:
    with server.empty("stripe_jobs") as reached:
        yield reached


@pytest.fixture
def shop(fresh_database: Database, books: str, tmp_path: Path) -> Iterator[Shop]:
    with open_market(home=tmp_path, gateway_database=books) as market:
        settings = sandbox_settings(tmp_path, f"{market.channel._base_url}/stripe")
        notify = f"{market.endpoint.address}/api/v1/notify/stripe"
        channel = StripeChannel(settings=settings, notify_url=notify, real_clock=market.real)
        channel.patience = PATIENCE
        channels.channels["stripe"] = channel
        yield Shop(market)
        channel.close_connections()
        assert audit.audit(now=END) == []


@pytest.mark.parametrize("fault", ["timeout_after", "forged"])
def test_a_refund_is_asked_about_and_arrives_once(shop: Shop, fault: str) -> None:
    order, number = shop.a_paid_order()
    shop.market.preset("refund", fault)

    shop.market.cancel(order)
    shop.market.run()
    shop.market.run_for(minutes=6)

    assert shop.refunded(number) == [("succeeded", PRICE)]
    assert [status for _, status in attempts(order)] == ["succeeded"]


def test_a_refund_that_fails_after_it_succeeded_is_taken_back(shop: Shop) -> None:
    order, number = shop.a_paid_order()
    shop.market.cancel(order)
    shop.market.run()
    shop.market.run_for(minutes=3)
    ((attempt, before),) = attempts(order)

    for notice in shop.market.play_refund(attempt, "failed").notices:
        assert shop.give(notice) == 200
    shop.market.run_for(minutes=5)

    assert before == "succeeded"
    assert [status for _, status in attempts(order)] == ["reversed"]
    assert [refund.status for refund in refunds(order)] == ["stuck"]
    assert shop.refunded(number) == [("failed", PRICE)]


def test_no_bad_event_pays_an_order(shop: Shop) -> None:
    for fault in ("reflected", "forged", "wrong_amount", "replayed"):
        _, number = shop.begin()
        before = snapshot()
        (notice,) = shop.play(number, fault)

        assert (shop.give(notice) >= 400, fault) == (True, fault)
        assert snapshot() == before
    assert [verdict for verdict, _, _ in kept()] == ["refused"] * 4
