"""The adapter for WeChat Pay, API v3, of a merchant of its own.

A time-out, a broken connection, a 5xx, an answer that is not signed by WeChat, or one that tells of another number or sum is `unknown`,
never `failed`. Reference: https://pay.weixin.qq.com/doc/v3/merchant/4012062524
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from anka.adapters.channels import sandbox_wire, wechat_bill, wechat_wire
from anka.adapters.channels.port import (
    Bill,
    BillMalformed,
    BillNotAvailable,
    CloseAnswer,
    Evidence,
    EvidenceSource,
    EvidenceStatus,
    Incoming,
    Manners,
    Notice,
    PaymentNotStarted,
    PaymentRequest,
    RefundRequest,
    Started,
)
from anka.adapters.channels.wechat_bill import CHINA
from anka.adapters.channels.wechat_http import BILL_SECONDS, TOTAL_SECONDS, Heard, NotHeard, Refusal, WechatClient
from anka.adapters.channels.wechat_keys import MERCHANT_BANK_CARD, WechatSettings
from anka.adapters.channels.wechat_notices import read_notice
from anka.adapters.channels.wechat_refusals import certain_refusal
from anka.adapters.channels.wechat_told import Payment, Refund, Sight, nothing_certain, of_payment, of_refund

PAYMENT_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
LONGEST_SUBJECT = 127
JSAPI = "weixin-jsapi:"

_UNKNOWN_PAYMENT = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})
_PAID = frozenset({"ORDER_PAID", "ORDERPAID"})
_CLOSED = frozenset({"ORDER_CLOSED", "ORDERCLOSED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCard:
    """A buyer's debit card, for a refund that cannot go back the way the money came; `bank_type` is WeChat's name of the bank."""

    bank_type: str
    account: str
    holder: str


class _Prepaid(msgspec.Struct, frozen=True):
    code_url: str = ""
    h5_url: str = ""
    prepay_id: str = ""


class _BillPlace(msgspec.Struct, frozen=True):
    hash_type: Literal["SHA1"]
    hash_value: str
    download_url: str


class WechatChannel:
    """WeChat Pay as a payment channel."""

    code = "wechat"

    # How long a call may take, in seconds. A machine under test may be slower than any gateway.
    patience = TOTAL_SECONDS

    def __init__(self, *, settings: WechatSettings, notify_url: str, real_clock: Callable[[], datetime] = sandbox_wire.real_now) -> None:
        """Get ready to call WeChat Pay, which is to send its notices to `notify_url`."""
        self._settings = settings
        self.manners = Manners(asks_to_start=True, mends_abnormal=True, refund_window=settings.refund_window)
        self._notify_url = notify_url
        self._real_clock = real_clock
        self._client = WechatClient(settings=settings, real_clock=real_clock)

    def close_connections(self) -> None:
        """Close the connections to WeChat Pay."""
        self._client.close()

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Open a payment and return where it is paid; raises PaymentNotStarted.

        Inside WeChat with a known `payer_id`: JSAPI, see `jsapi_parameters`. In a phone's browser with a known address: H5, a page that
        comes back to `return_url`. Everywhere else: native, a QR code.
        """
        way = _way(payment)
        self._check(payment=payment, now=now)
        try:
            heard = self._call("POST", f"/v3/pay/transactions/{way}", self._wanted(payment=payment, way=way))
        except NotHeard as silence:
            raise PaymentNotStarted(f"WeChat Pay gave no answer ({silence.reason}). Nothing was charged; try again.") from silence
        if heard.refusal is not None:
            raise PaymentNotStarted(f"WeChat Pay refused ({heard.refusal.code.lower()}). Nothing was charged; choose another way to pay.")
        return self._started(payment=payment, prepaid=_prepaid(heard.body))

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Ask WeChat to take no more money for a payment; one it never heard of cannot be paid either."""
        sight = Sight(source="answer", now=now, body=b"")
        try:
            heard = self._call("POST", f"/v3/pay/transactions/out-trade-no/{_word(number)}/close", {"mchid": self._settings.mchid})
        except NotHeard as silence:
            return CloseAnswer(status="unknown", evidence=nothing_certain(number=number, sight=sight, reason=silence.reason))
        sight = replace(sight, body=heard.body)
        refused = heard.refusal.code if heard.refusal else ""
        if refused in _PAID:
            evidence = replace(self.query_payment(number=number, now=now), source="answer")
            return CloseAnswer(status="paid" if evidence.status is EvidenceStatus.SUCCEEDED else "unknown", evidence=evidence)
        if heard.status == 204 or refused in _CLOSED | _UNKNOWN_PAYMENT:
            reason = "payment_not_found" if refused in _UNKNOWN_PAYMENT else ""
            evidence = replace(nothing_certain(number=number, sight=sight, reason=reason), status=EvidenceStatus.CLOSED)
            return CloseAnswer(status="closed", evidence=evidence)
        unclear = nothing_certain(number=number, sight=sight, reason=refused.lower() or "answer_differs")
        return CloseAnswer(status="unknown", evidence=unclear)

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment. One that WeChat does not know is `processing` with the reason `payment_not_found`."""
        target = f"/v3/pay/transactions/out-trade-no/{_word(number)}?mchid={self._settings.mchid}"
        sight = Sight(source="poll", now=now, body=b"")
        try:
            heard = self._call("GET", target)
        except NotHeard as silence:
            return nothing_certain(number=number, sight=sight, reason=silence.reason)
        sight = replace(sight, body=heard.body)
        if heard.refusal is not None:
            if heard.refusal.code in _UNKNOWN_PAYMENT:
                unknown = nothing_certain(number=number, sight=sight, reason="payment_not_found")
                return replace(unknown, status=EvidenceStatus.PROCESSING)
            return nothing_certain(number=number, sight=sight, reason=heard.refusal.code.lower())
        told = _read(heard.body, Payment)
        if told is None:
            return nothing_certain(number=number, sight=sight, reason="malformed_answer")
        if (told.out_trade_no, told.mchid, told.appid) != (number, self._settings.mchid, self._settings.appid):
            return nothing_certain(number=number, sight=sight, reason="answer_differs")
        return of_payment(told=told, sight=sight)

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund; the same number with the same amount never pays twice. WeChat's 200 says no more than that it was accepted.

        A refusal that seems certain is believed only when WeChat also says that it has no refund of this number.
        """
        message = {
            "out_trade_no": request.payment_number,
            "out_refund_no": request.refund_number,
            "notify_url": self._notify_url,
            "amount": {"refund": request.amount_minor, "total": request.payment_amount_minor, "currency": request.currency},
        }
        evidence, refusal = self._refund("POST", "/v3/refund/domestic/refunds", message, request=request, sight=_seen("answer", now))
        if refusal is None:
            return evidence
        if refusal.code == "NOT_ENOUGH":
            return replace(evidence, status=EvidenceStatus.WAITING_FUNDS)
        certain = certain_refusal(refusal=refusal)
        if certain is None:
            return evidence
        known = self.query_refund(request=request, now=now)
        if known.reason == "refund_not_found":
            return replace(evidence, status=EvidenceStatus.FAILED, reason=certain)
        return replace(known, source="answer")

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask what became of a refund. One WeChat never saw is `unknown` with the reason `refund_not_found`: submit it again."""
        target = f"/v3/refund/domestic/refunds/{_word(request.refund_number)}"
        evidence, refusal = self._refund("GET", target, None, request=request, sight=_seen("poll", now))
        if refusal is not None and refusal.code == "RESOURCE_NOT_EXISTS":
            return replace(evidence, reason="refund_not_found")
        return evidence

    def mend_refund(self, *, request: RefundRequest, now: datetime, bank_card: BankCard | None = None) -> Evidence:
        """Ask WeChat to send an abnormal refund to the buyer's debit card, or else, where configured, to the merchant's bank account.

        A refund that is not abnormal, or not any more, is left alone: what is known of it is returned.
        """
        known = self.query_refund(request=request, now=now)
        if known.status is not EvidenceStatus.ABNORMAL or not known.channel_number:
            return known
        message = self._mending(request=request, bank_card=bank_card)
        if message is None:
            return replace(known, reason="bank_card_needed")
        target = f"/v3/refund/domestic/refunds/{_word(known.channel_number)}/apply-abnormal-refund"
        return self._refund("POST", target, message, request=request, sight=_seen("answer", now))[0]

    def bill(self, *, day: date, now: datetime) -> Bill:
        """Return WeChat's bill of one day in China, from ten o'clock of the next; raises BillNotAvailable or BillMalformed."""
        if now < wechat_bill.ready_since(day=day):
            raise BillNotAvailable(f"WeChat Pay has the bill of {day} from ten o'clock (China) of the next day; nothing was changed.")
        trade = self._file("/v3/bill/tradebill", {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"})
        flow = self._file("/v3/bill/fundflowbill", {"bill_date": day.isoformat(), "account_type": "BASIC", "tar_type": "GZIP"})
        return wechat_bill.joined(day=day, trade=trade, flow=flow)

    def read_bill(self, *, day: date, content: bytes) -> Bill:
        """Return the bill in a file that somebody downloaded, trade or fund flow bill, packed or not; raises BillMalformed."""
        return wechat_bill.read_bill(day=day, content=content)

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        """Check and read a notice; its age is measured on real time. Raises NoticeRefused."""
        return read_notice(settings=self._settings, message=message, now=now, real_now=self._real_clock())

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return the answer that stops WeChat from sending a notice again."""
        return 204, "application/json", b""

    def notice_refused(self, *, status: int) -> tuple[int, str, bytes]:
        """Return the answer to a message that was not taken; WeChat sends it again, fifteen times within a day."""
        return status, "application/json", '{"code":"FAIL","message":"失败"}'.encode()

    def _call(self, method: Literal["GET", "POST"], target: str, message: Mapping[str, object] | None = None) -> Heard:
        return self._client.call(method=method, target=target, message=message, patience=self.patience)

    def _check(self, *, payment: PaymentRequest, now: datetime) -> None:
        if payment.expires_at <= now:
            raise PaymentNotStarted(f"Payment {payment.number} has expired and nothing was charged. Start a new order.")
        if payment.currency != "CNY" or not PAYMENT_NUMBER.fullmatch(payment.number):
            raise PaymentNotStarted("WeChat Pay takes yuan only, and numbers of 6 to 32 characters. Nothing was charged; pay another way.")

    def _wanted(self, *, payment: PaymentRequest, way: str) -> dict[str, object]:
        wanted: dict[str, object] = {
            "appid": self._settings.appid,
            "mchid": self._settings.mchid,
            "description": payment.subject[:LONGEST_SUBJECT],
            "out_trade_no": payment.number,
            "time_expire": payment.expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
            "notify_url": self._notify_url,
            "amount": {"total": payment.amount_minor, "currency": payment.currency},
        }
        if way == "h5":
            wanted["scene_info"] = {"payer_client_ip": payment.payer_address, "h5_info": {"type": "Wap"}}
        if way == "jsapi":
            wanted["payer"] = {"openid": payment.payer_id}
        return wanted

    def _started(self, *, payment: PaymentRequest, prepaid: _Prepaid) -> Started:
        if prepaid.prepay_id:
            return Started(cashier_url=self._jsapi(prepaid.prepay_id), qr_text="")
        if prepaid.h5_url:
            joint = "&" if "?" in prepaid.h5_url else "?"
            return Started(cashier_url=f"{prepaid.h5_url}{joint}{urlencode({'redirect_url': payment.return_url})}", qr_text="")
        # WeChat's own codes begin with weixin: and are of no use to a browser; the sandbox's are addresses of its cashier.
        is_address = prepaid.code_url.startswith(("https://", "http://"))
        return Started(cashier_url=prepaid.code_url if is_address else "", qr_text=prepaid.code_url)

    def _jsapi(self, prepay_id: str) -> str:
        timestamp, nonce, package = str(int(self._real_clock().timestamp())), wechat_wire.new_nonce(), f"prepay_id={prepay_id}"
        lines = (self._settings.appid, timestamp, nonce)
        signature = wechat_wire.signature_of(key=self._settings.merchant_key, lines=lines, body=package.encode())
        parameters = {
            "appId": self._settings.appid,
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": signature,
        }
        return f"{JSAPI}?{urlencode(parameters)}"

    def _refund(
        self, method: Literal["GET", "POST"], target: str, message: Mapping[str, object] | None, *, request: RefundRequest, sight: Sight
    ) -> tuple[Evidence, Refusal | None]:
        number = request.refund_number
        try:
            heard = self._call(method, target, message)
        except NotHeard as silence:
            return nothing_certain(number=number, sight=sight, reason=silence.reason), None
        sight = replace(sight, body=heard.body)
        if heard.refusal is not None:
            return nothing_certain(number=number, sight=sight, reason=heard.refusal.code.lower()), heard.refusal
        told = _read(heard.body, Refund)
        if told is None:
            return nothing_certain(number=number, sight=sight, reason="malformed_answer"), None
        asked = (number, request.payment_number, request.amount_minor, request.payment_amount_minor, request.currency)
        if (told.out_refund_no, told.out_trade_no, told.amount.refund, told.amount.total, told.amount.currency) != asked:
            return nothing_certain(number=number, sight=sight, reason="answer_differs"), None
        return of_refund(told=told, sight=sight), None

    def _mending(self, *, request: RefundRequest, bank_card: BankCard | None) -> dict[str, object] | None:
        if bank_card is not None:
            key = self._settings.platform_keys[self._settings.platform_serial]
            return {
                "out_refund_no": request.refund_number,
                "type": "USER_BANK_CARD",
                "bank_type": bank_card.bank_type,
                "bank_account": wechat_wire.hidden_field(key=key, text=bank_card.account),
                "real_name": wechat_wire.hidden_field(key=key, text=bank_card.holder),
            }
        if self._settings.abnormal_refunds_to == MERCHANT_BANK_CARD:
            return {"out_refund_no": request.refund_number, "type": "MERCHANT_BANK_CARD"}
        return None

    def _file(self, path: str, asked: Mapping[str, str]) -> bytes:
        patience = max(self.patience, BILL_SECONDS)
        try:
            heard = self._client.call(method="GET", target=f"{path}?{urlencode(asked)}", message=None, patience=patience)
            if heard.refusal is not None and heard.refusal.code == "NO_STATEMENT_EXIST":
                # Nothing moved on that day.
                return b""
            place = _read(heard.body, _BillPlace)
            if heard.refusal is not None or place is None:
                reason = heard.refusal.code.lower() if heard.refusal else "malformed_answer"
                raise BillNotAvailable(f"WeChat Pay has no bill of {asked['bill_date']} ({reason}); nothing was changed. Ask again later.")
            content = wechat_bill.unpacked(content=self._client.download(address=place.download_url, patience=patience))
        except NotHeard as silence:
            raise BillNotAvailable(f"WeChat Pay gave no bill of {asked['bill_date']} ({silence.reason}); nothing was changed.") from silence
        # The file itself is not signed, but the answer that named its hash was. SHA-1 is WeChat's choice.
        found = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(found, place.hash_value.lower()):
            raise BillMalformed(f"The bill of {asked['bill_date']} arrived changed. Nothing was taken from it; ask for it again.")
        return content


def jsapi_parameters(*, started: Started) -> dict[str, str] | None:
    """Return what a page inside WeChat gives to `WeixinJSBridge.invoke("getBrandWCPayRequest", …)`, or nothing for another way to pay."""
    if not started.cashier_url.startswith(f"{JSAPI}?"):
        return None
    return dict(parse_qsl(started.cashier_url.removeprefix(f"{JSAPI}?")))


def _way(payment: PaymentRequest) -> Literal["native", "h5", "jsapi"]:
    if payment.device == "wechat" and payment.payer_id:
        return "jsapi"
    if payment.device == "mobile" and payment.payer_address:
        return "h5"
    return "native"


def _prepaid(body: bytes) -> _Prepaid:
    prepaid = _read(body, _Prepaid)
    if prepaid is None or not (prepaid.code_url or prepaid.h5_url or prepaid.prepay_id):
        raise PaymentNotStarted("WeChat Pay answered something else than a payment. Nothing was charged; try again.")
    return prepaid


def _seen(source: EvidenceSource, now: datetime) -> Sight:
    return Sight(source=source, now=now, body=b"")


def _word(number: str) -> str:
    return quote(number, safe="")


_Shape = TypeVar("_Shape")


def _read(body: bytes, shape: type[_Shape]) -> _Shape | None:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
