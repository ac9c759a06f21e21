"""Payments that finance staff may take by hand: what is known of one, and what somebody has said of it."""

from datetime import datetime

import msgspec

from anka.core import database
from anka.domain.payment_states import PaymentState

COLUMNS = """
SELECT payment.shop_id, payment.id, payment.number, payment.channel, payment.status, payment.amount_minor, payment.currency::text,
       payment.created_at, payment.expires_at, payment.paid_at, payment.transaction_number, o.number, o.buyer_id, said.transaction_number,
       said.amount_minor, said.proof, said.made_by, said.made_at, said.status, said.decided_by, said.decided_at
FROM payments_payment AS payment
    JOIN orders_order AS o ON o.shop_id = payment.shop_id AND o.id = payment.order_id
"""
LATEST = """
    LEFT JOIN LATERAL (SELECT * FROM payments_by_hand AS one WHERE one.shop_id = payment.shop_id AND one.payment_id = payment.id
        ORDER BY one.id DESC LIMIT 1) AS said ON true
"""
ONE = COLUMNS + LATEST + "WHERE payment.shop_id = shop_of_number(%(number)s) AND payment.number = %(number)s"
OF_ORDER = COLUMNS + LATEST + "WHERE o.shop_id = shop_of_number(%(number)s) AND o.number = %(number)s ORDER BY payment.id DESC LIMIT 20"
WAITING = (
    COLUMNS
    + """
    JOIN payments_by_hand AS said ON said.shop_id = payment.shop_id AND said.payment_id = payment.id AND said.status = 'open'
ORDER BY said.made_at, said.id LIMIT %(limit)s
"""
)
OPEN = """
SELECT id, transaction_number, amount_minor, proof, made_by FROM payments_by_hand
WHERE shop_id = %s AND payment_id = %s AND status = 'open'
"""
REFUSED = """
SELECT status = 'refused' AND transaction_number = %s FROM payments_by_hand
WHERE shop_id = %s AND payment_id = %s ORDER BY id DESC LIMIT 1
"""


class Said(msgspec.Struct, frozen=True):
    """What somebody of the staff says to have seen of a payment, and what was decided about it: open, taken or refused."""

    transaction_number: str
    amount_minor: int
    proof: str
    made_by: int
    made_at: datetime
    status: str
    decided_by: int | None
    decided_at: datetime | None


class DeskPayment(msgspec.Struct, frozen=True):
    """A payment of an order as it lies on the desk of finance staff, with the newest that was said of it."""

    shop_id: int
    id: int
    number: str
    channel: str
    status: PaymentState
    amount_minor: int
    currency: str
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    transaction_number: str | None
    order_number: str
    buyer_id: int
    said: Said | None


class OpenSaid(msgspec.Struct, frozen=True):
    """What waits for a second person."""

    id: int
    transaction_number: str
    amount_minor: int
    proof: str
    made_by: int


def desk_payment(*, number: str) -> DeskPayment | None:
    """Return a payment by its number, or None where no order has such a payment."""
    found = _read(ONE, {"number": number})
    return found[0] if found else None


def payments_of_order(*, order_number: str) -> list[DeskPayment]:
    """Return the payments of an order, newest first, at most 20."""
    return _read(OF_ORDER, {"number": order_number})


def waiting_for_two(*, limit: int) -> list[DeskPayment]:
    """Return the payments of which something was said that waits for a second person, longest first."""
    return _read(WAITING, {"limit": max(1, min(limit, 101))})


def open_said(*, shop_id: int, payment_id: int) -> OpenSaid | None:
    """Return what waits for a second person about a payment. Call it under the order's lock."""
    found = database.rows(OPEN, (shop_id, payment_id))
    return OpenSaid(*found[0]) if found else None


def was_refused(*, shop_id: int, payment_id: int, transaction_number: str) -> bool:
    """Tell whether what was said last of a payment named this transaction, and was refused."""
    return bool(database.value(REFUSED, (transaction_number, shop_id, payment_id)))


def _read(statement: str, parameters: dict[str, object]) -> list[DeskPayment]:
    return [_payment(row) for row in database.rows(statement, parameters)]


def _payment(row: tuple[object, ...]) -> DeskPayment:
    facts, said = row[:13], row[13:]
    names = DeskPayment.__struct_fields__
    kept = dict(zip(Said.__struct_fields__, said, strict=True)) if said[0] is not None else None
    return msgspec.convert(dict(zip(names, (*facts, kept), strict=True)), DeskPayment)
