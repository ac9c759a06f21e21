"""The adapter for Alipay (支付宝, open platform, gateway v2, RSA2 with public keys).

A time-out, a broken connection, an answer Alipay did not sign, another number or another amount is `unknown`, never `failed`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlencode

import httpx

from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels.alipay_answers import (
    CURRENCY,
    FINAL_REFUSALS,
    NOT_CLOSABLE,
    SUCCESS,
    TRADE_NOT_EXIST,
    About,
    Heard,
    Named,
    found_evidence,
    payment_evidence,
    read_heard,
    read_node,
    submitted_evidence,
)
from anka.adapters.channels.alipay_bill import LARGEST_BILL, read_bill_file
from anka.adapters.channels.alipay_notices import read_alipay_notice
from anka.adapters.channels.alipay_settings import AlipaySettings
from anka.adapters.channels.port import (
    Bill,
    BillNotAvailable,
    CloseAnswer,
    Evidence,
    EvidenceStatus,
    Incoming,
    Manners,
    Notice,
    PaymentNotStarted,
    PaymentRequest,
    RefundRequest,
    Started,
)
from anka.adapters.channels.sandbox_wire import real_now
from anka.domain.money import format_amount

__all__ = ["AlipayChannel", "AlipaySettings"]

LARGEST_ANSWER = 1_048_576
TOTAL_SECONDS = 2.0
BILL_SECONDS = 60.0
LONGEST_SUBJECT = 128
# What part of the limit each phase of a call may take, so that together they stay below it; the body has a deadline of its own.
_PHASES = {"connect": 0.2, "pool": 0.1, "write": 0.1, "read": 0.6}
_PAGES = {"page": ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"), "wap": ("alipay.trade.wap.pay", "QUICK_WAP_WAY")}
# Alipay refuses these in a subject.
_WIDE = str.maketrans({"/": "\uff0f", "=": "\uff1d", "&": "\uff06"})


class AlipayChannel:
    """Alipay as a payment channel."""

    code = "alipay"

    # How long a call may take, in seconds. A machine under test may be slower than any gateway.
    patience = TOTAL_SECONDS

    def __init__(self, *, settings: AlipaySettings, notify_url: str, real_clock: Callable[[], datetime] = real_now) -> None:
        """Get ready to call the gateway; nobody is called yet."""
        self._settings = settings
        self._notify_url = notify_url
        self._real_clock = real_clock
        self._gateway = f"{settings.base_url}/gateway.do"
        self._client = httpx.Client(trust_env=False, follow_redirects=False)
        # A code to be scanned is made by the gateway; a page is an address that we sign ourselves.
        self.manners = Manners(
            asks_to_start="precreate" in settings.products,
            shows_qr=settings.product_for(device="desktop") == "precreate",
            refund_window=settings.refund_window,
        )

    def close_connections(self) -> None:
        """Close the connections to Alipay."""
        self._client.close()

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Return a signed address of Alipay's cashier, or the code that Alipay gave for a second device. Raises PaymentNotStarted."""
        if payment.currency != CURRENCY or payment.expires_at <= now:
            raise PaymentNotStarted(f"Payment {payment.number} is not in CNY or has expired; nothing was charged.")
        content: dict[str, object] = {
            "out_trade_no": payment.number,
            "total_amount": format_amount(amount_minor=payment.amount_minor, currency=CURRENCY),
            "subject": payment.subject.translate(_WIDE)[:LONGEST_SUBJECT],
            "time_expire": wire.china_text(at=payment.expires_at),
        }
        product = self._settings.product_for(device=payment.device)
        if product == "precreate":
            return self._precreated(content, payment)
        method, product_code = _PAGES[product]
        content["product_code"] = product_code
        if product == "wap":
            content["quit_url"] = payment.return_url
        parameters = self._signed(method, content, notify_url=self._notify_url, return_url=payment.return_url)
        return Started(cashier_url=f"{self._gateway}?{urlencode(parameters)}", qr_text="")

    def _precreated(self, content: Mapping[str, object], payment: PaymentRequest) -> Started:
        heard = self._ask("alipay.trade.precreate", content, notify_url=self._notify_url)
        made = read_node(heard=heard, shape=Named) if heard and heard.code == SUCCESS else None
        if made is None or made.out_trade_no != payment.number or not made.qr_code:
            said = heard.reason if heard else "no answer"
            raise PaymentNotStarted(f"Alipay did not open payment {payment.number} ({said}); nothing was charged. Try again.")
        # On a phone the text of the code is an address that opens Alipay itself.
        return Started(cashier_url="" if payment.device == "desktop" else made.qr_code, qr_text=made.qr_code)

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Ask Alipay to take no more money for a payment.

        A page that nobody has opened cannot be closed, and until it expires it can still be paid: `unknown`.
        """
        about = About(number=number, source="answer", now=now)
        deadline = time.monotonic() + self.patience
        heard = self._ask("alipay.trade.close", {"out_trade_no": number}, deadline=deadline)
        decided = heard is not None and heard.sub_code in NOT_CLOSABLE
        evidence = self._payment(about, deadline) if decided else _closed(heard, about)
        answers: dict[EvidenceStatus, Literal["closed", "paid"]] = {EvidenceStatus.CLOSED: "closed", EvidenceStatus.SUCCEEDED: "paid"}
        return CloseAnswer(status=answers.get(evidence.status, "unknown"), evidence=evidence)

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment; see alipay_answers.payment_evidence."""
        return self._payment(About(number=number, source="poll", now=now))

    def _payment(self, about: About, deadline: float | None = None) -> Evidence:
        heard = self._ask("alipay.trade.query", {"out_trade_no": about.number}, deadline=deadline)
        return payment_evidence(heard=heard, about=about)

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund; the same number with the same amount never pays twice.

        Where Alipay refuses for good it is asked at once whether it has carried out this very refund before: only then it is `failed`.
        """
        about = About(number=request.refund_number, source="answer", now=now)
        if request.currency != CURRENCY:
            return about.evidence(status=EvidenceStatus.FAILED, reason="currency_differs")
        content = {
            "out_trade_no": request.payment_number,
            "refund_amount": format_amount(amount_minor=request.amount_minor, currency=CURRENCY),
            "out_request_no": request.refund_number,
            "query_options": ["refund_detail_item_list"],
        }
        deadline = time.monotonic() + self.patience
        heard = self._ask("alipay.trade.refund", content, deadline=deadline)
        if heard is None or heard.sub_code not in FINAL_REFUSALS:
            return submitted_evidence(heard=heard, request=request, about=about)
        evidence = self._refund(request, about, deadline)
        if evidence.reason == "refund_not_found":
            return replace(evidence, status=EvidenceStatus.FAILED, reason=heard.reason)
        return evidence

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask what became of a refund, not earlier than ten seconds after it was submitted; see alipay_answers.found_evidence."""
        return self._refund(request, About(number=request.refund_number, source="poll", now=now))

    def _refund(self, request: RefundRequest, about: About, deadline: float | None = None) -> Evidence:
        content = {
            "out_trade_no": request.payment_number,
            "out_request_no": request.refund_number,
            "query_options": ["gmt_refund_pay"],
        }
        heard = self._ask("alipay.trade.fastpay.refund.query", content, deadline=deadline)
        return found_evidence(heard=heard, request=request, about=about)

    def mend_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Say that nothing can be mended: where a bank refuses, Alipay itself puts the money into the buyer's balance."""
        return About(number=request.refund_number, source="answer", now=now).unknown(reason="not_possible")

    def bill(self, *, day: date, now: datetime) -> Bill:
        """Return the trade bill of one day; there is one from about 9 o'clock of the next. Raises BillNotAvailable, BillMalformed."""
        heard = self._ask("alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": day.isoformat()})
        place = read_node(heard=heard, shape=dict[str, object]) if heard and heard.code == SUCCESS else None
        address = str(place.get("bill_download_url", "")) if place else ""
        if not address.startswith(("https://", "http://")):
            said = heard.reason if heard else "no answer"
            raise BillNotAvailable(f"Alipay has no bill of {day.isoformat()} ({said}); nothing was changed.")
        try:
            status, content = self._exchange("GET", address, most=LARGEST_BILL, deadline=time.monotonic() + BILL_SECONDS)
        except httpx.HTTPError as trouble:
            raise BillNotAvailable(
                f"The bill could not be fetched ({type(trouble).__name__}); nothing was changed. Try again."
            ) from trouble
        if status != 200:
            raise BillNotAvailable(f"The bill could not be fetched (HTTP {status}); nothing was changed. Try again.")
        return self.read_bill(day=day, content=content)

    def read_bill(self, *, day: date, content: bytes) -> Bill:
        """Return the bill in a file that somebody downloaded from Alipay; raises BillMalformed."""
        return read_bill_file(day=day, content=content, seller_id=self._settings.seller_id)

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        """Check and read a notice; raises NoticeRefused."""
        return read_alipay_notice(message=message, settings=self._settings, now=now, real_now=self._real_clock())

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return the answer that stops Alipay from sending a notice again: literally `success`."""
        return 200, "text/plain; charset=utf-8", b"success"

    def notice_refused(self, *, status: int) -> tuple[int, str, bytes]:
        """Return the answer after which Alipay sends a notice again."""
        return status, "text/plain; charset=utf-8", b"failure"

    def _signed(self, method: str, content: Mapping[str, object], **more: str) -> dict[str, str]:
        parameters = {
            "app_id": self._settings.app_id,
            "method": method,
            "format": "JSON",
            "charset": wire.CHARSET,
            "sign_type": wire.SIGN_TYPE,
            "timestamp": wire.china_text(at=self._real_clock()),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            **more,
        }
        return {**parameters, "sign": wire.sign(key=self._settings.app_key, content=wire.request_text(parameters=parameters))}

    def _ask(self, method: str, content: Mapping[str, object], *, deadline: float | None = None, **more: str) -> Heard | None:
        """Call a method and return its genuine answer; `None` when nothing certain was heard."""
        body = urlencode(self._signed(method, content, **more)).encode()
        deadline = deadline if deadline is not None else time.monotonic() + self.patience
        try:
            status, answer = self._exchange("POST", f"{self._gateway}?charset={wire.CHARSET}", body=body, deadline=deadline)
            if status != 200:
                return None
            return read_heard(node=wire.open_answer(key=self._settings.alipay_key, method=method, body=answer))
        except (httpx.HTTPError, httpx.InvalidURL, wire.AnswerNotBelieved):
            return None

    def _exchange(self, method: str, address: str, *, body: bytes = b"", deadline: float, most: int = LARGEST_ANSWER) -> tuple[int, bytes]:
        left = max(deadline - time.monotonic(), 0.001)
        timeout = httpx.Timeout(**{phase: part * left for phase, part in _PHASES.items()})
        headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={wire.CHARSET}"} if body else {}
        received = bytearray()
        with self._client.stream(method, address, headers=headers, content=body, timeout=timeout) as answer:
            for piece in answer.iter_bytes():
                received += piece
                if len(received) > most or time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer took too long or was too long", request=answer.request)
            return answer.status_code, bytes(received)


def _closed(heard: Heard | None, about: About) -> Evidence:
    if heard is None:
        return about.unknown(reason="no_answer")
    if heard.sub_code == TRADE_NOT_EXIST:
        return about.evidence(status=EvidenceStatus.PROCESSING, reason="payment_not_found", heard=heard)
    if heard.code != SUCCESS:
        return about.unknown(reason=heard.reason, heard=heard)
    told = read_node(heard=heard, shape=Named)
    if told is None or told.out_trade_no != about.number:
        return about.unknown(reason="answer_differs", heard=heard)
    return replace(about.evidence(status=EvidenceStatus.CLOSED, heard=heard), channel_number=told.trade_no or None)
