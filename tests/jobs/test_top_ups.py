"""Wallets filled and emptied, and orders paid partly from them, at the real gateway: notices, the clock, odd sums, money going back."""

from __future__ import annotations

from anka.core.actors import Actor
from anka.domain.payment_states import PaymentState
from anka.flows.begin_top_up import Wanted
from anka.flows.return_unused import return_unused
from anka.jobs import payments, top_ups
from anka.jobs.payments import Way
from anka.jobs.sandbox_play import move_clock, play_payment
from anka.payments.top_ups import returns_of, top_up
from anka.payments.unidentified import queue
from tests.builders import a_buyer, a_key, fill_wallet, wallet
from tests.jobs.market import PRICE, Market, refunds

AMOUNT = 5_000


def begin(market: Market, buyer: Actor, amount_minor: int = AMOUNT) -> str:
    wanted = Wanted(amount_minor=amount_minor, channel="sandbox")
    begun = top_ups.begin(actor=buyer, wanted=wanted, request=a_key(buyer), at=market.now)
    assert begun.started is not None
    return begun.payment.number


def test_a_top_up_is_taken_by_its_notice_however_often_it_comes(market: Market) -> None:
    buyer = a_buyer()
    number = begin(market, buyer)
    played = play_payment(number=number, outcome="paid", faults=["duplicate"], at=market.now)
    assert set(played.notices) == {200}
    assert (wallet(buyer), top_up(number=number).status) == (AMOUNT, PaymentState.PAID)


def test_what_nobody_pays_is_closed_at_the_channel_when_its_time_is_over(market: Market) -> None:
    buyer = a_buyer()
    number = begin(market, buyer)
    move_clock(advance_seconds=31 * 60, now=None)
    assert top_up(number=number).status == PaymentState.CLOSED
    assert top_ups.cashier(payment=top_up(number=number), at=market.now) is None


def test_a_forged_notice_fills_nothing(market: Market) -> None:
    buyer = a_buyer()
    assert play_payment(number=begin(market, buyer), outcome="paid", faults=["forged"], at=market.now).notices == [401]
    assert wallet(buyer) == 0


def test_money_whose_notice_was_lost_is_found_when_the_time_is_over(market: Market) -> None:
    buyer = a_buyer()
    number = begin(market, buyer)
    play_payment(number=number, outcome="paid", faults=["never"], at=market.now)
    move_clock(advance_seconds=31 * 60, now=None)
    assert (wallet(buyer), top_up(number=number).status) == (AMOUNT, PaymentState.PAID)


def test_another_sum_lies_in_the_queue_and_fills_nothing(market: Market) -> None:
    buyer = a_buyer()
    number = begin(market, buyer)
    play_payment(number=number, outcome="paid", faults=[], amount_minor=1, at=market.now)
    move_clock(advance_seconds=5 * 60, now=None)
    (odd,) = queue(status=None, after=None, limit=5)
    assert (odd.amount_minor, odd.payment_number, wallet(buyer)) == (1, number, 0)
    move_clock(advance_seconds=31 * 60, now=None)
    assert top_up(number=number).status == PaymentState.CLOSED


def test_unused_money_really_arrives_where_it_came_from(market: Market) -> None:
    buyer = a_buyer()
    number = begin(market, buyer)
    play_payment(number=number, outcome="paid", faults=[], at=market.now)
    return_unused(actor=buyer, amount_minor=2_000, request=a_key(buyer), at=market.now)
    market.run()
    move_clock(advance_seconds=10 * 60, now=None)
    (sent,) = returns_of(person_id=buyer.person_id, limit=5)
    assert (sent.status, wallet(buyer)) == ("succeeded", AMOUNT - 2_000)
    back = "SELECT sum(amount_minor) FROM sandbox.refund WHERE payment_number = %s AND status = 'succeeded'"
    assert market.ask(back, number) == 2_000


def test_an_order_is_paid_and_repaid_both_ways(market: Market) -> None:
    order = market.an_order()
    fill_wallet(order.buyer, 3_000)
    begun = payments.begin(
        actor=order.buyer, order_number=order.number, channel=Way("sandbox", 3_000), request=a_key(order.buyer), at=market.now
    )
    assert play_payment(number=begun.number, outcome="paid", faults=[], at=market.now).notices == [200]
    assert (order.stages, wallet(order.buyer), market.captured(order)) == (["sealed"], 0, PRICE - 3_000)
    market.cancel(order)
    market.run()
    move_clock(advance_seconds=10 * 60, now=None)
    (refund,) = refunds(order)
    assert (refund.status, wallet(order.buyer), market.paid_back(order)) == ("succeeded", 3_000, PRICE - 3_000)


def test_an_order_that_times_out_gives_the_wallets_part_back_and_late_money_too(market: Market) -> None:
    order = market.an_order()
    fill_wallet(order.buyer, 3_000)
    begun = payments.begin(
        actor=order.buyer, order_number=order.number, channel=Way("sandbox", 3_000), request=a_key(order.buyer), at=market.now
    )
    move_clock(advance_seconds=16 * 60, now=None)
    assert (order.stages, wallet(order.buyer)) == (["released"], 3_000)
    assert play_payment(number=begun.number, outcome="paid", faults=[], at=market.now).notices == [200]
    move_clock(advance_seconds=10 * 60, now=None)
    (refund,) = refunds(order)
    assert (refund.status, refund.amount_minor, wallet(order.buyer)) == ("succeeded", PRICE - 3_000, 3_000)
