"""Chargebacks as a bank would tell of them: the gateway keeps none, it only says what it is asked to say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from anka.core.clock import Moment
from anka.sandbox.faults import Fault
from anka.sandbox.notices import Draft, Fact, plan_notices
from anka.sandbox.payments import PaymentNotFound
from anka.sandbox.refunds import PaymentNotPaid
from anka.sandbox.store import Connection, find_payment

Outcome = Literal["opened", "won", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the bank says; `amount_minor` None means all that was captured."""

    outcome: Outcome
    amount_minor: int | None = None


def tell(*, connection: Connection, number: str, told: Told, faults: tuple[Fault, ...], moment: Moment) -> tuple[Draft, ...]:
    """Return the notices about the chargeback of a payment. Raises PaymentNotFound, PaymentNotPaid."""
    payment = find_payment(connection=connection, number=number)
    if payment is None:
        raise PaymentNotFound("There is no such payment.")
    if payment.status != "paid" or payment.protocol != "sandbox":
        raise PaymentNotPaid("Only a captured payment of the sandbox's own protocol can be charged back here.")
    fact = Fact(
        kind=f"dispute.{told.outcome}",
        number=number,
        payment=payment,
        transaction_number=f"sbxd_{hashlib.sha256(number.encode()).hexdigest()[:16]}",
        amount_minor=told.amount_minor or payment.told_minor,
        occurred_at=moment.now,
    )
    return plan_notices(fact=fact, faults=faults, moment=moment)
