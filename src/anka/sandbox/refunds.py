"""Refunds at the gateway: accepted, then processing, then one of the ends a real channel knows."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import msgspec

from anka.core.clock import Moment
from anka.sandbox.exchange import Refused
from anka.sandbox.faults import ATTACKS, Fault, FaultName, Operation, named, read_faults
from anka.sandbox.notices import Draft, Fact, enqueue, plan_notices
from anka.sandbox.payments import Amount, Currency, Number, locked_payment
from anka.sandbox.presets import next_fault
from anka.sandbox.store import Connection, Payment, Refund, find_refund
from anka.sandbox.told import Told

Outcome = Literal["succeeded", "closed", "abnormal", "unknown", "failed"]
# In these, the money can be refunded under another number.
FREE = frozenset({"closed", "failed"})
MOST_SETTLED_AT_ONCE = 100


class RefundOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a merchant asks for."""

    payment_number: Number
    refund_number: Number
    amount_minor: Amount
    currency: Currency


class RefundNotFound(Refused):
    """No request for this refund has reached the gateway."""

    code = "refund_not_found"
    status = 404


class RefundNumberReused(Refused):
    """The number already belongs to a refund of another amount or payment."""

    code = "refund_number_reused"
    status = 409


class RefundExceedsPayment(Refused):
    """All refunds of a payment together would be more than was paid."""

    code = "refund_exceeds_payment"
    status = 409


class PaymentNotPaid(Refused):
    """There is nothing to give back."""

    code = "payment_not_paid"
    status = 409


class CurrencyDiffers(Refused):
    """A refund is in the currency of its payment."""

    code = "currency_differs"
    status = 422


class OutOfFunds(Refused):
    """The merchant's balance at the gateway does not suffice at this moment: the same request can be sent again later."""

    code = "out_of_funds"
    status = 409


class RefundAlreadySucceeded(Refused):
    """Money that has arrived stays, unless the bank sends it back (`failed`)."""

    code = "refund_already_succeeded"
    status = 409


def submit(*, connection: Connection, order: RefundOrder, faults: tuple[Fault, ...], moment: Moment, delay_seconds: int) -> Told:
    """Accept a refund, once per number, and return what is told of it; left alone it succeeds after `delay_seconds`.

    Raises PaymentNotFound, PaymentNotPaid, CurrencyDiffers, RefundNumberReused, RefundExceedsPayment, OutOfFunds.
    """
    payment = locked_payment(connection=connection, number=order.payment_number)
    known = find_refund(connection=connection, number=order.refund_number)
    if known is not None:
        if (known.amount_minor, known.payment_number, payment.currency) != (order.amount_minor, payment.number, order.currency):
            raise RefundNumberReused("Nothing more was refunded: this number already belongs to another refund.")
        return told(refund=known, payment=payment)
    _check(order=order, payment=payment)
    if named(faults=faults, name=FaultName.OUT_OF_FUNDS):
        raise OutOfFunds("Nothing was refunded: the balance does not suffice. Send the same request again later.")
    refund = _planned(connection=connection, order=order, faults=faults, moment=moment, delay_seconds=delay_seconds)
    _reserve(connection=connection, payment=payment, amount_minor=refund.amount_minor)
    _insert(connection=connection, refund=refund)
    payment = replace(payment, refunded_minor=payment.refunded_minor + refund.amount_minor)
    answer = told(refund=refund, payment=payment)
    if named(faults=faults, name=FaultName.NOTICE_BEFORE_ANSWER):
        _settle(connection=connection, refund=refund, payment=payment, moment=moment)
    return answer


def _check(*, order: RefundOrder, payment: Payment) -> None:
    if payment.status != "paid":
        raise PaymentNotPaid("Nothing was refunded: this payment is not paid.")
    if order.currency != payment.currency:
        raise CurrencyDiffers(f"Nothing was refunded: this payment is in {payment.currency}.")


def _reserve(*, connection: Connection, payment: Payment, amount_minor: int) -> None:
    reserved = connection.execute(
        "UPDATE sandbox.payment SET refunded_minor = refunded_minor + %s"
        " WHERE number = %s AND refunded_minor + %s <= coalesce(captured_minor, amount_minor)",
        (amount_minor, payment.number, amount_minor),
    )
    if reserved.rowcount != 1:
        raise RefundExceedsPayment("Nothing was refunded: all refunds together would be more than was paid.")


