"""What every payment channel can do, and the values that cross that border.

Amounts are integers in minor units, times aware UTC. `now` is always the clock of the instance (the movable one in the sandbox):
it dates what is observed. Signatures live on real time, which an adapter reads for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal, Protocol


class EvidenceStatus(StrEnum):
    """What is known about a payment or a refund. `UNKNOWN` is never `FAILED`: somebody has to ask again."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"
    ABNORMAL = "abnormal"
    UNKNOWN = "unknown"
    FAILED = "failed"
    WAITING_FUNDS = "waiting_funds"


EvidenceSource = Literal["answer", "notice", "poll", "bill"]
NoticeKind = Literal["payment.paid", "payment.failed", "payment.closed", "refund.succeeded", "refund.closed", "refund.abnormal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """A payment to be started: `number` is ours and never reused; it cannot be paid from `expires_at` on."""

    number: str
    amount_minor: int
    currency: str
    subject: str
    expires_at: datetime
    return_url: str
    language: Literal["zh", "en"] = "zh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where the buyer pays: an address for the browser and the text of a QR code for a second device."""

    cashier_url: str
    qr_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """One attempt to send money back: a retry uses the same `refund_number` and the same amount."""

    payment_number: str
    refund_number: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One observation of a payment or a refund, whichever way it came.

    `number` is ours, `channel_number` the channel's, `occurred_at` the channel's time of the fact, `observed_at` ours.
    `digest` is the SHA-256 (hex) of the raw bytes seen, empty when nothing was seen. `reason` says in a code why it is not plain success.
    """

    status: EvidenceStatus
    number: str
    source: EvidenceSource
    observed_at: datetime
    channel_number: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    occurred_at: datetime | None = None
    digest: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAnswer:
    """What became of a request to close a payment: `paid` means that the money was faster."""

    status: Literal["closed", "paid", "unknown"]
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message of the channel whose signature, purpose, age and shape were checked. Amount and number are still to be compared.

    `number` is our payment number for `payment.*` and our refund number for `refund.*`; the same fact keeps its `event_id`.
    """

    event_id: str
    kind: NoticeKind
    number: str
    payment_number: str
    evidence: Evidence
    sent_at: datetime


class NoticeRefused(Exception):
    """A message that claims to be a notice and is not one: nothing may change because of it, but it is worth recording."""

    code: ClassVar[str] = "notice_refused"
    status: ClassVar[int] = 401


class NoticeBadSignature(NoticeRefused):
    """The channel did not sign these bytes for this address."""

    code = "bad_signature"


class NoticeTooOld(NoticeRefused):
    """The signature is genuine, but its time is more than five minutes of real time away."""

    code = "too_old"


class NoticeWrongPurpose(NoticeRefused):
    """The message was signed for something else, for example our own request sent back."""

    code = "wrong_purpose"


class NoticeMalformed(NoticeRefused):
    """Headers or body do not have the shape of a notice."""

    code = "malformed"
    status = 400


class NoticeUnknownMerchant(NoticeRefused):
    """The notice is for another merchant."""

    code = "unknown_merchant"


class Channel(Protocol):
    """A payment channel. Methods may be called from several threads; none may be called inside a database transaction."""

    code: str

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Return where the buyer pays."""

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Ask the channel to take no more money for a payment."""

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment."""

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund; asking again with the same number is harmless."""

    def query_refund(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a refund."""

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """Check and read a message of the channel; raises NoticeRefused."""

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return status, content type and body of the answer that stops the channel from sending a notice again."""
