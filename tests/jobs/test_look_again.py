"""“I have paid and nothing came”: the channel is asked at once and believed; only where it cannot be asked, people take the payment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anka.core.refusals import NotFound
from anka.flows.take_by_hand import Statement
from anka.jobs import look_again
from anka.jobs.look_again import ChannelSaysOtherwise
from tests.builders import Order, a_buyer
from tests.faults.odd import finance
from tests.jobs.market import PRICE, Market, events, refunds


def ask(market: Market, order: Order) -> str:
    return look_again.look_again(actor=order.buyer, order_number=order.number, at=market.now)


def said(number: str) -> Statement:
    return Statement(payment_number=number, transaction_number="SEEN-BY-US-1", amount_minor=PRICE, proof="The gateway's pages")


def test_a_lost_notice_is_made_good_by_asking(market: Market) -> None:
    order = market.an_order()
    assert ask(market, order) == "nothing"
    number = market.begin(order)
    assert (ask(market, order), order.stages) == ("not_paid", ["reserved"])
    (notice,) = market.play(order, number).notices
    with pytest.raises(NotFound):
        look_again.look_again(actor=a_buyer(), order_number=order.number, at=market.now)
    assert (ask(market, order), ask(market, order)) == ("taken", "repeated")
    # What was lost comes after all.
    assert market.give(notice) == 200
    assert (order.escrow, events(order).count("order_paid")) == (PRICE, 1)
    market.run()


def test_a_cancelled_order_gets_its_money_back_by_asking(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    market.play(order, number)
    # The order closed without anybody having asked the gateway.
    order.cancel()
    assert (ask(market, order), order.escrow) == ("late_refunded", 0)
    assert [refund.cause for refund in refunds(order)] == ["late_payment"]
    market.run_for(minutes=3)


def test_another_sum_is_looked_into(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    market.capture(order, number, PRICE - 1)
    assert (ask(market, order), order.stages) == ("differs", ["reserved"])
    with pytest.raises(ChannelSaysOtherwise):
        look_again.take(actor=finance(), said=said(number), at=market.now)
    market.run_for(minutes=5)
    assert [refund.cause for refund in refunds(order)] == ["odd_payment"]


def test_nobody_takes_by_hand_what_the_channel_denies(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    with pytest.raises(ChannelSaysOtherwise):
        look_again.take(actor=finance(), said=said(number), at=market.now)
    with pytest.raises(NotFound):
        look_again.take(actor=order.buyer, said=said(number), at=market.now)
    assert order.stages == ["reserved"]


def test_the_channels_word_is_worth_more_than_what_was_entered(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    market.play(order, number)
    assert look_again.take(actor=finance(), said=said(number), at=market.now) == "taken"
    (payment,) = order.state.payments
    assert payment.transaction_number != "SEEN-BY-US-1"
    assert events(order).count("payment_taken_by_hand") == 0


def test_a_channel_that_does_not_answer_leaves_it_to_people_and_its_notice_repeats(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    (notice,) = market.play(order, number).notices
    market.preset("query", "error_500")
    assert ask(market, order) == "no_answer"
    market.preset("query", "error_500")
    seen = replace(said(number), transaction_number=transaction_of(market, number))
    assert look_again.take(actor=finance(), said=seen, at=market.now) == "taken"
    assert market.give(notice) == 200
    assert (order.escrow, order.stages) == (PRICE, ["queued"])


def transaction_of(market: Market, number: str) -> str:
    """What the gateway's own pages show of a payment."""
    return market.channel.query_payment(number=number, now=market.now.now).channel_number or ""
