"""Which messages are taken for notices of WeChat, and which are not, whoever signed them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from anka.adapters.channels import port, wechat_wire
from anka.adapters.channels.port import EvidenceStatus, Incoming
from anka.sandbox.notices import Draft
from tests.channels.wechat.world import NOTIFY, World, a_refund


def a_notice(world: World, *faults: Any) -> Incoming:
    payment, _ = world.start()
    (notice,) = world.play(payment.number, "paid", *faults).notices
    return notice.incoming


def signed(world: World, body: bytes, *, key: RSAPrivateKey | None = None, serial: str = "") -> Incoming:
    """A message with these bytes, signed by WeChat unless another key is given."""
    headers = wechat_wire.signed_headers(
        key=key or world.keys.platform_key,
        serial=serial or world.keys.settings.platform_serial,
        body=body,
        timestamp=int(world.real().timestamp()),
    )
    return Incoming(headers={name.lower(): value for name, value in headers.items()}, body=body)


def a_message(world: World, hidden: Any, **more: Any) -> Incoming:
    """A notice that hides what a test wants, genuinely signed and encrypted."""
    plain = hidden if isinstance(hidden, bytes) else json.dumps(hidden).encode()
    sealed = wechat_wire.sealed(api_v3_key=world.keys.settings.api_v3_key, plain=plain, associated="transaction")
    told = {"id": "EV-1", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource", "resource": sealed}
    return signed(world, json.dumps({**told, **more}).encode())


def paid(world: World, **change: Any) -> dict[str, Any]:
    settings = world.keys.settings
    told: dict[str, Any] = {
        "appid": settings.appid,
        "mchid": settings.mchid,
        "out_trade_no": "WX-NUMBER",
        "transaction_id": "4200",
        "trade_state": "SUCCESS",
        "success_time": "2026-03-02T10:00:00+08:00",
        "amount": {"total": 10_000, "currency": "CNY"},
    }
    return {**told, **change}


def test_a_genuine_notice_is_taken_and_the_controls_below_change_only_one_thing(world: World) -> None:
    assert world.read(a_notice(world)).kind == "payment.paid"
    read = world.read(a_message(world, paid(world)))
    assert (read.number, read.evidence.amount_minor, read.evidence.currency) == ("WX-NUMBER", 10_000, "CNY")
    assert (read.event_id, read.evidence.channel_number, read.evidence.status) == ("EV-1", "4200", EvidenceStatus.SUCCEEDED)


@pytest.mark.parametrize(
    ("fault", "refused"),
    [
        ("forged", port.NoticeBadSignature),
        ({"fault": "replayed", "seconds": 301}, port.NoticeTooOld),
        ("reflected", port.NoticeWrongPurpose),
    ],
)
def test_what_is_not_a_fresh_notice_of_wechat_is_refused(world: World, fault: Any, refused: type[port.NoticeRefused]) -> None:
    with pytest.raises(refused):
        world.read(a_notice(world, fault))


def test_five_minutes_are_believed_in_both_directions(world: World) -> None:
    message = a_notice(world, {"fault": "replayed", "seconds": 299})
    assert world.read(message).kind == "payment.paid"
    world.real.tick(-700)
    with pytest.raises(port.NoticeTooOld):
        world.read(message)


def test_a_notice_that_was_changed_is_refused(world: World) -> None:
    message = a_notice(world)
    with pytest.raises(port.NoticeBadSignature):
        world.read(replace(message, body=message.body.replace(b"TRANSACTION.SUCCESS", b"TRANSACTION.SUCCESs")))
    for name in ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial"):
        word = message.headers[name]
        changed = {**message.headers, name: ("2" if word[0] == "1" else "1") + word[1:]}
        with pytest.raises(port.NoticeBadSignature):
            world.read(replace(message, headers=changed))
        with pytest.raises(port.NoticeRefused):
            world.read(replace(message, headers={key: value for key, value in message.headers.items() if key != name}))


def test_a_notice_signed_in_another_way_is_refused(world: World) -> None:
    message = a_notice(world)
    with pytest.raises(port.NoticeBadSignature):
        world.read(replace(message, headers={**message.headers, "wechatpay-signature-type": "WECHATPAY2-SHA1"}))


def test_a_probe_of_wechat_is_refused_and_the_notice_itself_taken(world: World) -> None:
    draft = Draft(
        notify_url=NOTIFY,
        facts={
            "event_id": "evt_1",
            "type": "payment.paid",
            "number": "WX-NUMBER",
            "payment_number": "WX-NUMBER",
            "transaction": "4200",
            "amount_minor": 10_000,
            "payment_minor": 10_000,
            "currency": "CNY",
            "occurred_at": world.now().isoformat(),
            "details": {},
        },
        due_at=world.real(),
    )
    protocol, moment = world.protocol(), world.gateway.moment()
    for sent, is_probe in ((protocol.probe(draft=draft, moment=moment), True), (protocol.written(draft=draft, moment=moment), False)):
        assert sent is not None
        message = Incoming(headers={name.lower(): value for name, value in sent.headers.items()}, body=sent.body)
        if is_probe:
            with pytest.raises(port.NoticeBadSignature, match="test whether"):
                world.read(message)
        else:
            assert world.read(message).number == "WX-NUMBER"


def test_a_merchants_own_request_signed_with_its_own_key_is_no_notice(world: World) -> None:
    """Even where the merchant's key is used as WeChat's: what we sign is nobody's notice."""
    body = json.dumps(paid(world)).encode()
    with pytest.raises(port.NoticeBadSignature):
        world.read(signed(world, body, key=world.keys.settings.merchant_key))


