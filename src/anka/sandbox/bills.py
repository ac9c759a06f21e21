"""The gateway's bill of a day: what moved, what the gateway kept of it, and what has become the merchant's to draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

from anka.core.clock import Moment
from anka.domain.money import fee
from anka.sandbox.store import Connection

CHINA = timezone(timedelta(hours=8))
FEE_BASIS_POINTS = 60
MOST_LINES = 100_000
MOVED = f"""
SELECT 'payment', number, number, transaction_number, transaction_number, coalesce(captured_minor, amount_minor), currency, changed_at,
    subject, coalesce(captured_minor, amount_minor)
FROM sandbox.payment WHERE status = 'paid' AND protocol = %(protocol)s AND changed_at >= %(since)s AND changed_at < %(until)s
UNION ALL SELECT happened.kind, refund.number, payment.number, refund.transaction_number, payment.transaction_number, refund.amount_minor,
    payment.currency, happened.at, payment.subject, coalesce(payment.captured_minor, payment.amount_minor)
FROM sandbox.refund AS refund JOIN sandbox.payment AS payment ON payment.number = refund.payment_number
    CROSS JOIN LATERAL (VALUES
        ('refund', coalesce(refund.succeeded_at, CASE refund.status WHEN 'succeeded' THEN refund.changed_at END)),
        ('refund_reversed', CASE WHEN refund.status = 'failed' AND refund.succeeded_at IS NOT NULL THEN refund.changed_at END))
        AS happened (kind, at)
WHERE payment.protocol = %(protocol)s AND happened.at >= %(since)s AND happened.at < %(until)s
ORDER BY 8, 2 LIMIT {MOST_LINES}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRow:
    """One movement. Amounts are positive; a settlement is what payments of the day brought, less their fees, and has no number of ours."""

    kind: Literal["payment", "refund", "refund_reversed", "settlement"]
    number: str
    payment_number: str
    transaction: str
    payment_transaction: str
    amount_minor: int
    currency: str
    occurred_at: datetime
    subject: str = ""
    payment_minor: int = 0
    fee_minor: int = 0


def day_is_over(*, day: date, moment: Moment) -> bool:
    """Tell whether a day in China has passed, so that its bill can be complete."""
    return day < moment.now.astimezone(CHINA).date()


def bill(*, connection: Connection, protocol: str, day: date) -> list[BillRow]:
    """Return everything that moved money of a protocol on a day in China, oldest first, and what was settled at its end."""
    since = datetime.combine(day, time(), tzinfo=CHINA)
    until = since + timedelta(days=1)
    found = connection.execute(MOVED, {"protocol": protocol, "since": since, "until": until}).fetchall()
    rows = [
        BillRow(
            kind=row[0],
            number=row[1],
            payment_number=row[2],
            transaction=row[3],
            payment_transaction=row[4],
            amount_minor=row[5],
            currency=row[6],
            occurred_at=row[7],
            subject=row[8],
            payment_minor=row[9],
            fee_minor=fee(amount_minor=row[5], basis_points=FEE_BASIS_POINTS) if row[0] == "payment" else 0,
        )
        for row in found
    ]
    return rows + _settled(protocol=protocol, rows=rows, at=until - timedelta(seconds=1))


def _settled(*, protocol: str, rows: list[BillRow], at: datetime) -> list[BillRow]:
    brought: dict[str, int] = {}
    for row in rows:
        if row.kind == "payment":
            brought[row.currency] = brought.get(row.currency, 0) + row.amount_minor - row.fee_minor
    return [
        BillRow(
            kind="settlement",
            number="",
            payment_number="",
            transaction=f"sbxs_{protocol}_{at:%Y%m%d}_{currency}",
            payment_transaction="",
            amount_minor=amount,
            currency=currency,
            occurred_at=at,
        )
        for currency, amount in brought.items()
        if amount > 0
    ]
