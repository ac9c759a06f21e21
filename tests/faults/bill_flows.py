"""Comparing a bill posts its fees and settlements: once, whatever the moment of death."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from anka.adapters.channels.port import Bill, BillLine
from anka.core import database
from anka.flows.compare_bill import compare_lines
from anka.jobs import reconcile
from anka.payments.bills import CHINA, KeptBill
from tests import builders
from tests.builders import Order, at
from tests.faults.crash import Flow


@dataclass(frozen=True)
class Billed:
    """A paid order that stands on a bill nobody has compared yet, beside a settlement and something odd."""

    order: Order
    bill: KeptBill
    settled: str


def billed() -> Billed:
    """Read a bill of three lines; each has a day of its own, so that no bill takes the place of another."""
    order = builders.a_paid_order()
    (payment,) = [one for one in order.state.payments if one.transaction_number]
    settled = f"SET{builders.serial()}"
    about: dict[str, Any] = {"number": "", "payment_number": "", "currency": "CNY", "occurred_at": at(2).now, "fee_minor": 0}
    lines = (
        BillLine(
            kind="payment", channel_number=payment.transaction_number or "", amount_minor=payment.amount_minor, **about | {"fee_minor": 60}
        ),
        BillLine(kind="settlement", channel_number=settled, amount_minor=9_940, **about),
        BillLine(kind="other", channel_number=f"ODD{settled}", amount_minor=1, **about),
    )
    day = at(days=-400 - builders.serial()).now.astimezone(CHINA).date()
    bill = Bill(day=day, lines=lines, digest=hashlib.sha256(settled.encode()).hexdigest())
    return Billed(order, reconcile.keep(channel="sandbox", bill=bill, origin=("file", "operator:test"), at=at(days=1)), settled)


def compared_once(ground: Billed) -> None:
    """The fee and the settlement are posted once, and the odd line stands in the inbox once."""
    assert ground.order.shop.balance("psp_fee") == 60
    posted = "SELECT count(*) FROM ledger_journal WHERE idempotency_key = %s"
    assert database.value(posted, (f"settled:sandbox:{ground.settled}",)) == 1
    assert database.rows("SELECT kind, status FROM payments_difference WHERE bill_id = %s", (ground.bill.id,)) == [("other", "open")]
    assert database.value("SELECT compared_to FROM payments_bill WHERE id = %s", (ground.bill.id,)) == 3


BILL_FLOWS: list[Flow[Any]] = [
    Flow("compare a bill", billed, lambda ground: compare_lines(bill=ground.bill, lines=[1, 2, 3], up_to=3, at=at(days=1)), compared_once),
]
