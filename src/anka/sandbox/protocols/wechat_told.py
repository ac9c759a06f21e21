"""How the pretended WeChat Pay writes down payments, refunds and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from anka.adapters.channels.wechat_bill import CHINA
from anka.sandbox.exchange import Refused
from anka.sandbox.payments import PaymentMalformed, PaymentNotFound, PaymentNumberReused
from anka.sandbox.protocols.base import Told
from anka.sandbox.refunds import (
    CurrencyDiffers,
    OutOfFunds,
    PaymentNotPaid,
    RefundExceedsPayment,
    RefundNotFound,
    RefundNumberReused,
)

TO_MERCHANT = "商户结算银行账户"
TO_BUYER = "支付用户零钱"

REFUND_STATES = {
    "accepted": "PROCESSING",
    "processing": "PROCESSING",
    "succeeded": "SUCCESS",
    "closed": "CLOSED",
    "abnormal": "ABNORMAL",
    # WeChat has no state for a refund that failed: it closes it, and another can be made.
    "failed": "CLOSED",
}
_PAYMENT_STATES = {
    "open": ("NOTPAY", "订单未支付"),
    # A failed attempt leaves the payment as it was: it can still be paid.
    "failed": ("NOTPAY", "订单未支付"),
    "closed": ("CLOSED", "订单已关闭"),
    "paid": ("SUCCESS", "支付成功"),
}
_REFUSALS: dict[type[Refused], tuple[int, str, str]] = {
    PaymentMalformed: (400, "PARAM_ERROR", "参数错误"),
    PaymentNumberReused: (403, "OUT_TRADE_NO_USED", "商户订单号重复"),
    PaymentNotPaid: (404, "RESOURCE_NOT_EXISTS", "订单不存在或未支付"),
    CurrencyDiffers: (400, "PARAM_ERROR", "币种不一致"),
    RefundNumberReused: (400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"),
    RefundExceedsPayment: (400, "INVALID_REQUEST", "退款金额大于可退金额"),
    RefundNotFound: (404, "RESOURCE_NOT_EXISTS", "退款单不存在"),
    OutOfFunds: (403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起"),
}


class WechatRefused(Exception):
    """The pretended WeChat Pay says no, in its own words; nothing was changed."""

    code = "wechat_refused"
    status = 400

    def __init__(self, *, status: int, code: str, message: str) -> None:
        """Keep status, code and message of the answer."""
        super().__init__(message)
        self.http_status = status
        self.wechat_code = code
        self.message = message


def refusal_of(*, refused: Refused, unknown_payment: str) -> WechatRefused | None:
    """Return how WeChat words a refusal of the gateway; `unknown_payment` is its code for a payment it does not know."""
    if isinstance(refused, PaymentNotFound):
        return WechatRefused(status=404, code=unknown_payment, message="订单不存在")
    told = _REFUSALS.get(type(refused))
    return WechatRefused(status=told[0], code=told[1], message=told[2]) if told else None


def payment_message(*, told: Told, appid: str, mchid: str) -> dict[str, object]:
    """Return a payment as an answer writes it."""
    state, words = _PAYMENT_STATES[told.status]
    if told.status == "paid" and told.refunded_minor:
        state, words = "REFUND", "订单发生过退款"
    message: dict[str, object] = {
        "appid": appid,
        "mchid": mchid,
        "out_trade_no": told.number,
        "trade_state": state,
        "trade_state_desc": words,
    }
    if told.amount_minor:
        message["amount"] = {"total": told.amount_minor, "currency": told.currency}
    if told.status == "paid":
        message |= paid_fields(transaction=told.transaction, trade_type=told.details.get("trade_type", "NATIVE"), paid_at=told.occurred_at)
        message["amount"] = {
            "total": told.amount_minor,
            "payer_total": told.amount_minor,
            "currency": told.currency,
            "payer_currency": told.currency,
        }
    return message


def paid_fields(*, transaction: str, trade_type: str, paid_at: datetime) -> dict[str, object]:
    """Return what is told of a payment only when it was paid."""
    return {
        "transaction_id": transaction,
        "trade_type": trade_type,
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": china(paid_at),
        "payer": {"openid": "sandbox"},
    }


def refund_message(*, told: Told, account: str) -> dict[str, object]:
    """Return a refund as an answer writes it; `account` is where the money arrives."""
    message: dict[str, object] = {
        "refund_id": told.transaction,
        "out_refund_no": told.number,
        "transaction_id": told.payment_transaction,
        "out_trade_no": told.payment_number,
        "channel": "ORIGINAL",
        "user_received_account": account,
        "create_time": china(told.occurred_at),
        "status": REFUND_STATES[told.status],
        "funds_account": "AVAILABLE",
        "amount": {
            **refund_amount(refund=told.amount_minor, total=told.payment_minor),
            "settlement_refund": told.amount_minor,
            "settlement_total": told.payment_minor,
            "discount_refund": 0,
            "currency": told.currency,
        },
    }
    if told.status == "succeeded":
        message["success_time"] = china(told.occurred_at)
    return message


def refund_amount(*, refund: int, total: int) -> dict[str, int]:
    """Return the amounts of a refund that answers and notices have in common."""
    return {"total": total, "refund": refund, "payer_total": total, "payer_refund": refund}


def china(at: datetime) -> str:
    """Return a time as WeChat writes it."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def resource_of_notice(*, facts: Mapping[str, object], appid: str, mchid: str, account: str) -> dict[str, object]:
    """Return what a notice hides, of a payment that was paid or of a refund that came to an end."""
    details = facts.get("details")
    trade_type = str(details.get("trade_type", "NATIVE")) if isinstance(details, dict) else "NATIVE"
    at = datetime.fromisoformat(str(facts["occurred_at"]))
    amount, total = int(str(facts["amount_minor"])), int(str(facts["payment_minor"]))
    if str(facts["type"]).startswith("payment."):
        return {
            "appid": appid,
            "mchid": mchid,
            "out_trade_no": facts["number"],
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "amount": {"total": amount, "payer_total": amount, "currency": facts["currency"], "payer_currency": facts["currency"]},
            **paid_fields(transaction=str(facts["transaction"]), trade_type=trade_type, paid_at=at),
        }
    state = REFUND_STATES[str(facts["type"]).removeprefix("refund.")]
    told: dict[str, object] = {
        "mchid": mchid,
        "out_trade_no": facts["payment_number"],
        "transaction_id": facts["payment_transaction"],
        "out_refund_no": facts["number"],
        "refund_id": facts["transaction"],
        "refund_status": state,
        "user_received_account": account,
        "amount": refund_amount(refund=amount, total=total),
    }
    return {**told, "success_time": china(at)} if state == "SUCCESS" else told
