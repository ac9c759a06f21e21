"""Bills for tests: lines about orders, read and compared, and what stands in the inbox after it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from anka.adapters.channels.port import Bill, BillLine
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.submit_attempt import submit_attempt
from anka.jobs import reconcile
from anka.payments import bills
from anka.payments.bills import CHINA, Difference
from tests.builders import OPERATOR, Order, a_cancelled_order, a_person, at
from tests.faults.flows import attempts

PRICE = 10_000
DAY = at(0).now.astimezone(CHINA).date()
NEXT = DAY + timedelta(days=1)
MORNING = at(days=1)


def a_line(kind: str = "payment", **more: Any) -> BillLine:
    fields: dict[str, Any] = {
        "kind": kind,
        "number": "",
        "payment_number": "",
        "channel_number": "",
        "amount_minor": PRICE,
        "fee_minor": 0,
        "currency": "CNY",
        "occurred_at": at(2).now,
    }
    return BillLine(**(fields | more))


def a_bill(*lines: BillLine, day: date = DAY) -> Bill:
    return Bill(day=day, lines=lines, digest=hashlib.sha256(repr((day, lines)).encode()).hexdigest())


def compared(*lines: BillLine, day: date = DAY, when: Moment = MORNING) -> reconcile.Outcome:
    kept = reconcile.keep(channel="sandbox", bill=a_bill(*lines, day=day), origin=("file", "operator:test"), at=when)
    return reconcile.compare(bill=kept, at=when)


def line_of(order: Order, **more: Any) -> BillLine:
    """The bill's line about an order that was paid through the sandbox."""
    (payment,) = [one for one in order.state.payments if one.transaction_number]
    return a_line(number=payment.number, payment_number=payment.number, channel_number=payment.transaction_number, **more)


def found(status: str | None = "open") -> list[tuple[str, int | None, int | None]]:
    return sorted((one.kind.value, one.ours_minor, one.theirs_minor) for one in inbox(status))


def inbox(status: str | None = "open") -> list[Difference]:
    return bills.inbox(status=None if status is None else bills.DifferenceState(status), after=None, limit=100)


def refunded() -> tuple[Order, str]:
    """An order whose refund has arrived, and the number of its attempt."""
    order = a_cancelled_order()
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    done = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=at(7).now)
    record_refund_outcome(number=number, evidence=done, at=at(7))
    return order, number


def refund_line(order: Order, number: str, **more: Any) -> BillLine:
    return replace(line_of(order), kind="refund", number=number, channel_number=f"RF{number}", **more)


def staff(role: str = "finance") -> Actor:
    person = a_person()
    appoint_staff(actor=OPERATOR, person_id=person, role=role)
    return Actor(kind=ActorKind.PLATFORM, person_id=person)
