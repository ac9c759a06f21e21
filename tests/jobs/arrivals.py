"""A refund on its way in a running market, and what it looks like when it has arrived."""

from __future__ import annotations

from tests.builders import Order
from tests.jobs.market import PRICE, Market, attempts, events, owed, refunds, work


def arrived(market: Market, order: Order, amount: int = PRICE, asked_again: int = 0) -> None:
    """The money is back, once, and every book says so."""
    assert [(refund.status, refund.amount_minor) for refund in refunds(order)] == [("succeeded", amount)]
    assert market.paid_back(order) == amount
    assert owed(order) == 0
    assert events(order).count("refund_arrived") == 1
    assert order.state.refunded_minor == amount
    market.move(hours=2)
    market.run()
    assert [done is not None for _due, _tries, _failure, done in work(order, "refund")] == [True] * (len(attempts(order)) + asked_again)


def a_cancelled_order(market: Market) -> Order:
    order = market.a_paid_order()
    market.cancel(order)
    return order