def _planned(*, connection: Connection, order: RefundOrder, faults: tuple[Fault, ...], moment: Moment, delay_seconds: int) -> Refund:
    foretold = connection.execute(
        "DELETE FROM sandbox.foretold WHERE refund_number = %s RETURNING status, faults", (order.refund_number,)
    ).fetchone()
    refund = Refund(
        number=order.refund_number,
        payment_number=order.payment_number,
        transaction_number=f"sbxr_{secrets.token_hex(12)}",
        amount_minor=order.amount_minor,
        status="accepted",
        changed_at=moment.now,
        next_status="succeeded",
        next_at=moment.now + timedelta(seconds=delay_seconds),
        after_status=None,
        faults="[]",
    )
    if foretold is not None:
        return replace(refund, next_status=foretold[0], next_at=moment.now, faults=foretold[1])
    if named(faults=faults, name=FaultName.NEVER):
        return replace(refund, status="processing", next_status=None, next_at=None)
    if named(faults=faults, name=FaultName.REFUND_SUCCEEDS_AFTER_FAILURE):
        return replace(refund, next_status="closed", after_status="succeeded")
    return refund


def _insert(*, connection: Connection, refund: Refund) -> None:
    row = {name: getattr(refund, name) for name in Refund.__slots__}
    columns = ", ".join(row)
    places = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"INSERT INTO sandbox.refund ({columns}) VALUES ({places})".encode(), row)


def decide(
    *, connection: Connection, number: str, outcome: Outcome, faults: tuple[Fault, ...], moment: Moment
) -> tuple[str, tuple[Draft, ...]]:
    """Play the outcome of a refund and return its state and the notices that tell of it.

    The outcome of a refund that has not been submitted is kept for it: the state is then `foretold`.
    Raises RefundAlreadySucceeded, RefundExceedsPayment.
    """
    found = find_refund(connection=connection, number=number)
    if found is None:
        _foretell(connection=connection, number=number, outcome=outcome, faults=faults)
        return "foretold", ()
    payment = locked_payment(connection=connection, number=found.payment_number)
    refund = find_refund(connection=connection, number=number) or found
    if any(fault.fault in ATTACKS for fault in faults):
        claimed = replace(refund, status=outcome, changed_at=moment.now)
        return refund.status, _notices(refund=claimed, payment=payment, faults=faults, moment=moment)
    refund, payment = _moved(connection=connection, refund=refund, payment=payment, status=outcome, moment=moment)
    return refund.status, _notices(refund=refund, payment=payment, faults=faults, moment=moment)


def _foretell(*, connection: Connection, number: str, outcome: Outcome, faults: tuple[Fault, ...]) -> None:
    connection.execute(
        "INSERT INTO sandbox.foretold (refund_number, status, faults) VALUES (%s, %s, %s)"
        " ON CONFLICT (refund_number) DO UPDATE SET status = EXCLUDED.status, faults = EXCLUDED.faults",
        (number, outcome, msgspec.json.encode(faults).decode()),
    )


def _moved(*, connection: Connection, refund: Refund, payment: Payment, status: str, moment: Moment) -> tuple[Refund, Payment]:
    """Let a refund take a state, and return it with its payment, whose room for refunds may have changed."""
    if refund.status == status:
        return refund, payment
    if refund.status == "succeeded" and status != "failed":
        raise RefundAlreadySucceeded("Nothing was changed: this refund has succeeded.")
    reserved = payment.refunded_minor
    if status in FREE and refund.status not in FREE:
        reserved -= refund.amount_minor
        connection.execute(
            "UPDATE sandbox.payment SET refunded_minor = refunded_minor - %s WHERE number = %s", (refund.amount_minor, payment.number)
        )
    elif refund.status in FREE and status not in FREE:
        _reserve(connection=connection, payment=payment, amount_minor=refund.amount_minor)
        reserved += refund.amount_minor
    changed = replace(refund, status=status, changed_at=moment.now, next_status=None, next_at=None)
    connection.execute(
        "UPDATE sandbox.refund SET status = %(status)s, changed_at = %(at)s, next_status = NULL, next_at = NULL,"
        " succeeded_at = CASE %(status)s WHEN 'succeeded' THEN %(at)s ELSE succeeded_at END WHERE number = %(number)s",
        {"status": status, "at": changed.changed_at, "number": refund.number},
    )
    return changed, replace(payment, refunded_minor=reserved)


