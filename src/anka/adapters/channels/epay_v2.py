"""The adapter for 易支付 (epay) v2: RSA both ways, every message with its time, refunds with a number of ours that can be asked about.

The gateway signs what it did and what it knows. Most of its refusals come without a signature: they are heard, but nothing is called failed
because of one. `code` 0 to a refund means that it was taken; only the answer to the question about it says that it succeeded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from anka.adapters.channels import epay_bill, epay_config, epay_facts, epay_wire, port
from anka.adapters.channels.epay import DEVICES, fields_of_payment, started
from anka.adapters.channels.epay_facts import Asked, Heard
from anka.adapters.channels.epay_wire import CURRENCY, AnswerMalformed, Clock, NoAnswer
from anka.adapters.channels.port import (
    Bill,
    CloseAnswer,
    Evidence,
    EvidenceStatus,
    Incoming,
    Manners,
    Notice,
    PaymentRequest,
    RefundRequest,
    Started,
)
from anka.adapters.channels.sandbox_wire import real_now
from anka.domain.money import format_amount

DONE = "0"
_REFUND_STATUSES = {"0": EvidenceStatus.FAILED, "1": EvidenceStatus.SUCCEEDED}


class AnswerNotSigned(Exception):
    """An answer without a signature that fits, or with a time more than five minutes away; `heard` is what it says."""

    code: ClassVar[str] = "bad_signature"
    status: ClassVar[int] = 502

    def __init__(self, *, heard: Heard) -> None:
        """Keep what was said: a refusal may be worth reading although nobody signed it."""
        super().__init__("the answer is not signed")
        self.heard = heard

    @property
    def refuses(self) -> bool:
        """Whether this is a plain refusal, which the gateway never signs, and not something that claims to be signed."""
        return not self.heard["sign"] and self.heard["code"].startswith("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpayV2Settings:
    """An account at an epay gateway: its `pid`, our private key and the gateway's public key. The first of `types` is asked for."""

    base_url: str
    pid: str
    private_key: RSAPrivateKey
    platform_key: RSAPublicKey
    types: tuple[str, ...] = ("alipay",)
    refund_window: timedelta = timedelta(days=epay_config.REFUND_DAYS)

    @classmethod
    def read(cls, table: Mapping[str, object], folder: Path) -> EpayV2Settings:
        """Return the settings in a table of a configuration file, whose places of keys are relative to `folder`.

        Raises:
            ValueError: with what is wrong, in one line.
        """
        known = frozenset({"base_url", "pid", "private_key", "platform_key", "types", "refund_window_days"})
        epay_config.check_names(table=table, known=known)
        types = epay_config.read_types(table=table)
        if not types:
            raise ValueError('the gateway has to be told how the buyer pays, as in types = ["alipay"]')
        own_text = epay_config.read_text(table=table, name="private_key", folder=folder)
        own = epay_config.private_key(text=own_text, name="private_key")
        their_text = epay_config.read_text(table=table, name="platform_key", folder=folder)
        theirs = epay_config.public_key(text=their_text, name="platform_key")
        if theirs.public_numbers() == own.public_key().public_numbers():
            # With our own public key in this place, our own requests would pass for notices.
            raise ValueError("platform_key is your own public key; copy the one that the gateway calls 平台公钥")
        return cls(
            base_url=epay_config.read_address(table=table),
            pid=epay_config.read_pid(table=table),
            private_key=own,
            platform_key=theirs,
            types=types,
            refund_window=epay_config.read_window(table=table),
        )


