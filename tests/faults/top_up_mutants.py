"""Violations around wallets that are filled, emptied and set aside: one for each clause that looks at them."""

from anka.core import database
from anka.domain.refund_states import AttemptState
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.return_unused import return_unused
from anka.flows.submit_attempt import submit_attempt
from tests import builders
from tests.builders import Order, at
from tests.builders.mixed import a_held_order
from tests.builders.top_ups import a_top_up, top_up
from tests.faults.mutants import Mutant

RETURNING = """
SELECT attempt.number FROM payments_attempt AS attempt
    JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
WHERE refund.shop_id = 0 AND refund.number = %s ORDER BY attempt.leg
"""
_OF_BUYER = "shop_id = 0 AND person_id = %(buyer)s"
_REFUND = f"(SELECT id FROM payments_refund WHERE {_OF_BUYER})"
_KEY = f"(SELECT format('pay:%%s:%%s', channel, transaction_number) FROM payments_payment WHERE {_OF_BUYER})"


def begun() -> Order:
    """An order whose buyer has begun to fill the wallet."""
    order = builders.a_placed_order()
    a_top_up(order.buyer, 5_000)
    return order


def filled() -> Order:
    """An order whose buyer has filled the wallet."""
    order = builders.a_placed_order()
    top_up(order.buyer, 5_000)
    return order


def returned() -> Order:
    """An order whose buyer has had topped-up money sent back; it has arrived."""
    order = filled()
    number = return_unused(actor=order.buyer, amount_minor=5_000, request=builders.a_key(order.buyer), at=at(5))
    attempt = str(database.value(RETURNING, (number,)))
    submit_attempt(number=attempt, at=at(6))
    said = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=at(7).now)
    record_refund_outcome(number=attempt, evidence=said, at=at(7))
    return order


def held() -> Order:
    """An order for which wallet money is set aside."""
    return a_held_order()[0]


TOP_UP_MUTANTS = [
    Mutant(
        "I5",
        "a top-up counts as sent back, and nothing went",
        filled,
        (f"UPDATE payments_payment SET refunded_minor = 100 WHERE {_OF_BUYER}",),
        says="sent back 100",
    ),
    Mutant(
        "I5",
        "more goes back than was taken out of the wallet",
        returned,
        (f"UPDATE payments_refund SET amount_minor = amount_minor + 1 WHERE {_OF_BUYER}",),
        says="taken out of the wallet 5000",
    ),
    Mutant(
        "I6",
        "a channel pays back more than filled the wallet",
        returned,
        (f"UPDATE payments_attempt SET amount_minor = amount_minor + 1 WHERE shop_id = 0 AND refund_id = {_REFUND}",),
        says="of what filled a wallet",
    ),
    Mutant(
        "I13",
        "nobody ends a top-up",
        begun,
        (f"DELETE FROM core_outbox WHERE topic = 'top_up' AND subject IN (SELECT number FROM payments_payment WHERE {_OF_BUYER})",),
        says="nobody will look when its time is over",
    ),
    Mutant(
        "I16",
        "wallet money stays set aside",
        held,
        ("UPDATE payments_payment SET status = 'closed' WHERE shop_id = %(shop)s AND order_id = %(order)s AND channel = 'wallet'",),
        says="is set aside for it",
    ),
    Mutant(
        "I17",
        "a captured top-up is in nobody's wallet",
        filled,
        (f"UPDATE ledger_journal SET idempotency_key = 'elsewhere' WHERE shop_id = 0 AND idempotency_key = {_KEY}",),
        says="and 0 arrived there",
    ),
]
