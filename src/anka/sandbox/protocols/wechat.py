"""WeChat Pay, API v3, as the gateway pretends it: it checks our signatures, signs its answers and notices, and encrypts what is in them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec

from anka.adapters.channels import wechat_wire
from anka.adapters.channels.wechat_bill import ready_since
from anka.adapters.channels.wechat_keys import SandboxWechat, sandbox_keys
from anka.adapters.channels.wechat_wire import Authorization, WireRefused
from anka.core.clock import Moment
from anka.sandbox.exchange import Refused, Reply, Request
from anka.sandbox.protocols.base import Core, Draft, Outgoing, RefundOrder, Setup, Told, Wanted
from anka.sandbox.protocols.wechat_asked import Close, Mend, Pay, RefundAsked
from anka.sandbox.protocols.wechat_bills import flow_bill, trade_bill
from anka.sandbox.protocols.wechat_told import (
    TO_BUYER,
    TO_MERCHANT,
    WechatRefused,
    payment_message,
    refund_message,
    refusal_of,
    resource_of_notice,
)

PAYMENTS = "/v3/pay/transactions/"
BY_NUMBER = f"{PAYMENTS}out-trade-no/"
REFUNDS = "/v3/refund/domestic/refunds"
ABNORMAL = "/apply-abnormal-refund"
MOST_PARTS = 50
SPACING = timedelta(minutes=1)
WINDOW = timedelta(days=365)

Body = TypeVar("Body")
Result = TypeVar("Result")

_TRADE_TYPES = {"native": "NATIVE", "h5": "MWEB", "jsapi": "JSAPI"}
_EVENTS = {
    "payment.paid": ("TRANSACTION.SUCCESS", "transaction", "支付成功"),
    "refund.succeeded": ("REFUND.SUCCESS", "refund", "退款成功"),
    "refund.closed": ("REFUND.CLOSED", "refund", "退款关闭"),
    "refund.failed": ("REFUND.CLOSED", "refund", "退款关闭"),
    "refund.abnormal": ("REFUND.ABNORMAL", "refund", "退款异常"),
}


class WechatProtocol:
    """Answers whoever speaks WeChat Pay's API v3 as the merchant of this sandbox."""

    code = "wechat"
    prefix = "/wechat"

    def __init__(self, setup: Setup) -> None:
        """Read both sides' keys, made when they are not there yet."""
        self._core: Core = setup.core
        self._keys: SandboxWechat = sandbox_keys(setup.home)
        self._serial = self._keys.settings.platform_serial
        # Which abnormal refunds were sent to the merchant's own account: one empty file each, as the core has no word for it.
        self._returned: Path = setup.home / "sandbox" / "channels" / "wechat-returned"

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer one request whose signature fits. Raises HungUp, ServerTrouble."""
        try:
            self._check(request=request, moment=moment)
        except WechatRefused as refused:
            # Whoever cannot sign gets no signature back.
            return Reply(status=refused.http_status, body=_refusal(refused))
        try:
            reply, is_forged = self._routed(request, moment)
        except WechatRefused as refused:
            reply, is_forged = Reply(status=refused.http_status, body=_refusal(refused)), False
        if request.path == "/v3/billdownload/file" and reply.status == 200:
            # As at WeChat: files are not signed, the answer that named their hash was.
            return reply
        return self._signed(reply, moment, is_forged=is_forged)

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return a notice, or nothing where WeChat sends none: it does not tell of payments that fail or are closed."""
        if draft.disguise == "reflected":
            sent = json.loads(draft.request)
            headers = {"Authorization": sent["authorization"], "Content-Type": "application/json"}
            return Outgoing(method="POST", url=draft.notify_url, headers=headers, body=sent["body"].encode())
        event = _EVENTS.get(str(draft.facts["type"]))
        if event is None:
            return None
        body = self._notice(draft=draft, event=event)
        age = draft.age_seconds if draft.disguise == "replayed" else 0
        timestamp = int(moment.real.timestamp()) - age
        headers = self._signature(body, timestamp, is_forged=draft.disguise == "forged")
        return Outgoing(method="POST", url=draft.notify_url, headers={**headers, "Content-Type": "application/json"}, body=body)

    def probe(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return a notice whose signature is wrong on purpose, as WeChat sends them to see whether it is checked."""
        notice = self.written(draft=draft, moment=moment)
        if notice is None:
            return None
        wrong = wechat_wire.PROBE + base64.b64encode(secrets.token_bytes(192)).decode()
        return Outgoing(method="POST", url=notice.url, headers={**notice.headers, "Wechatpay-Signature": wrong}, body=notice.body)

    def accepts(self, *, status: int, body: bytes) -> bool:
        """Tell whether a notice was taken: 200 or 204, whatever the body says."""
        return status in {200, 204}

    def _check(self, *, request: Request, moment: Moment) -> Authorization:
        header = request.headers.get("authorization", "")
        settings = self._keys.settings
        try:
            told = wechat_wire.read_authorization(header=header)
            key = settings.merchant_key.public_key()
            wechat_wire.check_authorization(key=key, told=told, method=request.method, target=request.target, body=request.body)
        except WireRefused as refused:
            raise _sign_error(str(refused)) from refused
        if (told.mchid, told.serial) != (settings.mchid, settings.merchant_serial):
            raise _sign_error("商户号与证书序列号不匹配")
        if abs(moment.real.timestamp() - told.timestamp) > wechat_wire.TOLERANCE_SECONDS:
            raise _sign_error("请求时间戳已过期")
        if not self._core.is_new(nonce=told.nonce, moment=moment):
            raise _sign_error("请求重复")
        return told

    def _signed(self, reply: Reply, moment: Moment, *, is_forged: bool) -> Reply:
        headers = self._signature(reply.body, int(moment.real.timestamp()), is_forged=is_forged)
        return Reply(status=reply.status, body=reply.body, content_type=reply.content_type, headers={**reply.headers, **headers})

    def _signature(self, body: bytes, timestamp: int, *, is_forged: bool) -> dict[str, str]:
        # The merchant's own key is as much a stranger's as any other, and need not be made first.
        key = self._keys.settings.merchant_key if is_forged else self._keys.platform_key
        return wechat_wire.signed_headers(key=key, serial=self._serial, body=body, timestamp=timestamp)

    def _notice(self, *, draft: Draft, event: tuple[str, str, str]) -> bytes:
        settings = self._keys.settings
        hidden = resource_of_notice(
            facts=draft.facts, appid=settings.appid, mchid=settings.mchid, account=self._account(str(draft.facts["number"]))
        )
        sealed = wechat_wire.sealed(api_v3_key=settings.api_v3_key, plain=_json(hidden), associated=event[1])
        return _json(
            {
                "id": draft.facts["event_id"],
                "create_time": draft.facts["occurred_at"],
                "resource_type": "encrypt-resource",
                "event_type": event[0],
                "summary": event[2],
                "resource": {"original_type": event[1], **sealed},
            }
        )

    def _account(self, refund_number: str) -> str:
        return TO_MERCHANT if (self._returned / quote(refund_number, safe="")).exists() else TO_BUYER

    def _routed(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        path, method = request.path, request.method
        routes: tuple[tuple[bool, Callable[[Request, Moment], tuple[Reply, bool]]], ...] = (
            (method == "POST" and path.startswith(BY_NUMBER) and path.endswith("/close"), self._close),
            (method == "GET" and path.startswith(BY_NUMBER), self._query),
            (method == "POST" and path.removeprefix(PAYMENTS) in _TRADE_TYPES, self._start),
            (method == "POST" and path == REFUNDS, self._refund),
            (method == "GET" and path.startswith(f"{REFUNDS}/"), self._query_refund),
            (method == "POST" and path.startswith(f"{REFUNDS}/") and path.endswith(ABNORMAL), self._mend),
            (method == "GET" and path in {"/v3/bill/tradebill", "/v3/bill/fundflowbill"}, self._bill),
            (method == "GET" and path == "/v3/billdownload/file", self._file),
        )
        for fits, handle in routes:
            if fits:
                return handle(request, moment)
        raise WechatRefused(status=404, code="RESOURCE_NOT_EXISTS", message="接口不存在")

    def _start(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        asked, way = _read(request, Pay), request.path.removeprefix(PAYMENTS)
        self._require_merchant(mchid=asked.mchid, appid=asked.appid)
        if (way == "h5" and (asked.scene_info is None or asked.scene_info.h5_info is None)) or (way == "jsapi" and asked.payer is None):
            raise WechatRefused(status=400, code="PARAM_ERROR", message="缺少场景或支付者信息")
        told = self._carried_out(lambda: self._core.start(wanted=_wanted(asked, request, way), moment=moment))
        if told.status in {"paid", "closed"}:
            code, words = ("ORDERPAID", "该订单已支付") if told.status == "paid" else ("ORDER_CLOSED", "该订单已关闭")
            raise WechatRefused(status=400, code=code, message=words)
        address = self._core.cashier_url(number=asked.out_trade_no)
        message = {
            "native": {"code_url": address},
            "h5": {"h5_url": f"{address}?prepay_id={_prepay_id(asked.out_trade_no)}"},
            "jsapi": {"prepay_id": _prepay_id(asked.out_trade_no)},
        }
        return _reply(message[way]), told.forged

    def _query(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        self._require_merchant(mchid=parse_qs(request.query).get("mchid", [""])[0])
        number = unquote(request.path.removeprefix(BY_NUMBER))
        told = self._carried_out(lambda: self._core.query_payment(number=number, moment=moment))
        settings = self._keys.settings
        return _reply(payment_message(told=told, appid=settings.appid, mchid=settings.mchid)), told.forged

    def _close(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        self._require_merchant(mchid=_read(request, Close).mchid)
        number = unquote(request.path.removeprefix(BY_NUMBER).removesuffix("/close"))
        told = self._carried_out(lambda: self._core.close(number=number, moment=moment))
        if told.status == "paid":
            raise WechatRefused(status=400, code="ORDER_PAID", message="订单已支付")
        return Reply(status=204, body=b""), told.forged

    def _refund(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        asked = _read(request, RefundAsked)
        self._require_refundable(asked, moment)
        order = RefundOrder(
            payment_number=asked.out_trade_no,
            refund_number=asked.out_refund_no,
            amount_minor=asked.amount.refund,
            currency=asked.amount.currency,
        )
        told = self._carried_out(lambda: self._core.submit_refund(order=order, moment=moment), unknown_payment="RESOURCE_NOT_EXISTS")
        return self._told_refund(told)

    def _query_refund(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        number = unquote(request.path.removeprefix(f"{REFUNDS}/"))
        return self._told_refund(self._carried_out(lambda: self._core.query_refund(number=number, moment=moment)))

    def _mend(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        asked = _read(request, Mend)
        refund_id = unquote(request.path.removeprefix(f"{REFUNDS}/").removesuffix(ABNORMAL))
        if asked.type == "USER_BANK_CARD":
            self._require_card(asked)
        told = self._carried_out(lambda: self._core.mend_refund(number=asked.out_refund_no, moment=moment))
        if told.transaction != refund_id:
            raise WechatRefused(status=400, code="INVALID_REQUEST", message="退款单号不匹配")
        if asked.type == "MERCHANT_BANK_CARD" and told.status == "processing":
            self._returned.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._returned / quote(asked.out_refund_no, safe="")).touch()
        return self._told_refund(told)

    def _told_refund(self, told: Told) -> tuple[Reply, bool]:
        if told.status == "unknown":
            raise WechatRefused(status=500, code="SYSTEM_ERROR", message="系统异常，请稍后重试")
        return _reply(refund_message(told=told, account=self._account(told.number))), told.forged

    def _require_merchant(self, *, mchid: str, appid: str | None = None) -> None:
        settings = self._keys.settings
        if mchid != settings.mchid or appid not in {None, settings.appid}:
            raise WechatRefused(status=400, code="PARAM_ERROR", message="商户号与公众账号ID不匹配")

    def _require_card(self, asked: Mend) -> None:
        try:
            shown = [wechat_wire.shown_field(key=self._keys.platform_key, text=text) for text in (asked.bank_account, asked.real_name)]
        except WireRefused as refused:
            raise WechatRefused(status=400, code="PARAM_ERROR", message="敏感信息解密失败") from refused
        if not asked.bank_type or not all(shown):
            raise WechatRefused(status=400, code="PARAM_ERROR", message="缺少收款银行卡信息")

    def _require_refundable(self, asked: RefundAsked, moment: Moment) -> None:
        refunds = self._core.refunds_of(payment_number=asked.out_trade_no)
        others = [refund for refund in refunds if refund.number != asked.out_refund_no]
        if len(others) < len(refunds):
            # The same number again is the same refund, whatever the limits say.
            return
        payment = self._carried_out(lambda: self._core.payment(number=asked.out_trade_no), unknown_payment="RESOURCE_NOT_EXISTS")
        if payment.told_minor != asked.amount.total:
            raise WechatRefused(status=400, code="INVALID_REQUEST", message="订单金额与支付时不一致")
        if moment.now - payment.changed_at > WINDOW:
            raise WechatRefused(status=400, code="INVALID_REQUEST", message="订单已超过可退款的最大期限")
        if len(others) >= MOST_PARTS and asked.amount.refund < payment.told_minor:
            raise WechatRefused(status=400, code="INVALID_REQUEST", message="部分退款已超过50次")
        # Closed ones are left out: only when they were closed is known, not when they were asked for.
        if any(refund.status not in {"closed", "failed"} and moment.now - refund.changed_at < SPACING for refund in others):
            raise WechatRefused(status=429, code="FREQUENCY_LIMITED", message="同一笔订单的退款请求间隔需大于1分钟")

    def _carried_out(self, act: Callable[[], Result], *, unknown_payment: str = "ORDER_NOT_EXIST") -> Result:
        try:
            return act()
        except Refused as refused:
            worded = refusal_of(refused=refused, unknown_payment=unknown_payment)
            if worded is None:
                raise
            raise worded from refused

    def _bill(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        asked = {name: values[0] for name, values in parse_qs(request.query).items()}
        day, which = _day(asked.get("bill_date", "")), request.path.rpartition("/")[2]
        if moment.now < ready_since(day=day):
            raise WechatRefused(status=400, code="STATEMENT_CREATING", message="账单生成中")
        content = self._content(which=which, day=day)
        if not content:
            raise WechatRefused(status=400, code="NO_STATEMENT_EXIST", message="请求的账单文件不存在")
        host = request.headers.get("host", "localhost")
        packed = ".GZIP" if asked.get("tar_type") == "GZIP" else ""
        message = {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            "download_url": f"http://{host}{self.prefix}/v3/billdownload/file?token={which}.{day}{packed}",
        }
        return _reply(message), False

    def _file(self, request: Request, moment: Moment) -> tuple[Reply, bool]:
        which, _, rest = parse_qs(request.query).get("token", [""])[0].partition(".")
        word, _, packing = rest.partition(".")
        content = self._content(which=which, day=_day(word))
        packed = gzip.compress(content, mtime=0) if packing == "GZIP" else content
        return Reply(status=200, body=packed, content_type="application/octet-stream"), False

    def _content(self, *, which: str, day: date) -> bytes:
        rows, settings = self._core.bill(day=day), self._keys.settings
        if which != "tradebill":
            return flow_bill(rows=rows)
        return trade_bill(rows=rows, appid=settings.appid, mchid=settings.mchid, way_of=self._way)

    def _way(self, refund_number: str) -> str:
        return "ORIGINAL" if self._account(refund_number) == TO_BUYER else "MERCHANT_BANK_CARD"


def _wanted(asked: Pay, request: Request, way: str) -> Wanted:
    # WeChat is not told where the buyer came from when it is asked for a code: back to the merchant's front page.
    home = urlsplit(asked.notify_url)
    authorization = request.headers["authorization"]
    now = wechat_wire.read_authorization(header=authorization).timestamp
    return Wanted(
        number=asked.out_trade_no,
        amount_minor=asked.amount.total,
        currency=asked.amount.currency,
        subject=asked.description,
        expires_at=asked.time_expire or datetime.fromtimestamp(now, tz=UTC) + timedelta(days=7),
        notify_url=asked.notify_url,
        return_url=f"{home.scheme}://{home.netloc}/",
        request=json.dumps({"authorization": authorization, "body": request.body.decode()}),
        transaction_number=f"4200{secrets.randbelow(10**24):024d}",
        details={"trade_type": _TRADE_TYPES[way]},
    )


def _prepay_id(number: str) -> str:
    return f"wx{hashlib.sha256(number.encode()).hexdigest()[:34]}"


def _read(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(request.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as reason:
        raise WechatRefused(status=400, code="PARAM_ERROR", message=str(reason)) from reason


def _day(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError as reason:
        raise WechatRefused(status=400, code="PARAM_ERROR", message="账单日期格式错误") from reason


def _sign_error(message: str) -> WechatRefused:
    return WechatRefused(status=401, code="SIGN_ERROR", message=message)


def _refusal(refused: WechatRefused) -> bytes:
    return _json({"code": refused.wechat_code, "message": refused.message})


def _json(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _reply(message: Mapping[str, object]) -> Reply:
    return Reply(status=200, body=_json(message))