class EpayV2Channel:
    """易支付 v2 as a payment channel."""

    code = "epay_v2"

    # How long a call may take, in seconds. A machine under test may be slower than any gateway.
    patience = epay_wire.TOTAL_SECONDS

    def __init__(self, *, settings: EpayV2Settings, notify_url: str, real_clock: Clock = real_now) -> None:
        """Get ready to call `settings.base_url`."""
        self._settings = settings
        self.manners = Manners(asks_to_start=True, has_bills=False, refund_window=settings.refund_window)
        self._base_url = settings.base_url.rstrip("/")
        self._notify_url = notify_url
        self._real_clock = real_clock
        self._client = httpx.Client(trust_env=False, follow_redirects=False)

    def close_connections(self) -> None:
        """Close the connections to the gateway."""
        self._client.close()

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Ask the gateway for an address, or at a desk for a QR code. Raises PaymentNotStarted."""
        wanted = fields_of_payment(payment=payment, pid=self._settings.pid, notify_url=self._notify_url, now=now)
        wanted |= {
            "type": self._settings.types[0],
            "method": "web" if payment.device == "desktop" else "jump",
            "device": DEVICES[payment.device],
            "clientip": payment.payer_address or "127.0.0.1",
        }
        try:
            heard = self._call("/api/pay/create", wanted)
        except AnswerNotSigned as answer:
            code = answer.heard["code"][:8] if answer.refuses else "?"
            raise port.PaymentNotStarted(f"Nothing was charged: the payment gateway refused ({code}). Try again.") from answer
        except (NoAnswer, AnswerMalformed) as reason:
            raise port.PaymentNotStarted("Nothing was charged: the payment gateway did not answer. Try again.") from reason
        if heard["code"] != DONE:
            raise port.PaymentNotStarted(f"Nothing was charged: the payment gateway refused ({heard['code'][:8] or '?'}). Try again.")
        kind, where = heard["pay_type"], heard["pay_info"]
        return started(url=where if kind in {"jump", "urlscheme"} else "", qr_text=where if kind == "qrcode" else "")

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Ask the gateway to close a payment. Not every way to pay behind it can; then ask whether the money was faster."""
        asked = Asked(number=number, source="answer", now=now)
        try:
            heard = self._call("/api/pay/close", {"out_trade_no": number})
        except NoAnswer as silence:
            return CloseAnswer(status="unknown", evidence=asked.unknown(silence.reason))
        except (AnswerMalformed, AnswerNotSigned):
            heard = Heard(fields={}, digest="")
        if heard["code"] == DONE:
            return CloseAnswer(status="closed", evidence=asked.refused("", status=EvidenceStatus.CLOSED, digest=heard.digest))
        evidence = replace(self.query_payment(number=number, now=now), source="answer")
        if evidence.status == EvidenceStatus.SUCCEEDED:
            return CloseAnswer(status="paid", evidence=evidence)
        reason = evidence.reason if evidence.status == EvidenceStatus.UNKNOWN else "not_closed"
        return CloseAnswer(status="unknown", evidence=replace(evidence, status=EvidenceStatus.UNKNOWN, reason=reason))

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment. One that nobody has opened yet is `processing` with the reason `payment_not_found`."""
        asked = Asked(number=number, source="poll", now=now)
        heard = self._heard("/api/pay/query", {"out_trade_no": number}, asked, absent="payment_not_found")
        if isinstance(heard, Evidence):
            found = heard.reason != "payment_not_found"
            return heard if found else replace(heard, status=EvidenceStatus.PROCESSING)
        if heard["code"] != DONE:
            return asked.unknown("refused", digest=heard.digest)
        return asked.payment(heard=heard, pid=self._settings.pid)

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund; the same number never pays twice. `code` 0 is not success: the gateway has to be asked."""
        asked = Asked(number=request.refund_number, source="answer", now=now)
        fields = {
            "out_refund_no": request.refund_number,
            "money": format_amount(amount_minor=request.amount_minor, currency=CURRENCY),
        }
        # The gateway lets a number of ours be used again after ten days. Its own number is exact.
        theirs, ours = request.payment_channel_number, request.payment_number
        fields |= {"trade_no": theirs} if theirs else {"out_trade_no": ours}
        heard = self._heard("/api/pay/refund", fields, asked)
        if isinstance(heard, Evidence):
            return heard
        if heard["code"] != DONE:
            return asked.refusal(heard=heard, certain_codes=frozenset())
        if heard["out_refund_no"] != request.refund_number or _differs(heard, request):
            return asked.unknown("answer_differs", digest=heard.digest)
        return asked.told(
            status=EvidenceStatus.PROCESSING, amount_minor=request.amount_minor, channel_number=heard["refund_no"], heard=heard
        )

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask what became of a refund. One the gateway never saw is `unknown` with the reason `refund_not_found`: submit it again."""
        asked = Asked(number=request.refund_number, source="poll", now=now)
        heard = self._heard("/api/pay/refundquery", {"out_refund_no": request.refund_number}, asked, absent="refund_not_found")
        if isinstance(heard, Evidence):
            return heard
        if heard["code"] != DONE:
            return asked.unknown("refused", digest=heard.digest)
        if heard["out_refund_no"] != request.refund_number or not heard["money"] or _differs(heard, request):
            return asked.unknown("answer_differs", digest=heard.digest)
        status = _REFUND_STATUSES.get(heard["status"], EvidenceStatus.PROCESSING)
        return asked.told(
            status=status,
            amount_minor=request.amount_minor,
            channel_number=heard["refund_no"],
            heard=heard,
            at=heard["endtime"] or heard["addtime"],
        )

    def mend_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Return `unknown`: v2 has no other way to send a refund."""
        return Asked(number=request.refund_number, source="answer", now=now).unknown("not_supported")

    def bill(self, *, day: date, now: datetime) -> Bill:
        """Raise BillNotAvailable: the protocol's list of orders is not signed and knows no single refunds, so it is no bill."""
        raise port.BillNotAvailable("易支付 has no bills; nothing was changed. Export the orders of the day from its merchant pages.")

    def read_bill(self, *, day: date, content: bytes) -> Bill:
        """Return the payments of one day in a list exported from the gateway's pages; it knows no refunds. Raises BillMalformed."""
        return epay_bill.read_export(day=day, content=content)

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        """Check and read a notice, which comes in the query of a GET; its age is measured on real time. Raises NoticeRefused."""
        fields = epay_facts.plain_fields(message=message)
        if not epay_wire.rsa_fits(fields=fields, key=self._settings.platform_key):
            raise port.NoticeBadSignature("the signature does not fit")
        if not epay_wire.is_fresh(fields=fields, real_now=self._real_clock()):
            raise port.NoticeTooOld(f"signed more than {epay_wire.TOLERANCE_SECONDS} seconds away")
        epay_facts.check_account(fields=fields, pid=self._settings.pid, types=self._settings.types)
        sent_at = epay_wire.stamp(fields=fields)
        return epay_facts.notice_of(fields=fields, message=message, channel=self.code, sent_at=sent_at, now=now)

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return the answer that stops the gateway from sending a notice again: the bare word."""
        return 200, "text/plain", b"success"

    def notice_refused(self, *, status: int) -> tuple[int, str, bytes]:
        """Return an answer that is not the bare word."""
        return status, "text/plain", b"fail"

    def _heard(self, path: str, fields: Mapping[str, str], asked: Asked, *, absent: str = "") -> Heard | Evidence:
        """Return a signed answer, or what it means that there is none; `absent` is the reason for an unknown number."""
        try:
            return self._call(path, fields)
        except NoAnswer as silence:
            return asked.unknown(silence.reason)
        except AnswerMalformed:
            return asked.unknown("malformed_answer")
        except AnswerNotSigned as answer:
            if not answer.refuses:
                return asked.unknown("bad_signature", digest=answer.heard.digest)
            gone = absent and answer.heard["code"] == "-1" and "不存在" in answer.heard["msg"]
            return asked.unknown(absent if gone else "refused", digest=answer.heard.digest)

    def _call(self, path: str, fields: Mapping[str, str]) -> Heard:
        now = self._real_clock()
        sent = epay_wire.rsa_signed(fields={**fields, "pid": self._settings.pid}, key=self._settings.private_key, real_now=now)
        body = epay_wire.exchange(client=self._client, method="POST", url=self._base_url + path, fields=sent, patience=self.patience)
        heard = Heard(fields=epay_wire.read_answer(body=body), digest=hashlib.sha256(body).hexdigest())
        genuine = epay_wire.rsa_fits(fields=heard.fields, key=self._settings.platform_key)
        if not genuine or not epay_wire.is_fresh(fields=heard.fields, real_now=self._real_clock()):
            raise AnswerNotSigned(heard=heard)
        return heard


def _differs(heard: Heard, request: RefundRequest) -> bool:
    expected = {"out_trade_no": request.payment_number, "trade_no": request.payment_channel_number}
    return epay_facts.contradicts(heard=heard, expected=expected, amount_minor=request.amount_minor)
