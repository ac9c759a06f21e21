"""Whatever channels say, in whatever order and however often, and whatever finance staff decide: the books balance, and nothing goes back
twice."""

import os
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from anka.core import database
from anka.core.actors import Actor
from anka.core.refusals import Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.expire_unpaid import expire_order
from anka.flows.match_unidentified import approve_match, match_unidentified
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.return_unidentified import return_unidentified
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import AmountDiffers, PaidNotice, PaymentUnknown, take_payment
from anka.flows.take_unidentified import take_unidentified
from anka.jobs import audit
from tests import builders
from tests.builders import Order, at
from tests.conftest import END
from tests.faults.interleave import Act, attempt
from tests.faults.odd import finance, nobodys, number_of

PRICE = 10_000
EXAMPLES = 400 if os.environ.get("ANKA_NIGHTLY") == "1" else 25
SUMS = some.sampled_from([PRICE, PRICE, PRICE - 1, PRICE + 1, 1])
STEPS = some.one_of(
    some.tuples(some.just("hear"), some.integers(0, 4), SUMS),
    some.tuples(some.just("return"), some.integers(3, 4), some.integers(0, 1)),
    some.tuples(some.just("match"), some.integers(3, 4), some.integers(0, 2)),
    some.tuples(some.just("approve"), some.integers(3, 4), some.integers(0, 2)),
    some.tuples(some.just("expire"), some.integers(0, 2), some.just(0)),
    some.tuples(some.just("arrive"), some.just(0), some.just(0)),
)
BACK = """
SELECT coalesce(sum(attempt.amount_minor), 0)::bigint FROM payments_attempt AS attempt
    JOIN payments_leg AS leg ON leg.shop_id = attempt.shop_id AND leg.refund_id = attempt.refund_id AND leg.leg = attempt.leg
    LEFT JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id AND payment.id = leg.payment_id
    LEFT JOIN payments_unidentified AS odd ON odd.shop_id = leg.shop_id AND odd.id = leg.unidentified_id
WHERE attempt.status = 'succeeded' AND %s IN (payment.transaction_number, odd.transaction_number)
"""
OPEN = """
SELECT number FROM payments_attempt WHERE status IN ('created', 'submitting', 'processing') AND (shop_id = ANY (%s) OR shop_id = 0)
"""


@dataclass
class World:
    """Three orders with a payment each, and two payments nobody began; what the channel captured first for each is what there is."""

    orders: list[Order] = field(default_factory=lambda: [builders.a_placed_order() for _ in range(3)])
    staff: list[Actor] = field(default_factory=lambda: [finance(), finance()])
    captured: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.payments = [*[builders.a_payment(order) for order in self.orders], nobodys(), nobodys()]

    def hear(self, place: int, amount_minor: int) -> None:
        """The channel says, twice as it may be, what it captured; it may also change its mind, which is refused."""
        known = self.payments[place]
        seen = PaidNotice(
            channel=known.channel,
            payment_number=known.payment_number,
            transaction_number=known.transaction_number,
            amount_minor=amount_minor,
            currency="CNY",
        )
        try:
            take_payment(paid=seen, at=at(2))
        except (AmountDiffers, PaymentUnknown):
            take_unidentified(seen=seen, at=at(2))
        self.captured.setdefault(seen.transaction_number, amount_minor)

    def act(self, what: str, place: int, value: int) -> Act:
        """The step as something that may be refused."""
        known = self.payments[place]
        if what == "hear":
            return lambda: self.hear(place, value)
        if what == "return":
            return lambda: return_unidentified(actor=self.staff[value], number=number_of(known), at=at(3))
        if what == "match":
            order = self.orders[value].number
            return lambda: match_unidentified(actor=self.staff[0], number=number_of(known), order_number=order, at=at(3))
        if what == "approve":
            order = self.orders[value].number
            return lambda: approve_match(actor=self.staff[1], number=number_of(known), order_number=order, at=at(3))
        if what == "expire":
            return lambda: expire_order(order_number=self.orders[place].number, at=at(20))
        return self.arrive

    def arrive(self) -> None:
        """The channel pays back everything it was asked to."""
        shops = [order.shop.id for order in self.orders]
        for (number,) in database.rows(OPEN, (shops,)):
            submit_attempt(number=number, at=at(6))
            said = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=at(7).now)
            record_refund_outcome(number=number, evidence=said, at=at(7))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.lists(STEPS, max_size=20))
def test_the_books_balance_and_nothing_goes_back_twice(steps: list[tuple[str, int, int]]) -> None:
    since, world = audit.position(), World()
    clearing = builders.balance("psp:sandbox:clearing")
    for what, place, value in [*steps, ("arrive", 0, 0)]:
        stopped = attempt(world.act(what, place, value)).stopped
        assert stopped is None or isinstance(stopped, Refusal), stopped
    for transaction, amount_minor in world.captured.items():
        assert database.value(BACK, (transaction,)) in (0, amount_minor)
    came = builders.balance("psp:sandbox:clearing") - clearing
    came += sum(order.shop.balance("psp:sandbox:clearing") for order in world.orders)
    assert abs(came) == sum(world.captured.values())
    assert audit.audit(now=END, since=since) == []
