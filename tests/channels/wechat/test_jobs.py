"""WeChat Pay in a whole market: paid by notice, refunded by asking, and the failures its merchants know."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from anka.adapters.channels import sandbox_play
from anka.adapters.channels.port import Incoming
from anka.adapters.channels.sandbox_play import FaultWish, Played
from anka.adapters.channels.wechat import WechatChannel
from anka.adapters.channels.wechat_keys import sandbox_settings
from anka.jobs import audit, channels, payments
from tests.builders import Order, a_key, a_product
from tests.databases import Database
from tests.jobs.market import PATH, PRICE, Market, attempts, kept, open_market, refunds, snapshot
from tests.sandbox.world import PATIENCE

END = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class WechatMarket:
    """A market whose buyers pay with WeChat."""

    market: Market
    channel: WechatChannel

    def begin(self, order: Order) -> str:
        at = self.market.now
        begun = payments.begin(actor=order.buyer, order_number=order.number, channel="wechat", request=a_key(order.buyer), at=at)
        assert begun.started is not None
        assert begun.started.qr_text
        return begun.number

    def play(self, number: str, outcome: Any = "paid", *faults: FaultWish) -> Played:
        return sandbox_play.play_payment(channel=self.market.channel, number=number, outcome=outcome, faults=faults)

    def give(self, played: Played) -> list[int]:
        return [self.market.give(notice, channel="wechat") for notice in played.notices]

    def a_paid_order(self, *, quantity: int = 1) -> tuple[Order, str]:
        order = self.market.an_order(quantity=quantity, product=a_product(stock=quantity))
        number = self.begin(order)
        assert self.give(self.play(number)) == [204]
        return order, number

    def a_cancelled_order(self) -> Order:
        order, _ = self.a_paid_order()
        self.market.cancel(order)
        return order


@pytest.fixture
def wechat(fresh_database: Database, database_url: str, keys_file: Path, tmp_path: Path) -> Iterator[WechatMarket]:
    """A market on a database of its own; clean by every invariant afterwards."""
    (tmp_path / "sandbox" / "channels").mkdir(parents=True)
    shutil.copy(keys_file, tmp_path / "sandbox" / "channels" / "wechat.json")
    with open_market(home=tmp_path, gateway_database=database_url) as market:
        settings = sandbox_settings(tmp_path, f"{market.channel._base_url}/wechat")
        channel = WechatChannel(settings=settings, notify_url=f"{market.endpoint.address}{PATH}wechat", real_clock=market.real)
        channel.patience = PATIENCE
        channels.channels["wechat"] = channel
        try:
            yield WechatMarket(market=market, channel=channel)
        finally:
            channel.close_connections()
        assert audit.audit(now=END) == []


def statuses(order: Order) -> list[str]:
    return [status for _number, status in attempts(order)]


def test_a_payment_and_its_refund_go_all_the_way(wechat: WechatMarket) -> None:
    order = wechat.a_cancelled_order()
    wechat.market.run()
    assert statuses(order) == ["processing"]
    wechat.market.run_for(minutes=2)
    assert statuses(order) == ["succeeded"]
    assert [refund.status for refund in refunds(order)] == ["succeeded"]
    assert wechat.market.paid_back(order) == PRICE


def test_a_refunds_notice_arrives_over_the_wire(wechat: WechatMarket) -> None:
    order = wechat.a_cancelled_order()
    wechat.market.run()
    ((number, _),) = attempts(order)
    sandbox_play.play_refund(channel=wechat.market.channel, number=number, outcome="succeeded", deliver="send")
    wechat.market.send()
    assert statuses(order) == ["succeeded"]
    assert wechat.market.endpoint.answers == [204]


def test_a_closed_refund_gets_a_new_number(wechat: WechatMarket) -> None:
    order = wechat.a_cancelled_order()
    wechat.market.run()
    ((first, _),) = attempts(order)
    assert wechat.give(sandbox_play.play_refund(channel=wechat.market.channel, number=first, outcome="closed")) == [204]
    wechat.market.run_for(minutes=4)
    assert statuses(order) == ["closed", "succeeded"]
    assert len({number for number, _ in attempts(order)}) == 2
    assert wechat.market.paid_back(order) == PRICE


def test_an_error_keeps_the_old_number(wechat: WechatMarket) -> None:
    order = wechat.a_cancelled_order()
    for fault in ("timeout_before", "error_500", "forged"):
        wechat.market.preset("refund", fault)
        wechat.market.run_for(minutes=1)
    ((number, status),) = attempts(order)
    assert status == "unknown"
    wechat.market.run_for(minutes=6)
    assert attempts(order) == [(number, "succeeded")]
    assert wechat.market.paid_back(order) == PRICE


def test_what_wechat_accepted_before_it_fell_silent_is_one_refund(wechat: WechatMarket) -> None:
    order = wechat.a_cancelled_order()
    wechat.market.preset("refund", "timeout_after")
    wechat.market.run()
    ((number, status),) = attempts(order)
    assert status == "unknown"
    wechat.market.run_for(minutes=3)
    assert attempts(order) == [(number, "succeeded")]
    assert wechat.market.paid_back(order) == PRICE


def test_an_abnormal_refund_that_came_back_to_us_is_a_persons(wechat: WechatMarket) -> None:
    """WeChat calls it a success. The buyer has nothing yet, so for us it is not over."""
    order = wechat.a_cancelled_order()
    wechat.market.run()
    ((number, _),) = attempts(order)
    sandbox_play.play_refund(channel=wechat.market.channel, number=number, outcome="abnormal")
    wechat.market.run_for(minutes=4)
    assert attempts(order) == [(number, "failed")]
    assert [refund.status for refund in refunds(order)] == ["stuck"]
    assert order.shop.balance("refund_payable:wechat") == PRICE


def test_notices_that_do_not_fit_change_nothing(wechat: WechatMarket) -> None:
    number = wechat.begin(wechat.market.an_order())
    old = {"fault": "replayed", "seconds": 600}
    faults: tuple[tuple[FaultWish, int], ...] = (("forged", 401), (old, 401), ("reflected", 401))
    before = snapshot()
    for fault, status in faults:
        assert wechat.give(wechat.play(number, "paid", fault)) == [status]
        assert (kept()[-1][0], snapshot()) == ("refused", before)
    (refused,) = wechat.give(wechat.play(number, "paid", "wrong_amount"))
    assert (refused // 100, kept()[-1][0], snapshot()) == (4, "refused", before)
    answer = wechat.market.endpoint.answer("wechat", Incoming(headers={}, body=b"{}"))
    assert answer == (400, "application/json", '{"code":"FAIL","message":"失败"}'.encode())
    # The control: the same payment, told properly, is taken.
    assert wechat.give(wechat.play(number)) == [204]
    assert snapshot() != before
