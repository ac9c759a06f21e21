"""The gateway's side of Alipay (gateway.do, RSA2): checks our signature, shows the cashier, signs what it says, and hands out bills.

A refund's answer says `fund_change` Y only where that very request moved the money at once (the outcome was foretold, or refunds take no
time here); otherwise, and to a repeated request, it says N, and only the query tells.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels.alipay_keys import APP_ID, SELLER_ID, sandbox_keys
from anka.core.clock import Moment
from anka.domain.money import format_amount
from anka.sandbox.bills import day_is_over
from anka.sandbox.exchange import Refused, Reply, Request
from anka.sandbox.notices import Draft
from anka.sandbox.protocols.alipay_answers import (
    Content,
    SignedWrongly,
    Signer,
    named_in,
    read_content,
    read_parameters,
    refusal,
    sum_in,
)
from anka.sandbox.protocols.alipay_bills import write_bill
from anka.sandbox.protocols.alipay_notices import AlipayNotices
from anka.sandbox.protocols.base import Outgoing, RefundOrder, Setup, Told, Wanted
from anka.sandbox.refunds import RefundNotFound

CURRENCY = "CNY"
BILL_LIVES = timedelta(seconds=30)
UNPAID_LIVES = timedelta(days=15)
PAGES = frozenset({"alipay.trade.page.pay", "alipay.trade.wap.pay"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request signed by the application: its parameters, what it is about, and the address it was sent to."""

    parameters: Mapping[str, str]
    content: Content
    host: str
    moment: Moment


Handler = Callable[[Asked], tuple[Content, bool]]


class BillAddressRefused(Refused):
    """The address of a bill is not ours, or older than thirty seconds."""

    code = "bill_address_refused"
    status = 403


class PageRefused(Refused):
    """A page to pay at lacks something or was not signed by the application."""

    code = "invalid_parameter"
    status = 400


