"""A chargeback from the bank to our books: signed notices in any order and number, refunds that wait meanwhile, complaints."""

from __future__ import annotations

import pytest

from anka.adapters.channels.sandbox_play import FaultWish
from anka.core.refusals import NotFound
from anka.jobs.sandbox_disputes import Complaint, play
from tests.jobs.market import PRICE, Market, attempts, events, kept


def charge_back(market: Market, number: str, outcome: str = "opened", *faults: FaultWish) -> tuple[str, list[int]]:
    played = play(order_number=number, word=Complaint(kind="chargeback", outcome=outcome, faults=faults), at=market.now)  # type: ignore[arg-type]
    return played.status, played.notices


def test_a_chargeback_is_told_lost_and_never_refunded_beside(market: Market) -> None:
    order = market.a_paid_order()
    market.run()
    assert charge_back(market, order.number) == ("opened", [200])
    assert order.shop.balance("dispute:sandbox") == PRICE
    assert charge_back(market, order.number, "lost", {"fault": "duplicate", "copies": 8}) == ("lost", [200] * 8)
    assert (order.moneys, order.escrow, order.shop.balance("psp:sandbox:available")) == (["refunded"], 0, -PRICE)
    assert [verdict for verdict, kind, _number in kept() if kind == "dispute.lost"] == ["taken"] + ["repeated"] * 7


def test_lies_about_chargebacks_change_nothing(market: Market) -> None:
    order = market.a_paid_order()
    assert charge_back(market, order.number, "lost", "forged") == ("lost", [401])
    assert charge_back(market, order.number, "lost", "other_order") == ("lost", [404])
    assert (order.escrow, events(order).count("dispute_lost")) == (PRICE, 0)


def test_a_refund_waits_for_the_bank_and_is_sent_when_it_has_decided(market: Market) -> None:
    order = market.a_paid_order()
    market.run()
    market.preset("refund", "out_of_funds")
    market.cancel(order)
    charge_back(market, order.number)
    market.move(days=2)
    market.run()
    assert market.paid_back(order) == 0
    charge_back(market, order.number, "won")
    market.run_for(minutes=3)
    assert [status for _number, status in attempts(order)] == ["succeeded"]
    assert market.paid_back(order) == PRICE


def test_nobody_answered_in_time(market: Market) -> None:
    order = market.a_paid_order()
    market.run()
    charge_back(market, order.number)
    for hours in (21, 150):
        market.move(hours=hours)
        market.run()
    assert [what for what in events(order) if what.endswith("_overdue")] == ["external_reply_overdue", "external_done_overdue"]


def test_a_complaint_is_played_without_money(market: Market) -> None:
    order = market.a_paid_order()
    market.run()
    assert play(order_number=order.number, word=Complaint(kind="complaint"), at=market.now).status == "open"
    assert (order.escrow, order.shop.balance("dispute:sandbox")) == (PRICE, 0)
    assert play(order_number=order.number, word=Complaint(kind="complaint", outcome="won"), at=market.now).status == "won"


def test_nothing_can_be_charged_back_that_was_not_paid(market: Market) -> None:
    with pytest.raises(NotFound):
        play(order_number=market.an_order().number, word=Complaint(kind="chargeback"), at=market.now)
