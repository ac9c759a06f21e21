"""An independent SDK and our adapter talk to the same gateway and hear the same; each side verifies what the other signed."""

from __future__ import annotations

import pytest
from alipay.exceptions import AliPayException, AliPayValidationError

from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels.port import EvidenceStatus
from tests.channels.alipay.world import Alipay, asked_of, fields_of
from tests.sandbox.world import said


def test_what_we_sign_the_sdk_would_have_signed(alipay: Alipay) -> None:
    asked = asked_of(alipay.start()[1].cashier_url)
    signature = asked.pop("sign")

    assert alipay.sdk._sign(wire.request_text(parameters=asked).decode()) == signature


@pytest.mark.parametrize(("device", "method"), [("desktop", "alipay.trade.page.pay"), ("mobile", "alipay.trade.wap.pay")])
def test_both_open_a_page(alipay: Alipay, device: str, method: str) -> None:
    number, started = alipay.start(device=device)
    assert asked_of(started.cashier_url)["method"] == method
    theirs = alipay.a_number()
    pay = alipay.sdk.api_alipay_trade_page_pay if device == "desktop" else alipay.sdk.api_alipay_trade_wap_pay
    order = pay(out_trade_no=theirs, total_amount="100.00", subject="云晶", return_url="http://shop.test/orders/1")

    for known, address in ((number, started.cashier_url), (theirs, f"{alipay.sdk._gateway}?{order}")):
        answer = alipay.world.visit(address)
        assert answer.status_code == 302
        assert "/cashier/" in answer.headers["Location"]
        assert alipay.ask(known).status is EvidenceStatus.PROCESSING


def test_both_get_a_code(alipay: Alipay) -> None:
    number, started = alipay.start(device="wechat")
    theirs = alipay.a_number()
    made = alipay.sdk.api_alipay_trade_precreate(out_trade_no=theirs, total_amount="100.00", subject="云晶")

    assert started.qr_text == started.cashier_url
    assert "/cashier/" in started.qr_text
    assert made["code"] == "10000"
    assert "/cashier/" in made["qr_code"]
    assert alipay.sdk.api_alipay_trade_query(out_trade_no=number)["trade_status"] == "WAIT_BUYER_PAY"
    assert alipay.ask(theirs).status is EvidenceStatus.PROCESSING


