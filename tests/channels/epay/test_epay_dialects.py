"""What gateways of this family really answer, word for word, and what it means: certain, or a person's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from anka.adapters.channels.epay import EpayChannel, EpaySettings
from anka.adapters.channels.epay_v2 import EpayV2Channel, EpayV2Settings
from anka.adapters.channels.port import EvidenceStatus, PaymentNotStarted, PaymentRequest
from tests.channels.epay import signing
from tests.channels.epay.canned import Canned, canned_gateway
from tests.channels.epay.world import AMOUNT, a_refund
from tests.sandbox.world import PATIENCE

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
S = EvidenceStatus


@pytest.fixture(scope="module")
def canned() -> Iterator[Canned]:
    with canned_gateway() as canned:
        yield canned


@pytest.fixture
def v1(canned: Canned) -> Iterator[EpayChannel]:
    canned.answers.clear()
    canned.asked.clear()
    settings = EpaySettings(base_url=canned.address, pid="1001", key=signing.DOCUMENTED_KEY, types=("alipay",), start="mapi")
    channel = EpayChannel(settings=settings, notify_url="https://shop.test/n", real_clock=lambda: NOW)
    channel.patience = PATIENCE
    yield channel
    channel.close_connections()


def said(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, said(code=1, msg="退款成功"), S.SUCCEEDED),
        (200, said(code="1", msg="退款成功"), S.SUCCEEDED),
        (200, said(code=0, msg="退款成功", refund_no="2026112308000012345", out_refund_no="2026112308000012345", money="10"), S.SUCCEEDED),
        (200, said(code=0, msg="退款成功", refund_no="2026112308000012345", money="9.99"), S.UNKNOWN),
        (200, said(code=0, msg="?"), S.UNKNOWN),
        (200, said(code=1, trade_no="1", out_trade_no="Q9-000001"), S.UNKNOWN),
        (200, said(code=-1, msg="商户余额不足，请先充值"), S.WAITING_FUNDS),
        (200, said(code=-1, msg="当前订单不存在！"), S.FAILED),
        (200, said(code=-1, msg="该订单状态不支持退款！"), S.FAILED),
        (200, said(code=-1, msg="退款金额不能大于订单金额"), S.FAILED),
        (200, said(code=-1, msg="该订单已全额退款！"), S.UNKNOWN),
        (200, said(code=-1, msg="退款金额不能超过该订单剩余可退款金额！"), S.UNKNOWN),
        (200, said(code=-1, msg="退款失败：Operation timed out"), S.UNKNOWN),
        (200, said(code=-1, msg="退款失败：当前订单不存在！"), S.UNKNOWN),
        (200, said(code=-2, msg="商户未开启订单退款API接口"), S.FAILED),
        (200, said(code=-3, msg="商户密钥错误"), S.FAILED),
        (200, said(code=-4, msg="未开启商户后台自助退款"), S.FAILED),
        (200, said(msg="?"), S.UNKNOWN),
        (200, b"<html>", S.UNKNOWN),
        (200, b"", S.UNKNOWN),
        (200, b" " * 70_000, S.UNKNOWN),
        (302, b"", S.UNKNOWN),
        (403, said(code=-3), S.UNKNOWN),
        (502, said(code=1), S.UNKNOWN),
    ],
)
def test_an_answer_to_a_refund_of_v1(canned: Canned, v1: EpayChannel, status: int, body: bytes, told: EvidenceStatus) -> None:
    canned.says(status, body)

    evidence = v1.submit_refund(request=a_refund(), now=NOW)

    assert evidence.status is told
    assert (evidence.amount_minor == AMOUNT) == (told is S.SUCCEEDED)
    # Once, whatever is answered: also a redirection is not followed.
    assert canned.asked == ["POST /api.php?act=refund"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, S.SUCCEEDED),
        ({"status": 1, "pid": 1001}, S.SUCCEEDED),
        ({"status": "0", "endtime": None}, S.PROCESSING),
        ({"status": "2"}, S.SUCCEEDED),
        ({"status": "3"}, S.SUCCEEDED),
        ({"status": "4"}, S.PROCESSING),
        ({"status": "9"}, S.UNKNOWN),
        ({"pid": "1002"}, S.UNKNOWN),
        ({"out_trade_no": "Q9-000001"}, S.UNKNOWN),
        ({"money": "x"}, S.UNKNOWN),
        ({"trade_no": ""}, S.UNKNOWN),
        ({"code": -3}, S.UNKNOWN),
        ({"code": -1, "msg": "订单号不存在"}, S.PROCESSING),
    ],
)
def test_an_answer_about_a_payment_of_v1(canned: Canned, v1: EpayChannel, changed: dict[str, object], told: EvidenceStatus) -> None:
    order = {"code": 1, "trade_no": "2026112308000012345", "out_trade_no": "Q1-000001", "pid": "1001", "money": "10.00", "status": "1"}
    canned.says(200, said(**{**order, "endtime": "2026-11-23 16:00:00", **changed}))

    evidence = v1.query_payment(number="Q1-000001", now=NOW)

    assert evidence.status is told
    if told is S.SUCCEEDED:
        assert evidence.occurred_at == NOW


@pytest.mark.parametrize(
    "body", [said(code=1), said(code=1, payurl="javascript:alert(1)"), said(code=1, payurl="/pay/1"), said(code=-1, msg="?"), b"<html>"]
)
def test_no_address_to_pay_at_is_no_start(canned: Canned, v1: EpayChannel, body: bytes) -> None:
    canned.says(200, body)
    payment = PaymentRequest(
        number="Q1-000001", amount_minor=1, currency="CNY", subject="x", expires_at=NOW.replace(hour=9), return_url="https://shop.test/"
    )

    with pytest.raises(PaymentNotStarted):
        v1.start(payment=payment, now=NOW)


def test_a_link_of_an_application_is_an_address(canned: Canned, v1: EpayChannel) -> None:
    canned.says(200, said(code=1, trade_no="1", urlscheme="weixin://dl/business/?ticket=xxx"))
    payment = PaymentRequest(
        number="Q1-000001", amount_minor=1, currency="CNY", subject="x", expires_at=NOW.replace(hour=9), return_url="https://shop.test/"
    )

    assert v1.start(payment=payment, now=NOW).cashier_url == "weixin://dl/business/?ticket=xxx"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, S.SUCCEEDED),
        ({"status": "0"}, S.FAILED),
        ({"status": "2"}, S.PROCESSING),
        ({"money": "9.99"}, S.UNKNOWN),
        ({"money": ""}, S.UNKNOWN),
        ({"out_refund_no": "R-000009"}, S.UNKNOWN),
        ({"out_trade_no": "Q9-000001"}, S.UNKNOWN),
        ({"timestamp": str(int(NOW.timestamp()) - 301)}, S.UNKNOWN),
        ({"code": "-1"}, S.UNKNOWN),
    ],
)
def test_a_signed_answer_about_a_refund_of_v2(canned: Canned, changed: dict[str, str], told: EvidenceStatus) -> None:
    """Signed by the test's own writing of the algorithm, on the clock of the test."""
    settings = EpayV2Settings(
        base_url=canned.address, pid="1002", private_key=signing.rsa_key("merchant"), platform_key=signing.rsa_key("platform").public_key()
    )
    channel = EpayV2Channel(settings=settings, notify_url="https://shop.test/n", real_clock=lambda: NOW)
    channel.patience = PATIENCE
    known = {"code": "0", "refund_no": "1", "out_refund_no": "R-000001", "out_trade_no": "Q1-000001", "money": "10.00", "status": "1"}
    fields = {**known, "timestamp": str(int(NOW.timestamp())), **changed}
    canned.says(200, said(**signing.rsa(fields, signing.rsa_key("platform"))))

    assert channel.query_refund(request=a_refund(), now=NOW).status is told
    channel.close_connections()
