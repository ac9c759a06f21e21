"""Which notices of Alipay are believed, and what they are about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels import port
from anka.adapters.channels.port import EvidenceStatus, Incoming
from anka.adapters.channels.sandbox_play import ReturnedNotice
from tests.channels.alipay.world import Alipay, a_form, asked_of, fields_of


@pytest.fixture
def notice(alipay: Alipay) -> ReturnedNotice:
    """The notice of a payment of 100.00."""
    return alipay.decide(alipay.an_open_payment())[0]


def test_a_payment_is_told(alipay: Alipay) -> None:
    number = alipay.an_open_payment()
    (told,) = alipay.decide(number)

    notice = alipay.read(told)
    assert (notice.kind, notice.number, notice.payment_number) == ("payment.paid", number, number)
    assert (notice.evidence.status, notice.evidence.amount_minor, notice.evidence.currency) == (EvidenceStatus.SUCCEEDED, 10_000, "CNY")
    assert notice.evidence.channel_number == alipay.ask(number).channel_number
    assert notice.evidence.occurred_at == alipay.ask(number).occurred_at
    assert abs(alipay.world.real() - notice.sent_at) < timedelta(seconds=1)
    assert alipay.read(alipay.decide(number)[0]).event_id == notice.event_id
    assert alipay.channel.notice_accepted() == (200, "text/plain; charset=utf-8", b"success")
    assert alipay.channel.notice_refused(status=401)[2] != b"success"


@pytest.mark.parametrize(
    ("fields", "kind", "status"),
    [
        ({}, "payment.paid", EvidenceStatus.SUCCEEDED),
        ({"refund_fee": "0.00"}, "payment.paid", EvidenceStatus.SUCCEEDED),
        ({"refund_fee": ""}, "payment.paid", EvidenceStatus.SUCCEEDED),
        ({"refund_fee": "0.01"}, "refund.hint", EvidenceStatus.UNKNOWN),
        ({"gmt_refund": "2026-03-02 17:00:00.123"}, "refund.hint", EvidenceStatus.UNKNOWN),
        ({"refund_fee": "odd"}, "refund.hint", EvidenceStatus.UNKNOWN),
        ({"trade_status": "TRADE_FINISHED"}, "payment.paid", EvidenceStatus.SUCCEEDED),
        ({"trade_status": "TRADE_FINISHED", "refund_fee": "1.00"}, "nothing", EvidenceStatus.PROCESSING),
        ({"trade_status": "WAIT_BUYER_PAY"}, "nothing", EvidenceStatus.PROCESSING),
        ({"trade_status": "TRADE_CLOSED"}, "payment.closed", EvidenceStatus.CLOSED),
        ({"trade_status": "TRADE_CLOSED", "refund_fee": "100.00"}, "refund.hint", EvidenceStatus.UNKNOWN),
        ({"notify_type": "open_app_auth_notify"}, "nothing", EvidenceStatus.PROCESSING),
    ],
    ids=str,
)
def test_what_a_notice_is_about(alipay: Alipay, notice: ReturnedNotice, fields: dict[str, str], kind: str, status: EvidenceStatus) -> None:
    read = alipay.read(alipay.resigned(notice, **fields))

    assert (read.kind, read.evidence.status) == (kind, status)


def test_a_partial_refund_says_trade_success_again_and_a_full_one_trade_closed(alipay: Alipay) -> None:
    number = alipay.a_paid_payment()
    told = []
    for amount_minor in (4_000, 6_000):
        request = alipay.refund_request(number, amount_minor=amount_minor)
        alipay.submit(request)
        told += alipay.decide_refund(request.refund_number)

    said = [(fields["trade_status"], fields["total_amount"], fields["refund_fee"]) for fields in map(fields_of, told)]
    assert said == [("TRADE_SUCCESS", "100.00", "40.00"), ("TRADE_CLOSED", "100.00", "100.00")]
    assert [(alipay.read(one).kind, alipay.read(one).number) for one in told] == [("refund.hint", number)] * 2
    assert len({alipay.read(one).event_id for one in told}) == 2


@pytest.mark.parametrize("outcome", ["closed", "abnormal"])
def test_alipay_says_nothing_of_refunds_that_did_not_happen(alipay: Alipay, outcome: str) -> None:
    request = alipay.refund_request(alipay.a_paid_payment())
    alipay.submit(request)

    assert alipay.decide_refund(request.refund_number, outcome) == []


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        ("forged", port.NoticeBadSignature),
        ("replayed", port.NoticeTooOld),
        ({"fault": "replayed", "seconds": 30 * 86_400}, port.NoticeTooOld),
        ("reflected", port.NoticeWrongPurpose),
    ],
    ids=str,
)
def test_attacks_are_refused(alipay: Alipay, fault: Any, refusal: type[port.NoticeRefused]) -> None:
    number = alipay.an_open_payment()
    (told,) = alipay.decide(number, "paid", fault)

    with pytest.raises(refusal):
        alipay.read(told)
    assert alipay.ask(number).status is EvidenceStatus.PROCESSING


def test_a_wrong_amount_and_another_order_are_told_as_said(alipay: Alipay) -> None:
    number, other = alipay.an_open_payment(), alipay.a_number()

    assert alipay.read(alipay.decide(number, "paid", "wrong_amount")[0]).evidence.amount_minor == 1
    assert alipay.read(alipay.decide(number, "paid", {"fault": "other_order", "number": other})[0]).number == other


def test_our_own_request_is_no_notice_even_with_our_key_in_the_wrong_place(alipay: Alipay) -> None:
    asked = asked_of(alipay.start()[1].cashier_url)
    confused = alipay.with_settings(alipay_key=alipay.settings.app_key.public_key())
    try:
        for fields in (asked, {**asked, "notify_time": "2026-03-02 17:00:00", "trade_status": "TRADE_SUCCESS"}):
            with pytest.raises(port.NoticeWrongPurpose):
                confused.read_notice(message=a_form(fields), now=alipay.world.now())
        without = {name: value for name, value in asked.items() if name not in {"method", "biz_content"}}
        with pytest.raises(port.NoticeBadSignature):
            confused.read_notice(message=a_form(without), now=alipay.world.now())
    finally:
        confused.close_connections()


@pytest.mark.parametrize(
    ("age", "taken"),
    [
        (timedelta(0), True),
        (timedelta(hours=25, minutes=5), True),
        (wire.NOTICE_LIVES, True),
        (wire.NOTICE_LIVES + timedelta(seconds=1), False),
        (timedelta(days=30), False),
        (-wire.AHEAD, True),
        (-wire.AHEAD - timedelta(seconds=1), False),
    ],
    ids=str,
)
def test_a_repetition_of_25_hours_is_taken_and_one_of_30_days_is_not(
    alipay: Alipay, notice: ReturnedNotice, age: timedelta, taken: bool
) -> None:
    alipay.world.real.at = alipay.world.real.at.replace(microsecond=0)
    message = alipay.resigned(notice, notify_time=wire.china_text(at=alipay.world.real() - age))

    if taken:
        assert alipay.read(message).kind == "payment.paid"
    else:
        with pytest.raises(port.NoticeTooOld):
            alipay.read(message)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"app_id": "2021000000009999"}, port.NoticeUnknownMerchant),
        ({"seller_id": "2088000000009999"}, port.NoticeUnknownMerchant),
        ({"seller_id": ""}, port.NoticeUnknownMerchant),
        ({"sign_type": "RSA"}, port.NoticeBadSignature),
        ({"charset": "GBK"}, port.NoticeMalformed),
        ({"trade_status": "TRADE_ODD"}, port.NoticeMalformed),
        ({"total_amount": "-1.00"}, port.NoticeMalformed),
        ({"total_amount": ""}, port.NoticeMalformed),
        ({"trade_no": ""}, port.NoticeMalformed),
        ({"out_trade_no": ""}, port.NoticeMalformed),
        ({"notify_id": ""}, port.NoticeMalformed),
        ({"notify_time": "yesterday"}, port.NoticeMalformed),
        ({"notify_time": ""}, port.NoticeMalformed),
    ],
    ids=str,
)
def test_signed_and_yet_not_for_us_or_no_notice(
    alipay: Alipay, notice: ReturnedNotice, changes: dict[str, str], refusal: type[port.NoticeRefused]
) -> None:
    with pytest.raises(refusal):
        alipay.read(alipay.resigned(notice, **changes))


def test_without_a_seller_nobody_is_asked_for_one(alipay: Alipay, notice: ReturnedNotice) -> None:
    any_seller = alipay.with_settings(seller_id="")
    try:
        message = alipay.resigned(notice, seller_id="2088000000009999")
        assert any_seller.read_notice(message=message, now=alipay.world.now()).kind == "payment.paid"
    finally:
        any_seller.close_connections()


def test_every_field_is_signed(alipay: Alipay, notice: ReturnedNotice) -> None:
    fields = fields_of(notice)
    alipay.read(a_form(fields))
    for name in fields.keys() - {"sign", "sign_type"}:
        for tampered in (
            {**fields, name: fields[name] + "1"},
            {known: value for known, value in fields.items() if known != name},
        ):
            with pytest.raises((port.NoticeBadSignature, port.NoticeMalformed)):
                alipay.read(a_form(tampered))
    with pytest.raises(port.NoticeBadSignature):
        alipay.read(a_form({**fields, "refund_fee": "1.00"}))


def test_what_is_no_form_is_malformed(alipay: Alipay, notice: ReturnedNotice) -> None:
    genuine = notice.incoming
    others = (
        replace(genuine, method="GET"),
        replace(genuine, body=genuine.body + b"&total_amount=1.00"),
        replace(genuine, body=genuine.body + b"&x=" + b"1" * 70_000),
        replace(genuine, body=b"\xff"),
        replace(genuine, body=b"a=%ff"),
        replace(genuine, body=b""),
        replace(genuine, body=b"&".join(b"f%d=1" % number for number in range(200))),
        Incoming(headers={}, body=b'{"trade_status":"TRADE_SUCCESS"}'),
    )
    for message in others:
        with pytest.raises(port.NoticeMalformed):
            alipay.read(message)


def test_the_gateway_sends_again_until_it_hears_success(alipay: Alipay) -> None:
    world = alipay.world
    world.merchant.received()
    number = alipay.an_open_payment()
    for answer in ((200, b"ok"), (500, b"success"), (200, b"success\n")):
        world.merchant.answers.put(answer)
    world.merchant.answers.put((200, b"success"))
    world.press(number, "paid")
    for _ in range(6):
        world.gateway.sender.work_once()
        world.real.tick(60)
    told = world.merchant.received()

    assert len(told) == 4
    messages = [Incoming(headers=one.headers, body=one.body) for one in told]
    assert {alipay.read(message).event_id for message in messages} == {alipay.read(messages[0]).event_id}
    assert len({alipay.read(message).sent_at for message in messages}) == 4
