"""What WeChat Pay tells of payments and refunds, in answers and in notices, read into evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from anka.adapters.channels.port import Evidence, EvidenceSource, EvidenceStatus

PAYMENT_STATES = {
    "SUCCESS": EvidenceStatus.SUCCEEDED,
    # Paid, and refunded in part or as a whole: as a payment, it has succeeded.
    "REFUND": EvidenceStatus.SUCCEEDED,
    "NOTPAY": EvidenceStatus.PROCESSING,
    "ACCEPT": EvidenceStatus.PROCESSING,
    "USERPAYING": EvidenceStatus.PROCESSING,
    "CLOSED": EvidenceStatus.CLOSED,
    "REVOKED": EvidenceStatus.CLOSED,
    "PAYERROR": EvidenceStatus.FAILED,
}
REFUND_STATES = {
    "SUCCESS": EvidenceStatus.SUCCEEDED,
    "PROCESSING": EvidenceStatus.PROCESSING,
    "CLOSED": EvidenceStatus.CLOSED,
    "ABNORMAL": EvidenceStatus.ABNORMAL,
}
# The account a refund arrived in, where it is the merchant's own and not the buyer's.
_RETURNED = "商户"

Zoned = Annotated[datetime, msgspec.Meta(tz=True)]
Amount = Annotated[int, msgspec.Meta(gt=0, le=10**15)]


class _PaymentAmount(msgspec.Struct, frozen=True):
    total: Amount
    currency: str = "CNY"


class Payment(msgspec.Struct, frozen=True):
    """A payment as WeChat tells of it; one that nobody has paid has neither transaction nor time."""

    appid: str
    mchid: str
    out_trade_no: str
    trade_state: str
    transaction_id: str | None = None
    success_time: Zoned | None = None
    amount: _PaymentAmount | None = None


class _RefundAmount(msgspec.Struct, frozen=True):
    refund: Amount
    total: Amount
    # Notices leave it out: only payments in yuan are refunded here.
    currency: str = "CNY"


class Refund(msgspec.Struct, frozen=True):
    """A refund as an answer tells of it."""

    refund_id: str
    out_refund_no: str
    out_trade_no: str
    status: str
    amount: _RefundAmount
    transaction_id: str = ""
    success_time: Zoned | None = None
    user_received_account: str = ""


class NoticeRefund(msgspec.Struct, frozen=True):
    """A refund as a notice tells of it."""

    mchid: str
    refund_id: str
    out_refund_no: str
    out_trade_no: str
    refund_status: str
    amount: _RefundAmount
    transaction_id: str = ""
    success_time: Zoned | None = None
    user_received_account: str = ""

    def as_answer(self) -> Refund:
        """Return the same facts in the shape of an answer."""
        return Refund(
            refund_id=self.refund_id,
            out_refund_no=self.out_refund_no,
            out_trade_no=self.out_trade_no,
            status=self.refund_status,
            amount=self.amount,
            transaction_id=self.transaction_id,
            success_time=self.success_time,
            user_received_account=self.user_received_account,
        )


class Resource(msgspec.Struct, frozen=True):
    """What a notice hides, and how."""

    algorithm: str
    ciphertext: str
    nonce: str
    original_type: str = ""
    associated_data: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """A notice around what it hides."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    event_type: str
    resource_type: str
    resource: Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How something came to be seen: by which way, when, and the bytes themselves."""

    source: EvidenceSource
    now: datetime
    body: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal; empty when there were none."""
        return hashlib.sha256(self.body).hexdigest() if self.body else ""


def nothing_certain(*, number: str, sight: Sight, reason: str) -> Evidence:
    """Return evidence that says no more than that nobody knows."""
    return Evidence(
        status=EvidenceStatus.UNKNOWN, number=number, source=sight.source, observed_at=sight.now, reason=reason, digest=sight.digest
    )


def of_payment(*, told: Payment, sight: Sight) -> Evidence:
    """Return a payment as evidence; a state we do not know is unknown, and so is money without a sum, a transaction or a time."""
    status = PAYMENT_STATES.get(told.trade_state)
    paid = status is EvidenceStatus.SUCCEEDED
    if status is None or (paid and (told.amount is None or not told.transaction_id)):
        return nothing_certain(number=told.out_trade_no, sight=sight, reason="answer_differs")
    return Evidence(
        status=status,
        number=told.out_trade_no,
        source=sight.source,
        observed_at=sight.now,
        channel_number=told.transaction_id,
        amount_minor=told.amount.total if told.amount else None,
        currency=told.amount.currency if told.amount else None,
        occurred_at=told.success_time,
        digest=sight.digest,
    )


def of_refund(*, told: Refund, sight: Sight) -> Evidence:
    """Return a refund as evidence.

    A success that arrived in an account of the merchant's is no success for the buyer: `failed`, `returned_to_merchant`.
    """
    status = REFUND_STATES.get(told.status)
    if status is None:
        return nothing_certain(number=told.out_refund_no, sight=sight, reason="answer_differs")
    returned = status is EvidenceStatus.SUCCEEDED and told.user_received_account.startswith(_RETURNED)
    return Evidence(
        status=EvidenceStatus.FAILED if returned else status,
        number=told.out_refund_no,
        source=sight.source,
        observed_at=sight.now,
        channel_number=told.refund_id,
        amount_minor=told.amount.refund,
        currency=told.amount.currency,
        occurred_at=told.success_time,
        digest=sight.digest,
        reason="returned_to_merchant" if returned else "",
    )
