"""易支付 in a whole market: a refund of v1 is sent once whatever happens, and no notice that is not one pays an order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from anka.adapters.channels.epay import EpayChannel
from anka.adapters.channels.epay_keys import sandbox_settings, sandbox_settings_v2
from anka.adapters.channels.epay_v2 import EpayV2Channel
from anka.adapters.channels.port import Incoming
from anka.adapters.channels.sandbox_play import FaultWish, ReturnedNotice, play_payment
from anka.jobs import audit, channels, notices, payments
from tests.builders import Order, a_key
from tests.channels.epay.conftest import write_keys
from tests.databases import Database, SharedServer
from tests.jobs.conftest import END
from tests.jobs.market import PRICE, Market, attempts, kept, open_market, refunds, snapshot
from tests.sandbox.world import PATIENCE


@dataclass
class Shop:
    market: Market

    def begin(self, code: str) -> tuple[Order, str]:
        """An order somebody began to pay at the gateway, whose cashier was opened."""
        order = self.market.an_order()
        begun = payments.begin(actor=order.buyer, order_number=order.number, channel=code, request=a_key(order.buyer), at=self.market.now)
        assert begun.started is not None
        if code == "epay":
            assert httpx.get(begun.started.cashier_url, trust_env=False).status_code == 302
        return order, begun.number

    def play(self, number: str, *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_payment(channel=self.market.channel, number=number, outcome="paid", faults=faults).notices)

    def give(self, message: Incoming, code: str) -> tuple[int, bytes]:
        status, _, body = notices.receive(channel=code, message=message, at=self.market.now)
        return status, body

    def a_paid_order(self, code: str) -> tuple[Order, str]:
        order, number = self.begin(code)
        (notice,) = self.play(number)
        assert self.give(notice.incoming, code) == (200, b"success")
        return order, number

    def refunded(self, number: str) -> list[tuple[str, int]]:
        """What the gateway knows of refunds of a payment."""
        with self.market.gateway.store.transaction() as connection:
            found = connection.execute("SELECT status, amount_minor FROM sandbox.refund WHERE payment_number = %s", (number,)).fetchall()
        return [(row[0], row[1]) for row in found]


@pytest.fixture(scope="module")
def books(server: SharedServer) -> Iterator[str]:
    with server.empty("epay_jobs") as reached:
        yield reached


@pytest.fixture
def shop(fresh_database: Database, books: str, tmp_path: Path) -> Iterator[Shop]:
    write_keys(tmp_path)
    with open_market(home=tmp_path, gateway_database=books) as market:
        url = market.channel._base_url
        notify = f"{market.endpoint.address}/api/v1/notify/"
        v1 = EpayChannel(settings=sandbox_settings(tmp_path, f"{url}/epay"), notify_url=f"{notify}epay", real_clock=market.real)
        v2 = EpayV2Channel(settings=sandbox_settings_v2(tmp_path, f"{url}/epay_v2"), notify_url=f"{notify}epay_v2", real_clock=market.real)
        for channel in (v1, v2):
            channel.patience = PATIENCE
            channels.channels[channel.code] = channel
        yield Shop(market)
        v1.close_connections()
        v2.close_connections()
        assert audit.audit(now=END) == []


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before", "never"])
def test_a_refund_of_v1_without_a_clear_answer_is_a_persons_and_never_sent_again(shop: Shop, fault: str) -> None:
    """The documented failure: v1 has no number of a refund, so asking again after a time-out would pay twice."""
    order, number = shop.a_paid_order("epay")
    shop.market.preset("refund", fault)

    shop.market.cancel(order)
    shop.market.run()
    shop.market.run_for(minutes=24 * 60, step=120)

    assert [amount for _, amount in shop.refunded(number)] == ([] if fault == "timeout_before" else [PRICE])
    assert [status for _, status in attempts(order)] == ["manual"]
    assert [refund.status for refund in refunds(order)] == ["stuck"]


def test_a_refund_of_v1_with_a_clear_answer_is_over_at_once(shop: Shop) -> None:
    """The control: without the fault the same story ends well, with one refund. The notice comes over the wire here, as a GET."""
    order, number = shop.begin("epay")
    play_payment(channel=shop.market.channel, number=number, outcome="paid", deliver="send")
    assert shop.market.send() == 1
    assert shop.market.endpoint.answers == [200]

    shop.market.cancel(order)
    shop.market.run()
    shop.market.run_for(minutes=2)

    assert [amount for _, amount in shop.refunded(number)] == [PRICE]
    assert [status for _, status in attempts(order)] == ["succeeded"]


def test_an_empty_balance_at_v1_is_waited_for_and_then_one_refund_is_made(shop: Shop) -> None:
    """The gateway said that it did nothing, so sending it again is the first time."""
    order, number = shop.a_paid_order("epay")
    shop.market.preset("refund", "out_of_funds")

    shop.market.cancel(order)
    shop.market.run()
    waiting = [status for _, status in attempts(order)]
    shop.market.run_for(minutes=90, step=10)

    assert waiting == ["waiting_funds"]
    assert [status for _, status in attempts(order)] == ["succeeded"]
    assert [amount for _, amount in shop.refunded(number)] == [PRICE]


@pytest.mark.parametrize("fault", ["timeout_after", "forged"])
def test_a_refund_of_v2_is_asked_about_and_arrives_once(shop: Shop, fault: str) -> None:
    order, number = shop.a_paid_order("epay_v2")
    shop.market.preset("refund", fault)

    shop.market.cancel(order)
    shop.market.run()
    shop.market.run_for(minutes=6)

    assert shop.refunded(number) == [("succeeded", PRICE)]
    assert [status for _, status in attempts(order)] == ["succeeded"]


@pytest.mark.parametrize("code", ["epay", "epay_v2"])
def test_no_bad_notice_pays_an_order(shop: Shop, code: str) -> None:
    """Our own signed request, a stranger's signature, and 0.01 for 100.00."""
    for fault in ("reflected", "forged", "wrong_amount"):
        order, number = shop.begin(code)
        before = snapshot()
        (notice,) = shop.play(number, fault)

        status, body = shop.give(notice.incoming, code)

        assert (status >= 400, b"success" in body, fault) == (True, False, fault)
        assert snapshot() == before
        payment = order.state.payment(number)
        assert payment is not None
        assert payment.status != "paid"
    assert [verdict for verdict, _, _ in kept()] == ["refused"] * 3


def test_an_old_notice_of_v1_changes_nothing_however_often_it_comes(shop: Shop) -> None:
    """It has no time to be refused by. The transaction number is taken once."""
    order, number = shop.begin("epay")
    (notice,) = shop.play(number)
    assert shop.give(notice.incoming, "epay")[0] == 200
    shop.market.cancel(order)
    shop.market.run()
    after = snapshot()

    for days in (1, 30):
        shop.market.real.tick(days * 86_400)
        assert shop.give(notice.incoming, "epay") == (200, b"success")
    shop.market.real.tick(-31 * 86_400)

    assert snapshot() == after
    assert [verdict for verdict, _, _ in kept()] == ["taken", "repeated", "repeated"]
    assert len(shop.refunded(number)) == 1
