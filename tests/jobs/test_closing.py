"""Unpaid orders end: the channel is asked to stop first, money that was faster is taken, silence keeps nobody waiting."""

from __future__ import annotations

import pytest

from anka.core.idempotency import AlreadyDone
from anka.core.refusals import BadInput
from anka.flows.open_case import open_case, quote_case
from anka.flows.steps.judge import ChannelsNotAsked, Claim
from anka.flows.steps.quote import VerdictChanged
from anka.jobs import claims, closing
from anka.jobs.channels import channels
from tests.builders import CHANGED_MIND, Order, a_key, a_payment, a_product, wallet
from tests.jobs.market import PRICE, Market, events, kept, owed, refunds

SILENCES = ["timeout_before", "timeout_after", "error_500", "forged"]


@pytest.fixture
def order(market: Market) -> Order:
    """An order whose cashier was opened, with one more key on the shelf."""
    return market.an_order(product=a_product(stock=2))


def statuses(order: Order) -> list[str]:
    return [str(payment.status) for payment in order.state.payments]


def at_gateway(market: Market, number: str) -> str:
    return str(market.ask("SELECT status FROM sandbox.payment WHERE number = %s", number))


def open_cashier(market: Market, order: Order) -> str:
    number = market.begin(order)
    market.play(order, number, "failed", "never")
    return number


def test_without_a_live_payment_no_channel_is_called(market: Market, order: Order) -> None:
    other = market.an_order()
    market.channel.close_connections()
    market.cancel(order)
    market.move(minutes=16)
    market.run()
    assert [order.state.closed_by, other.state.closed_by] == ["buyer", "timeout"]
    assert events(other) == ["order_placed", "order_timed_out"]


@pytest.mark.parametrize("by", ["buyer", "timeout"])
def test_the_channel_closes(market: Market, order: Order, by: str) -> None:
    number = open_cashier(market, order)
    end(market, order, by)
    assert (order.state.closed_by, order.stages, statuses(order)) == (by, ["released"], ["closed"])
    assert at_gateway(market, number) == "closed"
    assert order.product.available == 2


def end(market: Market, order: Order, by: str) -> None:
    if by == "buyer":
        market.cancel(order)
    else:
        market.move(minutes=16)
        market.run()


@pytest.mark.parametrize("by", ["buyer", "timeout"])
@pytest.mark.parametrize("silence", SILENCES)
def test_silence_releases_anyway(market: Market, order: Order, by: str, silence: str) -> None:
    open_cashier(market, order)
    market.preset("close", silence)
    end(market, order, by)
    assert (order.state.closed_by, order.stages, statuses(order)) == (by, ["released"], ["closed"])
    assert order.product.available == 2


def test_the_money_was_faster_than_the_timeout(market: Market, order: Order) -> None:
    number = market.begin(order)
    market.play(order, number, "paid", "never")
    end(market, order, "timeout")
    assert order.stages == ["sealed"]
    assert (order.state.closed_by, order.escrow) == (None, PRICE)
    # The notice that comes after all is old news.
    (notice,) = market.play(order, number).notices
    assert market.give(notice) == 200
    assert kept()[-1][0] == "repeated"


def test_the_money_was_faster_than_the_buyers_cancel(market: Market, order: Order) -> None:
    number = market.begin(order)
    market.play(order, number, "paid", "never")
    market.cancel(order)
    assert order.stages == ["released"]
    assert [refund.cause for refund in refunds(order)] == ["case"]
    market.run()
    market.run_for(minutes=1)
    assert (market.captured(order), market.paid_back(order), owed(order), order.escrow) == (PRICE, PRICE, 0, 0)


def test_a_verdict_shown_before_the_money_came_does_not_hold(market: Market, order: Order) -> None:
    number = market.begin(order)
    claim = Claim(reason=CHANGED_MIND)
    shown = quote_case(actor=order.buyer, order_number=order.number, claim=claim, at=market.now)
    market.play(order, number, "paid", "never")
    claim = Claim(reason=CHANGED_MIND, quote=shown["id"])
    try:
        claims.submit(actor=order.buyer, order_number=order.number, claim=claim, request=a_key(order.buyer), at=market.now)
    except VerdictChanged:
        assert order.stages == ["queued"]
    else:
        assert order.moneys == ["refunding"]
    assert order.state.paid_minor == PRICE


