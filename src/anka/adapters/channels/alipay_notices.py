"""Alipay's notices (trade_status_sync): whether to believe one, and what it is about.

The same message comes for news of the payment and for news of its refunds, told apart only by `refund_fee` and `gmt_refund`: a partial
refund sends TRADE_SUCCESS once more, a full one TRADE_CLOSED. Neither is a second payment nor an unpaid one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from anka.adapters.channels import port
from anka.adapters.channels.alipay_answers import CURRENCY, read_amount, read_time
from anka.adapters.channels.alipay_settings import AlipaySettings
from anka.adapters.channels.alipay_wire import (
    AHEAD,
    CHARSET,
    NOTICE_LIVES,
    SIGN_TYPE,
    FormMalformed,
    is_signed,
    notice_text,
    read_china_text,
    read_form,
)
from anka.adapters.channels.port import Evidence, EvidenceStatus, Incoming, Notice, NoticeKind

LARGEST_NOTICE = 65_536
# What only we send: a request of ours has these, a notice never.
_OURS = ("method", "biz_content")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    kind: NoticeKind
    status: EvidenceStatus
    reason: str = ""


_PAID = _Meaning(kind="payment.paid", status=EvidenceStatus.SUCCEEDED)
_REFUNDS_CHANGED = _Meaning(kind="refund.hint", status=EvidenceStatus.UNKNOWN, reason="refunds_changed")
_NO_NEWS = _Meaning(kind="nothing", status=EvidenceStatus.PROCESSING)
# By status, and whether anything was refunded before.
_MEANINGS = {
    ("WAIT_BUYER_PAY", False): _NO_NEWS,
    ("TRADE_SUCCESS", False): _PAID,
    ("TRADE_SUCCESS", True): _REFUNDS_CHANGED,
    ("TRADE_CLOSED", False): _Meaning(kind="payment.closed", status=EvidenceStatus.CLOSED),
    ("TRADE_CLOSED", True): _REFUNDS_CHANGED,
    # The first word of a payment where the contract knows no refunds; else the window for refunds has ended, which we knew beforehand.
    ("TRADE_FINISHED", False): _PAID,
    ("TRADE_FINISHED", True): _NO_NEWS,
}


def read_alipay_notice(*, message: Incoming, settings: AlipaySettings, now: datetime, real_now: datetime) -> Notice:
    """Check and read one notice; its age is measured on real time. Raises NoticeRefused."""
    fields = _checked_fields(message, settings)
    sent_at = _checked_time(fields, real_now)
    event_id = _field(fields, "notify_id")
    digest = hashlib.sha256(message.body).hexdigest()
    if fields.get("notify_type") != "trade_status_sync":
        # Genuine, but about something else than money, such as an authorization.
        evidence = Evidence(status=EvidenceStatus.PROCESSING, number="", source="notice", observed_at=now, digest=digest)
        return Notice(event_id=event_id, kind="nothing", number="", payment_number="", evidence=evidence, sent_at=sent_at)
    meaning, number = _meaning(fields), _field(fields, "out_trade_no")
    amount_minor = read_amount(text=_field(fields, "total_amount"))
    if amount_minor is None:
        raise port.NoticeMalformed("total_amount is not an amount")
    evidence = Evidence(
        status=meaning.status,
        number=number,
        source="notice",
        observed_at=now,
        channel_number=_field(fields, "trade_no"),
        amount_minor=amount_minor,
        currency=CURRENCY,
        occurred_at=read_time(text=fields.get("gmt_payment", "")),
        digest=digest,
        reason=meaning.reason,
    )
    return Notice(event_id=event_id, kind=meaning.kind, number=number, payment_number=number, evidence=evidence, sent_at=sent_at)


def _checked_fields(message: Incoming, settings: AlipaySettings) -> dict[str, str]:
    if message.method != "POST" or len(message.body) > LARGEST_NOTICE:
        raise port.NoticeMalformed("a notice is a POST of at most 64 KiB")
    try:
        fields = read_form(text=message.body)
    except FormMalformed as reason:
        raise port.NoticeMalformed(str(reason)) from reason
    if any(name in fields for name in _OURS):
        raise port.NoticeWrongPurpose("this is a request, not a notice")
    if fields.get("charset", CHARSET).lower() != CHARSET:
        raise port.NoticeMalformed("a notice is in UTF-8, as we asked")
    genuine = fields.get("sign_type") == SIGN_TYPE and is_signed(
        key=settings.alipay_key, content=notice_text(parameters=fields), signature=fields.get("sign", "")
    )
    if not genuine:
        raise port.NoticeBadSignature("Alipay did not sign this")
    other_seller = settings.seller_id and fields.get("seller_id") != settings.seller_id
    if fields.get("app_id") != settings.app_id or other_seller:
        raise port.NoticeUnknownMerchant("this notice is for another application or another account")
    return fields


def _checked_time(fields: Mapping[str, str], real_now: datetime) -> datetime:
    try:
        sent_at = read_china_text(text=_field(fields, "notify_time"))
    except ValueError as reason:
        raise port.NoticeMalformed("notify_time is not a time") from reason
    if not -AHEAD <= real_now - sent_at <= NOTICE_LIVES:
        raise port.NoticeTooOld("no notice is sent again for so long")
    return sent_at


def _meaning(fields: Mapping[str, str]) -> _Meaning:
    refunded = read_amount(text=fields.get("refund_fee") or "0") != 0 or bool(fields.get("gmt_refund"))
    meaning = _MEANINGS.get((fields.get("trade_status", ""), refunded))
    if meaning is None:
        raise port.NoticeMalformed("trade_status is none that Alipay has")
    return meaning


def _field(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise port.NoticeMalformed(f"{name} is missing")
    return value
