"""The gateway's side of 易支付 v1: MD5 with a shared key, a browser that brings the payment, unsigned answers, refunds without a number.

As the real gateway does it: every call to refund is another refund, it cannot be asked about, and only a payment that was paid is told of.
An answer by a stranger cannot be told by a signature where there is none; here it is the page of some firewall in between.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape
from urllib.parse import parse_qsl, urlencode

from anka.adapters.channels import epay_wire
from anka.adapters.channels.epay_facts import amount_in
from anka.adapters.channels.epay_keys import sandbox_keys
from anka.adapters.channels.epay_wire import CHINA, CURRENCY
from anka.core.clock import Moment
from anka.domain.money import format_amount
from anka.sandbox.exchange import HungUp, Refused, Reply, Request, json_reply
from anka.sandbox.payments import PaymentNotFound
from anka.sandbox.protocols.base import Core, Draft, Outgoing, RefundOrder, ServerTrouble, Setup, Told, Wanted
from anka.sandbox.refunds import OutOfFunds, PaymentNotPaid, RefundExceedsPayment

# The protocol has no end of a payment. The gateway begins a new one under an old number after ten days.
OPEN_FOR = timedelta(days=10)
FIREWALL = Reply(status=200, body="<html><title>访问验证</title></html>".encode(), content_type="text/html; charset=utf-8")
_STRANGERS_KEY = "0" * 32
_LARGEST_BODY = 16_384
# What the real gateway says, word for word: adapters go by it.
WORDS: dict[type[Refused], str] = {
    PaymentNotFound: "当前订单不存在！",
    PaymentNotPaid: "该订单状态不支持退款！",
    RefundExceedsPayment: "退款金额不能超过该订单剩余可退款金额！",
    OutOfFunds: "商户余额不足，请先充值",
}
REFUSED_BY_THE_BANK = "退款失败：渠道返回错误"


class EpayProtocol:
    """Speaks v1."""

    code = "epay"
    prefix = "/epay"

    def __init__(self, setup: Setup) -> None:
        """Read the keys; raises OSError, ValueError."""
        self._core: Core = setup.core
        self._keys = sandbox_keys(setup.home)

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer a browser or a merchant. Raises HungUp, ServerTrouble."""
        asked = fields_of(request)
        act = dict(parse_qsl(request.query)).get("act", "")
        if request.path == "/submit.php":
            return self._submit(asked, moment)
        if request.path == "/mapi.php" and request.method == "POST":
            return self._mapi(asked, moment)
        if request.path == "/api.php" and act == "order":
            return self._order(dict(parse_qsl(request.query)), moment)
        if request.path == "/api.php" and act == "refund" and request.method == "POST":
            return self._refund(asked, moment)
        return no(-5, "No Act!")

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return the notice that a payment was paid: v1 tells nothing else, and has no time that could be old."""
        if draft.disguise == "reflected":
            return told_by_get(url=draft.notify_url, query=draft.request)
        if draft.facts["type"] != "payment.paid":
            return None
        if draft.disguise == "replayed" and not self._is_paid(str(draft.facts["payment_number"])):
            # Nobody has an old notice of money that never came.
            return None
        key = _STRANGERS_KEY if draft.disguise == "forged" else self._keys.key
        fields = notice_fields(draft=draft, pid=self._keys.pid)
        return told_by_get(url=draft.notify_url, query=urlencode(epay_wire.md5_signed(fields=fields, key=key)))

    def accepts(self, *, status: int, body: bytes) -> bool:
        """Tell whether the merchant said the bare word."""
        return accepted(status=status, body=body)

    def _is_paid(self, number: str) -> bool:
        try:
            return self._core.payment(number=number).status == "paid"
        except PaymentNotFound:
            return False

    def _submit(self, asked: Mapping[str, str], moment: Moment) -> Reply:
        refusal = self._refusal(asked)
        if refusal is not None:
            return page(refusal)
        try:
            payment = self._core.register(wanted=wanted_of(asked, moment), moment=moment)
            url = self._core.cashier_url(number=payment.number)
        except Refused as refused:
            return page(str(refused))
        return Reply(status=302, body=b"", content_type="text/html; charset=utf-8", headers={"Location": url})

    def _mapi(self, asked: Mapping[str, str], moment: Moment) -> Reply:
        refusal = self._refusal(asked)
        if refusal is not None:
            return no(-3, refusal)
        if not asked.get("type") or not asked.get("clientip"):
            return no(-1, "支付方式(type)不能为空")
        try:
            told = self._core.start(wanted=wanted_of(asked, moment), moment=moment)
        except ServerTrouble:
            raise
        except Refused as refused:
            return no(-1, str(refused))
        where = "qrcode" if asked.get("device", "pc") == "pc" else "payurl"
        url = self._core.cashier_url(number=told.number)
        return FIREWALL if told.forged else json_reply(status=200, message={"code": 1, "msg": "", "trade_no": told.transaction, where: url})

    def _order(self, asked: Mapping[str, str], moment: Moment) -> Reply:
        if not self._knows(asked):
            return no(-3, "商户密钥错误")
        try:
            told = self._core.query_payment(number=number_in(asked, core=self._core), moment=moment)
        except PaymentNotFound:
            return no(-1, "订单号不存在")
        if told.forged:
            return FIREWALL
        return json_reply(status=200, message={"code": 1, "msg": "succ", **order_fields(told=told, pid=self._keys.pid)})

    def _refund(self, asked: Mapping[str, str], moment: Moment) -> Reply:
        if not self._knows(asked):
            return no(-3, "商户密钥错误")
        amount_minor = amount_in(text=asked.get("money", ""))
        if not amount_minor:
            return no(-1, "金额输入错误")
        try:
            number = number_in(asked, core=self._core)
            # Nothing tells this request from the one before: each is a refund of its own.
            told = self._core.submit_refund(
                order=RefundOrder(
                    payment_number=number, refund_number=f"v1-{secrets.token_hex(8)}", amount_minor=amount_minor, currency=CURRENCY
                ),
                moment=moment,
            )
        except tuple(WORDS) as refused:
            return no(-1, WORDS[type(refused)])
        return FIREWALL if told.forged else self._refunded(told)

    def _refunded(self, told: Told) -> Reply:
        planned = next(refund for refund in self._core.refunds_of(payment_number=told.payment_number) if refund.number == told.number)
        if planned.next_status is None and planned.status == "processing":
            # The bank behind the gateway never answers, so neither does the gateway.
            raise HungUp
        if planned.next_status not in (None, "succeeded") and planned.after_status is None:
            return no(-1, REFUSED_BY_THE_BANK)
        money = format_amount(amount_minor=told.amount_minor, currency=CURRENCY)
        numbers = {"trade_no": told.payment_transaction, "out_trade_no": told.payment_number}
        return json_reply(status=200, message={"code": 1, "msg": f"退款成功！退款金额￥{money}", "money": money, **numbers})

    def _knows(self, asked: Mapping[str, str]) -> bool:
        given = f"{asked.get('pid')}:{asked.get('key')}"
        return hmac.compare_digest(given.encode(), f"{self._keys.pid}:{self._keys.key}".encode())

    def _refusal(self, asked: Mapping[str, str]) -> str | None:
        if asked.get("pid") != self._keys.pid:
            return "商户不存在！"
        return None if epay_wire.md5_fits(fields=asked, key=self._keys.key) else "MD5签名校验失败"


def fields_of(request: Request) -> dict[str, str]:
    """Return what a request says: the form of a POST, else the query."""
    text = request.body[:_LARGEST_BODY].decode("ascii", "replace") if request.method == "POST" else request.query
    return dict(parse_qsl(text, keep_blank_values=True))


def wanted_of(asked: Mapping[str, str], moment: Moment) -> Wanted:
    """Return the payment that signed fields ask for."""
    return Wanted(
        number=asked.get("out_trade_no", ""),
        amount_minor=amount_in(text=asked.get("money", "")) or 0,
        currency=CURRENCY,
        subject=asked.get("name", ""),
        expires_at=moment.now + OPEN_FOR,
        notify_url=asked.get("notify_url", ""),
        return_url=asked.get("return_url", ""),
        request=urlencode(asked),
        transaction_number=f"{moment.now.astimezone(CHINA):%Y%m%d%H%M%S}{secrets.randbelow(10**9):09}",
        details={"type": asked.get("type", ""), "addtime": china(moment.now)},
    )


def number_in(asked: Mapping[str, str], *, core: Core) -> str:
    """Return the merchant's number of the payment a request is about; the gateway's own number goes first. Raises PaymentNotFound."""
    trade_no = asked.get("trade_no", "")
    return core.number_of(transaction=trade_no) if trade_no else asked.get("out_trade_no", "")


def order_fields(*, told: Told, pid: str) -> dict[str, str]:
    """Return a payment as the gateway tells of it: 0 unpaid, 1 paid, 2 paid and then refunded in part or whole."""
    paid = told.status == "paid"
    return {
        "trade_no": told.transaction,
        "out_trade_no": told.number,
        "type": told.details.get("type") or "alipay",
        "pid": pid,
        "addtime": told.details.get("addtime", ""),
        "endtime": china(told.occurred_at) if paid else "",
        "name": told.subject,
        "money": format_amount(amount_minor=told.amount_minor, currency=CURRENCY),
        "status": ("2" if told.refunded_minor else "1") if paid else "0",
    }


def notice_fields(*, draft: Draft, pid: str) -> dict[str, str]:
    """Return what a notice says before it is signed."""
    facts = draft.facts
    details = facts["details"]
    return {
        "pid": pid,
        "trade_no": str(facts["payment_transaction"]),
        "out_trade_no": str(facts["number"]),
        "type": str(details.get("type", "") if isinstance(details, Mapping) else "") or "alipay",
        "name": str(facts["subject"]),
        "money": format_amount(amount_minor=int(str(facts["amount_minor"])), currency=CURRENCY),
        "trade_status": "TRADE_SUCCESS",
    }


def told_by_get(*, url: str, query: str) -> Outgoing:
    """Return a notice that is the query of a GET."""
    return Outgoing(method="GET", url=f"{url}?{query}", headers={}, body=b"")


def accepted(*, status: int, body: bytes) -> bool:
    """Tell whether the merchant said the bare word."""
    return status == 200 and body.strip() == b"success"


def no(code: int, words: str) -> Reply:
    """Return a refusal, which the gateway never signs."""
    return json_reply(status=200, message={"code": code, "msg": words})


def page(words: str) -> Reply:
    """Return a refusal for a browser."""
    return Reply(
        status=200, body=f"<html><meta charset=utf-8><h3>{escape(words)}</h3></html>".encode(), content_type="text/html; charset=utf-8"
    )


def china(moment: datetime) -> str:
    """Return a time as the gateway writes it: China's, without saying so."""
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
