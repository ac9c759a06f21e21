"""What the gateway tells a merchant about a payment or a refund, before a protocol writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The state of a payment (open, paid, failed, closed) or a refund (accepted, processing, succeeded, closed, abnormal, unknown, failed).

    `number` is the merchant's, `transaction` the gateway's (empty for a payment closed before anybody opened it, as are amount and
    currency). `payment_minor` is what the payment captured or asks for, `refunded_minor` all its refunds so far. `forged`: sign the answer
    with a stranger's key.
    """

    status: str
    number: str
    payment_number: str
    occurred_at: datetime
    transaction: str = ""
    payment_transaction: str = ""
    amount_minor: int = 0
    currency: str = ""
    payment_minor: int = 0
    refunded_minor: int = 0
    subject: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    forged: bool = False
