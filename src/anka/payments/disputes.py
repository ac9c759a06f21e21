"""Reads about disputes: the payment one is about, what is known of it, and what finance staff look after."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from anka.core import database
from anka.domain.dispute_states import DisputeKind, DisputeState


class DisputedPayment(NamedTuple):
    """A captured payment, with the number of its order where it pays one."""

    shop_id: int
    shop_code: str
    payment_id: int
    number: str
    order_number: str | None
    amount_minor: int
    currency: str


class Dispute(msgspec.Struct, frozen=True):
    """What is known of a dispute. `channel_number` is the channel's own; what a lost one took is told apart: refunds that were still owed
    (`repaid`), what units had left (`lost`), and what had been paid back before (`unborne`)."""

    shop_id: int
    id: int
    number: str
    order_number: str | None
    payment_id: int
    payment_number: str
    kind: DisputeKind
    channel: str
    channel_number: str
    amount_minor: int
    currency: str
    reason: str
    status: DisputeState
    opened_at: datetime
    evidence_due_at: datetime
    closed_at: datetime | None
    repaid_minor: int
    lost_minor: int
    unborne_minor: int


# A channel may know a payment by its own number alone.
PAYMENT = """
SELECT payment.shop_id, coalesce(shop.code, split_part(payment.number, '-', 1)), payment.id, payment.number, o.number, payment.amount_minor,
    payment.currency
FROM payments_payment AS payment
    LEFT JOIN accounts_shop AS shop ON shop.id = payment.shop_id
    LEFT JOIN orders_order AS o ON o.shop_id = payment.shop_id AND o.id = payment.order_id
WHERE payment.channel = %(channel)s AND payment.status = 'paid' AND (payment.shop_id, payment.id) IN (
    SELECT shop_id, id FROM payments_payment WHERE shop_id = coalesce(shop_of_number(%(number)s), 0) AND number = %(number)s
    UNION ALL SELECT shop_id, payment_id FROM payments_transaction WHERE channel = %(channel)s AND transaction_number = %(number)s)
"""
LOCK_PAYMENT = "SELECT FROM payments_payment WHERE shop_id = %s AND id = %s FOR NO KEY UPDATE"
DISPUTE = """
SELECT dispute.shop_id, dispute.id, dispute.number, o.number, dispute.payment_id, payment.number, dispute.kind, dispute.channel,
    dispute.channel_number, dispute.amount_minor, dispute.currency, dispute.reason, dispute.status, dispute.opened_at,
    dispute.evidence_due_at, dispute.closed_at, dispute.repaid_minor, dispute.lost_minor, dispute.unborne_minor
FROM payments_dispute AS dispute
    JOIN payments_payment AS payment ON payment.shop_id = dispute.shop_id AND payment.id = dispute.payment_id
    LEFT JOIN orders_order AS o ON o.shop_id = dispute.shop_id AND o.id = dispute.order_id
WHERE {which} ORDER BY dispute.closed_at DESC NULLS FIRST, dispute.evidence_due_at, dispute.id LIMIT %(limit)s
"""
MOST = 200


def payment_of(*, channel: str, number: str) -> DisputedPayment | None:
    """Return the captured payment that a channel calls by our number or by its own; None where there is none."""
    found = database.rows(PAYMENT, {"channel": channel, "number": number})
    return DisputedPayment(*found[0]) if found else None


def lock_payment(*, shop_id: int, payment_id: int) -> None:
    """Lock a payment that pays no order until the transaction ends."""
    database.require_transaction()
    database.rows(LOCK_PAYMENT, (shop_id, payment_id))


def by_channel(*, channel: str, channel_number: str) -> Dispute | None:
    """Return the dispute that a channel knows by this number, whatever shop it is about."""
    return _first("dispute.channel = %(channel)s AND dispute.channel_number = %(number)s", channel=channel, number=channel_number)


def by_number(*, number: str) -> Dispute | None:
    """Return the dispute with our number."""
    return _first("dispute.shop_id = coalesce(shop_of_number(%(number)s), 0) AND dispute.number = %(number)s", number=number)


def open_of_order(*, order_number: str, kind: DisputeKind) -> Dispute | None:
    """Return the dispute of this kind that is open about an order, the one due first."""
    which = (
        "dispute.shop_id = shop_of_number(%(number)s) AND o.number = %(number)s AND dispute.kind = %(kind)s AND dispute.closed_at IS NULL"
    )
    return _first(which, number=order_number, kind=str(kind))


def of_order(*, shop_id: int, order_id: int) -> list[Dispute]:
    """Return the disputes about an order, open ones first."""
    return _found("dispute.shop_id = %(shop)s AND dispute.order_id = %(order)s", shop=shop_id, order=order_id)


def all_disputes() -> list[Dispute]:
    """Return the newest disputes of all shops: open ones first, by when our answer is due."""
    return _found("true")


def _first(which: str, **parameters: object) -> Dispute | None:
    found = _found(which, **parameters)
    return found[0] if found else None


def _found(which: str, **parameters: object) -> list[Dispute]:
    rows = database.rows(DISPUTE.format(which=which), {**parameters, "limit": MOST})
    return [msgspec.convert(dict(zip(Dispute.__struct_fields__, row, strict=True)), Dispute) for row in rows]
