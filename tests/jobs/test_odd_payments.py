"""Money that does not fit: never believed by a message alone, always found by asking, always ending in one place, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import MovedMeanwhile, NotFound
from anka.domain.unidentified import FOUR_EYES_FROM_MINOR
from anka.flows.appoint_staff import appoint_staff
from anka.flows.match_unidentified import MoneyDoesNotFitOrder, OwnOrder, SecondPersonNeeded, approve_match, match_unidentified
from anka.flows.return_unidentified import AlreadyDecided, return_unidentified
from anka.payments.unidentified import Unidentified, queue, unidentified_of_order
from tests import databases
from tests.builders import OPERATOR, Order, a_person, a_product, balance
from tests.jobs.market import PRICE, Market, events, kept, refunds
from tests.jobs.market import questions as asked

NOBODYS = "WHO-KNOWS-1"
ODD = [(PRICE - 100, "too_little"), (PRICE + 100, "too_much"), (1, "too_little")]


def finance(role: str = "finance") -> Actor:
    person = a_person()
    appoint_staff(actor=OPERATOR, person_id=person, role=role)
    return Actor(kind=ActorKind.PLATFORM, person_id=person)


def odd_of(order: Order) -> list[Unidentified]:
    return unidentified_of_order(shop_id=order.shop.id, order_id=order.state.id)


def the_only_one() -> Unidentified:
    (found,) = queue(status=None, after=None, limit=10)
    return found


def unpaid(order: Order) -> bool:
    state = order.state
    return (state.paid_at, state.paid_minor, state.refunded_minor, order.stages) == (None, 0, 0, ["reserved"])


def went_back(market: Market, order: Order, amount_minor: int, reason: str) -> None:
    """The odd sum came in once and went back once, and the order can still be paid."""
    (odd,) = odd_of(order)
    assert (odd.reason, odd.amount_minor, odd.expected_minor, odd.status) == (reason, amount_minor, PRICE, "returned")
    assert [(refund.cause, refund.status, refund.amount_minor) for refund in refunds(order)] == [("odd_payment", "succeeded", amount_minor)]
    assert (market.captured_really(), market.paid_back(order)) == (amount_minor, amount_minor)
    assert order.shop.balance("unidentified:sandbox") == 0
    assert events(order).count("odd_payment_refunded") == 1
    assert unpaid(order)


def ask_for_minutes(market: Market, minutes: int = 3) -> None:
    market.run()
    market.run_for(minutes=minutes)


@pytest.mark.parametrize(("amount_minor", "reason"), ODD)
@pytest.mark.parametrize("copies", [1, 8])
def test_notice_first(market: Market, amount_minor: int, reason: str, copies: int) -> None:
    order = market.an_order()
    number = market.begin(order)
    (notice,) = market.capture(order, number, amount_minor).notices
    assert [market.give(notice) for _ in range(copies)] == [409] * copies
    assert unpaid(order)
    ask_for_minutes(market)
    went_back(market, order, amount_minor, reason)
    assert asked() == [(number, reason)]
    # The channel tells again what is in the queue by now: it may stop.
    assert market.give(notice) == 200
    assert kept()[-1][:2] == ("repeated", "payment.paid")
    # The buyer pays what is asked for after all.
    market.pay(order)
    assert order.stages == ["queued"]


@pytest.mark.parametrize(("amount_minor", "reason"), ODD)
def test_query_first(market: Market, amount_minor: int, reason: str) -> None:
    order = market.an_order()
    number = market.begin(order)
    market.capture(order, number, amount_minor, "never")
    market.move(minutes=16)
    ask_for_minutes(market)
    (odd,) = odd_of(order)
    assert (odd.reason, odd.status) == (reason, "returned")
    assert (order.state.closed_by, order.state.paid_minor, market.paid_back(order)) == ("timeout", 0, amount_minor)


def test_eight_at_once(market: Market) -> None:
    order = market.an_order()
    (notice,) = market.capture(order, market.begin(order), PRICE - 1).notices

    def give(_: int) -> int:
        try:
            return market.give(notice)
        finally:
            databases.close_connection()

    def work(_: int) -> int:
        try:
            return market.run()
        finally:
            databases.close_connection()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(give, range(8))) == [409] * 8
        list(pool.map(work, range(4)))
        market.move(minutes=2)
        list(pool.map(work, range(4)))
    ask_for_minutes(market)
    went_back(market, order, PRICE - 1, "too_little")


def test_a_lie_about_real_money_costs_nothing(market: Market) -> None:
    """The message names a wrong sum, the channel the right one: the order is paid, by asking."""
    order = market.an_order()
    (notice,) = market.play(order, market.begin(order), "paid", "wrong_amount").notices
    assert market.give(notice) == 409
    market.run()
    assert (order.stages, order.escrow, odd_of(order)) == (["sealed"], PRICE, [])


def test_a_slip_of_the_channel_is_not_acted_upon(market: Market) -> None:
    order = market.an_order()
    (notice,) = market.play(order, market.begin(order), "paid", "wrong_amount").notices
    assert market.give(notice) == 409
    market.preset("query", "wrong_amount")
    market.run()
    assert (unpaid(order), odd_of(order)) == (True, [])
    market.run_for(minutes=1)
    assert (order.stages, odd_of(order)) == (["sealed"], [])


def test_a_message_about_nothing_is_asked_about_and_forgotten(market: Market) -> None:
    order = market.an_order()
    market.begin(order)
    other = market.an_order()
    (notice,) = market.play(other, market.begin(other), "paid", "other_order").notices
    assert market.give(notice) == 404
    market.run()
    assert [answer for _number, answer in asked()] == [None]
    market.run_for(minutes=75, step=5)
    assert [answer for _number, answer in asked()] == ["nothing_captured"]
    assert queue(status=None, after=None, limit=10) == []


def test_silence_is_asked_again(market: Market) -> None:
    order = market.an_order()
    (notice,) = market.capture(order, market.begin(order), 1).notices
    assert market.give(notice) == 409
    market.preset("query", "timeout_before", times=3)
    market.run()
    assert asked()[0][1] is None
    market.run_for(minutes=8)
    went_back(market, order, 1, "too_little")


def an_unknown(market: Market, amount_minor: int = PRICE) -> Unidentified:
    (notice,) = market.capture_for_nobody(NOBODYS, amount_minor).notices
    assert market.give(notice) == 404
    ask_for_minutes(market, 2)
    assert market.give(notice) == 200
    odd = the_only_one()
    assert (odd.reason, odd.status, odd.shop_id, odd.order_id) == ("unknown_payment", "open", 0, None)
    assert balance("unidentified:sandbox") == amount_minor
    return odd


def test_an_unknown_payment_waits_and_is_returned_once(market: Market) -> None:
    odd, first, second = an_unknown(market), finance(), finance("admin")
    for actor in (first, second, first):
        return_unidentified(actor=actor, number=odd.number, at=market.now)
    ask_for_minutes(market, 2)
    returned = the_only_one()
    assert (returned.status, returned.decided_by, returned.refund_status) == ("returned", str(first), "succeeded")
    assert (balance("unidentified:sandbox"), balance("refund_payable:sandbox")) == (0, 0)
    assert market.ask("SELECT sum(amount_minor) FROM sandbox.refund WHERE status = 'succeeded'") == PRICE
    with pytest.raises(AlreadyDecided):
        match_unidentified(actor=first, number=odd.number, order_number=market.an_order().number, at=market.now)


def test_a_return_that_the_channel_closes_gets_a_new_number(market: Market) -> None:
    odd = an_unknown(market)
    return_unidentified(actor=finance(), number=odd.number, at=market.now)
    market.run()
    attempt = database.value("SELECT number FROM payments_attempt ORDER BY id DESC LIMIT 1")
    for notice in market.play_refund(attempt, "closed").notices:
        assert market.give(notice) == 200
    ask_for_minutes(market, 5)
    assert the_only_one().status == "returned"
    assert database.value("SELECT count(*) FROM payments_attempt") == 2


def test_an_unknown_payment_pays_the_order_it_was_for(market: Market) -> None:
    odd, actor, order = an_unknown(market), finance(), market.an_order()
    assert match_unidentified(actor=actor, number=odd.number, order_number=order.number, at=market.now) == "taken"
    assert match_unidentified(actor=actor, number=odd.number, order_number=order.number, at=market.now) == "repeated"
    with pytest.raises(AlreadyDecided):
        return_unidentified(actor=actor, number=odd.number, at=market.now)
    with pytest.raises(AlreadyDecided):
        match_unidentified(actor=actor, number=odd.number, order_number=market.an_order().number, at=market.now)
    market.run()
    assert (order.stages, order.escrow, balance("unidentified:sandbox")) == (["sealed"], PRICE, 0)
    # It is a payment like any other: it can go back the way it came.
    market.cancel(order)
    ask_for_minutes(market, 2)
    assert (order.moneys, market.paid_back(order)) == (["refunded"], PRICE)


def test_matched_to_an_order_that_timed_out(market: Market) -> None:
    odd, order = an_unknown(market), market.an_order()
    market.move(minutes=16)
    market.run()
    assert match_unidentified(actor=finance(), number=odd.number, order_number=order.number, at=market.now) == "late_kept"
    assert order.stages == ["released", "queued"]


def test_matched_to_an_order_that_was_cancelled(market: Market) -> None:
    odd, order = an_unknown(market), market.an_order()
    market.cancel(order)
    assert match_unidentified(actor=finance(), number=odd.number, order_number=order.number, at=market.now) == "late_refunded"
    ask_for_minutes(market, 2)
    assert (market.paid_back(order), [refund.cause for refund in refunds(order)]) == (PRICE, ["late_payment"])


def test_what_does_not_fit_is_not_matched(market: Market) -> None:
    odd, actor = an_unknown(market), finance()
    dearer, paid = market.an_order(product=a_product(stock=1, price_minor=PRICE + 1)), market.a_paid_order()
    for order in (dearer, paid):
        with pytest.raises(MoneyDoesNotFitOrder):
            match_unidentified(actor=actor, number=odd.number, order_number=order.number, at=market.now)
    for stranger in (finance("arbiter"), Actor(kind=ActorKind.BUYER, person_id=dearer.buyer.person_id)):
        with pytest.raises(NotFound):
            match_unidentified(actor=stranger, number=odd.number, order_number=dearer.number, at=market.now)
        with pytest.raises(NotFound):
            return_unidentified(actor=stranger, number=odd.number, at=market.now)
    own = market.an_order()
    appoint_staff(actor=OPERATOR, person_id=own.buyer.person_id, role="finance")
    own_actor = Actor(kind=ActorKind.PLATFORM, person_id=own.buyer.person_id)
    with pytest.raises(OwnOrder):
        match_unidentified(actor=own_actor, number=odd.number, order_number=own.number, at=market.now)
    assert the_only_one().status == "open"


def test_much_money_needs_two(market: Market) -> None:
    odd, first, second = an_unknown(market, FOUR_EYES_FROM_MINOR), finance(), finance()
    order = market.an_order(product=a_product(stock=1, price_minor=FOUR_EYES_FROM_MINOR))
    other = market.an_order(product=a_product(stock=1, price_minor=FOUR_EYES_FROM_MINOR))
    with pytest.raises(MovedMeanwhile):
        approve_match(actor=second, number=odd.number, order_number=order.number, at=market.now)
    assert match_unidentified(actor=first, number=odd.number, order_number=order.number, at=market.now) == "proposed"
    assert (order.stages, the_only_one().proposed_by) == (["reserved"], first.person_id)
    with pytest.raises(SecondPersonNeeded):
        approve_match(actor=first, number=odd.number, order_number=order.number, at=market.now)
    # What is approved is what was seen.
    with pytest.raises(MovedMeanwhile):
        approve_match(actor=second, number=odd.number, order_number=other.number, at=market.now)
    assert approve_match(actor=second, number=odd.number, order_number=order.number, at=market.now) == "taken"
    assert (order.stages, the_only_one().decided_by) == (["queued"], str(second))
