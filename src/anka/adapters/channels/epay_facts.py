"""What a 易支付 gateway said, as evidence and notices: the part both versions share once a signature has been checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from anka.adapters.channels import epay_wire, port
from anka.adapters.channels.epay_wire import CURRENCY, FieldsMalformed
from anka.adapters.channels.port import Evidence, EvidenceSource, EvidenceStatus, Incoming, Notice
from anka.domain.money import BadAmount, parse_amount

PAID = "TRADE_SUCCESS"
PAYMENT_STATUSES = {
    "0": EvidenceStatus.PROCESSING,
    "1": EvidenceStatus.SUCCEEDED,
    # Refunded (in part or whole) and frozen: the money had come.
    "2": EvidenceStatus.SUCCEEDED,
    "3": EvidenceStatus.SUCCEEDED,
    # Authorised and not captured.
    "4": EvidenceStatus.PROCESSING,
}
# What only a request of ours carries. With v1 it is signed with the very key that signs notices, and the buyer's browser carries it.
OF_REQUESTS = frozenset({"notify_url", "return_url", "clientip", "device", "method", "sitename", "key", "act", "out_refund_no"})
# What the gateway says before it has done anything about a refund; what begins otherwise may be said after the money has moved.
_CERTAIN_WORDS = ("当前订单不存在", "该订单状态不支持退款", "退款金额不能大于订单金额", "当前支付通道不支持API退款")
_NO_FUNDS = "商户余额不足"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The plain fields of an answer and the SHA-256 (hex) of its bytes."""

    fields: Mapping[str, str]
    digest: str

    def __getitem__(self, name: str) -> str:
        """Return a field, empty where it was not said."""
        return self.fields.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What we asked about and how: our number, the way it came, the time on the instance's clock."""

    number: str
    source: EvidenceSource
    now: datetime

    def unknown(self, reason: str, *, digest: str = "") -> Evidence:
        """Return that nothing certain is known, and why."""
        return self.refused(reason, status=EvidenceStatus.UNKNOWN, digest=digest)

    def refused(self, reason: str, *, status: EvidenceStatus, digest: str) -> Evidence:
        """Return a state without an amount, and why."""
        return Evidence(status=status, number=self.number, source=self.source, observed_at=self.now, reason=reason, digest=digest)

    def told(self, *, status: EvidenceStatus, amount_minor: int, channel_number: str, heard: Heard, at: str = "") -> Evidence:
        """Return a state with its facts; `at` is the gateway's time."""
        return Evidence(
            status=status,
            number=self.number,
            source=self.source,
            observed_at=self.now,
            channel_number=channel_number or None,
            amount_minor=amount_minor,
            currency=CURRENCY,
            occurred_at=epay_wire.china_time(text=at),
            digest=heard.digest,
        )

    def payment(self, *, heard: Heard, pid: str) -> Evidence:
        """Return what an answer to the question about a payment says; one about something else is `unknown`."""
        status = PAYMENT_STATUSES.get(heard["status"])
        amount_minor = amount_in(text=heard["money"])
        if status is None or amount_minor is None:
            return self.unknown("malformed_answer", digest=heard.digest)
        if heard["out_trade_no"] != self.number or heard["pid"] != pid:
            return self.unknown("answer_differs", digest=heard.digest)
        if status == EvidenceStatus.SUCCEEDED and not epay_wire.TRANSACTION.fullmatch(heard["trade_no"]):
            return self.unknown("malformed_answer", digest=heard.digest)
        return self.told(status=status, amount_minor=amount_minor, channel_number=heard["trade_no"], heard=heard, at=heard["endtime"])

    def refusal(self, *, heard: Heard, certain_codes: frozenset[str]) -> Evidence:
        """Return what a refused refund means: no funds, certainly nothing moved, or – "refund failed: time-out" – nobody knows."""
        code, words = heard["code"], heard["msg"].strip()
        if code == "-1" and words.startswith(_NO_FUNDS):
            return self.refused("no_funds", status=EvidenceStatus.WAITING_FUNDS, digest=heard.digest)
        if code in certain_codes or (code == "-1" and words.startswith(_CERTAIN_WORDS)):
            return self.refused("refused", status=EvidenceStatus.FAILED, digest=heard.digest)
        return self.unknown("refused_unclearly", digest=heard.digest)


def amount_in(*, text: str) -> int | None:
    """Return the minor units of an amount the gateway wrote in yuan, or None where it is no amount."""
    try:
        return parse_amount(text=text, currency=CURRENCY)
    except BadAmount:
        return None


def contradicts(*, heard: Heard, expected: Mapping[str, str], amount_minor: int) -> bool:
    """Return whether an answer is about something else than was asked for. Old gateways say hardly anything."""
    other = any(value and heard[name] not in ("", value) for name, value in expected.items())
    return other or ("money" in heard.fields and amount_in(text=heard["money"]) != amount_minor)


def plain_fields(*, message: Incoming) -> dict[str, str]:
    """Return the fields of a message that has the shape of a notice; nothing is verified yet.

    Raises:
        NoticeMalformed: it is no GET with plain fields, or lacks one.
        NoticeWrongPurpose: it has the shape of a request of ours.
    """
    if message.method != "GET":
        raise port.NoticeMalformed("a notice comes as a GET")
    try:
        fields = epay_wire.read_fields(query=message.query)
    except FieldsMalformed as reason:
        raise port.NoticeMalformed(str(reason)) from reason
    if OF_REQUESTS & fields.keys() or not fields.get("trade_status"):
        raise port.NoticeWrongPurpose("this is not a notice, but a request")
    if not fields.get("sign"):
        raise port.NoticeMalformed("a notice is signed")
    return fields


def notice_of(*, fields: Mapping[str, str], message: Incoming, channel: str, sent_at: datetime, now: datetime) -> Notice:
    """Return what genuine fields tell. Only `TRADE_SUCCESS` is news; the same transaction is the same event. Raises NoticeMalformed."""
    number, trade_no, amount_minor = fields.get("out_trade_no", ""), fields.get("trade_no", ""), amount_in(text=fields.get("money", ""))
    if not epay_wire.NUMBER.fullmatch(number) or not epay_wire.TRANSACTION.fullmatch(trade_no) or amount_minor is None:
        raise port.NoticeMalformed("the notice lacks a number or an amount")
    paid = fields["trade_status"] == PAID
    evidence = Evidence(
        status=EvidenceStatus.SUCCEEDED if paid else EvidenceStatus.PROCESSING,
        number=number,
        source="notice",
        observed_at=now,
        channel_number=trade_no,
        amount_minor=amount_minor,
        currency=CURRENCY,
        occurred_at=epay_wire.china_time(text=fields.get("endtime", "")),
        digest=hashlib.sha256(message.query.encode()).hexdigest(),
    )
    return Notice(
        event_id=f"{channel}:{trade_no}:{fields['trade_status'][:32]}",
        kind="payment.paid" if paid else "nothing",
        number=number,
        payment_number=number,
        evidence=evidence,
        sent_at=sent_at,
    )


def check_account(*, fields: Mapping[str, str], pid: str, types: tuple[str, ...]) -> None:
    """Raise NoticeUnknownMerchant or NoticeMalformed unless a notice is for this account and names a way to pay that it uses."""
    if fields.get("pid") != pid:
        raise port.NoticeUnknownMerchant("this notice is for another merchant")
    way = fields.get("type", "")
    if not epay_wire.TYPE.fullmatch(way) or (types and way not in types):
        raise port.NoticeMalformed("the notice names a way to pay that this account does not use")
