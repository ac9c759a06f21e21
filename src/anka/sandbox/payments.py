"""Payments at the gateway: made known by a signed request, then paid, failed or closed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from anka.core.clock import Moment
from anka.sandbox.exchange import Refused
from anka.sandbox.faults import ATTACKS, Fault
from anka.sandbox.notices import Draft, Fact, plan_notices
from anka.sandbox.store import Connection, Payment, find_payment, lock_number
from anka.sandbox.told import Told

Number = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
Amount = Annotated[int, msgspec.Meta(gt=0, le=10**12)]
Currency = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{3}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"\Ahttps?://[^\s<>\"';,]{1,2000}\Z")]
Outcome = Literal["paid", "failed", "closed"]


class CashierRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a merchant signs to start a payment."""

    merchant: Literal["anka"]
    number: Number
    amount_minor: Amount
    currency: Currency
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]
    notify_url: Address
    return_url: Address
    language: Literal["zh", "en"] = "zh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A payment that a merchant wants to be paid, in whatever protocol.

    `request` is the signed word or body it came with (a reflected notice sends it back), `transaction_number` the gateway's number of it in
    the form of the protocol (made up where empty), `details` what the protocol wants to find again.
    """

    number: str
    amount_minor: int
    currency: str
    subject: str
    expires_at: datetime
    notify_url: str
    return_url: str
    language: Literal["zh", "en"] = "zh"
    request: str = ""
    transaction_number: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


class PaymentMalformed(Refused):
    """A number, an amount or an address that nobody can mean."""

    code = "malformed"
    status = 422


class PaymentNotFound(Refused):
    """No signed request for this number has reached the gateway."""

    code = "payment_not_found"
    status = 404


class PaymentNumberReused(Refused):
    """The number is already used for another amount or currency."""

    code = "payment_number_reused"
    status = 409


class PaymentAlreadyPaid(Refused):
    """A paid payment neither fails nor closes any more."""

    code = "payment_already_paid"
    status = 409


class PaymentNotPayable(Refused):
    """The payment is closed or has expired."""

    code = "payment_not_payable"
    status = 409


def register(*, connection: Connection, wanted: Wanted, protocol: str, moment: Moment) -> Payment:
    """Make a payment known, once per number. Raises PaymentMalformed, PaymentNumberReused."""
    _require_plausible(wanted)
    lock_number(connection=connection, number=wanted.number)
    known = find_payment(connection=connection, number=wanted.number)
    if known is not None:
        if (known.amount_minor, known.currency, known.protocol) != (wanted.amount_minor, wanted.currency, protocol):
            raise PaymentNumberReused("Nothing was charged: this number already belongs to a payment of another amount.")
        return known
    payment = Payment(
        number=wanted.number,
        token=secrets.token_urlsafe(18),
        transaction_number=wanted.transaction_number or f"sbx_{secrets.token_hex(12)}",
        amount_minor=wanted.amount_minor,
        refunded_minor=0,
        currency=wanted.currency,
        subject=wanted.subject,
        language=wanted.language,
        expires_at=wanted.expires_at,
        notify_url=wanted.notify_url,
        return_url=wanted.return_url,
        status="closed" if _closed_unseen(connection=connection, number=wanted.number) else "open",
        changed_at=moment.now,
        request=wanted.request,
        protocol=protocol,
        details=json.dumps(dict(wanted.details), ensure_ascii=False),
    )
    _insert(connection=connection, payment=payment)
    return payment


def _require_plausible(wanted: Wanted) -> None:
    told = {name: getattr(wanted, name) for name in CashierRequest.__struct_fields__ if name != "merchant"}
    try:
        msgspec.convert({**told, "merchant": "anka"}, type=CashierRequest)
    except msgspec.ValidationError as reason:
        raise PaymentMalformed(f"Nothing was charged: {reason}") from reason


def _closed_unseen(*, connection: Connection, number: str) -> bool:
    return connection.execute("SELECT FROM sandbox.closed_unseen WHERE number = %s", (number,)).rowcount == 1


def _insert(*, connection: Connection, payment: Payment) -> None:
    row = {name: getattr(payment, name) for name in Payment.__slots__}
    columns = ", ".join(row)
    places = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"INSERT INTO sandbox.payment ({columns}) VALUES ({places})".encode(), row)


def locked_payment(*, connection: Connection, number: str) -> Payment:
    """Return a payment that nobody else can change until the transaction ends. Raises PaymentNotFound."""
    lock_number(connection=connection, number=number)
    payment = find_payment(connection=connection, number=number)
    if payment is None:
        raise PaymentNotFound("The gateway does not know this payment; nothing was changed. Open its cashier address first.")
    return payment


def status_now(*, payment: Payment, moment: Moment) -> str:
    """Return the state a merchant sees: an unpaid payment whose time is over is closed."""
    unpaid = payment.status in {"open", "failed"}
    return "closed" if unpaid and moment.now >= payment.expires_at else payment.status


def check_payable(*, connection: Connection, number: str, outcome: Outcome, faults: tuple[Fault, ...], moment: Moment) -> Payment:
    """Check that the cashier may still take this decision. Raises PaymentNotFound, PaymentNotPayable."""
    payment = locked_payment(connection=connection, number=number)
    late = any(fault.fault == "late" for fault in faults)
    if outcome != "closed" and not late and status_now(payment=payment, moment=moment) == "closed":
        raise PaymentNotPayable("Nothing was charged: this payment is closed or has expired. Start a new order.")
    return payment


def decide(
    *,
    connection: Connection,
    number: str,
    outcome: Outcome,
    faults: tuple[Fault, ...],
    moment: Moment,
    captured_minor: int | None = None,
) -> tuple[Payment, tuple[Draft, ...]]:
    """Play the outcome of a payment and return it with the notices that tell of it.

    Repeating an outcome tells the same fact again. `paid` wins over closed and expired: money that was already on its way. An attack
    changes nothing at the gateway. `captured_minor` makes it capture another sum than was asked for; what was captured stays as it is.
    Raises PaymentNotFound, PaymentAlreadyPaid, PaymentNotPayable.
    """
    payment = locked_payment(connection=connection, number=number)
    changed = payment
    if not any(fault.fault in ATTACKS for fault in faults):
        changed = _moved(payment=payment, outcome=outcome, moment=moment)
        if captured_minor is not None and payment.status != "paid":
            changed = replace(changed, captured_minor=captured_minor)
        connection.execute(
            "UPDATE sandbox.payment SET status = %s, changed_at = %s, captured_minor = %s WHERE number = %s",
            (changed.status, changed.changed_at, changed.captured_minor, number),
        )
    fact = Fact(
        kind=f"payment.{outcome}",
        number=number,
        payment=payment,
        transaction_number=payment.transaction_number,
        amount_minor=changed.told_minor,
        occurred_at=changed.changed_at if changed.status == outcome else moment.now,
    )
    return changed, plan_notices(fact=fact, faults=faults, moment=moment)


def _moved(*, payment: Payment, outcome: Outcome, moment: Moment) -> Payment:
    if payment.status == outcome:
        return payment
    if payment.status == "paid":
        raise PaymentAlreadyPaid("Nothing was changed: this payment is paid. Only a refund gives the money back.")
    if payment.status == "closed" and outcome == "failed":
        raise PaymentNotPayable("Nothing was changed: this payment is closed.")
    return replace(payment, status=outcome, changed_at=moment.now)


def close_unseen(*, connection: Connection, number: str, moment: Moment) -> Told:
    """Close a number nobody has opened yet, and return what is told of it: it can never be paid at the cashier afterwards."""
    row = connection.execute(
        "INSERT INTO sandbox.closed_unseen (number, closed_at) VALUES (%s, %s)"
        " ON CONFLICT (number) DO UPDATE SET number = EXCLUDED.number RETURNING closed_at",
        (number, moment.now),
    ).fetchone()
    return _unseen(number=number, closed_at=row[0] if row else moment.now)


def query_unseen(*, connection: Connection, number: str) -> Told:
    """Return what is told of a number that was closed before anybody opened it. Raises PaymentNotFound."""
    row = connection.execute("SELECT closed_at FROM sandbox.closed_unseen WHERE number = %s", (number,)).fetchone()
    if row is None:
        raise PaymentNotFound("The gateway does not know this payment.")
    return _unseen(number=number, closed_at=row[0])


def _unseen(*, number: str, closed_at: datetime) -> Told:
    return Told(status="closed", number=number, payment_number=number, occurred_at=closed_at)


def close(*, connection: Connection, payment: Payment, moment: Moment) -> Told:
    """Close a payment whose number is locked, unless it is paid, and return what is told of it."""
    if payment.status in {"open", "failed"}:
        payment = replace(payment, status="closed", changed_at=moment.now)
        connection.execute(
            "UPDATE sandbox.payment SET status = 'closed', changed_at = %s WHERE number = %s", (payment.changed_at, payment.number)
        )
    return told(payment=payment, moment=moment)


def told(*, payment: Payment, moment: Moment) -> Told:
    """Return what a merchant is told about a payment."""
    status = status_now(payment=payment, moment=moment)
    return Told(
        status=status,
        number=payment.number,
        payment_number=payment.number,
        transaction=payment.transaction_number,
        payment_transaction=payment.transaction_number,
        amount_minor=payment.told_minor,
        currency=payment.currency,
        occurred_at=payment.changed_at if status == payment.status else payment.expires_at,
        payment_minor=payment.told_minor,
        refunded_minor=payment.refunded_minor,
        subject=payment.subject,
        details=json.loads(payment.details),
    )