def test_both_hear_what_became_of_a_payment(alipay: Alipay) -> None:
    paid, closed = alipay.a_paid_payment(amount_minor=12_345), alipay.an_open_payment()
    alipay.decide(closed, "closed")

    theirs, ours = alipay.sdk.api_alipay_trade_query(out_trade_no=paid), alipay.ask(paid)
    assert (theirs["trade_status"], theirs["total_amount"]) == ("TRADE_SUCCESS", "123.45")
    assert (ours.status, ours.amount_minor, ours.currency) == (EvidenceStatus.SUCCEEDED, 12_345, "CNY")
    assert ours.channel_number == theirs["trade_no"]
    assert wire.china_text(at=ours.occurred_at) == theirs["send_pay_date"]
    assert alipay.sdk.api_alipay_trade_query(out_trade_no=closed)["trade_status"] == "TRADE_CLOSED"
    assert alipay.ask(closed).status is EvidenceStatus.CLOSED
    assert alipay.sdk.api_alipay_trade_query(out_trade_no="NOBODYS")["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert (alipay.ask("NOBODYS").status, alipay.ask("NOBODYS").reason) == (EvidenceStatus.PROCESSING, "payment_not_found")


def test_both_close(alipay: Alipay) -> None:
    ours, theirs = alipay.an_open_payment(), alipay.an_open_payment()

    assert alipay.channel.close(number=ours, now=alipay.world.now()).status == "closed"
    assert alipay.sdk.api_alipay_trade_close(out_trade_no=theirs)["code"] == "10000"
    assert alipay.ask(ours).status is alipay.ask(theirs).status is EvidenceStatus.CLOSED


def test_both_learn_that_the_money_was_faster(alipay: Alipay) -> None:
    number = alipay.a_paid_payment()

    answer = alipay.channel.close(number=number, now=alipay.world.now())
    assert alipay.sdk.api_alipay_trade_close(out_trade_no=number)["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    assert (answer.status, answer.evidence.status, answer.evidence.amount_minor) == ("paid", EvidenceStatus.SUCCEEDED, 10_000)


def test_both_refund_and_ask_about_it(alipay: Alipay) -> None:
    number = alipay.a_paid_payment()
    request = alipay.refund_request(number, amount_minor=4_000)
    ours = alipay.submit(request)
    their_number = alipay.a_number("R")
    theirs = alipay.sdk.api_alipay_trade_refund(out_trade_no=number, refund_amount="35.00", out_request_no=their_number)

    # code 10000 and fund_change N: taken, and nothing more is certain.
    assert (theirs["code"], theirs["fund_change"]) == ("10000", "N")
    assert (ours.status, ours.reason) == (EvidenceStatus.PROCESSING, "no_fund_change")
    alipay.wait()
    for refund, amount in ((request, "40.00"), (alipay.refund_request(number, number=their_number, amount_minor=3_500), "35.00")):
        found = alipay.sdk.api_alipay_trade_fastpay_refund_query(refund.refund_number, out_trade_no=number)
        assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", amount)
        asked = alipay.ask_refund(refund)
        assert (asked.status, asked.amount_minor) == (EvidenceStatus.SUCCEEDED, refund.amount_minor)
        assert asked.occurred_at is not None
        assert asked.channel_number == found["trade_no"]


def test_both_hear_fund_change_when_the_money_moved_at_once(alipay: Alipay) -> None:
    ours, theirs = alipay.a_paid_payment(), alipay.a_paid_payment()
    request = alipay.refund_request(ours, amount_minor=1_000)
    their_number = alipay.a_number("R")
    for refund in (request.refund_number, their_number):
        alipay.decide_refund(refund)

    assert alipay.submit(request).status is EvidenceStatus.SUCCEEDED
    answer = alipay.sdk.api_alipay_trade_refund(out_trade_no=theirs, refund_amount="10.00", out_request_no=their_number)
    assert (answer["fund_change"], answer["refund_fee"]) == ("Y", "10.00")
    assert alipay.ask_refund(request).status is EvidenceStatus.SUCCEEDED


def test_the_sdk_verifies_every_notice_and_no_forged_one(alipay: Alipay) -> None:
    number = alipay.an_open_payment()
    notices = [*alipay.decide(number), *alipay.decide(number, "paid", "forged")]
    request = alipay.refund_request(number)
    alipay.submit(request)
    notices += alipay.decide_refund(request.refund_number)

    told = [(fields["trade_status"], alipay.sdk.verify(fields, fields.pop("sign"))) for fields in map(fields_of, notices)]
    assert told == [("TRADE_SUCCESS", True), ("TRADE_SUCCESS", False), ("TRADE_CLOSED", True)]


def test_the_sdk_refuses_a_forged_answer_and_so_do_we(alipay: Alipay) -> None:
    number = alipay.a_paid_payment()
    alipay.world.preset("query", "forged", times=2)

    with pytest.raises(AliPayValidationError):
        alipay.sdk.api_alipay_trade_query(out_trade_no=number)
    assert (alipay.ask(number).status, alipay.ask(number).status) == (EvidenceStatus.UNKNOWN, EvidenceStatus.SUCCEEDED)


def test_the_gateway_refuses_what_a_stranger_signed(alipay: Alipay) -> None:
    number = alipay.a_paid_payment()
    stranger = alipay.with_settings(app_key=alipay.alipay_key)
    try:
        assert stranger.query_payment(number=number, now=alipay.world.now()).status is EvidenceStatus.UNKNOWN
        page = stranger.start(payment=alipay.request(), now=alipay.world.now()).cashier_url
    finally:
        stranger.close_connections()

    refused = alipay.world.visit(page)
    assert (refused.status_code, said(refused.content)["code"]) == (400, "invalid_parameter")
    assert alipay.world.visit(page.replace("100.00", "1.00")).status_code == 400
    sdk_appid, alipay.sdk._appid = alipay.sdk._appid, "2021000000009999"
    with pytest.raises(AliPayException, match=r"isv\.invalid-app-id"):
        alipay.sdk.api_alipay_trade_query(out_trade_no=number)
    alipay.sdk._appid = sdk_appid


def test_a_page_with_another_sum_is_not_ours(alipay: Alipay) -> None:
    page = alipay.start()[1].cashier_url

    assert alipay.world.visit(page.replace("100.00", "1.00")).status_code == 400
    assert alipay.world.visit(page).status_code == 302
