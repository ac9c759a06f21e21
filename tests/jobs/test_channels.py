"""Paying through real protocols: the channel is asked once and after the commit, what it said is kept, and trouble charges nobody."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from anka.adapters.channels import configured
from anka.adapters.channels.port import Channel, Incoming, Manners, Notice, NoticeKind, PaymentNotStarted, PaymentRequest, Started
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.core import database
from anka.core.idempotency import RequestKey
from anka.jobs import channels, payments
from anka.jobs.payments import Begun, CashierNotOpened, Seat
from anka.sandbox.protocols import PROTOCOLS
from tests import databases
from tests.builders import Order, a_key
from tests.jobs.market import PATH, PRICE, Market, attempts, events, kept, work
from tests.sandbox.world import PATIENCE

PHONE = Seat(device="mobile", address="203.0.113.7")
PLAYED = sorted(set(PROTOCOLS) & set(configured.KINDS))


class Asked(SandboxChannel):
    """The sandbox as a channel that has to be asked for its cashier, and that may refuse."""

    manners = Manners(asks_to_start=True)
    code = "asked"

    def __init__(self, market: Market) -> None:
        super().__init__(
            mode=Mode.SANDBOX,
            home=market.home,
            base_url="http://nowhere.invalid",
            notify_url=f"{market.endpoint.address}{PATH}sandbox",
            real_clock=market.real,
        )
        self.asked: list[str] = []
        self.open_to = {"desktop", "mobile", "wechat"}
        self.place = "https://pay.invalid"

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        # Nobody may hold a transaction open while a channel is being asked.
        assert not database.in_transaction()
        self.asked.append(payment.device)
        if payment.device not in self.open_to:
            raise PaymentNotStarted("refused")
        return Started(cashier_url=f"{self.place}/{payment.device}/{len(self.asked)}" if self.place else "", qr_text="")


@pytest.fixture
def asked(market: Market) -> Iterator[Asked]:
    channel = Asked(market)
    channels.channels[channel.code] = channel
    yield channel
    channel.close_connections()


def begin(market: Market, order: Order, channel: str, *, seat: Seat = payments.DESK, request: RequestKey | None = None) -> Begun:
    return payments.begin(
        actor=order.buyer, order_number=order.number, channel=channel, request=request or a_key(order.buyer), at=market.now, seat=seat
    )


def looked(market: Market, order: Order, number: str, seat: Seat = payments.DESK) -> Started | None:
    payment = order.state.payment(number)
    assert payment is not None
    return payments.cashier(state=order.state, payment=payment, at=market.now, seat=seat)


def test_the_channel_is_asked_once_and_a_second_look_asks_nobody(market: Market, asked: Asked) -> None:
    order = market.an_order()
    key = a_key(order.buyer, "once")
    first = begin(market, order, "asked", request=key)
    assert first.started == looked(market, order, first.number)
    again = begin(market, order, "asked", request=key)
    assert (again.number, again.started, again.replayed) == (first.number, first.started, True)
    assert begin(market, order, "asked").started == first.started
    assert asked.asked == ["desktop"]
    # The negative control: what is not kept has to be asked for.
    payment = order.state.payment(first.number)
    assert payment is not None
    assert payments.sign(state=order.state, payment=payment, at=market.now) != first.started
    assert asked.asked == ["desktop"] * 2


def test_another_device_is_asked_for_under_the_same_number(market: Market, asked: Asked) -> None:
    order = market.an_order()
    desk = begin(market, order, "asked")
    phone = begin(market, order, "asked", seat=PHONE)
    assert (phone.number, asked.asked) == (desk.number, ["desktop", "mobile"])
    assert looked(market, order, desk.number, PHONE) == phone.started != desk.started
    # A page for a phone does not last; the one for the desk does until the payment ends.
    market.move(minutes=5)
    assert begin(market, order, "asked", seat=PHONE).started != phone.started
    assert begin(market, order, "asked").started == desk.started
    assert asked.asked == ["desktop", "mobile", "mobile"]
    market.move(minutes=15)
    assert looked(market, order, desk.number) is None


def test_where_a_second_cashier_is_refused_the_first_one_serves(market: Market, asked: Asked) -> None:
    order = market.an_order()
    desk = begin(market, order, "asked")
    asked.open_to = {"desktop"}
    assert begin(market, order, "asked", seat=PHONE).started == desk.started


def test_a_cashier_that_does_not_open_charges_nobody_and_can_be_tried_again(market: Market, asked: Asked) -> None:
    order = market.an_order()
    key = a_key(order.buyer, "again")
    asked.open_to = set()
    with pytest.raises(CashierNotOpened) as refused:
        begin(market, order, "asked", request=key)
    assert (refused.value.status, order.stages, order.escrow) == (502, ["reserved"], 0)
    assert looked(market, order, order.state.payments[0].number) is None
    asked.open_to = {"desktop"}
    begun = begin(market, order, "asked", request=key)
    assert begun.started is not None
    assert [payment.number for payment in order.state.payments] == [begun.number]


@pytest.mark.parametrize("place", ["javascript:alert(1)//", "data:text/html,", "/relative", "https://pay.invalid/a b", ""])
def test_a_browser_is_sent_to_no_place_that_is_none(market: Market, asked: Asked, place: str) -> None:
    asked.place = place
    order = market.an_order()
    with pytest.raises(CashierNotOpened):
        begin(market, order, "asked")
    assert looked(market, order, order.state.payments[0].number) is None


def test_eight_who_begin_at_once_are_sent_to_one_cashier(market: Market, asked: Asked) -> None:
    order = market.an_order()

    def start(_: int) -> Started | None:
        try:
            return begin(market, order, "asked").started
        finally:
            databases.close_connection()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(start, range(8)))
    assert len(found) == 1
    assert database.value("SELECT count(*) FROM payments_cashier") == 1
    assert len(order.state.payments) == 1


def test_what_was_given_out_is_never_rewritten(market: Market, asked: Asked) -> None:
    begin(market, market.an_order(), "asked")
    for change in ("UPDATE payments_cashier SET cashier_url = 'x'", "DELETE FROM payments_cashier"):
        with pytest.raises(Exception, match=r"permission denied|append"):
            database.rows(change)


@pytest.fixture
def played(market: Market) -> Iterator[dict[str, Channel]]:
    """Every channel the gateway plays, wired to this market's gateway."""
    url = market.channel._base_url
    found, wrong = configured.sandbox_channels(codes=PLAYED, home=market.home, gateway_url=url, base_url=market.endpoint.address)
    assert wrong == {}
    for channel in found.values():
        if hasattr(channel, "patience"):
            channel.patience = PATIENCE
    channels.channels.update(found)
    yield found
    for channel in found.values():
        channel.close_connections()


