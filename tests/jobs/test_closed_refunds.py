"""Refunds that the gateway closes, and sometimes pays all the same: each arrives once, under whichever number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from anka.jobs import refunds as job
from tests.jobs.arrivals import a_cancelled_order, arrived
from tests.jobs.market import PRICE, Market, attempts, events


def test_a_closed_refund_gets_a_new_number_once_it_is_closed_for_certain(market: Market) -> None:
    order = a_cancelled_order(market)
    market.run()
    ((first, _status),) = attempts(order)
    for notice in market.play_refund(first, "closed").notices:
        assert market.give(notice) == 200
    market.run()
    assert len(attempts(order)) == 1
    market.run_for(minutes=1)
    (_first, closed), (_second, again) = attempts(order)
    assert (closed, again) == ("closed", "processing")
    market.run_for(minutes=1)
    arrived(market, order)


@pytest.mark.parametrize("told", ["notice", "poll"])
@pytest.mark.parametrize("quantity", [1, 2])
def test_a_refund_that_succeeds_after_it_was_closed_is_paid_once(market: Market, told: str, quantity: int) -> None:
    """With two units there is room at the gateway for paying the same refund twice."""
    order = market.a_paid_order(quantity=quantity)
    market.run()
    market.cancel(order, 1)
    market.preset("refund", "refund_succeeds_after_failure")
    market.run()
    market.move(minutes=0.1)
    if told == "notice":
        market.send()
        market.move(minutes=0.1)
        market.send()
    market.run_for(minutes=4)
    assert [status for _number, status in attempts(order)] == ["succeeded"]
    arrived(market, order)


@pytest.mark.parametrize("ends", ["failed", "closed"])
def test_what_an_old_number_paid_counts_once_the_new_one_is_over(market: Market, ends: str) -> None:
    """The channel closes a number for certain, pays it all the same, and refuses the next: it is asked about the first, and believed."""
    order = market.a_paid_order(quantity=2)
    market.run()
    market.cancel(order, 1)
    market.run()
    ((first, _status),) = attempts(order)
    for notice in market.play_refund(first, "closed").notices:
        assert market.give(notice) == 200
    market.run_for(minutes=1)
    (_first, closed), (second, again) = attempts(order)
    assert (closed, again) == ("closed", "processing")
    for number, becomes in ((first, "succeeded"), (second, ends)):
        for notice in market.play_refund(number, becomes).notices:
            assert market.give(notice) == 200
    market.run_for(minutes=2)
    assert attempts(order) == [(first, "succeeded"), (second, ends)]
    arrived(market, order, asked_again=1)


def test_a_closing_believed_at_once_would_pay_twice(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without the second look, the gateway pays both numbers where it has room."""
    monkeypatch.setattr(job, "CLOSED_FOR_CERTAIN", timedelta(days=-1))
    order = market.a_paid_order(quantity=2)
    market.run()
    market.cancel(order, 1)
    market.preset("refund", "refund_succeeds_after_failure")
    market.run()
    market.move(minutes=0.1)
    market.send()
    market.run()
    market.move(minutes=0.1)
    market.send()
    market.run_for(minutes=4)
    assert market.paid_back(order) == 2 * PRICE
    # At least it does not go unnoticed.
    assert "refund_evidence_contradicts" in events(order)
