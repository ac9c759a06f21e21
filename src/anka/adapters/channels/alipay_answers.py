"""What Alipay's answers are evidence of. A number, an amount or a shape that does not fit is `unknown`, never `failed`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import msgspec

from anka.adapters.channels.alipay_wire import read_china_text
from anka.adapters.channels.port import Evidence, EvidenceSource, EvidenceStatus, RefundRequest
from anka.domain.money import BadAmount, parse_amount

CURRENCY = "CNY"
SUCCESS = "10000"
TRADE_NOT_EXIST = "ACQ.TRADE_NOT_EXIST"
OUT_OF_FUNDS = "ACQ.SELLER_BALANCE_NOT_ENOUGH"
LONGEST_REASON = 64
TRADE_STATUSES = {
    "WAIT_BUYER_PAY": EvidenceStatus.PROCESSING,
    "TRADE_SUCCESS": EvidenceStatus.SUCCEEDED,
    "TRADE_FINISHED": EvidenceStatus.SUCCEEDED,
    "TRADE_CLOSED": EvidenceStatus.CLOSED,
}
# Refusals by which Alipay says that this refund cannot be, now or later. They are about the trade as it stands, and a refund of ours that
# was carried out while its answer got lost is part of that: so whoever hears one asks about the refund before believing it.
FINAL_REFUSALS = frozenset(
    {
        TRADE_NOT_EXIST,
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_HAS_CLOSE",
        "ACQ.TRADE_NOT_ALLOW_REFUND",
        "ACQ.NOT_ALLOW_PARTIAL_REFUND",
        "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND",
    }
)
# The trade is past the point where it can be closed: it was paid or closed before.
NOT_CLOSABLE = frozenset({"ACQ.TRADE_STATUS_ERROR", "ACQ.REASON_TRADE_STATUS_INVALID", "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE"})

Node = TypeVar("Node")


class Result(msgspec.Struct, frozen=True):
    """What every answer begins with."""

    code: str
    sub_code: str = ""


class Trade(msgspec.Struct, frozen=True):
    """alipay.trade.query. `send_pay_date` is missing where nothing was ever paid."""

    out_trade_no: str
    trade_no: str
    trade_status: str
    total_amount: str
    send_pay_date: str = ""


class Named(msgspec.Struct, frozen=True):
    """alipay.trade.close and precreate."""

    out_trade_no: str
    trade_no: str = ""
    qr_code: str = ""


class RefundTaken(msgspec.Struct, frozen=True):
    """alipay.trade.refund. `refund_fee` is all that was ever refunded of the trade, `send_back_fee` what this request sent back."""

    out_trade_no: str
    trade_no: str
    refund_fee: str
    fund_change: str = "N"
    send_back_fee: str = ""


class RefundFound(msgspec.Struct, frozen=True):
    """alipay.trade.fastpay.refund.query; all but the code is missing for a refund Alipay knows nothing of."""

    out_trade_no: str = ""
    trade_no: str = ""
    out_request_no: str = ""
    refund_amount: str = ""
    refund_status: str = ""
    gmt_refund_pay: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A genuine answer: its node as it was sent, and the codes in it."""

    node: bytes
    code: str
    sub_code: str

    @property
    def reason(self) -> str:
        """What the answer says went wrong, short enough to be kept."""
        return (self.sub_code or self.code)[:LONGEST_REASON]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is observed: our number, the way it came, and when."""

    number: str
    source: EvidenceSource
    now: datetime

    def evidence(self, *, status: EvidenceStatus, reason: str = "", heard: Heard | None = None) -> Evidence:
        """Return an observation without sums."""
        digest = hashlib.sha256(heard.node).hexdigest() if heard else ""
        return Evidence(status=status, number=self.number, source=self.source, observed_at=self.now, reason=reason, digest=digest)

    def unknown(self, *, reason: str, heard: Heard | None = None) -> Evidence:
        """Return that nothing is known."""
        return self.evidence(status=EvidenceStatus.UNKNOWN, reason=reason, heard=heard)


def read_heard(*, node: bytes) -> Heard | None:
    """Return a genuine answer with its codes, `None` where it has none."""
    try:
        result = msgspec.json.decode(node, type=Result)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Heard(node=node, code=result.code, sub_code=result.sub_code)


def read_node(*, heard: Heard, shape: type[Node]) -> Node | None:
    """Return an answer in the shape its method has, `None` where it does not have it."""
    try:
        return msgspec.json.decode(heard.node, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def payment_evidence(*, heard: Heard | None, about: About) -> Evidence:
    """Return what the answer to alipay.trade.query says of a payment.

    A page that nobody has opened is no trade yet: `processing` with the reason `payment_not_found`. A trade that was paid and given back
    in full is closed, too, with the reason `refunded`: it must not be delivered for.
    """
    if heard is None:
        return about.unknown(reason="no_answer")
    if heard.sub_code == TRADE_NOT_EXIST:
        return about.evidence(status=EvidenceStatus.PROCESSING, reason="payment_not_found", heard=heard)
    if heard.code != SUCCESS:
        return about.unknown(reason=heard.reason, heard=heard)
    trade = read_node(heard=heard, shape=Trade)
    if trade is None:
        return about.unknown(reason="malformed_answer", heard=heard)
    status = TRADE_STATUSES.get(trade.trade_status)
    amount_minor = read_amount(text=trade.total_amount)
    if trade.out_trade_no != about.number or status is None or amount_minor is None:
        return about.unknown(reason="answer_differs", heard=heard)
    refunded = status is EvidenceStatus.CLOSED and trade.send_pay_date
    return replace(
        about.evidence(status=status, reason="refunded" if refunded else "", heard=heard),
        channel_number=trade.trade_no,
        amount_minor=amount_minor,
        currency=CURRENCY,
        occurred_at=read_time(text=trade.send_pay_date),
    )


def submitted_evidence(*, heard: Heard | None, request: RefundRequest, about: About) -> Evidence:
    """Return what the answer to alipay.trade.refund says: success only where `fund_change` is Y, and only of the right sum."""
    if heard is None:
        return about.unknown(reason="no_answer")
    if heard.sub_code == OUT_OF_FUNDS:
        return about.evidence(status=EvidenceStatus.WAITING_FUNDS, reason=heard.reason, heard=heard)
    if heard.code != SUCCESS:
        return about.unknown(reason=heard.reason, heard=heard)
    taken = read_node(heard=heard, shape=RefundTaken)
    if taken is None:
        return about.unknown(reason="malformed_answer", heard=heard)
    total_minor, sent_minor = read_amount(text=taken.refund_fee), read_amount(text=taken.send_back_fee or taken.refund_fee)
    if taken.out_trade_no != request.payment_number or total_minor is None or sent_minor is None:
        return about.unknown(reason="answer_differs", heard=heard)
    if taken.fund_change != "Y":
        return about.evidence(status=EvidenceStatus.PROCESSING, reason="no_fund_change", heard=heard)
    # The sum of all refunds bounds this one from above; what was sent back, where it is told, is this one.
    if total_minor < request.amount_minor or (taken.send_back_fee and sent_minor != request.amount_minor):
        return about.unknown(reason="answer_differs", heard=heard)
    return replace(
        about.evidence(status=EvidenceStatus.SUCCEEDED, heard=heard),
        channel_number=taken.trade_no,
        amount_minor=request.amount_minor,
        currency=CURRENCY,
    )


def found_evidence(*, heard: Heard | None, request: RefundRequest, about: About) -> Evidence:
    """Return what the answer to alipay.trade.fastpay.refund.query says.

    Without `refund_status` the refund was not received or did not succeed: `refund_not_found`, to be submitted again under its number.
    """
    if heard is None:
        return about.unknown(reason="no_answer")
    if heard.sub_code == TRADE_NOT_EXIST:
        return about.unknown(reason="refund_not_found", heard=heard)
    if heard.code != SUCCESS:
        return about.unknown(reason=heard.reason, heard=heard)
    found = read_node(heard=heard, shape=RefundFound)
    if found is None:
        return about.unknown(reason="malformed_answer", heard=heard)
    if not found.out_request_no or found.refund_status in {"", "REFUND_FAIL"}:
        return about.unknown(reason="refund_not_found", heard=heard)
    told = (found.out_trade_no, found.out_request_no, read_amount(text=found.refund_amount))
    if told != (request.payment_number, request.refund_number, request.amount_minor):
        return about.unknown(reason="answer_differs", heard=heard)
    succeeded = found.refund_status == "REFUND_SUCCESS"
    return replace(
        about.evidence(status=EvidenceStatus.SUCCEEDED if succeeded else EvidenceStatus.PROCESSING, heard=heard),
        channel_number=found.trade_no,
        amount_minor=request.amount_minor,
        currency=CURRENCY,
        occurred_at=read_time(text=found.gmt_refund_pay),
    )


def read_amount(*, text: str) -> int | None:
    """Return an amount in 元 as 分, `None` where it is none."""
    try:
        return parse_amount(text=text, currency=CURRENCY)
    except BadAmount:
        return None


def read_time(*, text: str) -> datetime | None:
    """Return when something happened, `None` where Alipay does not say."""
    try:
        return read_china_text(text=text)
    except ValueError:
        return None