def test_a_channel_that_names_another_amount_is_not_believed(market: Market, order: Order) -> None:
    number = market.begin(order)
    market.play(order, number, "paid", "never")
    market.preset("close", "wrong_amount")
    end(market, order, "timeout")
    # It was not believed and did not hold up the closing, but it was asked again: then it named the right amount, which is real money.
    assert order.stages[0] == "released"
    assert (order.stages[1], order.state.paid_minor, order.state.refunded_minor) == ("sealed", PRICE, 0)
    (notice,) = market.play(order, number).notices
    assert market.give(notice) == 200
    assert kept()[-1][:2] == ("repeated", "payment.paid")


@pytest.mark.parametrize("stock_left", [True, False])
def test_late_money_after_a_timeout(market: Market, stock_left: bool) -> None:
    order = market.an_order()
    number = market.begin(order)
    end(market, order, "timeout")
    rival = None if stock_left else market.an_order(product=order.product)
    (notice,) = market.play(order, number).notices
    assert market.give(notice) == 200
    market.run()
    market.run_for(minutes=1)
    if rival is None:
        assert order.stages == ["released", "sealed"]
        assert order.escrow == PRICE
    else:
        assert (order.stages, rival.stages) == (["released"], ["reserved"])
        assert [(refund.cause, refund.status) for refund in refunds(order)] == [("late_payment", "succeeded")]
        assert (market.captured(order), market.paid_back(order)) == (PRICE, PRICE)


def test_money_a_day_late_always_goes_back(market: Market, order: Order) -> None:
    number = market.begin(order)
    end(market, order, "timeout")
    market.move(hours=25)
    (notice,) = market.play(order, number).notices
    assert market.give(notice) == 200
    assert order.product.available == 2
    assert [refund.cause for refund in refunds(order)] == ["late_payment"]


def test_money_after_the_buyers_cancel_always_goes_back(market: Market, order: Order) -> None:
    number = market.begin(order)
    market.cancel(order)
    (notice,) = market.play(order, number).notices
    assert market.give(notice) == 200
    assert order.stages == ["released"]
    market.run()
    market.run_for(minutes=1)
    assert (market.captured(order), market.paid_back(order), owed(order)) == (PRICE, PRICE, 0)
    assert wallet(order.buyer) == 0


def test_a_claim_that_is_refused_leaves_the_cashier_open(market: Market, order: Order) -> None:
    number = open_cashier(market, order)
    with pytest.raises(BadInput):
        claims.submit(
            actor=order.buyer, order_number=order.number, claim=Claim(reason="NO_SUCH"), request=a_key(order.buyer), at=market.now
        )
    assert at_gateway(market, number) == "failed"
    assert statuses(order) == ["pending"]


def test_a_shut_cashier_is_remembered_so_that_another_can_open(market: Market, order: Order) -> None:
    first = open_cashier(market, order)
    closing.ask_channels_to_stop(state=order.state, at=market.now)
    assert statuses(order) == ["closed"]
    second = market.begin(order)
    assert second != first
    for notice in market.play(order, second).notices:
        assert market.give(notice) == 200
    assert order.stages == ["queued"]


def test_the_same_cancel_twice_is_one(market: Market, order: Order) -> None:
    open_cashier(market, order)
    numbers = market.cancel(order, key="once")
    with pytest.raises(AlreadyDone) as again:
        market.cancel(order, key="once")
    assert again.value.reference == ",".join(numbers)


def test_the_same_key_begins_one_payment_whatever_becomes_of_it(market: Market, order: Order) -> None:
    opened = market.begin(order, key="first")
    assert market.begin(order, key="again") == opened
    for notice in market.play(order, opened, "failed").notices:
        assert market.give(notice) == 200
    assert market.begin(order, key="again") == opened
    assert len(order.state.payments) == 1


def test_a_payment_through_a_channel_that_is_gone_does_not_keep_the_order_open(market: Market, order: Order) -> None:
    a_payment(order, when=market.now)
    del channels["sandbox"]
    market.move(minutes=16)
    market.run()
    assert order.state.closed_by == "timeout"


def test_cancelling_through_any_edge_shuts_the_cashier_first(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    claim = Claim(reason=CHANGED_MIND)
    with pytest.raises(ChannelsNotAsked):
        open_case(actor=order.buyer, order_number=order.number, claim=claim, request=a_key(order.buyer), at=market.now)
    claims.submit(actor=order.buyer, order_number=order.number, claim=claim, request=a_key(order.buyer), at=market.now)
    payment = order.state.payment(number)
    assert payment is not None
    assert (order.stages, str(payment.status)) == (["released"], "closed")
