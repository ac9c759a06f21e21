"""Comparing a bill posts its fees and settlements: once, whatever the moment of death."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from anka.adapters.channels.port import Bill, BillLine
from anka.core import database
from anka.core.actors import Actor
from anka.flows.compare_bill import compare_lines, finish_comparison, reopen_overtaken
from anka.flows.decide_difference import DifferenceDecided, decide_difference
from anka.jobs import reconcile
from anka.payments.bills import CHINA, KeptBill
from tests import builders
from tests.builders import Order, at
from tests.faults.crash import Flow
from tests.faults.odd import finance


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


@dataclass(frozen=True)
class Differing:
    """A paid order whose bill names thirty cents less, and whoever of the finance staff says that the bill is right."""

    order: Order
    bill: KeptBill
    actor: Actor

    @property
    def difference_id(self) -> int:
        return int(database.value("SELECT id FROM payments_difference WHERE channel = 'sandbox' AND day = %s", (self.bill.day,)))


def differing() -> Differing:
    """Read and compare a bill of one line, on a day of its own."""
    order = builders.a_paid_order()
    day = at(days=-400 - builders.serial()).now.astimezone(CHINA).date()
    bill = billed_as(order, order.state.paid_minor - 30, day)
    reconcile.compare(bill=bill, at=at(days=1))
    return Differing(order, bill, finance())


def billed_as(order: Order, amount_minor: int, day: Any) -> KeptBill:
    """Read a bill that names this sum for an order's payment."""
    (payment,) = [one for one in order.state.payments if one.transaction_number]
    number = payment.transaction_number or ""
    about: dict[str, Any] = {"number": "", "payment_number": "", "currency": "CNY", "occurred_at": at(2).now, "fee_minor": 0}
    line = BillLine(kind="payment", channel_number=number, amount_minor=amount_minor, **about)
    bill = Bill(day=day, lines=(line,), digest=hashlib.sha256(repr(line).encode()).hexdigest())
    return reconcile.keep(channel="sandbox", bill=bill, origin=("file", "operator:test"), at=at(days=1))


def correct(ground: Differing) -> None:
    """Say that the bill is right, or hear that it was said before."""
    with suppress(DifferenceDecided):
        note = "the bill is right"
        decide_difference(actor=ground.actor, difference_id=ground.difference_id, decision="corrected", note=note, at=at(days=2))


def corrected_once(ground: Differing) -> None:
    """Thirty cents are written off once, and the decision names their journal."""
    assert (ground.order.shop.balance("recon_diff"), ground.order.shop.balance("psp:sandbox:clearing")) == (30, 9_970)
    named = "SELECT journal_key, corrected_minor FROM payments_difference_step WHERE difference_id = %s AND journal_key IS NOT NULL"
    assert database.rows(named, (ground.difference_id,)) == [(f"recon:{ground.difference_id}:1", -30)]


def overtaken() -> Differing:
    """A correction that a later bill takes back; it was compared, and nobody has looked again yet."""
    ground = differing()
    correct(ground)
    bill = billed_as(ground.order, ground.order.state.paid_minor, ground.bill.day)
    compare_lines(bill=bill, lines=[1], up_to=1, at=at(days=3))
    finish_comparison(bill=bill, absent=[], at=at(days=3))
    return ground


def reopen(_ground: Differing) -> object:
    """Look for corrections that a later bill takes back."""
    return reopen_overtaken(channel="sandbox", at=at(days=4))


def reopened_once(ground: Differing) -> None:
    """It waits for a person again, told once."""
    again = "SELECT count(*) FROM payments_difference_step WHERE difference_id = %s AND step = 'found_again'"
    assert database.value(again, (ground.difference_id,)) == 1
    assert database.value("SELECT status FROM payments_difference WHERE id = %s", (ground.difference_id,)) == "open"


BILL_FLOWS: list[Flow[Any]] = [
    Flow("compare a bill", billed, lambda ground: compare_lines(bill=ground.bill, lines=[1, 2, 3], up_to=3, at=at(days=1)), compared_once),
    Flow("correct a difference", differing, correct, corrected_once),
    Flow(
        "reopen what was corrected for nothing",
        overtaken,
        reopen,
        reopened_once,
    ),
]