def test_an_order_can_be_paid_through_every_protocol_and_the_money_goes_back(market: Market, played: dict[str, Channel]) -> None:
    assert sorted(played) == PLAYED
    for code, channel in played.items():
        order = market.an_order()
        begun = begin(market, order, code)
        assert begun.started is not None
        if begun.started.cashier_url.startswith(market.channel._base_url):
            # The buyer's browser goes there.
            market.visit(begun.started.cashier_url)
        else:
            assert channel.manners.asks_to_start, code
        (notice,) = market.play_known(begun.number).notices
        assert notice.channel == code
        assert market.give(notice, channel=code) in (200, 204), code
        assert (order.stages, order.escrow) == (["queued"], PRICE), code
        market.cancel(order)
        market.run_for(minutes=3)
        assert [status for _number, status in attempts(order)] == ["succeeded"], code
        # Who is never asked again has settled by now, too.
        market.gateway.sender.work_once()
        assert market.paid_back(order) == PRICE, code


class Relabelled(SandboxChannel):
    """The sandbox whose every notice says something else than it was sent for."""

    says: NoticeKind = "nothing"

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        told = super().read_notice(message=message, now=now)
        return replace(told, kind=self.says, number=told.payment_number)


@pytest.fixture
def relabelled(market: Market) -> Iterator[Relabelled]:
    channel = Relabelled(
        mode=Mode.SANDBOX,
        home=market.home,
        base_url=market.channel._base_url,
        notify_url=f"{market.endpoint.address}{PATH}sandbox",
        real_clock=market.real,
    )
    yield channel
    channel.close_connections()


def test_what_is_no_news_is_kept_and_changes_nothing(market: Market, relabelled: Relabelled) -> None:
    order = market.an_order()
    number = market.begin(order)
    (notice,) = market.play(order, number).notices
    channels.channels["sandbox"] = relabelled
    assert market.give(notice) == 200
    assert (order.stages, kept()[-1]) == (["reserved"], ("repeated", "nothing", number))


def test_a_hint_about_refunds_has_the_channel_asked_now(market: Market, relabelled: Relabelled) -> None:
    order = market.a_paid_order()
    market.preset("refund", "never")
    market.cancel(order)
    market.run()
    ((number, status),) = attempts(order)
    assert status == "processing"
    ((due, _tries, _failure, _done),) = work(order, "refund")
    assert due > market.now.now
    (notice,) = market.play_refund(number, "succeeded").notices
    channels.channels["sandbox"] = relabelled
    relabelled.says = "refund.hint"
    assert market.give(notice) == 200
    assert kept()[-1][:2] == ("taken", "refund.hint")
    assert [status for _number, status in attempts(order)] == ["processing"]
    market.run()
    assert [status for _number, status in attempts(order)] == ["succeeded"]
    # Nothing is on its way any more, so the same hint is no news.
    assert market.give(notice) == 200
    assert kept()[-1][:2] == ("repeated", "refund.hint")


@pytest.mark.parametrize("said", ["dispute.opened", "dispute.won", "dispute.lost"])
def test_a_chargeback_is_recorded_once(market: Market, relabelled: Relabelled, said: NoticeKind) -> None:
    order = market.a_paid_order()
    (notice,) = market.play(order, order.state.payments[0].number).notices
    channels.channels["sandbox"] = relabelled
    relabelled.says = said
    for verdict in ("taken", "repeated"):
        assert market.give(notice) == 200
        assert kept()[-1][:2] == (verdict, said)
    assert [what for what in events(order) if "disput" in what] == ["payment_disputed", said.replace(".", "_")][
        : 1 if said.endswith("d") else 2
    ]
