"""The adapter for 易支付 (epay) v1: MD5 with a shared key, answers that are not signed, refunds without a number of their own.

What the protocol does not have, this adapter does not pretend: a refund is sent once and never asked about, a payment cannot be closed, and
there are no bills. Requests and notices are signed with the same key, so whatever has the shape of a request is never taken for a notice.
Notices have no time: an old one can be sent again, and is harmless, because a transaction number is taken once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx

from anka.adapters.channels import epay_bill, epay_config, epay_facts, epay_wire, port
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

DONE = "1"
DEVICES: dict[port.Device, str] = {"desktop": "pc", "mobile": "mobile", "wechat": "wechat"}
# What the gateway checks before it does anything: refunds switched off, wrong merchant or key, no number, no such action.
_CERTAIN_CODES = frozenset({"-2", "-3", "-4", "-5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EpaySettings:
    """An account at an epay gateway: `pid` and `key` from its merchant pages. Notices may name any of `types`, or any at all.

    `start` is `submit` (the browser goes to a signed address) or `mapi` (the gateway is asked for an address or a QR code).
    """

    base_url: str
    pid: str
    key: str
    types: tuple[str, ...] = ()
    start: Literal["submit", "mapi"] = "submit"
    refund_window: timedelta = timedelta(days=epay_config.REFUND_DAYS)

    @classmethod
    def read(cls, table: Mapping[str, object], folder: Path) -> EpaySettings:
        """Return the settings in a table of a configuration file, whose places of keys are relative to `folder`.

        Raises:
            ValueError: with what is wrong, in one line.
        """
        epay_config.check_names(table=table, known=frozenset({"base_url", "pid", "key", "types", "start", "refund_window_days"}))
        start, types = table.get("start", "submit"), epay_config.read_types(table=table)
        if start not in ("submit", "mapi"):
            raise ValueError("start is submit or mapi")
        if start == "mapi" and not types:
            raise ValueError('mapi has to be told how the buyer pays, as in types = ["alipay"]')
        return cls(
            base_url=epay_config.read_address(table=table),
            pid=epay_config.read_pid(table=table),
            key=epay_config.read_text(table=table, name="key", folder=folder),
            types=types,
            start="mapi" if start == "mapi" else "submit",
            refund_window=epay_config.read_window(table=table),
        )


class EpayChannel:
    """易支付 v1 as a payment channel."""

    code = "epay"

    # How long a call may take, in seconds. A machine under test may be slower than any gateway.
    patience = epay_wire.TOTAL_SECONDS

    def __init__(self, *, settings: EpaySettings, notify_url: str, real_clock: Clock = real_now) -> None:
        """Get ready to call `settings.base_url`."""
        self._settings = settings
        self._base_url = settings.base_url.rstrip("/")
        self._notify_url = notify_url
        self._real_clock = real_clock
        asks = settings.start == "mapi"
        self.manners = Manners(
            asks_to_start=asks, retries_refunds=False, has_bills=False, shows_qr=asks, refund_window=settings.refund_window
        )
        # No connection is used twice: a stale one would leave a refund unknown that was never sent, and it may be sent only once.
        self._client = httpx.Client(trust_env=False, follow_redirects=False, limits=httpx.Limits(max_keepalive_connections=0))

    def close_connections(self) -> None:
        """Close the connections to the gateway."""
        self._client.close()

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Return a signed address for the browser (nobody is called), or with `mapi` ask the gateway for one. Raises PaymentNotStarted."""
        settings = self._settings
        wanted = fields_of_payment(payment=payment, pid=settings.pid, notify_url=self._notify_url, now=now)
        if settings.start == "submit":
            # With one way to pay the buyer gets there at once, else the gateway's page lets them choose.
            chosen = {**wanted, "type": settings.types[0]} if len(settings.types) == 1 else wanted
            signed = epay_wire.md5_signed(fields=chosen, key=settings.key)
            return Started(cashier_url=epay_wire.address(base_url=self._base_url, path="/submit.php", fields=signed), qr_text="")
        wanted |= {"type": settings.types[0], "clientip": payment.payer_address or "127.0.0.1", "device": DEVICES[payment.device]}
        try:
            heard = self._call(method="POST", path="/mapi.php", fields=epay_wire.md5_signed(fields=wanted, key=settings.key))
        except (NoAnswer, AnswerMalformed) as reason:
            raise port.PaymentNotStarted("Nothing was charged: the payment gateway did not answer. Try again.") from reason
        if heard["code"] != DONE:
            raise port.PaymentNotStarted(f"Nothing was charged: the payment gateway refused ({heard['code'][:8] or '?'}). Try again.")
        return started(url=heard["payurl"] or heard["urlscheme"], qr_text=heard["qrcode"])

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Ask whether the money was faster; v1 cannot close a payment, so otherwise the answer is `unknown`."""
        evidence = replace(self.query_payment(number=number, now=now), source="answer")
        if evidence.status == EvidenceStatus.SUCCEEDED:
            return CloseAnswer(status="paid", evidence=evidence)
        reason = evidence.reason if evidence.status == EvidenceStatus.UNKNOWN else "cannot_be_closed"
        return CloseAnswer(status="unknown", evidence=replace(evidence, status=EvidenceStatus.UNKNOWN, reason=reason))

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment. One that nobody has opened yet is `processing` with the reason `payment_not_found`."""
        asked = Asked(number=number, source="poll", now=now)
        try:
            heard = self._order(number)
        except NoAnswer as silence:
            return asked.unknown(silence.reason)
        except AnswerMalformed:
            return asked.unknown("malformed_answer")
        if heard["code"] == DONE:
            return asked.payment(heard=heard, pid=self._settings.pid)
        if heard["code"] == "-1" and "不存在" in heard["msg"]:
            return asked.refused("payment_not_found", status=EvidenceStatus.PROCESSING, digest=heard.digest)
        return asked.unknown("refused", digest=heard.digest)

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund, once: asking again would be another refund. What is not certain is `unknown`, and a person's."""
        asked = Asked(number=request.refund_number, source="answer", now=now)
        fields = {"pid": self._settings.pid, "key": self._settings.key}
        # The gateway lets an address be used again after ten days, under the same number of ours. Its own number is exact.
        theirs, ours = request.payment_channel_number, request.payment_number
        fields |= {"trade_no": theirs} if theirs else {"out_trade_no": ours}
        fields["money"] = format_amount(amount_minor=request.amount_minor, currency=CURRENCY)
        try:
            heard = self._call(method="POST", path="/api.php?act=refund", fields=fields)
        except NoAnswer as silence:
            return asked.unknown(silence.reason)
        except AnswerMalformed:
            return asked.unknown("malformed_answer")
        # Old gateways say 1; newer ones say 0 here, and then name the refund.
        if heard["code"] != DONE and not (heard["code"] == "0" and heard["refund_no"]):
            return asked.refusal(heard=heard, certain_codes=_CERTAIN_CODES)
        expected = {"out_trade_no": request.payment_number, "trade_no": request.payment_channel_number}
        if epay_facts.contradicts(heard=heard, expected=expected, amount_minor=request.amount_minor):
            return asked.unknown("answer_differs", digest=heard.digest)
        return asked.told(
            status=EvidenceStatus.SUCCEEDED, amount_minor=request.amount_minor, channel_number=heard["refund_no"], heard=heard
        )

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Return `unknown`: v1 cannot be asked about a refund. The reason tells a person what the gateway says of the whole payment."""
        asked = Asked(number=request.refund_number, source="poll", now=now)
        try:
            heard = self._order(request.payment_number)
        except (NoAnswer, AnswerMalformed):
            return asked.unknown("no_answer")
        if heard["code"] != DONE or heard["out_trade_no"] != request.payment_number:
            return asked.unknown("refused", digest=heard.digest)
        return asked.unknown("payment_has_refunds" if heard["status"] == "2" else "payment_has_no_refunds", digest=heard.digest)

    def mend_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Return `unknown`: v1 has no other way to send a refund."""
        return Asked(number=request.refund_number, source="answer", now=now).unknown("not_supported")

    def bill(self, *, day: date, now: datetime) -> Bill:
        """Raise BillNotAvailable: the protocol has no bills."""
        raise port.BillNotAvailable("易支付 has no bills; nothing was changed. Export the orders of the day from its merchant pages.")

    def read_bill(self, *, day: date, content: bytes) -> Bill:
        """Return the payments of one day in a list exported from the gateway's pages; it knows no refunds. Raises BillMalformed."""
        return epay_bill.read_export(day=day, content=content)

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        """Check and read a notice, which comes in the query of a GET and has no time. Raises NoticeRefused."""
        fields = epay_facts.plain_fields(message=message)
        if not epay_wire.md5_fits(fields=fields, key=self._settings.key):
            raise port.NoticeBadSignature("the signature does not fit")
        epay_facts.check_account(fields=fields, pid=self._settings.pid, types=self._settings.types)
        return epay_facts.notice_of(fields=fields, message=message, channel=self.code, sent_at=self._real_clock(), now=now)

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return the answer that stops the gateway from sending a notice again: the bare word."""
        return 200, "text/plain", b"success"

    def notice_refused(self, *, status: int) -> tuple[int, str, bytes]:
        """Return an answer that is not the bare word."""
        return status, "text/plain", b"fail"

    def _order(self, number: str) -> Heard:
        fields = {"act": "order", "pid": self._settings.pid, "key": self._settings.key, "out_trade_no": number}
        return self._call(method="GET", path="/api.php", fields=fields)

    def _call(self, *, method: str, path: str, fields: Mapping[str, str]) -> Heard:
        body = epay_wire.exchange(client=self._client, method=method, url=self._base_url + path, fields=fields, patience=self.patience)
        return Heard(fields=epay_wire.read_answer(body=body), digest=hashlib.sha256(body).hexdigest())


def fields_of_payment(*, payment: PaymentRequest, pid: str, notify_url: str, now: datetime) -> dict[str, str]:
    """Return what both versions say to start a payment, before it is signed. Raises PaymentNotStarted."""
    if payment.currency != CURRENCY or payment.expires_at <= now or not epay_wire.NUMBER.fullmatch(payment.number):
        raise port.PaymentNotStarted("Nothing was charged: this channel takes yuan only, for payments that have not expired.")
    fields = {
        "pid": pid,
        "out_trade_no": payment.number,
        "notify_url": notify_url,
        "return_url": payment.return_url,
        "name": epay_wire.goods_name(subject=payment.subject),
        "money": format_amount(amount_minor=payment.amount_minor, currency=CURRENCY),
    }
    if any("&" in value for value in fields.values()):
        raise port.PaymentNotStarted("Nothing was charged: an address of this market has an & in it, which this channel cannot sign.")
    return fields


def started(*, url: str, qr_text: str) -> Started:
    """Return where the buyer pays, after a look at the address: it goes into a page of ours. Raises PaymentNotStarted."""
    scheme = url.partition(":")[0].lower()
    if not (url or qr_text) or scheme in {"javascript", "data", "vbscript", "file", "blob"} or (url and not scheme.isalnum()):
        raise port.PaymentNotStarted("Nothing was charged: the payment gateway gave no address to pay at. Try again.")
    return Started(cashier_url=url, qr_text=qr_text)