class AlipayProtocol:
    """Answers the adapter for Alipay, and whoever else speaks as it does."""

    code = "alipay"
    prefix = "/alipay"

    def __init__(self, setup: Setup) -> None:
        """Read or make the keys; raises PretendedKeysUnreadable, OSError."""
        keys = sandbox_keys(home=setup.home)
        self._core = setup.core
        self._app_key = keys.app_key.public_key()
        self._alipay_key = keys.alipay_key
        self._signer = Signer(key=keys.alipay_key)
        self._notices = AlipayNotices(signer=self._signer)
        self._methods: dict[str, Handler] = {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._refund_query,
            "alipay.data.dataservice.bill.downloadurl.query": self._bill_address,
        }

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer one request. Raises HungUp, Refused."""
        if request.path == "/bill.zip":
            return self._bill(request, moment)
        parameters = read_parameters(request=request)
        method = parameters.get("method", "")
        try:
            self._check(parameters)
            content = read_content(parameters=parameters)
        except SignedWrongly as wrong:
            if method in PAGES:
                raise PageRefused(f"Nothing was charged: {wrong}.") from wrong
            # Whoever cannot sign gets no signature back.
            return self._signer.reply(method=method, node=refusal(code="40002", sub_code=wrong.sub_code), signature="")
        asked = Asked(parameters=parameters, content=content, host=request.headers.get("host", ""), moment=moment)
        if method in PAGES:
            return self._page(asked)
        node, forged = self._handled(method, asked)
        return self._signer.signed(method=method, node=node, forged=forged)

    def _handled(self, method: str, asked: Asked) -> tuple[Content, bool]:
        handler = self._methods.get(method)
        if handler is None:
            return refusal(code="40002", sub_code="isv.invalid-method"), False
        try:
            return handler(asked)
        except Refused as refused:
            if refused.status >= 500:
                raise
            return refusal(code="40004", sub_code=_SUB_CODES.get(refused.code, "ACQ.INVALID_PARAMETER")), False

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return a notice as Alipay writes it; None for what Alipay sends no notice of."""
        return self._notices.written(draft=draft, moment=moment)

    def accepts(self, *, status: int, body: bytes) -> bool:
        """Tell whether the merchant said `success`, and nothing else."""
        return status == 200 and body == b"success"

    def _check(self, parameters: Mapping[str, str]) -> None:
        if parameters.get("app_id") != APP_ID:
            raise SignedWrongly("isv.invalid-app-id")
        try:
            wire.read_china_text(text=parameters.get("timestamp", ""))
        except ValueError as reason:
            raise SignedWrongly("isv.invalid-timestamp") from reason
        if parameters.get("sign_type") != wire.SIGN_TYPE:
            raise SignedWrongly("isv.invalid-signature-type")
        text = wire.request_text(parameters=parameters)
        if not wire.is_signed(key=self._app_key, content=text, signature=parameters.get("sign", "")):
            raise SignedWrongly("isv.invalid-signature")

    def _wanted(self, asked: Asked) -> Wanted:
        parameters, content, moment = asked.parameters, asked.content, asked.moment
        expires_at = content.get("time_expire")
        notify_url = parameters.get("notify_url", "")
        return Wanted(
            number=named_in(content, "out_trade_no"),
            amount_minor=sum_in(content, "total_amount"),
            currency=CURRENCY,
            subject=named_in(content, "subject"),
            expires_at=_time(str(expires_at)) if expires_at else moment.now + UNPAID_LIVES,
            notify_url=notify_url,
            return_url=parameters.get("return_url") or "{0.scheme}://{0.netloc}/".format(urlsplit(notify_url)),
            request=urlencode(parameters),
            transaction_number=f"{moment.now.astimezone(wire.CHINA):%Y%m%d}22001{secrets.randbelow(10**15):015}",
        )

    def _page(self, asked: Asked) -> Reply:
        payment = self._core.register(wanted=self._wanted(asked), moment=asked.moment)
        return Reply(status=302, body=b"", headers={"Location": self._core.cashier_url(number=payment.number)})

    def _precreate(self, asked: Asked) -> tuple[Content, bool]:
        told = self._core.start(wanted=self._wanted(asked), moment=asked.moment)
        if told.status == "paid":
            return refusal(code="40004", sub_code="ACQ.TRADE_HAS_SUCCESS"), told.forged
        return _success(out_trade_no=told.number, qr_code=self._core.cashier_url(number=told.number)), told.forged

    def _query(self, asked: Asked) -> tuple[Content, bool]:
        told = self._core.query_payment(number=named_in(asked.content, "out_trade_no"), moment=asked.moment)
        payment = self._core.payment(number=told.number)
        paid = told.status == "paid"
        total = format_amount(amount_minor=told.amount_minor, currency=CURRENCY)
        node = _success(
            buyer_logon_id="pay***@example.com",
            buyer_user_id="2088000000000002",
            out_trade_no=told.number,
            trade_no=told.transaction,
            total_amount=total,
            receipt_amount=total if paid else "0.00",
            buyer_pay_amount=total if paid else "0.00",
            trade_status=self._trade_status(told),
        )
        if paid:
            node |= {"send_pay_date": wire.china_text(at=payment.changed_at)}
        return node, told.forged

    def _trade_status(self, told: Told) -> str:
        if told.status != "paid":
            return "TRADE_CLOSED" if told.status == "closed" else "WAIT_BUYER_PAY"
        back = sum(refund.amount_minor for refund in self._core.refunds_of(payment_number=told.number) if refund.status == "succeeded")
        return "TRADE_CLOSED" if back >= told.payment_minor else "TRADE_SUCCESS"

    def _close(self, asked: Asked) -> tuple[Content, bool]:
        told = self._core.close(number=named_in(asked.content, "out_trade_no"), moment=asked.moment)
        if told.status != "closed":
            return refusal(code="40004", sub_code="ACQ.TRADE_STATUS_ERROR"), told.forged
        return _success(out_trade_no=told.number, trade_no=told.transaction), told.forged

    def _refund(self, asked: Asked) -> tuple[Content, bool]:
        payment_number = named_in(asked.content, "out_trade_no")
        # Without a number of its own a refund has the payment's, and there can be only one.
        number = str(asked.content.get("out_request_no") or payment_number)
        order = RefundOrder(
            payment_number=payment_number, refund_number=number, amount_minor=sum_in(asked.content, "refund_amount"), currency=CURRENCY
        )
        told = self._core.submit_refund(order=order, moment=asked.moment)
        if told.status in _REFUSED:
            return refusal(code="40004", sub_code=_REFUSED[told.status]), told.forged
        changed = told.status == "accepted" and self._is_due(payment_number, number, asked.moment)
        node = _success(
            buyer_logon_id="pay***@example.com",
            fund_change="Y" if changed else "N",
            out_trade_no=payment_number,
            trade_no=told.payment_transaction,
            refund_fee=format_amount(amount_minor=told.refunded_minor, currency=CURRENCY),
        )
        if "refund_detail_item_list" in str(asked.content.get("query_options", "")):
            node |= {"send_back_fee": format_amount(amount_minor=told.amount_minor, currency=CURRENCY)}
        return node, told.forged

    def _is_due(self, payment_number: str, number: str, moment: Moment) -> bool:
        found = (refund for refund in self._core.refunds_of(payment_number=payment_number) if refund.number == number)
        return any(refund.next_status == "succeeded" and refund.next_at is not None and refund.next_at <= moment.now for refund in found)

    def _refund_query(self, asked: Asked) -> tuple[Content, bool]:
        payment_number, number = named_in(asked.content, "out_trade_no"), named_in(asked.content, "out_request_no")
        self._core.payment(number=payment_number)
        try:
            told = self._core.query_refund(number=number, moment=asked.moment)
        except RefundNotFound:
            # The query succeeds and finds nothing: that is how Alipay says so.
            return _success(), False
        if told.payment_number != payment_number or told.status not in _REFUND_STATUSES:
            return _success(), told.forged
        node = _success(
            out_trade_no=told.payment_number,
            trade_no=told.payment_transaction,
            out_request_no=told.number,
            total_amount=format_amount(amount_minor=told.payment_minor, currency=CURRENCY),
            refund_amount=format_amount(amount_minor=told.amount_minor, currency=CURRENCY),
            refund_status=_REFUND_STATUSES[told.status],
        )
        if told.status == "succeeded" and "gmt_refund_pay" in str(asked.content.get("query_options", "")):
            node |= {"gmt_refund_pay": wire.china_text(at=told.occurred_at)}
        return node, told.forged

    def _bill_address(self, asked: Asked) -> tuple[Content, bool]:
        moment = asked.moment
        try:
            day = date.fromisoformat(named_in(asked.content, "bill_date"))
        except (ValueError, Refused):
            return refusal(code="40004", sub_code="isp.bill-date-invalid"), False
        if asked.content.get("bill_type") != "trade" or not day_is_over(day=day, moment=moment):
            return refusal(code="40004", sub_code="isp.bill_not_exist"), False
        until = str(int((moment.real + BILL_LIVES).timestamp()))
        word = wire.sign(key=self._alipay_key, content=_bill_text(day, until))
        query = urlencode({"bizDates": day.isoformat(), "until": until, "sign": word})
        return _success(bill_download_url=f"http://{asked.host}{self.prefix}/bill.zip?{query}"), False

    def _bill(self, request: Request, moment: Moment) -> Reply:
        fields = read_parameters(request=request)
        try:
            day, until = date.fromisoformat(fields.get("bizDates", "")), int(fields.get("until", ""))
        except ValueError as reason:
            raise BillAddressRefused("This is not the address of a bill.") from reason
        ours = wire.is_signed(key=self._alipay_key.public_key(), content=_bill_text(day, fields["until"]), signature=fields.get("sign", ""))
        if not ours or moment.real.timestamp() > until:
            raise BillAddressRefused("This address of a bill is not ours or has expired; ask for a new one.")
        content = write_bill(day=day, rows=self._core.bill(day=day), seller_id=SELLER_ID, moment=moment)
        return Reply(status=200, body=content, content_type="application/zip")