def _notices(*, refund: Refund, payment: Payment, faults: tuple[Fault, ...], moment: Moment) -> tuple[Draft, ...]:
    if refund.status not in {"succeeded", "closed", "abnormal", "failed"}:
        return ()
    fact = Fact(
        kind=f"refund.{refund.status}",
        number=refund.number,
        payment=payment,
        transaction_number=refund.transaction_number,
        amount_minor=refund.amount_minor,
        occurred_at=refund.changed_at,
    )
    return plan_notices(fact=fact, faults=faults, moment=moment)


def settle_due(*, connection: Connection, moment: Moment) -> int:
    """Let refunds whose time has come take their next state, at most a hundred, and return how many did."""
    due = connection.execute(
        "SELECT number, payment_number FROM sandbox.refund WHERE next_at <= %s ORDER BY payment_number, next_at LIMIT %s",
        (moment.now, MOST_SETTLED_AT_ONCE),
    ).fetchall()
    settled = 0
    for number, payment_number in due:
        # Payments are locked in the order of their numbers; the refund is read again, since it may have been played meanwhile.
        payment = locked_payment(connection=connection, number=payment_number)
        refund = find_refund(connection=connection, number=number)
        if refund is not None and refund.next_at is not None and refund.next_at <= moment.now:
            _settle(connection=connection, refund=refund, payment=payment, moment=moment)
            settled += 1
    return settled


def _settle(*, connection: Connection, refund: Refund, payment: Payment, moment: Moment) -> None:
    if refund.next_status is None:
        return
    try:
        settled, payment = _moved(connection=connection, refund=refund, payment=payment, status=refund.next_status, moment=moment)
    except RefundExceedsPayment:
        # Another refund took the room while this one was closed, so it stays closed: never more than was paid.
        connection.execute("UPDATE sandbox.refund SET next_status = NULL, next_at = NULL WHERE number = %s", (refund.number,))
        return
    if refund.after_status is not None:
        connection.execute(
            "UPDATE sandbox.refund SET next_status = after_status, next_at = %s, after_status = NULL WHERE number = %s",
            (moment.now + timedelta(seconds=1), refund.number),
        )
    faults = read_faults(wishes=json.loads(refund.faults))
    faults += next_fault(connection=connection, operation=Operation.SETTLE_REFUND, numbers=(refund.number,))
    enqueue(connection=connection, drafts=_notices(refund=settled, payment=payment, faults=faults, moment=moment))


def mend(*, connection: Connection, number: str, moment: Moment, delay_seconds: int) -> Told:
    """Send an abnormal refund another way, so that it succeeds after `delay_seconds`, and return what is told of it.

    Any other refund is left alone. Raises RefundNotFound.
    """
    payment, refund = _locked(connection=connection, number=number)
    if refund.status == "abnormal":
        refund = replace(refund, status="processing", changed_at=moment.now, next_status="succeeded")
        connection.execute(
            "UPDATE sandbox.refund SET status = 'processing', changed_at = %s, next_status = 'succeeded', next_at = %s WHERE number = %s",
            (moment.now, moment.now + timedelta(seconds=delay_seconds), number),
        )
    return told(refund=refund, payment=payment)


def query(*, connection: Connection, number: str) -> Told:
    """Return what a merchant is told about a refund. Raises RefundNotFound."""
    payment, refund = _locked(connection=connection, number=number)
    return told(refund=refund, payment=payment)


def _locked(*, connection: Connection, number: str) -> tuple[Payment, Refund]:
    refund = find_refund(connection=connection, number=number)
    if refund is None:
        raise RefundNotFound("The gateway does not know this refund: submit it, with the same number.")
    payment = locked_payment(connection=connection, number=refund.payment_number)
    return payment, find_refund(connection=connection, number=number) or refund


def told(*, refund: Refund, payment: Payment) -> Told:
    """Return what a merchant is told about a refund."""
    return Told(
        status=refund.status,
        number=refund.number,
        payment_number=payment.number,
        transaction=refund.transaction_number,
        payment_transaction=payment.transaction_number,
        amount_minor=refund.amount_minor,
        currency=payment.currency,
        occurred_at=refund.changed_at,
        payment_minor=payment.told_minor,
        refunded_minor=payment.refunded_minor,
        subject=payment.subject,
        details=json.loads(payment.details),
    )
