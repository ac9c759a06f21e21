"""Notices: which of them a fact and its faults produce. What their bytes look like is their protocol's business."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from anka.adapters.channels import sandbox_wire
from anka.core.clock import Moment
from anka.sandbox.faults import Fault, FaultName, named
from anka.sandbox.store import Connection, Payment

MOST_TRIES = 15
# The older half of an out-of-order pair leaves this much later.
PAIR_GAP = timedelta(seconds=1)
_CONTRARY = {
    "payment.paid": "payment.failed",
    "payment.closed": "payment.failed",
    "refund.succeeded": "refund.abnormal",
    "refund.closed": "refund.abnormal",
    "refund.failed": "refund.abnormal",
}
Disguise = Literal["", "forged", "replayed", "reflected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened to a payment or a refund; `number` is the merchant's."""

    kind: str
    number: str
    payment: Payment
    transaction_number: str
    amount_minor: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notice before it is written in its protocol. `due_at` counts on `due_clock`; `request` is what a reflected one sends back.

    `facts` are event_id, type, merchant, number, payment_number, transaction, amount_minor, currency, occurred_at (ISO 8601), and of the
    payment: protocol, payment_transaction, payment_minor (captured), refunded_minor (all refunds so far, with this one), subject, paid_at
    (ISO 8601), details (what the protocol kept).
    """

    notify_url: str
    facts: Mapping[str, object]
    due_at: datetime
    due_clock: Literal["real", "sandbox"] = "real"
    disguise: Disguise = ""
    age_seconds: int = 0
    request: str = ""
    most_tries: int = MOST_TRIES

    @property
    def protocol(self) -> str:
        """The code of the protocol it is written in."""
        return str(self.facts.get("protocol", "sandbox"))


def plan_notices(*, fact: Fact, faults: tuple[Fault, ...], moment: Moment) -> tuple[Draft, ...]:
    """Return the notices a fact leads to under these faults: usually one, possibly none, at most thirty."""
    if named(faults=faults, name=FaultName.NEVER):
        return ()
    drafts = [_misled(draft=_draft(fact=fact, moment=moment), faults=faults, fact=fact, moment=moment)]
    contrary = _CONTRARY.get(fact.kind)
    if contrary and named(faults=faults, name=FaultName.OUT_OF_ORDER):
        older = replace(fact, kind=contrary, occurred_at=fact.occurred_at - PAIR_GAP)
        late = _draft(fact=older, moment=moment)
        drafts.append(replace(late, due_at=late.due_at + PAIR_GAP))
    duplicate = named(faults=faults, name=FaultName.DUPLICATE)
    return tuple(draft for draft in drafts for _ in range(duplicate.copies if duplicate else 1))


def _draft(*, fact: Fact, moment: Moment) -> Draft:
    occurred_at = fact.occurred_at.isoformat()
    # The same fact has the same event_id however often it is told.
    event = hashlib.sha256(f"{fact.kind}|{fact.number}|{occurred_at}".encode()).hexdigest()[:32]
    facts = {
        "event_id": f"evt_{event}",
        "type": fact.kind,
        "merchant": sandbox_wire.MERCHANT,
        "number": fact.number,
        "payment_number": fact.payment.number,
        "transaction": fact.transaction_number,
        "amount_minor": fact.amount_minor,
        "currency": fact.payment.currency,
        "occurred_at": occurred_at,
        "protocol": fact.payment.protocol,
        "payment_transaction": fact.payment.transaction_number,
        "payment_minor": fact.payment.told_minor,
        "refunded_minor": fact.payment.refunded_minor,
        "subject": fact.payment.subject,
        "paid_at": (fact.occurred_at if fact.kind.startswith("payment.") else fact.payment.changed_at).isoformat(),
        "details": json.loads(fact.payment.details),
    }
    return Draft(notify_url=fact.payment.notify_url, facts=facts, due_at=moment.real)


def _misled(*, draft: Draft, faults: tuple[Fault, ...], fact: Fact, moment: Moment) -> Draft:
    for fault in faults:
        match fault.fault:
            case FaultName.DELAY:
                start = moment.now if fault.clock == "sandbox" else moment.real
                draft = replace(draft, due_at=start + timedelta(seconds=fault.seconds), due_clock=fault.clock)
            case FaultName.WRONG_AMOUNT:
                wrong = 1 if draft.facts["amount_minor"] != 1 else 2
                draft = replace(draft, facts={**draft.facts, "amount_minor": wrong}, most_tries=1)
            case FaultName.OTHER_ORDER:
                stranger = fault.number or _number_of_nobody(str(draft.facts["number"]))
                draft = replace(draft, facts={**draft.facts, "number": stranger, "payment_number": stranger}, most_tries=1)
            case FaultName.FORGED | FaultName.REPLAYED:
                disguise: Disguise = "forged" if fault.fault is FaultName.FORGED else "replayed"
                draft = replace(draft, disguise=disguise, age_seconds=fault.seconds, most_tries=1)
            case FaultName.REFLECTED:
                draft = replace(draft, disguise="reflected", request=fact.payment.request, most_tries=1)
            case _:
                pass
    return draft


def _number_of_nobody(number: str) -> str:
    return f"{number[:8]}X{hashlib.sha256(number.encode()).hexdigest()[:16]}"


def enqueue(*, connection: Connection, drafts: tuple[Draft, ...]) -> None:
    """Put notices into the outbox, from where they are sent even after a kill."""
    rows = [
        (
            draft.notify_url,
            json.dumps(draft.facts),
            draft.disguise,
            draft.age_seconds,
            draft.request,
            draft.most_tries,
            draft.due_at,
            draft.due_clock,
        )
        for draft in drafts
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO sandbox.notice (notify_url, facts, disguise, age_seconds, request, most_tries, due_at, due_clock)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
