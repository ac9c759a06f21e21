"""The public SDK and our adapter get the same answers of the same gateway, and each verifies what the other side signed."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wechatpayv3 import WeChatPayType
from wechatpayv3 import utils as sdk_utils

from anka.adapters.channels import port, wechat_wire
from anka.adapters.channels.port import EvidenceStatus
from anka.adapters.channels.wechat import BankCard, WechatChannel, jsapi_parameters
from anka.adapters.channels.wechat_bill import CHINA
from tests.channels.wechat.world import NOTIFY, World, a_payment, a_refund, an_sdk, said
from tests.sandbox.world import PATIENCE

KINDS = {"native": WeChatPayType.NATIVE, "h5": WeChatPayType.H5, "jsapi": WeChatPayType.JSAPI}
SCENE = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}


def sdk_pay(world: World, number: str, way: str) -> dict[str, Any]:
    sdk = an_sdk(world.keys, world.base, KINDS[way])
    return said(
        sdk.pay(
            description="云晶 100 枚",
            out_trade_no=number,
            amount={"total": 10_000, "currency": "CNY"},
            scene_info=SCENE if way == "h5" else None,
            payer={"openid": "oBuyer"} if way == "jsapi" else None,
        )
    )


def test_both_open_a_payment_by_a_code(world: World) -> None:
    payment, started = world.start()
    assert sdk_pay(world, payment.number, "native") == {"code_url": started.qr_text}


def test_both_open_a_payment_in_a_browser(world: World) -> None:
    payment, started = world.start(a_payment(now=world.now(), device="mobile", payer_address="203.0.113.7"))
    address = sdk_pay(world, payment.number, "h5")["h5_url"]
    assert started.cashier_url == f"{address}&redirect_url=https%3A%2F%2Fmarket.example%2Forders%2F1"
    assert started.qr_text == ""


def test_both_open_a_payment_inside_wechat_and_sign_its_page_alike(world: World) -> None:
    payment, started = world.start(a_payment(now=world.now(), device="wechat", payer_id="oBuyer"))
    prepay_id = sdk_pay(world, payment.number, "jsapi")["prepay_id"]
    page = jsapi_parameters(started=started)
    assert page is not None
    assert (page["package"], page["signType"], page["appId"]) == (f"prepay_id={prepay_id}", "RSA", world.keys.settings.appid)
    # The padding is deterministic: the same words have the same signature.
    assert page["paySign"] == an_sdk(world.keys, world.base).sign([page["appId"], page["timeStamp"], page["nonceStr"], page["package"]])


@pytest.mark.parametrize(
    ("outcome", "state", "status"),
    [("", "NOTPAY", "processing"), ("paid", "SUCCESS", "succeeded"), ("failed", "NOTPAY", "processing"), ("closed", "CLOSED", "closed")],
)
def test_both_are_told_the_same_of_a_payment(world: World, outcome: str, state: str, status: str) -> None:
    payment, _ = world.start()
    if outcome:
        world.play(payment.number, outcome)
    told = said(an_sdk(world.keys, world.base).query(out_trade_no=payment.number))
    known = world.channel.query_payment(number=payment.number, now=world.now())
    assert (told["trade_state"], known.status) == (state, status)
    assert told["amount"]["total"] == known.amount_minor == 10_000
    assert told.get("transaction_id") == known.channel_number
    assert (datetime.fromisoformat(told["success_time"]) if "success_time" in told else None) == known.occurred_at


def test_neither_finds_a_payment_that_was_never_opened(world: World) -> None:
    status, text = an_sdk(world.keys, world.base).query(out_trade_no="WX-NOBODY")
    known = world.channel.query_payment(number="WX-NOBODY", now=world.now())
    assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")
    assert (known.status, known.reason) == (EvidenceStatus.PROCESSING, "payment_not_found")


def test_both_close_a_payment_and_neither_a_paid_one(world: World) -> None:
    sdk = an_sdk(world.keys, world.base)
    ours, theirs, paid = world.start()[0].number, world.start()[0].number, world.paid().number
    assert world.channel.close(number=ours, now=world.now()).status == "closed"
    assert sdk.close(out_trade_no=theirs)[0] == 204
    for number in (ours, theirs):
        assert said(sdk.query(out_trade_no=number))["trade_state"] == "CLOSED"
        assert world.channel.query_payment(number=number, now=world.now()).status == "closed"
    status, text = sdk.close(out_trade_no=paid)
    answer = world.channel.close(number=paid, now=world.now())
    assert (status, json.loads(text)["code"], answer.status) == (400, "ORDER_PAID", "paid")
    assert answer.evidence.amount_minor == 10_000


def test_both_ask_for_the_same_refund_and_it_is_one(world: World) -> None:
    sdk, payment = an_sdk(world.keys, world.base), world.paid()
    request = a_refund(payment)
    accepted = world.refunded(request)
    told = said(
        sdk.refund(
            out_refund_no=request.refund_number,
            out_trade_no=payment.number,
            amount={"refund": request.amount_minor, "total": payment.amount_minor, "currency": "CNY"},
        )
    )
    assert (accepted.status, told["status"]) == ("processing", "PROCESSING")
    assert told["refund_id"] == accepted.channel_number
    for outcome, state, status in (
        ("abnormal", "ABNORMAL", "abnormal"),
        ("closed", "CLOSED", "closed"),
        ("succeeded", "SUCCESS", "succeeded"),
    ):
        world.play_refund(request.refund_number, outcome)
        told, known = said(sdk.query_refund(out_refund_no=request.refund_number)), world.asked(request)
        assert (told["status"], known.status) == (state, status)
        assert (told["amount"]["refund"], told["refund_id"]) == (known.amount_minor, known.channel_number)
    assert said(sdk.query(out_trade_no=payment.number))["trade_state"] == "REFUND"
    assert world.channel.query_payment(number=payment.number, now=world.now()).status == "succeeded"


def test_both_send_an_abnormal_refund_to_a_debit_card(world: World) -> None:
    for ours in (True, False):
        request = a_refund(world.paid())
        refund_id = world.refunded(request).channel_number
        world.play_refund(request.refund_number, "abnormal")
        if ours:
            card = BankCard(bank_type="ICBC_DEBIT", account="6222020000000000", holder="王小明")
            assert world.channel.mend_refund(request=request, now=world.now(), bank_card=card).status == "processing"
        else:
            told = an_sdk(world.keys, world.base).abnormal_refund(
                refund_id=refund_id,
                out_refund_no=request.refund_number,
                type="USER_BANK_CARD",
                bank_type="ICBC_DEBIT",
                bank_account="6222020000000000",
                real_name="王小明",
            )
            assert said(told)["status"] == "PROCESSING"
        world.move(seconds=6)
        assert world.asked(request).status == "succeeded"


def test_both_read_the_notice_of_a_payment(world: World) -> None:
    payment, _ = world.start()
    (notice,) = world.play(payment.number).notices
    told = an_sdk(world.keys, world.base).callback(notice.headers, notice.body)
    read = world.read(notice.incoming)
    assert (told["event_type"], read.kind) == ("TRANSACTION.SUCCESS", "payment.paid")
    assert told["resource"]["out_trade_no"] == read.number == read.payment_number == payment.number
    assert told["resource"]["transaction_id"] == read.evidence.channel_number
    assert told["resource"]["amount"]["total"] == read.evidence.amount_minor
    assert datetime.fromisoformat(told["resource"]["success_time"]) == read.evidence.occurred_at
    assert told["id"] == read.event_id


@pytest.mark.parametrize(("outcome", "event"), [("succeeded", "SUCCESS"), ("closed", "CLOSED"), ("abnormal", "ABNORMAL")])
def test_both_read_the_notice_of_a_refund(world: World, outcome: str, event: str) -> None:
    request = a_refund(world.paid())
    world.refunded(request)
    (notice,) = world.play_refund(request.refund_number, outcome).notices
    told = an_sdk(world.keys, world.base).callback(notice.headers, notice.body)
    read = world.read(notice.incoming)
    assert (told["event_type"], read.kind) == (f"REFUND.{event}", f"refund.{outcome}")
    assert told["resource"]["out_refund_no"] == read.number == request.refund_number
    assert told["resource"]["out_trade_no"] == read.payment_number
    assert told["resource"]["amount"]["refund"] == read.evidence.amount_minor


def test_the_sdk_takes_a_notice_that_is_thirty_days_old_and_we_do_not(world: World) -> None:
    payment, _ = world.start()
    (notice,) = world.play(payment.number, "paid", {"fault": "replayed", "seconds": 30 * 86_400}).notices
    assert an_sdk(world.keys, world.base).callback(notice.headers, notice.body)["resource"]["out_trade_no"] == payment.number
    with pytest.raises(port.NoticeTooOld):
        world.read(notice.incoming)


def test_both_download_the_same_bills(world: World) -> None:
    request = a_refund(world.paid())
    world.refunded(request)
    world.play_refund(request.refund_number, "succeeded")
    day = world.now().astimezone(CHINA).date()
    sdk = an_sdk(world.keys, world.base)
    early = sdk.trade_bill(bill_date=day.isoformat())
    assert (early[0], json.loads(early[1])["code"]) == (400, "STATEMENT_CREATING")
    world.move(days=2)
    files = []
    for place in (said(sdk.trade_bill(bill_date=day.isoformat())), said(sdk.fundflow_bill(bill_date=day.isoformat()))):
        status, packed = sdk.download_bill(place["download_url"])
        assert status == 200
        files.append(packed)
        assert hashlib.sha1(gzip.decompress(packed), usedforsecurity=False).hexdigest() == place["hash_value"]
    bill = world.channel.bill(day=day, now=world.now())
    read = [line for packed in files for line in world.channel.read_bill(day=day, content=packed).lines]
    assert [(line.kind, line.amount_minor, line.fee_minor) for line in bill.lines] == [
        ("payment", 10_000, 60),
        ("refund", 4_000, 0),
        ("settlement", 9_940, 0),
    ]
    assert [(line.kind, line.number, line.amount_minor) for line in read] == [
        (line.kind, line.number, line.amount_minor) for line in bill.lines
    ]


def test_a_stranger_is_refused_by_the_gateway_whoever_asks(world: World) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = stranger.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    status, text = an_sdk(world.keys, world.base, private_key=pem).query(out_trade_no="WX-NOBODY")
    assert (status, json.loads(text)["code"]) == (401, "SIGN_ERROR")
    channel = world.another(merchant_key=stranger)
    known = channel.query_payment(number="WX-NOBODY", now=world.now())
    channel.close_connections()
    assert (known.status, known.reason) == (EvidenceStatus.UNKNOWN, "sign_error")


def test_the_gateway_takes_a_request_once_and_only_while_it_is_fresh(world: World) -> None:
    settings = world.keys.settings
    target = f"/v3/pay/transactions/out-trade-no/WX-NOBODY?mchid={settings.mchid}"
    header = wechat_wire.authorization(
        credentials=settings.credentials, method="GET", target=target, body=b"", timestamp=int(world.real().timestamp())
    )
    answers = [httpx.get(world.base + target, headers={"Authorization": header}, trust_env=False) for _ in range(2)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "ORDER_NOT_EXIST"), (401, "SIGN_ERROR")]
    late = WechatChannel(settings=settings, notify_url=NOTIFY, real_clock=lambda: world.real() - timedelta(minutes=6))
    late.patience = PATIENCE
    known = late.query_payment(number="WX-NOBODY", now=world.now())
    late.close_connections()
    assert (known.status, known.reason) == (EvidenceStatus.UNKNOWN, "sign_error")


def test_what_is_hidden_and_signed_is_read_by_the_sdk_and_the_other_way_round(world: World) -> None:
    settings, platform = world.keys.settings, world.keys.platform_key
    sealed = wechat_wire.sealed(api_v3_key=settings.api_v3_key, plain="云晶".encode(), associated="transaction")
    plain = sdk_utils.aes_decrypt(sealed["nonce"], sealed["ciphertext"], sealed["associated_data"], settings.api_v3_key.decode())
    assert plain == "云晶"
    hidden = wechat_wire.hidden_field(key=platform.public_key(), text="王小明")
    assert sdk_utils.rsa_decrypt(hidden, platform) == "王小明"
    assert wechat_wire.shown_field(key=platform, text=sdk_utils.rsa_encrypt("王小明", platform.public_key())) == "王小明"
    header = sdk_utils.build_authorization("/v3/x?y=1", "GET", settings.mchid, settings.merchant_serial, settings.merchant_key)
    told = wechat_wire.read_authorization(header=header)
    key = settings.merchant_key.public_key()
    wechat_wire.check_authorization(key=key, told=told, method="GET", target="/v3/x?y=1", body=b"")
    with pytest.raises(wechat_wire.WireBadSignature):
        wechat_wire.check_authorization(key=key, told=told, method="GET", target="/v3/x?y=2", body=b"")