_SUB_CODES = {
    "payment_not_found": "ACQ.TRADE_NOT_EXIST",
    "payment_not_paid": "ACQ.TRADE_STATUS_ERROR",
    "refund_exceeds_payment": "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
    "refund_number_reused": "ACQ.DISCORDANT_REPEAT_REQUEST",
    "payment_number_reused": "ACQ.CONTEXT_INCONSISTENT",
    "out_of_funds": "ACQ.SELLER_BALANCE_NOT_ENOUGH",
}
# What a refund that was decided so answers to whoever submits it (again).
_REFUSED = {"closed": "ACQ.TRADE_NOT_ALLOW_REFUND", "failed": "ACQ.TRADE_NOT_ALLOW_REFUND", "unknown": "ACQ.SYSTEM_ERROR"}
_REFUND_STATUSES: Mapping[str, Literal["REFUND_SUCCESS", "REFUND_PROCESSING"]] = {
    "succeeded": "REFUND_SUCCESS",
    "accepted": "REFUND_PROCESSING",
    "processing": "REFUND_PROCESSING",
    "abnormal": "REFUND_PROCESSING",
}


def _success(**fields: str) -> Content:
    return {"code": "10000", "msg": "Success", **fields}


def _time(text: str) -> datetime:
    try:
        return wire.read_china_text(text=text)
    except ValueError as reason:
        raise PageRefused("Nothing was charged: time_expire is not a time.") from reason


def _bill_text(day: date, until: str) -> bytes:
    return msgspec.json.encode(["bill", day.isoformat(), until])
