"""Violations of what a compared bill says: a line that is no journal, a fee that is not posted, a large difference one person closed."""

from __future__ import annotations

import hashlib

from anka.adapters.channels.port import Bill, BillLine
from anka.jobs import reconcile
from anka.payments.bills import CHINA
from tests import builders
from tests.builders import Order, at
from tests.faults.bill_flows import correct, corrected_once, differing
from tests.faults.mutants import Mutant


def billed() -> Order:
    """A paid order that stands on its channel's bill, with a fee, beside something for the inbox."""
    order = builders.a_paid_order()
    (payment,) = [one for one in order.state.payments if one.transaction_number]
    line = BillLine(
        kind="payment",
        number=payment.number,
        payment_number=payment.number,
        channel_number=payment.transaction_number or "",
        amount_minor=payment.amount_minor,
        fee_minor=60,
        currency="CNY",
        occurred_at=at(2).now,
    )
    odd = BillLine(
        kind="other",
        number="",
        payment_number="",
        channel_number="ODD",
        amount_minor=100_000,
        fee_minor=0,
        currency="CNY",
        occurred_at=at(3).now,
    )
    day = at(0).now.astimezone(CHINA).date()
    bill = Bill(day=day, lines=(line, odd), digest=hashlib.sha256(order.number.encode()).hexdigest())
    kept = reconcile.keep(channel="sandbox", bill=bill, origin=("file", "operator:test"), at=at(days=1))
    outcome = reconcile.compare(bill=kept, at=at(days=1))
    assert outcome.lines == {"matched": 1, "other": 1}
    return order


def corrected() -> Order:
    """A paid order whose bill named less; somebody has corrected our books."""
    ground = differing()
    correct(ground)
    corrected_once(ground)
    return ground.order


BILL_MUTANTS = [
    Mutant(
        "I23",
        "a correction posts another sum than was decided",
        corrected,
        (
            "UPDATE payments_difference_step SET corrected_minor = -31 WHERE journal_key IS NOT NULL",
            "UPDATE payments_difference SET corrected_minor = -31",
        ),
        says="says -31, and 30 is posted",
    ),
    Mutant(
        "I23",
        "a correction is forgotten, and would be posted again",
        corrected,
        ("UPDATE payments_difference SET corrected_minor = 0",),
        says="0 was corrected, and its decisions say -30",
    ),
    Mutant(
        "I23",
        "our books are corrected and nobody has decided so",
        corrected,
        (
            "UPDATE payments_difference_step SET shop_id = NULL, journal_key = NULL, corrected_minor = NULL",
            "UPDATE payments_difference SET corrected_minor = 0",
        ),
        says="corrects a difference that nobody decided about",
    ),
    Mutant(
        "I23",
        "the channel took a payment that is in no book, and nobody was told",
        billed,
        ("UPDATE payments_bill_line SET channel_number = 'TX-GONE' WHERE line = 1",),
        says="0 journals",
    ),
    Mutant(
        "I23",
        "the channel took another sum, and nobody was told",
        billed,
        ("UPDATE payments_bill_line SET amount_minor = amount_minor + 1 WHERE line = 1",),
        says="1 journals",
    ),
    Mutant(
        "I23",
        "the channel kept a fee that is in no book",
        billed,
        ("UPDATE payments_bill_line SET fee_minor = 61 WHERE line = 1",),
        says="its fee is 61, and 60 is posted",
    ),
    Mutant(
        "I23",
        "a large difference was closed by one person",
        billed,
        (
            (
                "UPDATE payments_difference SET status = 'explained', decided_by = 'platform:1', decided_at = now(), note = 'because'"
                " WHERE kind = 'other'"
            ),
        ),
        says="was closed by platform:1 alone",
    ),
]
