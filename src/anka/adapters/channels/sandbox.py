"""The adapter for the sandbox gateway: as thin as one for a real channel, and as suspicious.

A time-out, a broken connection, a 5xx or an answer whose signature does not fit is `unknown`, never `failed`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

import httpx
import msgspec

from anka.adapters.channels import port, sandbox_bill, sandbox_wire
from anka.adapters.channels.port import (
    Bill,
    CloseAnswer,
    Evidence,
    EvidenceSource,
    EvidenceStatus,
    Incoming,
    Manners,
    Notice,
    PaymentRequest,
    RefundRequest,
    Started,
)
from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.adapters.channels.sandbox_wire import Envelope, Expected, Purpose, WireRefused

LARGEST_BODY = 65_536
# The bill of a busy day is the longest answer.
MOST_RECEIVED = 2**26
TOTAL_SECONDS = 2.0
# What part of the limit each phase of a call may take, so that together they stay below it; the body has a deadline of its own.
_PHASES = {"connect": 0.2, "pool": 0.1, "write": 0.1, "read": 0.6}

PAYMENT_STATUSES = {
    "open": EvidenceStatus.PROCESSING,
    "paid": EvidenceStatus.SUCCEEDED,
    "failed": EvidenceStatus.FAILED,
    "closed": EvidenceStatus.CLOSED,
}
REFUND_STATUSES = {
    "accepted": EvidenceStatus.PROCESSING,
    "processing": EvidenceStatus.PROCESSING,
    "succeeded": EvidenceStatus.SUCCEEDED,
    "closed": EvidenceStatus.CLOSED,
    "abnormal": EvidenceStatus.ABNORMAL,
    "unknown": EvidenceStatus.UNKNOWN,
    "failed": EvidenceStatus.FAILED,
}
_NOTICE_STATUSES: dict[port.NoticeKind, EvidenceStatus] = {
    "payment.paid": EvidenceStatus.SUCCEEDED,
    "payment.failed": EvidenceStatus.FAILED,
    "payment.closed": EvidenceStatus.CLOSED,
    "refund.succeeded": EvidenceStatus.SUCCEEDED,
    "refund.closed": EvidenceStatus.CLOSED,
    "refund.abnormal": EvidenceStatus.ABNORMAL,
    "refund.failed": EvidenceStatus.FAILED,
    "dispute.opened": EvidenceStatus.PROCESSING,
    "dispute.won": EvidenceStatus.PROCESSING,
    "dispute.lost": EvidenceStatus.PROCESSING,
}
# Refusals after which it is certain that no money moved. Every other error leaves the outcome unknown.
_CERTAIN_REFUSALS = {"/api/refund": frozenset({"refund_exceeds_payment", "payment_not_paid", "payment_not_found", "currency_differs"})}
# The gateway cannot pay at this moment: the same request is sent again later.
_UNCERTAIN = {"out_of_funds": EvidenceStatus.WAITING_FUNDS}
_REFUSALS = {
    refusal.code: refusal
    for refusal in (
        port.NoticeBadSignature,
        port.NoticeTooOld,
        port.NoticeWrongPurpose,
        port.NoticeMalformed,
        port.NoticeUnknownMerchant,
    )
}


class PaymentAlreadyExpired(Exception):
    """A payment was to be started at or after the moment from which it cannot be paid."""

    code: ClassVar[str] = "payment_expired"
    status: ClassVar[int] = 409


_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]
_Amount = Annotated[int, msgspec.Meta(gt=0, le=10**15)]


class _Answer(msgspec.Struct, frozen=True):
    status: str
    number: str
    occurred_at: _Zoned
    # A payment that was closed before anybody saw it has none of these.
    transaction: str | None = None
    amount_minor: _Amount | None = None
    currency: str | None = None


class _Refusal(msgspec.Struct, frozen=True):
    code: str
    detail: str = ""


class _NoticeBody(msgspec.Struct, frozen=True):
    event_id: str
    type: Literal[
        "payment.paid",
        "payment.failed",
        "payment.closed",
        "refund.succeeded",
        "refund.closed",
        "refund.abnormal",
        "refund.failed",
        "dispute.opened",
        "dispute.won",
        "dispute.lost",
    ]
    merchant: str
    number: str
    payment_number: str
    transaction: str
    amount_minor: _Amount
    currency: str
    occurred_at: _Zoned
    sent_at: _Zoned


class SandboxChannel:
    """The sandbox as a payment channel; also carries the signed calls with which the sandbox is played."""

    code = "sandbox"
    manners = Manners(mends_abnormal=True)

    # How long a call may take, in seconds. A machine under test may be slower than any gateway.
    patience = TOTAL_SECONDS

    def __init__(
        self,
        *,
        mode: Mode,
        home: Path,
        base_url: str,
        notify_url: str,
        real_clock: Callable[[], datetime] = sandbox_wire.real_now,
    ) -> None:
        """Read the keys in `home` and get ready to call `base_url`; raises SandboxIsOff unless `mode` is sandbox."""
        keys = load_keys(home=home, mode=mode)
        self._merchant_key = keys.merchant
        self._gateway_key = keys.gateway.public_key()
        self._base_url = base_url.rstrip("/")
        self._notify_url = notify_url
        self._real_clock = real_clock
        self._client = httpx.Client(trust_env=False, follow_redirects=False)

    def close_connections(self) -> None:
        """Close the connections to the gateway."""
        self._client.close()

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Return a signed address of the cashier; the gateway is not called. Raises PaymentAlreadyExpired."""
        if payment.expires_at <= now:
            raise PaymentAlreadyExpired(f"Payment {payment.number} has expired and nothing was charged. Start a new order.")
        payload = {
            "merchant": sandbox_wire.MERCHANT,
            "number": payment.number,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "subject": payment.subject,
            "expires_at": payment.expires_at.isoformat(),
            "notify_url": self._notify_url,
            "return_url": payment.return_url,
            "language": payment.language,
        }
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        token = sandbox_wire.seal_cashier_request(key=self._merchant_key, payload=body, real_now=self._real_clock())
        address = f"{self._base_url}{sandbox_wire.CASHIER_PATH}?request={token}"
        return Started(cashier_url=address, qr_text=address)

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Close a payment, also one whose cashier nobody has visited: its address can no longer be paid."""
        evidence = self._observe(path="/api/close", message={"number": number}, number=number, source="answer", now=now)
        closings: dict[EvidenceStatus, Literal["closed", "paid"]] = {EvidenceStatus.CLOSED: "closed", EvidenceStatus.SUCCEEDED: "paid"}
        return CloseAnswer(status=closings.get(evidence.status, "unknown"), evidence=evidence)

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment. One that nobody has opened yet is `processing` with reason `payment_not_found`."""
        evidence = self._observe(path="/api/query", message={"payment": number}, number=number, source="poll", now=now)
        if evidence.reason == "payment_not_found":
            return replace(evidence, status=EvidenceStatus.PROCESSING)
        return evidence

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund; the same number with the same amount never pays twice."""
        message = {
            "payment_number": request.payment_number,
            "refund_number": request.refund_number,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
        }
        evidence = self._observe(path="/api/refund", message=message, number=request.refund_number, source="answer", now=now)
        answered = (
            evidence.status not in {EvidenceStatus.UNKNOWN, EvidenceStatus.FAILED, EvidenceStatus.WAITING_FUNDS} or not evidence.reason
        )
        if answered and (evidence.amount_minor, evidence.currency) != (request.amount_minor, request.currency):
            return _unknown(number=request.refund_number, source="answer", now=now, reason="answer_differs", digest=evidence.digest)
        return evidence

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask what became of a refund. One the gateway never saw is `unknown` with reason `refund_not_found`: submit it again."""
        number = request.refund_number
        return self._observe(path="/api/query", message={"refund": number}, number=number, source="poll", now=now)

    def mend_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask the gateway to send an abnormal refund another way; one that is not abnormal is only told about."""
        number = request.refund_number
        return self._observe(path="/api/mend", message={"refund": number}, number=number, source="answer", now=now)

    def bill(self, *, day: date, now: datetime) -> Bill:
        """Return the bill of a day in China that is over. Raises BillNotAvailable, BillMalformed."""
        if day >= now.astimezone(sandbox_bill.CHINA).date():
            raise port.BillNotAvailable(f"The day {day} is not over in China; ask for its bill tomorrow. Nothing was changed.")
        heard = self.call(path=f"/api/bill?date={day.isoformat()}", message=None)
        if heard is None or heard[0] != 200:
            raise port.BillNotAvailable(f"The sandbox gave no bill for {day}. Nothing was changed; try again later.")
        return self.read_bill(day=day, content=heard[1])

    def read_bill(self, *, day: date, content: bytes) -> Bill:
        """Return the bill in a file of the gateway's. Raises BillMalformed."""
        return sandbox_bill.read_bill(day=day, content=content)

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        """Check and read a notice; its age is measured on real time. Raises NoticeRefused."""
        if len(message.body) > LARGEST_BODY:
            raise port.NoticeMalformed("the notice is too long")
        if message.method != "POST":
            raise port.NoticeMalformed("the sandbox's notices are posted")
        expected = Expected(purpose=Purpose.NOTICE, method="POST", path=urlsplit(self._notify_url).path)
        try:
            sandbox_wire.verify(
                key=self._gateway_key, headers=message.headers, body=message.body, expected=expected, real_now=self._real_clock()
            )
        except WireRefused as refused:
            raise _REFUSALS[refused.code](str(refused)) from refused
        return _notice_of(body=message.body, now=now)

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return the answer that stops the gateway from sending a notice again."""
        return 200, "application/json", b'{"ok":true}'

    def notice_refused(self, *, status: int) -> tuple[int, str, bytes]:
        """Return the answer to a message that was not taken; the gateway sends its own again."""
        return status, "application/json", b'{"ok":false}'

    def call(self, *, path: str, message: Mapping[str, object] | None) -> tuple[int, bytes] | None:
        """Send one signed request (a GET where there is no message) and return status and body of its genuine answer.

        `None` when nothing certain was heard.
        """
        body = b"" if message is None else json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        envelope = Envelope(
            purpose=Purpose.REQUEST,
            method="GET" if message is None else "POST",
            path=path,
            timestamp=int(self._real_clock().timestamp()),
            nonce=sandbox_wire.new_nonce(),
        )
        headers = sandbox_wire.signed_headers(key=self._merchant_key, envelope=envelope, body=body)
        headers["Content-Type"] = "application/json"
        try:
            status, answer_headers, answer = self._exchange(method=envelope.method, path=path, headers=headers, body=body)
            expected = Expected(purpose=Purpose.ANSWER, method=str(status), path=path, nonce=envelope.nonce)
            sandbox_wire.verify(key=self._gateway_key, headers=answer_headers, body=answer, expected=expected, real_now=self._real_clock())
        except (httpx.HTTPError, WireRefused):
            return None
        return status, answer

    def _exchange(self, *, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        deadline = time.monotonic() + self.patience
        timeout = httpx.Timeout(**{phase: part * self.patience for phase, part in _PHASES.items()})
        received = bytearray()
        with self._client.stream(method, self._base_url + path, headers=dict(headers), content=body, timeout=timeout) as answer:
            for piece in answer.iter_bytes():
                received += piece
                if len(received) > MOST_RECEIVED or time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer took too long or was too long", request=answer.request)
            return answer.status_code, answer.headers, bytes(received)

    def _observe(self, *, path: str, message: Mapping[str, object], number: str, source: EvidenceSource, now: datetime) -> Evidence:
        heard = self.call(path=path, message=message)
        if heard is None or heard[0] >= 500:
            return _unknown(number=number, source=source, now=now, reason="no_answer")
        status, body = heard
        if status != 200:
            return _refused(body=body, number=number, source=source, now=now, certain=_CERTAIN_REFUSALS.get(path, frozenset()))
        statuses = REFUND_STATUSES if "refund" in message or "refund_number" in message else PAYMENT_STATUSES
        return _evidence_of(body=body, statuses=statuses, number=number, source=source, now=now)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _unknown(*, number: str, source: EvidenceSource, now: datetime, reason: str, digest: str = "") -> Evidence:
    return Evidence(status=EvidenceStatus.UNKNOWN, number=number, source=source, observed_at=now, reason=reason, digest=digest)


def _refused(*, body: bytes, number: str, source: EvidenceSource, now: datetime, certain: frozenset[str]) -> Evidence:
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.MsgspecError:
        return _unknown(number=number, source=source, now=now, reason="malformed_answer", digest=_digest(body))
    status = EvidenceStatus.FAILED if refusal.code in certain else _UNCERTAIN.get(refusal.code, EvidenceStatus.UNKNOWN)
    return Evidence(status=status, number=number, source=source, observed_at=now, reason=refusal.code, digest=_digest(body))


def _evidence_of(*, body: bytes, statuses: Mapping[str, EvidenceStatus], number: str, source: EvidenceSource, now: datetime) -> Evidence:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.MsgspecError:
        return _unknown(number=number, source=source, now=now, reason="malformed_answer", digest=_digest(body))
    if answer.number != number or answer.status not in statuses:
        return _unknown(number=number, source=source, now=now, reason="answer_differs", digest=_digest(body))
    return Evidence(
        status=statuses[answer.status],
        number=number,
        source=source,
        observed_at=now,
        channel_number=answer.transaction,
        amount_minor=answer.amount_minor,
        currency=answer.currency,
        occurred_at=answer.occurred_at,
        digest=_digest(body),
    )


def _notice_of(*, body: bytes, now: datetime) -> Notice:
    try:
        told = msgspec.json.decode(body, type=_NoticeBody)
    except msgspec.MsgspecError as reason:
        raise port.NoticeMalformed("the notice does not have the shape of one") from reason
    if told.merchant != sandbox_wire.MERCHANT:
        raise port.NoticeUnknownMerchant("this notice is for another merchant")
    evidence = Evidence(
        status=_NOTICE_STATUSES[told.type],
        number=told.number,
        source="notice",
        observed_at=now,
        channel_number=told.transaction,
        amount_minor=told.amount_minor,
        currency=told.currency,
        occurred_at=told.occurred_at,
        digest=_digest(body),
    )
    return Notice(
        event_id=told.event_id,
        kind=told.type,
        number=told.number,
        payment_number=told.payment_number,
        evidence=evidence,
        sent_at=told.sent_at,
    )
