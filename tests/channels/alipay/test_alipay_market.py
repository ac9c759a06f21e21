"""Alipay in a whole market: its traps cost nobody goods or money."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from anka.adapters.channels.alipay import AlipayChannel
from anka.adapters.channels.alipay_keys import sandbox_settings
from anka.adapters.channels.sandbox_play import FaultWish, ReturnedNotice, play_payment, play_refund
from anka.core import database
from anka.jobs import audit, notices, payments
from anka.jobs.channels import channels
from tests.builders import Order, a_key
from tests.databases import Database
from tests.jobs.conftest import END
from tests.jobs.market import PATH, PRICE, Market, attempts, events, kept, open_market, refunds, snapshot
from tests.sandbox.world import PATIENCE


@dataclass
class AlipayMarket:
    """A market whose buyers pay by Alipay."""

    market: Market
    channel: AlipayChannel

    def begin(self, order: Order) -> str:
        """Begin to pay and open Alipay's page."""
        market = self.market
        begun = payments.begin(
            actor=order.buyer, order_number=order.number, channel="alipay", request=a_key(order.buyer, None), at=market.now
        )
        assert begun.started is not None
        assert httpx.get(begun.started.cashier_url, trust_env=False).status_code == 302
        return begun.number

    def decide(self, number: str, *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_payment(channel=self.market.channel, number=number, outcome="paid", faults=faults).notices)

    def decide_refund(self, number: str) -> list[ReturnedNotice]:
        return list(play_refund(channel=self.market.channel, number=number, outcome="succeeded").notices)

    def give(self, notice: ReturnedNotice) -> tuple[int, bytes]:
        status, _, body = notices.receive(channel="alipay", message=notice.incoming, at=self.market.now)
        return status, body

    def a_paid_order(self, quantity: int = 2) -> tuple[Order, str]:
        order = self.market.an_order(quantity=quantity)
        number = self.begin(order)
        for notice in self.decide(number):
            assert self.give(notice) == (200, b"success")
        return order, number

    def shown(self, order: Order) -> list[tuple[str, int]]:
        """What was handed out of an order: kind of event and how often a key was given to it."""
        found = database.rows("SELECT count(*) FROM vault_allocation WHERE shop_id = %s", (order.shop.id,))
        return [("allocations", int(found[0][0])), ("paid", events(order).count("paid"))]


@pytest.fixture
def by_alipay(fresh_database: Database, alipay_database: str, alipay_keys: Path, tmp_path: Path) -> Iterator[AlipayMarket]:
    """A market on a database of its own, clean by every invariant afterwards."""
    shutil.copytree(alipay_keys, tmp_path / "sandbox")
    with open_market(home=tmp_path, gateway_database=alipay_database) as market:
        base_url = f"{market.channel._base_url}/alipay"
        notify_url = f"{market.endpoint.address}{PATH}alipay"
        channel = AlipayChannel(settings=sandbox_settings(home=tmp_path, base_url=base_url), notify_url=notify_url, real_clock=market.real)
        channel.patience = PATIENCE
        channels["alipay"] = channel
        try:
            yield AlipayMarket(market=market, channel=channel)
        finally:
            channel.close_connections()
        assert audit.audit(now=END) == []


def arrived(by_alipay: AlipayMarket, order: Order, *amounts: int) -> None:
    """The money of these refunds is back, each once, and the books say so."""
    assert sorted((refund.status, refund.amount_minor) for refund in refunds(order)) == sorted(("succeeded", amount) for amount in amounts)
    assert by_alipay.market.paid_back(order) == sum(amounts)
    assert order.shop.balance("refund_payable:alipay") == 0
    assert events(order).count("refund_arrived") == len(amounts)


def test_the_second_trade_success_after_a_partial_refund_does_not_deliver_again(by_alipay: AlipayMarket) -> None:
    market = by_alipay.market
    order, number = by_alipay.a_paid_order()
    market.cancel(order, 1)
    market.run()
    before = (by_alipay.shown(order), order.state.paid_at, order.shop.balance("psp:alipay:clearing"))
    (partial,) = [refund for refund, _status in attempts(order)]
    (again,) = by_alipay.decide_refund(partial)
    assert b"trade_status=TRADE_SUCCESS" in again.body

    for _ in range(3):
        assert by_alipay.give(again) == (200, b"success")
        market.run()
    assert (by_alipay.shown(order), order.state.paid_at, order.shop.balance("psp:alipay:clearing")) == before
    assert [one.status for one in order.state.payments] == ["paid"]
    # It was worth something all the same: the refund was asked about at once.
    arrived(by_alipay, order, PRICE)
    assert number in again.body.decode()


def test_a_full_refund_says_trade_closed_and_the_payment_stays_paid(by_alipay: AlipayMarket) -> None:
    market = by_alipay.market
    order, _ = by_alipay.a_paid_order(quantity=1)
    market.cancel(order)
    market.run()
    ((refund, _status),) = attempts(order)
    (told,) = by_alipay.decide_refund(refund)
    assert b"trade_status=TRADE_CLOSED" in told.body

    assert by_alipay.give(told) == (200, b"success")
    market.run()
    assert [one.status for one in order.state.payments] == ["paid"]
    arrived(by_alipay, order, PRICE)


def test_one_cent_for_a_hundred_yuan_is_refused_and_asked_about(by_alipay: AlipayMarket) -> None:
    order = by_alipay.market.an_order()
    number = by_alipay.begin(order)

    (told,) = by_alipay.decide(number, "wrong_amount")
    assert b"total_amount=0.01" in told.body
    assert by_alipay.give(told)[1] != b"success"
    assert order.state.paid_at is None
    # Asked, Alipay names the sum that was paid.
    by_alipay.market.run()
    assert order.state.paid_at is not None


ATTACKS: tuple[FaultWish, ...] = ("forged", "reflected", {"fault": "replayed", "seconds": 30 * 86_400})
TROUBLES = ("timeout_before", "timeout_after", "error_500", "forged", "wrong_amount", "out_of_funds", "never")


def test_attacks_change_nothing_and_are_kept(by_alipay: AlipayMarket) -> None:
    order = by_alipay.market.an_order()
    number = by_alipay.begin(order)
    told = [notice for fault in ATTACKS for notice in by_alipay.decide(number, fault)]
    before = snapshot()

    answers = [by_alipay.give(notice) for notice in told]
    assert [status for status, _ in answers] == [401, 401, 401]
    assert b"success" not in {body for _, body in answers}
    assert snapshot() == before
    assert [(verdict, reason) for verdict, reason, _ in kept()] == [
        ("refused", "bad_signature"),
        ("refused", "wrong_purpose"),
        ("refused", "too_old"),
    ]


def test_a_refund_survives_every_fault_and_is_paid_once(by_alipay: AlipayMarket) -> None:
    market = by_alipay.market
    orders = []
    for fault in TROUBLES:
        order, _ = by_alipay.a_paid_order(quantity=1)
        market.preset("refund", fault)
        market.cancel(order)
        market.run()
        orders.append(order)
    assert market.ask("SELECT count(*) FROM sandbox.preset WHERE turn < times") == 0
    # Nobody at Alipay moves this one on by itself.
    assert [status for _number, status in attempts(orders[-1])] == ["processing"]
    by_alipay.decide_refund(attempts(orders[-1])[0][0])

    market.run_for(minutes=240, step=20)
    for order in orders:
        assert "failed" not in [status for _number, status in attempts(order)]
        arrived(by_alipay, order, PRICE)
