"""Any sequence of what buyers, channels and the worker may do, with refusals and repeats, against a model of where the money is.

The model knows three numbers: what came in, what went out, and what the installation still owes to somebody. The audit does the rest.
"""

import os
from datetime import timedelta

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.begin_payment import begin_payment
from anka.flows.confirm_order import auto_confirm_order, confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.expire_unpaid import expire_order
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import PaidNotice, take_payment
from anka.jobs import audit
from tests import builders
from tests.builders import Order, Product, at
from tests.conftest import END
from tests.faults.flows import attempts
from tests.faults.interleave import Act

STEPS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=16), timedelta(hours=25), timedelta(days=3), timedelta(days=8))
PRICE = 1001
ORDERS = st.integers(0, 5)
WAYS = st.sampled_from(["delivered", "paid", "begun", "placed"])
EXAMPLES = 1000 if os.environ.get("ANKA_NIGHTLY") == "1" else 40


class Market(RuleBasedStateMachine):
    """One shop with few keys, a buyer with some money, and everything that can happen to their orders in any order."""

    product: Product
    orders: list[Order]
    notices: list[PaidNotice]
    clock: Moment
    came_in: int
    went_out: int

    @initialize(stock=st.integers(2, 5), wallet=st.integers(0, 3), first=WAYS, second=WAYS)
    def open(self, stock: int, wallet: int, first: str, second: str) -> None:
        self.since = audit.position()
        self.product = builders.a_product(stock=stock, price_minor=PRICE)
        self.buyer = builders.a_buyer(wallet_minor=wallet * PRICE)
        self.orders, self.notices, self.clock = [], [], at()
        self.came_in, self.went_out = wallet * PRICE, 0
        self.place_one(1, first)
        self.place_one(1, second)

    def may_be_refused(self, act: Act) -> object:
        """Let somebody try; a refusal is an answer like any other, an error is not."""
        try:
            return act()
        except Refusal:
            return None

    def order(self, number: int) -> Order | None:
        return self.orders[number % len(self.orders)] if self.orders else None

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: timedelta) -> None:
        self.clock = Moment(now=self.clock.now + step, real=self.clock.real + step)

    @precondition(lambda self: len(self.orders) < 6)
    @rule(quantity=st.integers(1, 2), goes_on=WAYS)
    def place(self, quantity: int, goes_on: str) -> None:
        self.place_one(quantity, goes_on)

    def place_one(self, quantity: int, goes_on: str) -> None:
        """Somebody orders; most go on to pay at once, so that sequences come to the interesting places."""
        placed = self.may_be_refused(
            lambda: builders.a_placed_order(quantity=quantity, product=self.product, buyer=self.buyer, when=self.clock)
        )
        if not isinstance(placed, Order):
            return
        self.orders.append(placed)
        last = len(self.orders) - 1
        if goes_on != "placed":
            self.begin(last)
        if goes_on in ("paid", "delivered"):
            self.hear(len(self.notices) - 1)
        if goes_on == "delivered":
            deliver_order(order_number=placed.number, at=self.clock)

    def begin(self, number: int) -> None:
        order = self.order(number)
        if order is None:
            return
        begun = self.may_be_refused(
            lambda: begin_payment(
                actor=self.buyer, order_number=order.number, channel="sandbox", request=builders.a_key(self.buyer), at=self.clock
            )
        )
        if isinstance(begun, str) and begun not in {notice.payment_number for notice in self.notices}:
            amount = order.state.amount_minor
            transaction = f"MODEL{builders.serial()}"
            self.notices.append(
                PaidNotice(channel="sandbox", payment_number=begun, transaction_number=transaction, amount_minor=amount, currency="CNY")
            )

    def hear(self, number: int) -> None:
        """A notice comes, in time, late, or for the second time."""
        notice = self.notices[number % len(self.notices)]
        taken = take_payment(paid=notice, at=self.clock)
        self.came_in += notice.amount_minor if taken.outcome != "repeated" else 0

    @rule(number=ORDERS)
    def begin_one(self, number: int) -> None:
        self.begin(number)

    @precondition(lambda self: self.notices)
    @rule(number=ORDERS)
    def hear_one(self, number: int) -> None:
        self.hear(number)

    @rule(number=ORDERS)
    def pay_from_wallet(self, number: int) -> None:
        order = self.order(number)
        if order is not None:
            key = builders.a_key(self.buyer)
            self.may_be_refused(lambda: pay_from_wallet(actor=self.buyer, order_number=order.number, request=key, at=self.clock))

    @rule(number=ORDERS, position=st.integers(1, 2))
    def reveal(self, number: int, position: int) -> None:
        order = self.order(number)
        if order is not None:
            self.may_be_refused(lambda: order.reveal(position, when=self.clock))

    @rule(number=ORDERS, position=st.sampled_from([None, 1, 2]), refund_to=st.sampled_from(["original", "wallet"]))
    def cancel(self, number: int, position: int | None, refund_to: str) -> None:
        order = self.order(number)
        if order is not None:
            claim = Claim(reason=builders.CHANGED_MIND, positions=None if position is None else (position,), refund_to=refund_to)
            self.may_be_refused(lambda: order.cancel(claim, when=self.clock))

    @rule(number=ORDERS)
    def confirm(self, number: int) -> None:
        order = self.order(number)
        if order is not None:
            key = builders.a_key(self.buyer)
            self.may_be_refused(
                lambda: confirm_order(actor=self.buyer, order_number=order.number, positions=None, request=key, at=self.clock)
            )

    @rule(number=ORDERS)
    def worker_comes_by(self, number: int) -> None:
        order = self.order(number)
        if order is not None:
            for sweep in (deliver_order, expire_order, auto_confirm_order, settle_order):
                sweep(order_number=order.number, at=self.clock)

    @rule(number=ORDERS, said=st.sampled_from([AttemptState.SUCCEEDED, AttemptState.PROCESSING, AttemptState.UNKNOWN, AttemptState.CLOSED]))
    def channel_answers(self, number: int, said: AttemptState) -> None:
        order = self.order(number)
        for attempt in attempts(order) if order is not None else []:
            asked = submit_attempt(number=attempt, at=self.clock)
            if asked is None:
                continue
            evidence = Evidence(status=said, source="poll", observed_at=self.clock.now)
            became = record_refund_outcome(number=attempt, evidence=evidence, at=self.clock)
            self.went_out += asked.amount_minor if became == AttemptState.SUCCEEDED and asked.channel != "wallet" else 0

    @invariant()
    def money_is_where_it_must_be(self) -> None:
        if not hasattr(self, "product"):
            return
        shop = self.product.shop
        merchants = [f"merchant:{shop.id}:{part}" for part in ("pending", "available", "frozen")]
        owed = [shop.balance(code) for code in [*merchants, "commission", "refund_payable:sandbox", "refund_payable:wallet"]] + [
            order.escrow for order in self.orders
        ]
        assert sum(owed) + builders.wallet(self.buyer) == self.came_in - self.went_out

    def teardown(self) -> None:
        if hasattr(self, "product"):
            for order in self.orders:
                for stage, money in zip(order.stages, order.moneys, strict=True):
                    event(f"a unit ends {stage}, {money}")
            assert audit.audit(now=END, since=self.since) == []


Market.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
TestMarket = Market.TestCase


def test_confirmed_money_that_is_argued_about_stays_in_the_sum() -> None:
    """A walk of the night, kept: the window is over, so the refund is argued about, and the money is frozen where the merchant has it."""
    walk = Market()
    walk.open(stock=2, wallet=0, first="delivered", second="delivered")
    walk.time_passes(step=timedelta(days=8))
    walk.confirm(number=0)
    walk.cancel(number=0, position=None, refund_to="original")
    assert walk.product.shop.balance(f"merchant:{walk.product.shop.id}:frozen")
    walk.money_is_where_it_must_be()