def test_an_answer_sent_as_a_notice_is_refused_although_wechat_signed_it(world: World) -> None:
    with pytest.raises(port.NoticeMalformed):
        world.read(signed(world, json.dumps(paid(world)).encode()))


@pytest.mark.parametrize("change", [{"mchid": "1900000110"}, {"appid": "wxsomebodyelse"}])
def test_a_notice_for_another_merchant_is_refused(world: World, change: dict[str, str]) -> None:
    with pytest.raises(port.NoticeUnknownMerchant):
        world.read(a_message(world, paid(world, **change)))
    refund = {"mchid": "1900000110", "out_trade_no": "WX-1", "out_refund_no": "WX-R", "refund_id": "5", "refund_status": "SUCCESS"}
    with pytest.raises(port.NoticeUnknownMerchant):
        world.read(a_message(world, {**refund, "amount": {"refund": 1, "total": 1}}, event_type="REFUND.SUCCESS"))


@pytest.mark.parametrize(
    ("hidden", "more"),
    [
        ({"trade_state": "NOTPAY"}, {}),
        ({"trade_state": "REFUND"}, {}),
        ({"amount": None}, {}),
        ({"amount": {"total": 0}}, {}),
        ({"amount": {"total": 100.5}}, {}),
        ({"amount": {"total": -1}}, {}),
        ({"transaction_id": None}, {}),
        ({"success_time": "2026-03-02T10:00:00"}, {}),
        ({}, {"resource_type": "plain"}),
        ({}, {"resource": {"algorithm": "NONE", "ciphertext": "", "nonce": ""}}),
        ({}, {"resource": {"algorithm": "AEAD_AES_256_GCM", "ciphertext": "AAAA", "nonce": "123456789012"}}),
        ({}, {"event_type": "REFUND.SUCCESS"}),
    ],
)
def test_a_notice_that_contradicts_itself_is_refused(world: World, hidden: dict[str, Any], more: dict[str, Any]) -> None:
    with pytest.raises(port.NoticeMalformed):
        world.read(a_message(world, paid(world, **hidden), **more))


def test_what_is_hidden_is_bound_to_its_envelope(world: World) -> None:
    message = a_message(world, paid(world))
    told = json.loads(message.body)
    told["resource"]["associated_data"] = "refund"
    with pytest.raises(port.NoticeMalformed):
        world.read(signed(world, json.dumps(told).encode()))


def test_a_notice_that_says_succeeded_outside_and_abnormal_inside_is_refused(world: World) -> None:
    hidden = {
        "mchid": world.keys.settings.mchid,
        "out_trade_no": "WX-1",
        "out_refund_no": "WX-R",
        "refund_id": "5",
        "refund_status": "ABNORMAL",
        "amount": {"refund": 1, "total": 1},
    }
    assert world.read(a_message(world, hidden, event_type="REFUND.ABNORMAL")).kind == "refund.abnormal"
    with pytest.raises(port.NoticeMalformed):
        world.read(a_message(world, hidden, event_type="REFUND.SUCCESS"))


def test_a_refund_that_arrived_at_the_merchant_is_told_as_failed(world: World) -> None:
    request = a_refund(world.paid())
    world.refunded(request)
    world.play_refund(request.refund_number, "abnormal")
    world.channel.mend_refund(request=request, now=world.now())
    (notice,) = world.play_refund(request.refund_number, "succeeded").notices
    read = world.read(notice.incoming)
    assert (read.kind, read.evidence.status, read.evidence.reason) == ("refund.failed", EvidenceStatus.FAILED, "returned_to_merchant")


def test_genuine_news_about_something_else_is_no_news(world: World) -> None:
    assert world.read(a_message(world, {"anything": 1}, event_type="COUPON.USE")).kind == "nothing"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff\xfe", b'{"id": "1"}', b"x" * 70_000])
def test_what_has_no_shape_is_refused(world: World, body: bytes) -> None:
    with pytest.raises(port.NoticeMalformed):
        world.read(signed(world, body))
    with pytest.raises(port.NoticeMalformed):
        world.read(Incoming(headers={}, body=body))


def test_a_notice_of_another_sum_or_number_is_read_as_it_is(world: World) -> None:
    """Whether it fits is compared where it is known what was asked for."""
    assert world.read(a_notice(world, "wrong_amount")).evidence.amount_minor == 1
    assert world.read(a_notice(world, {"fault": "other_order", "number": "WX-OTHER"})).number == "WX-OTHER"


def test_wechat_tells_nobody_of_payments_that_fail_or_are_closed(world: World) -> None:
    payment, _ = world.start()
    assert world.play(payment.number, "failed").notices == ()
    assert world.play(payment.number, "closed").notices == ()


def test_how_a_notice_is_answered(world: World) -> None:
    status, _, body = world.channel.notice_accepted()
    assert world.protocol().accepts(status=status, body=body)
    for refused in (401, 400, 409, 503):
        status, content_type, body = world.channel.notice_refused(status=refused)
        assert (status, content_type, json.loads(body)["code"]) == (refused, "application/json", "FAIL")
        assert not world.protocol().accepts(status=status, body=body)


def test_a_certificate_is_as_good_as_a_public_key(world: World) -> None:
    serial = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
    message = signed(world, a_message(world, paid(world)).body, serial=serial)
    with pytest.raises(port.NoticeBadSignature):
        world.read(message)
    channel = world.another(platform_keys={serial: world.keys.platform_key.public_key()})
    assert channel.read_notice(message=message, now=world.now()).kind == "payment.paid"
    channel.close_connections()
