"""Notices of WeChat Pay: signed by one of its keys, encrypted for us, about our own merchant number."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from anka.adapters.channels import port, wechat_wire
from anka.adapters.channels.port import EvidenceStatus, Incoming, Notice, NoticeKind
from anka.adapters.channels.wechat_keys import WechatSettings
from anka.adapters.channels.wechat_told import Envelope, NoticeRefund, Payment, Sight, of_payment, of_refund
from anka.adapters.channels.wechat_wire import WireRefused

LARGEST_NOTICE = 65_536
_PAID = "TRANSACTION.SUCCESS"
_REFUND_KINDS: dict[EvidenceStatus, NoticeKind] = {
    EvidenceStatus.SUCCEEDED: "refund.succeeded",
    EvidenceStatus.CLOSED: "refund.closed",
    EvidenceStatus.ABNORMAL: "refund.abnormal",
    EvidenceStatus.FAILED: "refund.failed",
}
# What a notice says outside, and what the refund inside must say then.
_REFUND_EVENTS = {"REFUND.SUCCESS": "SUCCESS", "REFUND.CLOSED": "CLOSED", "REFUND.ABNORMAL": "ABNORMAL"}
_REFUSALS: dict[str, type[port.NoticeRefused]] = {
    wechat_wire.WireMalformed.code: port.NoticeMalformed,
    wechat_wire.WireBadSignature.code: port.NoticeBadSignature,
    wechat_wire.WireTooOld.code: port.NoticeTooOld,
    wechat_wire.NotDecrypted.code: port.NoticeMalformed,
}

Shape = TypeVar("Shape")


def read_notice(*, settings: WechatSettings, message: Incoming, now: datetime, real_now: datetime) -> Notice:
    """Check and read a notice; its age is measured on `real_now`, real time. Raises NoticeRefused."""
    if len(message.body) > LARGEST_NOTICE:
        raise port.NoticeMalformed("the notice is too long")
    if message.headers.get("authorization", "").startswith(wechat_wire.SCHEME):
        raise port.NoticeWrongPurpose("this is a merchant's request, not a notice")
    try:
        sent_at = wechat_wire.verify(keys=settings.platform_keys, headers=message.headers, body=message.body, real_now=real_now)
        envelope = _read(message.body, Envelope)
        plain = _opened(settings=settings, envelope=envelope)
    except WireRefused as refused:
        raise _REFUSALS[refused.code](str(refused)) from refused
    sight = Sight(source="notice", now=now, body=message.body)
    if envelope.event_type == _PAID:
        return _of_payment(settings=settings, envelope=envelope, plain=plain, sight=sight, sent_at=sent_at)
    if envelope.event_type in _REFUND_EVENTS:
        return _of_refund(settings=settings, envelope=envelope, plain=plain, sight=sight, sent_at=sent_at)
    return _no_news(envelope=envelope, sight=sight, sent_at=sent_at)


def _opened(*, settings: WechatSettings, envelope: Envelope) -> bytes:
    resource = envelope.resource
    # An answer to a request is signed like a notice. What tells them apart is that only a notice hides its resource.
    if envelope.resource_type != "encrypt-resource" or resource.algorithm != wechat_wire.CIPHER:
        raise port.NoticeMalformed("the notice does not have the shape of one")
    return wechat_wire.opened(
        api_v3_key=settings.api_v3_key, ciphertext=resource.ciphertext, associated=resource.associated_data, nonce=resource.nonce
    )


def _of_payment(*, settings: WechatSettings, envelope: Envelope, plain: bytes, sight: Sight, sent_at: datetime) -> Notice:
    told = _read(plain, Payment)
    if (told.mchid, told.appid) != (settings.mchid, settings.appid):
        raise port.NoticeUnknownMerchant("this notice is for another merchant")
    evidence = of_payment(told=told, sight=sight)
    if told.trade_state != "SUCCESS" or evidence.status is not EvidenceStatus.SUCCEEDED:
        raise port.NoticeMalformed("the notice says that it was paid, and the payment in it does not")
    return Notice(
        event_id=envelope.id,
        kind="payment.paid",
        number=told.out_trade_no,
        payment_number=told.out_trade_no,
        evidence=evidence,
        sent_at=sent_at,
    )


def _of_refund(*, settings: WechatSettings, envelope: Envelope, plain: bytes, sight: Sight, sent_at: datetime) -> Notice:
    told = _read(plain, NoticeRefund)
    if told.mchid != settings.mchid:
        raise port.NoticeUnknownMerchant("this notice is for another merchant")
    if told.refund_status != _REFUND_EVENTS[envelope.event_type]:
        raise port.NoticeMalformed("the notice says one thing of a refund, and the refund in it another")
    evidence = of_refund(told=told.as_answer(), sight=sight)
    return Notice(
        event_id=envelope.id,
        kind=_REFUND_KINDS[evidence.status],
        number=told.out_refund_no,
        payment_number=told.out_trade_no,
        evidence=evidence,
        sent_at=sent_at,
    )


def _no_news(*, envelope: Envelope, sight: Sight, sent_at: datetime) -> Notice:
    evidence = port.Evidence(
        status=EvidenceStatus.UNKNOWN, number="", source="notice", observed_at=sight.now, digest=sight.digest, reason="no_news"
    )
    return Notice(event_id=envelope.id, kind="nothing", number="", payment_number="", evidence=evidence, sent_at=sent_at)


def _read(body: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as reason:
        raise port.NoticeMalformed("the notice does not have the shape of one") from reason
