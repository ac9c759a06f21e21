"""The gateway's side of 易支付 v2: RSA both ways, every message with its time, refunds that can be asked about once they are done.

As the real gateway does it: what it did and knows is signed, most refusals are not. A refund is carried out while the merchant waits and
written down when it is done, so one that is under way is not found. A number that was used before gives the old refund, whatever is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from anka.adapters.channels import epay_wire
from anka.adapters.channels.epay_facts import amount_in
from anka.adapters.channels.epay_keys import sandbox_keys_v2
from anka.adapters.channels.epay_wire import CURRENCY
from anka.core.clock import Moment
from anka.domain.money import format_amount
from anka.sandbox.exchange import Refused, Reply, Request, json_reply
from anka.sandbox.payments import PaymentNotFound
from anka.sandbox.protocols import epay
from anka.sandbox.protocols.base import Core, Draft, Outgoing, RefundOrder, ServerTrouble, Setup, Told
from anka.sandbox.protocols.epay import WORDS, no
from anka.sandbox.refunds import RefundNotFound, RefundNumberReused

_REFUND_STATUSES = {"succeeded": "1", "closed": "0", "abnormal": "0", "failed": "0"}
_NOT_FOUND = {PaymentNotFound: "订单号不存在", RefundNotFound: "退款记录不存在"}
Asked = Mapping[str, str]


class EpayV2Protocol:
    """Speaks v2."""

    code = "epay_v2"
    prefix = "/epay_v2"

    def __init__(self, setup: Setup) -> None:
        """Read the keys; raises OSError, ValueError."""
        self._core: Core = setup.core
        self._keys = sandbox_keys_v2(setup.home)
        self._merchant_key = self._keys.merchant_key.public_key()
        # The nearest stranger is the merchant: whoever mixes up the two keys of the protocol believes this one.
        self._signers: dict[bool, RSAPrivateKey] = {False: self._keys.platform_key, True: self._keys.merchant_key}
        self._routes: dict[str, Callable[[Asked, Moment], Reply]] = {
            "/api/pay/create": self._create,
            "/api/pay/query": self._query,
            "/api/pay/close": self._close,
            "/api/pay/refund": self._refund,
            "/api/pay/refundquery": self._refundquery,
        }

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer a merchant. Raises HungUp, ServerTrouble."""
        route = self._routes.get(request.path)
        if route is None or request.method != "POST":
            return no(-5, "接口方法不存在")
        asked = epay.fields_of(request)
        if asked.get("pid") != self._keys.pid:
            return no(-1, "商户不存在！")
        if not epay_wire.is_fresh(fields=asked, real_now=moment.real):
            return no(-3, "时间戳字段不正确，请检查服务器时间")
        if not epay_wire.rsa_fits(fields=asked, key=self._merchant_key):
            return no(-3, "RSA签名校验失败")
        try:
            return route(asked, moment)
        except ServerTrouble:
            raise
        except Refused as refused:
            return no(-1, _NOT_FOUND.get(type(refused), str(refused)))

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return the notice that a payment was paid, signed now unless the draft says otherwise; v2 tells nothing else."""
        if draft.disguise == "reflected":
            return epay.told_by_get(url=draft.notify_url, query=draft.request)
        if draft.facts["type"] != "payment.paid":
            return None
        details = draft.facts["details"]
        times = {"addtime": str(details.get("addtime", "")) if isinstance(details, Mapping) else "", "buyer": "138****0000"}
        fields = {**epay.notice_fields(draft=draft, pid=self._keys.pid), **times}
        age = timedelta(seconds=draft.age_seconds if draft.disguise == "replayed" else 0)
        signed = epay_wire.rsa_signed(fields=fields, key=self._signers[draft.disguise == "forged"], real_now=moment.real - age)
        return epay.told_by_get(url=draft.notify_url, query=urlencode(signed))

    def accepts(self, *, status: int, body: bytes) -> bool:
        """Tell whether the merchant said the bare word."""
        return epay.accepted(status=status, body=body)

    def _create(self, asked: Asked, moment: Moment) -> Reply:
        if not asked.get("type") or not asked.get("clientip"):
            return no(-1, "支付方式(type)不能为空" if asked.get("clientip") else "用户IP地址(clientip)不能为空")
        told = self._core.start(wanted=epay.wanted_of(asked, moment), moment=moment)
        at_a_desk = asked.get("method") == "web" and asked.get("device", "pc") == "pc"
        where = {"pay_type": "qrcode" if at_a_desk else "jump", "pay_info": self._core.cashier_url(number=told.number)}
        return self._signed({"trade_no": told.transaction, **where}, told, moment)

    def _query(self, asked: Asked, moment: Moment) -> Reply:
        told = self._core.query_payment(number=epay.number_in(asked, core=self._core), moment=moment)
        back = format_amount(amount_minor=told.refunded_minor, currency=CURRENCY)
        return self._signed({**epay.order_fields(told=told, pid=self._keys.pid), "refundmoney": back}, told, moment)

    def _close(self, asked: Asked, moment: Moment) -> Reply:
        told = self._core.close(number=epay.number_in(asked, core=self._core), moment=moment)
        return self._signed({}, told, moment) if told.status == "closed" else no(-1, "该订单已支付，无法关闭")

    def _refund(self, asked: Asked, moment: Moment) -> Reply:
        amount_minor, refund_number = amount_in(text=asked.get("money", "")), asked.get("out_refund_no", "")
        if not amount_minor or len(refund_number) < 6:
            return no(-1, "金额输入错误")
        try:
            number = epay.number_in(asked, core=self._core)
            order = RefundOrder(payment_number=number, refund_number=refund_number, amount_minor=amount_minor, currency=CURRENCY)
            told = self._core.submit_refund(order=order, moment=moment)
        except RefundNumberReused:
            told = self._core.query_refund(number=refund_number, moment=moment)
        except tuple(WORDS) as refused:
            return self._refused(WORDS[type(refused)], moment)
        return self._signed(_refund_fields(told), told, moment)

    def _refundquery(self, asked: Asked, moment: Moment) -> Reply:
        told = self._core.query_refund(number=asked.get("out_refund_no", ""), moment=moment)
        status = _REFUND_STATUSES.get(told.status)
        if status is None:
            raise RefundNotFound("It is not written down yet.")
        at = epay.china(told.occurred_at)
        return self._signed({**_refund_fields(told), "status": status, "addtime": at, "endtime": at}, told, moment)

    def _refused(self, words: str, moment: Moment) -> Reply:
        # What the refund itself decides is signed, unlike what stands before it.
        signed = epay_wire.rsa_signed(fields={"code": "-1", "msg": words}, key=self._keys.platform_key, real_now=moment.real)
        return json_reply(status=200, message={**signed, "code": -1})

    def _signed(self, fields: Mapping[str, str], told: Told, moment: Moment) -> Reply:
        whole = {"code": "0", "msg": "succ", **{name: value for name, value in fields.items() if value}}
        signed = epay_wire.rsa_signed(fields=whole, key=self._signers[told.forged], real_now=moment.real)
        return json_reply(status=200, message={**signed, "code": 0})


def _refund_fields(told: Told) -> dict[str, str]:
    money = format_amount(amount_minor=told.amount_minor, currency=CURRENCY)
    return {
        "refund_no": told.transaction,
        "out_refund_no": told.number,
        "trade_no": told.payment_transaction,
        "out_trade_no": told.payment_number,
        "money": money,
        "reducemoney": money,
    }
