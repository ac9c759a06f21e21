"""Clocks that are wrong: one node an hour or a month off, or two nodes a minute and a half apart.

Every flow reads its moment from the node it runs on. Each step of an order's life in turn runs on a node whose clock is off; all others
run on one that is right. Nothing may fail other than by a refusal that says so, no money may be lost, and the order has to come to an end
once the clock is right. The audit after each test looks at everything else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest

from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.confirm_order import auto_confirm_order, confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.expire_unpaid import expire_order
from anka.flows.fall_case_clocks import fall_one_case
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.settle_order import settle_order
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import PaidNotice, take_payment
from tests.builders import Order, a_key, a_payment, a_placed_order, a_product, at
from tests.faults.flows import PRICE, attempts

SKEWS = {
    "90 s behind": timedelta(seconds=-90),
    "90 s ahead": timedelta(seconds=90),
    "1 h behind": timedelta(hours=-1),
    "1 h ahead": timedelta(hours=1),
    "30 d behind": timedelta(days=-30),
    "30 d ahead": timedelta(days=30),
}


def off(moment: Moment, by: timedelta) -> Moment:
    """The moment as a node sees it whose clock is off."""
    return Moment(now=moment.now + by, real=moment.real + by)


@dataclass
class Life:
    """One order on its way."""

    order: Order
    notice: PaidNotice | None = None

    def place(self, when: Moment) -> None:
        self.order = a_placed_order(product=self.order.product, when=when)

    def begin(self, when: Moment) -> None:
        self.notice = a_payment(self.order, when=when)

    def take(self, when: Moment) -> None:
        if self.notice is not None:
            take_payment(paid=self.notice, at=when)

    def deliver(self, when: Moment) -> None:
        deliver_order(order_number=self.order.number, at=when)

    def reveal(self, when: Moment) -> None:
        self.order.reveal(when=when)

    def confirm(self, when: Moment) -> None:
        confirm_order(actor=self.order.buyer, order_number=self.order.number, positions=None, request=a_key(self.order.buyer), at=when)

    def settle(self, when: Moment) -> None:
        settle_order(order_number=self.order.number, at=when)

    def cancel(self, when: Moment) -> None:
        self.order.cancel(when=when)

    def submit(self, when: Moment) -> None:
        for number in attempts(self.order):
            submit_attempt(number=number, at=when)

    def arrive(self, when: Moment) -> None:
        said = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=when.now, channel_number="CH1", amount_minor=PRICE)
        for number in attempts(self.order):
            record_refund_outcome(number=number, evidence=said, at=when)

    def expire(self, when: Moment) -> None:
        expire_order(order_number=self.order.number, at=when)

    def fall_in_cases(self, when: Moment) -> None:
        for number in cases(self.order):
            fall_one_case(case_number=number, at=when)

    def fall(self, when: Moment) -> None:
        auto_confirm_order(order_number=self.order.number, at=when)


def cases(order: Order) -> list[str]:
    """The numbers of an order's cases."""
    found = database.rows("SELECT number FROM cases_case WHERE shop_id = %s AND order_id = %s", (order.shop.id, order.state.id))
    return [number for (number,) in found]


Step = Callable[[Life, Moment], None]
Steps = tuple[tuple[Step, Moment], ...]
BOUGHT: Steps = ((Life.place, at()), (Life.begin, at(1)), (Life.take, at(2)), (Life.deliver, at(3)))
LIVES: dict[str, Steps] = {
    "kept": (*BOUGHT, (Life.reveal, at(4)), (Life.confirm, at(5)), (Life.settle, at(days=10))),
    "fallen": (*BOUGHT, (Life.reveal, at(4)), (Life.fall, at(days=10)), (Life.settle, at(days=20))),
    "given back": (*BOUGHT, (Life.cancel, at(4)), (Life.submit, at(5)), (Life.arrive, at(6))),
    "timed out": (*BOUGHT[:2], (Life.expire, at(20)), (Life.take, at(25))),
}
# What happens by itself, again and again, once all clocks are right.
BY_ITSELF: tuple[Step, ...] = (Life.expire, Life.deliver, Life.fall_in_cases, Life.submit, Life.arrive, Life.fall, Life.settle)
LATER = tuple(at(days=days) for days in (100, 200, 300))
# Where a life differs from the first; what they have in common need not be gone through four times.
FIRST = {"kept": 0, "fallen": 4, "given back": 4, "timed out": 2}
CASES = [(name, index, skew) for name, steps in LIVES.items() for index in range(FIRST[name], len(steps)) for skew in SKEWS]


def _live(life: Life, steps: Steps, wrong: int, by: timedelta) -> None:
    """Take the steps, one of them on a node whose clock is off. Whoever is refused there tries again on one that is right."""
    for index, (step, when) in enumerate(steps):
        if index != wrong or not _try(partial(step, life, off(when, by))):
            _try(partial(step, life, when))


def _try(step: Callable[[], None]) -> bool:
    try:
        step()
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(("name", "wrong", "skew"), CASES, ids=str)
def test_a_step_on_a_node_whose_clock_is_off(name: str, wrong: int, skew: str) -> None:
    life = Life(a_placed_order(product=a_product(stock=2)))
    _live(life, LIVES[name], wrong, SKEWS[skew])
    for when in LATER:
        for step in BY_ITSELF:
            _try(partial(step, life, when))
    order = life.order
    assert order.escrow == 0, (order.stages, order.moneys)
    assert set(order.moneys) <= {"none", "settled", "refunded"}, (order.stages, order.moneys)
    state = order.state
    paid = sum(payment.amount_minor for payment in state.payments if payment.paid_at is not None)
    back = sum(payment.refunded_minor for payment in state.payments)
    kept = sum(unit.amount_minor for unit in state.units if unit.money == "settled")
    assert paid == back + kept
