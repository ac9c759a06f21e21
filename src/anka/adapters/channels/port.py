"""What every payment channel can do, and the values that cross that border.

Amounts are integers in minor units, times aware UTC. `now` is always the clock of the instance (the movable one in the sandbox):
it dates what is observed. Signatures live on real time, which an adapter reads for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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
NoticeKind = Literal[
    "payment.paid",
    "payment.failed",
    "payment.closed",
    "refund.succeeded",
    "refund.closed",
    "refund.abnormal",
    "refund.failed",
    "refund.hint",
    "dispute.opened",
    "dispute.won",
    "dispute.lost",
    "nothing",
]
"""What a notice is about. `refund.hint`: something changed about the refunds of a payment, and the channel has to be asked what (`number`
is then the payment's). `dispute.…`: a chargeback (`number` is the payment's, `channel_number` the dispute's). `nothing`: genuine, and no
news for us."""
Device = Literal["desktop", "mobile", "wechat"]
"""Where the buyer sits: a large screen, a phone's browser, or the browser inside WeChat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """A payment to be started: `number` is ours and never reused; it cannot be paid from `expires_at` on.

    `payer_address` is the buyer's network address, `payer_id` who the buyer is at the channel (WeChat's openid), where it is known.
    """

    number: str
    amount_minor: int
    currency: str
    subject: str
    expires_at: datetime
    return_url: str
    language: Literal["zh", "en"] = "zh"
    device: Device = "desktop"
    payer_address: str = ""
    payer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where the buyer pays: an address for the browser and the text of a QR code for a second device; either may be empty."""

    cashier_url: str
    qr_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """One attempt to send money back: a retry uses the same `refund_number` and the same amount.

    `payment_amount_minor` is what the payment had captured, `payment_channel_number` the channel's number of it.
    """

    payment_number: str
    refund_number: str
    amount_minor: int
    currency: str
    payment_amount_minor: int
    payment_channel_number: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message as it came in: headers by their names in lower case, `query` what followed the question mark."""

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    query: str = ""


BillKind = Literal["payment", "refund", "refund_reversed", "settlement", "dispute", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One movement of a channel's bill. Amounts are positive; `fee_minor` is what the channel kept (negative where it gave a fee back).

    `number` is ours where the channel knows it (payment or refund), `payment_number` the payment's, `channel_number` the channel's own.
    A settlement is money that has become ours to send out or draw; its amount has the fees taken off already.
    """

    kind: BillKind
    number: str
    payment_number: str
    channel_number: str
    amount_minor: int
    fee_minor: int
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a channel says happened on one day (in China's time, as all Chinese channels count). `digest` is SHA-256 (hex) of the file."""

    day: date
    lines: tuple[BillLine, ...]
    digest: str


class BillNotAvailable(Exception):
    """The channel has no bill for this day yet, or none at all, or could not be reached. Nothing was changed; `code` says which."""

    code: ClassVar[str] = "bill_not_available"
    status: ClassVar[int] = 503


class BillMalformed(Exception):
    """A file is not a bill of this channel: the text names the line and what is wrong with it. Nothing was taken from it."""

    code: ClassVar[str] = "bill_malformed"
    status: ClassVar[int] = 422


class PaymentNotStarted(Exception):
    """The channel did not open a cashier: no answer, or a refusal whose code the text names. Nothing was charged; try again."""

    code: ClassVar[str] = "payment_not_started"
    status: ClassVar[int] = 502


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a channel wants to be treated.

    `asks_to_start`: starting a payment calls the channel, so its answer is kept and used again. `retries_refunds`: asking for a refund
    again with the same number is harmless, and it can be asked about; where not, it is sent once and an unknown outcome goes to a person.
    `mends_abnormal`: a refund that became abnormal can be sent another way by the channel itself. `has_bills`: it can be asked for bills.
    `shows_qr`: a buyer at a desk pays with a phone. `refund_window`: how long after a payment its contract allows refunds, None where
    what its documentation says holds.
    """

    asks_to_start: bool = False
    retries_refunds: bool = True
    mends_abnormal: bool = False
    has_bills: bool = True
    shows_qr: bool = True
    refund_window: timedelta | None = None


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
    """A payment channel. Methods may be called from several threads; none may be called inside a database transaction.

    Apart from `start`, `bill` and `read_notice`, no method raises because of what the channel does: silence is evidence, too (`UNKNOWN`).
    """

    code: str
    manners: Manners

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Return where the buyer pays; raises PaymentNotStarted."""

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Ask the channel to take no more money for a payment."""

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment."""

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund; where `manners.retries_refunds`, asking again with the same number is harmless."""

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask what became of a refund. One the channel never saw is `unknown` with the reason `refund_not_found`."""

    def mend_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask the channel to send an abnormal refund another way (only where `manners.mends_abnormal`)."""

    def bill(self, *, day: date, now: datetime) -> Bill:
        """Return the channel's bill of one day; raises BillNotAvailable or BillMalformed."""

    def read_bill(self, *, day: date, content: bytes) -> Bill:
        """Return the bill in a file that somebody downloaded from the channel; raises BillMalformed."""

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        """Check and read a message of the channel; raises NoticeRefused."""

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return status, content type and body of the answer that stops the channel from sending a notice again."""

    def notice_refused(self, *, status: int) -> tuple[int, str, bytes]:
        """Return the answer to a message that was not taken, for the reason of this HTTP status; the channel may send it again."""

    def close_connections(self) -> None:
        """Close the connections to the channel."""
