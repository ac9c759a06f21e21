"""The sandbox from our side: playing the gateway takes its notices at once; the clock brings every event at its own time."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from anka.core import clock, database
from anka.core.refusals import BadInput, NotFound
from anka.flows.confirm_order import confirm_order
from anka.jobs import sandbox_play
from anka.jobs.channels import channels
from anka.jobs.sandbox_play import GatewayRefuses, SandboxIsOff, move_clock, play_payment, play_refund
from anka.payments.unidentified import queue
from tests.builders import Order, a_buyer, a_key, a_placed_order, a_product
from tests.jobs.market import PRICE, Market, attempts, events, refunds

ORDERS = int(os.environ.get("ANKA_TEST_ORDERS", "200"))


def happened(order: Order, what: str) -> datetime:
    found = database.value(
        "SELECT at FROM core_event WHERE shop_id = %s AND order_id = %s AND what = %s", (order.shop.id, order.state.id, what)
    )
    assert isinstance(found, datetime)
    return found


def test_a_payment_nobody_visited_is_played_and_delivered_at_once(market: Market) -> None:
    order = market.an_order()
    played = play_payment(number=market.begin(order), outcome="paid", faults=[], at=market.now)
    assert (played.status, played.notices, order.stages) == ("paid", [200], ["sealed"])


def test_money_can_be_played_late(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    move_clock(advance_seconds=16 * 60, now=None)
    assert order.state.closed_by == "timeout"
    assert play_payment(number=number, outcome="paid", faults=[], at=market.now).notices == [200]
    assert order.stages == ["released", "sealed"]


def test_attacks_can_be_played_and_say_how_they_were_answered(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    assert play_payment(number=number, outcome="paid", faults=["forged"], at=market.now).notices == [401]
    assert order.stages == ["reserved"]
    assert play_payment(
        number=number, outcome="paid", faults=["wrong_amount", {"fault": "duplicate", "copies": 3}], at=market.now
    ).notices == [
        409,
        409,
        409,
    ]
    # The messages lied, but the money is real: the gateway, asked, said how much it is.
    assert order.stages == ["sealed"]


def test_another_sum_and_nobodys_money_can_be_played(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    assert play_payment(number=number, outcome="paid", faults=[], amount_minor=PRICE - 1, at=market.now).notices == [409]
    assert play_payment(number="NOBODYS-1", outcome="paid", faults=[], amount_minor=5, at=market.now).notices == [404]
    with pytest.raises(NotFound):
        play_payment(number="NOBODYS-2", outcome="paid", faults=[], at=market.now)
    move_clock(advance_seconds=180, now=None)
    found = {(money.reason, money.amount_minor, money.status) for money in queue(status=None, after=None, limit=10)}
    assert found == {("too_little", PRICE - 1, "returned"), ("unknown_payment", 5, "open")}
    assert order.stages == ["reserved"]


def test_a_refund_is_played_by_its_number_or_an_attempts(market: Market) -> None:
    for by_attempt in (True, False):
        order = market.a_paid_order()
        market.cancel(order)
        number = attempts(order)[0][0] if by_attempt else refunds(order)[0].number
        assert play_refund(number=number, outcome="succeeded", faults=[], at=market.now).status == "foretold"
        move_clock(advance_seconds=60, now=None)
        assert [refund.status for refund in refunds(order)] == ["succeeded"]


def test_what_cannot_be_played_says_why(market: Market) -> None:
    order = market.an_order()
    number = market.begin(order)
    with pytest.raises(BadInput):
        play_payment(number=number, outcome="doubled", faults=[], at=market.now)
    with pytest.raises(BadInput):
        play_refund(number="TAAAA-R1", outcome="doubled", faults=[], at=market.now)
    for nobody in ("TAAAA-P1", "", "P", "x" * 500):
        with pytest.raises(NotFound):
            play_payment(number=nobody, outcome="paid", faults=[], at=market.now)
        with pytest.raises(NotFound):
            play_refund(number=nobody, outcome="succeeded", faults=[], at=market.now)
    play_payment(number=number, outcome="paid", faults=[], at=market.now)
    with pytest.raises(GatewayRefuses):
        play_payment(number=number, outcome="failed", faults=[], at=market.now)
    with pytest.raises(GatewayRefuses):
        play_payment(number=number, outcome="paid", faults=["no_such_fault"], at=market.now)
    del channels["sandbox"]
    with pytest.raises(SandboxIsOff):
        play_payment(number=number, outcome="paid", faults=[], at=market.now)
    with pytest.raises(SandboxIsOff):
        move_clock(advance_seconds=1, now=None)


NOWHERE: list[tuple[int | None, datetime | None]] = [
    (None, None),
    (1, datetime(2099, 1, 1, tzinfo=UTC)),
    (-1, None),
    (10**18, None),
    (-(10**18), None),
    (3651 * 86_400, None),
    (None, datetime(2020, 1, 1, tzinfo=UTC)),
    (None, datetime(2099, 1, 1, tzinfo=UTC)),
    (None, datetime.max.replace(tzinfo=UTC)),
    (None, datetime(2027, 1, 1, tzinfo=UTC).replace(tzinfo=None)),
]


def test_the_clock_goes_neither_back_nor_anywhere(market: Market) -> None:
    market.move(days=3)
    for advance, now in NOWHERE:
        with pytest.raises(BadInput):
            move_clock(advance_seconds=advance, now=now)
    assert clock.offset() < timedelta(days=3, seconds=1)
    assert move_clock(advance_seconds=0, now=None) < market.now.real + timedelta(days=3, seconds=2)


def test_what_is_due_already_happens_before_the_clock_moves(market: Market) -> None:
    order = market.a_paid_order()
    began = market.now.now
    move_clock(advance_seconds=3600, now=None)
    assert happened(order, "units_sealed") - began < timedelta(minutes=1)


def test_clocks_fall_in_order_each_at_its_own_time(market: Market) -> None:
    first = market.an_order()
    market.move(minutes=5)
    second = market.an_order()
    market.begin(second)
    opened = market.a_paid_order()
    market.run()
    opened.reveal(when=market.now)
    cancelled = market.a_paid_order()
    market.cancel(cancelled)
    target = market.now.now + timedelta(days=10)
    assert move_clock(advance_seconds=None, now=target) >= target
    assert happened(first, "order_timed_out") == first.state.hold_until
    assert happened(second, "order_timed_out") == second.state.hold_until
    assert (opened.moneys, cancelled.moneys) == (["settled"], ["refunded"])
    confirmed, settled = happened(opened, "delivery_confirmed"), happened(opened, "units_settled")
    assert confirmed - happened(opened, "unit_opened") == timedelta(hours=72)
    assert settled - confirmed == timedelta(days=2)


def test_a_key_that_comes_free_meanwhile_serves_who_pays_late(market: Market) -> None:
    """Order matters: the first order's key is back on the shelf before the second order's money comes."""
    product = a_product(stock=1)
    first = market.an_order(product=product)
    number = market.begin(first)
    move_clock(advance_seconds=15 * 60 + 1, now=None)
    second = market.an_order(product=product)
    move_clock(advance_seconds=15 * 60 + 1, now=None)
    assert second.state.closed_by == "timeout"
    assert play_payment(number=number, outcome="paid", faults=[], at=market.now).notices == [200]
    assert first.stages == ["released", "sealed"]


def test_a_refund_that_never_comes_does_not_stop_the_clock(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_play, "MOST_STEPS", 40)
    order = market.a_paid_order()
    market.cancel(order)
    market.preset("refund", "never")
    target = market.now.now + timedelta(days=3000)
    assert move_clock(advance_seconds=None, now=target) >= target
    assert [status for _number, status in attempts(order)] == ["processing"]
    assert 40 <= database.value("SELECT asked FROM payments_attempt WHERE number = %s", (attempts(order)[0][0],)) <= 50


def test_confirming_early_leaves_nothing_to_fall(market: Market) -> None:
    order = market.a_paid_order()
    market.run()
    order.reveal(when=market.now)
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=market.now)
    move_clock(advance_seconds=5 * 86_400, now=None)
    assert events(order).count("delivery_confirmed") == 1
    assert order.shop.balance(f"merchant:{order.shop.id}:available") == PRICE * 95 // 100


def steps() -> int:
    return int(database.value("SELECT count(DISTINCT closed_at) FROM orders_order"))


def test_many_unpaid_orders_expire_together(market: Market) -> None:
    """Measured, not judged: `ANKA_TEST_ORDERS=2000 pytest -s` prints how long it takes."""
    buyer, product = a_buyer(), a_product(stock=ORDERS)
    orders = [a_placed_order(product=product, buyer=buyer, when=market.now) for _ in range(ORDERS)]
    began = time.perf_counter()
    move_clock(advance_seconds=16 * 60, now=None)
    took = time.perf_counter() - began
    print(f"{len(orders)} unpaid orders expired in {took:.2f} s, in {steps()} steps")
    assert database.value("SELECT count(*) FROM orders_order WHERE closed_by = 'timeout'") == len(orders)
    assert product.available == len(orders)
    late = "SELECT max(closed_at - hold_until), min(closed_at - hold_until) FROM orders_order"
    ((latest, earliest),) = database.rows(late)
    assert timedelta(0) <= earliest <= latest <= sandbox_play.TOGETHER


def test_many_open_cashiers_are_shut_one_by_one(market: Market) -> None:
    """Measured, not judged, as above: each is one question to the gateway."""
    buyer, product, many = a_buyer(), a_product(stock=ORDERS // 10), ORDERS // 10
    orders = [a_placed_order(product=product, buyer=buyer, when=market.now) for _ in range(many)]
    for order in orders:
        market.begin(order)
    began = time.perf_counter()
    move_clock(advance_seconds=16 * 60, now=None)
    print(f"{many} orders with an open cashier expired in {time.perf_counter() - began:.2f} s")
    assert market.ask("SELECT count(*) FROM sandbox.closed_unseen") == many
    assert product.available == many
