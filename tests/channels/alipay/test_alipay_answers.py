"""What the adapter makes of answers: every fault of every operation leaves the outcome unknown, and refusals are believed only for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from anka.adapters.channels import alipay_answers as answers
from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels.alipay_answers import About, Heard
from anka.adapters.channels.port import EvidenceStatus, PaymentNotStarted
from anka.adapters.channels.sandbox_play import FaultWish
from tests.channels.alipay.world import Alipay, scripted

UNKNOWN = EvidenceStatus.UNKNOWN
LATE: FaultWish = {"fault": "delay", "seconds": 30}
SILENT: tuple[FaultWish, ...] = ("timeout_before", "timeout_after", "error_500", "forged", LATE)
THIS_ONE = '"out_trade_no":"Q","trade_no":"T","out_request_no":"R","refund_amount":"100.00"'
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _close(alipay: Alipay) -> tuple[Any, Callable[[], bool]]:
    number = alipay.an_open_payment()
    return (
        lambda: alipay.channel.close(number=number, now=alipay.world.now()).evidence,
        lambda: alipay.channel.close(number=number, now=alipay.world.now()).status == "closed",
    )


def _query(alipay: Alipay) -> tuple[Any, Callable[[], bool]]:
    number = alipay.a_paid_payment()
    return lambda: alipay.ask(number), lambda: alipay.ask(number).status is EvidenceStatus.SUCCEEDED


def _refund(alipay: Alipay) -> tuple[Any, Callable[[], bool]]:
    request = alipay.refund_request(alipay.a_paid_payment())

    def arrived() -> bool:
        assert alipay.submit(request).status in {EvidenceStatus.PROCESSING, EvidenceStatus.SUCCEEDED}
        alipay.wait()
        found = alipay.ask_refund(request).status is EvidenceStatus.SUCCEEDED
        paid_back = f"SELECT sum(amount_minor) FROM sandbox.refund WHERE payment_number = '{request.payment_number}'"
        return found and alipay.world.one(paid_back) == request.amount_minor

    return lambda: alipay.submit(request), arrived


def _query_refund(alipay: Alipay) -> tuple[Any, Callable[[], bool]]:
    request = alipay.refund_request(alipay.a_paid_payment())
    alipay.submit(request)
    alipay.wait()
    return lambda: alipay.ask_refund(request), lambda: alipay.ask_refund(request).status is EvidenceStatus.SUCCEEDED


OPERATIONS: dict[str, Callable[[Alipay], tuple[Any, Callable[[], bool]]]] = {
    "close": _close,
    "query": _query,
    "refund": _refund,
    "query_refund": _query_refund,
}


@pytest.mark.parametrize("fault", SILENT, ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_silence_and_lies_are_unknown_and_asking_again_tells(alipay: Alipay, operation: str, fault: FaultWish) -> None:
    act, told = OPERATIONS[operation](alipay)
    patience = alipay.channel.patience
    alipay.world.preset(operation, fault)
    if fault == LATE:
        # Whatever the machine does, half a minute comes later than this.
        alipay.channel.patience = 0.2
    try:
        evidence = act()
    finally:
        alipay.channel.patience = patience

    assert (evidence.status, evidence.reason) == (UNKNOWN, "no_answer")
    assert told()


@pytest.mark.parametrize("fault", SILENT, ids=str)
def test_a_code_that_was_not_given_is_said_aloud(alipay: Alipay, fault: FaultWish) -> None:
    payment = alipay.request(device="wechat")
    patience = alipay.channel.patience
    alipay.world.preset("start", fault)
    if fault == LATE:
        alipay.channel.patience = 0.2
    try:
        with pytest.raises(PaymentNotStarted, match="no answer"):
            alipay.channel.start(payment=payment, now=alipay.world.now())
    finally:
        alipay.channel.patience = patience
    assert alipay.channel.start(payment=payment, now=alipay.world.now()).qr_text


def test_a_wrong_amount_is_told_as_it_was_said(alipay: Alipay) -> None:
    number = alipay.a_paid_payment()
    alipay.world.preset("query", "wrong_amount")

    # Only the flow knows what was asked for; it refuses this one (AmountDiffers).
    assert alipay.ask(number).amount_minor == 1
    assert alipay.ask(number).amount_minor == 10_000


def test_a_refund_of_another_amount_is_unknown(alipay: Alipay) -> None:
    request = alipay.refund_request(alipay.a_paid_payment())
    alipay.decide_refund(request.refund_number)
    alipay.world.preset("refund", "wrong_amount")
    alipay.world.preset("query_refund", "wrong_amount")

    assert (alipay.submit(request).status, alipay.submit(request).status) == (UNKNOWN, EvidenceStatus.SUCCEEDED)
    asked = alipay.ask_refund(request)
    assert (asked.status, asked.reason) == (UNKNOWN, "answer_differs")
    assert alipay.ask_refund(request).status is EvidenceStatus.SUCCEEDED


def test_closing_a_page_nobody_opened_promises_nothing(alipay: Alipay) -> None:
    number, started = alipay.start()

    answer = alipay.channel.close(number=number, now=alipay.world.now())
    assert (answer.status, answer.evidence.status, answer.evidence.reason) == ("unknown", EvidenceStatus.PROCESSING, "payment_not_found")
    assert alipay.world.visit(started.cashier_url).status_code == 302


def test_money_that_was_given_back_in_full_is_not_a_payment(alipay: Alipay) -> None:
    number = alipay.a_paid_payment()
    request = alipay.refund_request(number, amount_minor=4_000)
    alipay.decide_refund(request.refund_number)
    alipay.submit(request)
    alipay.wait(1)
    alipay.ask_refund(request)
    assert alipay.ask(number).status is EvidenceStatus.SUCCEEDED

    rest = alipay.refund_request(number, amount_minor=6_000)
    alipay.submit(rest)
    alipay.wait()
    assert alipay.ask_refund(rest).status is EvidenceStatus.SUCCEEDED
    assert (alipay.ask(number).status, alipay.ask(number).reason) == (EvidenceStatus.CLOSED, "refunded")


def test_without_funds_a_refund_waits(alipay: Alipay) -> None:
    request = alipay.refund_request(alipay.a_paid_payment())
    alipay.world.preset("refund", "out_of_funds")

    waiting = alipay.submit(request)
    assert (waiting.status, waiting.reason) == (EvidenceStatus.WAITING_FUNDS, "ACQ.SELLER_BALANCE_NOT_ENOUGH")
    assert alipay.ask_refund(request).reason == "refund_not_found"
    assert alipay.submit(request).status is EvidenceStatus.PROCESSING


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("too much", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
        ("not paid", "ACQ.TRADE_STATUS_ERROR"),
        ("nobody's", "ACQ.TRADE_NOT_EXIST"),
        ("refused", "ACQ.TRADE_NOT_ALLOW_REFUND"),
        ("dollars", "currency_differs"),
    ],
)
def test_refusals_for_good_are_failures(alipay: Alipay, case: str, reason: str) -> None:
    payment = {"not paid": alipay.an_open_payment, "nobody's": lambda: "NOBODYS"}.get(case, alipay.a_paid_payment)()
    request = alipay.refund_request(payment, amount_minor=20_000 if case == "too much" else 100)
    if case == "dollars":
        request = replace(request, currency="USD")
    if case == "refused":
        alipay.submit(request)
        alipay.decide_refund(request.refund_number, "closed")

    evidence = alipay.submit(request)
    assert (evidence.status, evidence.reason) == (EvidenceStatus.FAILED, reason)


def test_a_refusal_alone_is_not_believed(alipay: Alipay) -> None:
    request = alipay.refund_request(alipay.a_paid_payment(), amount_minor=20_000)
    alipay.world.preset("query_refund", "timeout_before")

    assert alipay.submit(request).status is UNKNOWN
    assert alipay.submit(request).status is EvidenceStatus.FAILED


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ('"out_trade_no":"Q","trade_no":"T","out_request_no":"R","refund_amount":"100.00","refund_status":"REFUND_SUCCESS"', "succeeded"),
        (
            '"out_trade_no":"Q","trade_no":"T","out_request_no":"R","refund_amount":"100.00","refund_status":"REFUND_PROCESSING"',
            "processing",
        ),
        ('"msg":"Success"', "failed"),
    ],
)
def test_a_refund_that_was_carried_out_unheard_makes_the_trade_refuse_it(alipay: Alipay, found: str, status: str) -> None:
    # The first request emptied the trade and its answer got lost; the same request again is refused, because the trade is closed now.
    refused = '{"code":"40004","msg":"Business Failed","sub_code":"ACQ.TRADE_HAS_CLOSE"}'
    with scripted(alipay, refused, f'{{"code":"10000",{found}}}') as channel:
        evidence = channel.submit_refund(request=alipay.refund_request("Q", number="R"), now=NOW)

    assert evidence.status == status


def test_an_answer_to_another_question_is_not_believed(alipay: Alipay) -> None:
    with scripted(alipay, '{"code":"10000","out_trade_no":"Q2","trade_no":"T"}') as channel:
        assert channel.close(number="Q", now=NOW).status == "unknown"
    with scripted(alipay, '{"code":"40004","sub_code":"ACQ.SYSTEM_ERROR"}') as channel:
        assert channel.close(number="Q", now=NOW).status == "unknown"
    with (
        scripted(alipay, '{"code":"10000","out_trade_no":"Q2","qr_code":"https://qr.alipay.com/x"}') as channel,
        pytest.raises(PaymentNotStarted),
    ):
        channel.start(payment=alipay.request(number="Q", device="wechat"), now=alipay.world.now())


@pytest.mark.parametrize("outcome", ["unknown", "abnormal"])
def test_what_may_still_happen_has_not_failed(alipay: Alipay, outcome: str) -> None:
    request = alipay.refund_request(alipay.a_paid_payment())
    alipay.submit(request)
    alipay.decide_refund(request.refund_number, outcome)

    assert alipay.submit(request).status is not EvidenceStatus.FAILED
    assert alipay.ask_refund(request).status in {UNKNOWN, EvidenceStatus.PROCESSING}
    assert alipay.channel.mend_refund(request=request, now=NOW).status is UNKNOWN


def _heard(node: str) -> Heard:
    heard = answers.read_heard(node=node.encode())
    assert heard is not None
    return heard


@pytest.mark.parametrize("code", ["20000", "40002", "40005", "40006"])
def test_trouble_at_the_gateway_is_unknown(alipay: Alipay, code: str) -> None:
    heard = _heard(f'{{"code":"{code}","msg":"no","sub_code":"isp.unknow-error"}}')
    request = alipay.refund_request("Q", number="R")
    about = About(number="R", source="answer", now=NOW)

    assert answers.submitted_evidence(heard=heard, request=request, about=about).status is UNKNOWN
    assert answers.found_evidence(heard=heard, request=request, about=about).status is UNKNOWN
    assert answers.payment_evidence(heard=heard, about=about).status is UNKNOWN


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ('"fund_change":"Y"', EvidenceStatus.SUCCEEDED),
        ('"fund_change":"Y","send_back_fee":"10.00"', EvidenceStatus.SUCCEEDED),
        ('"fund_change":"N"', EvidenceStatus.PROCESSING),
        ('"gmt_refund_pay":"2026-03-02 17:00:00"', EvidenceStatus.PROCESSING),
        ('"fund_change":"Y","send_back_fee":"9.99"', UNKNOWN),
        ('"fund_change":"Y","refund_fee":"9.99"', UNKNOWN),
        ('"fund_change":"Y","out_trade_no":"Q2"', UNKNOWN),
        ('"fund_change":"Y","refund_fee":"ten"', UNKNOWN),
        ('"fund_change":true', UNKNOWN),
    ],
)
def test_code_10000_is_not_success(alipay: Alipay, more: str, status: EvidenceStatus) -> None:
    # refund_fee is the sum of all refunds of the trade: more than this one is no contradiction.
    node = f'{{"code":"10000","out_trade_no":"Q","trade_no":"T","refund_fee":"35.00",{more}}}'
    request = alipay.refund_request("Q", number="R", amount_minor=1_000)

    evidence = answers.submitted_evidence(heard=_heard(node), request=request, about=About(number="R", source="answer", now=NOW))
    assert evidence.status is status


@pytest.mark.parametrize(
    ("node", "status", "reason"),
    [
        ('{"code":"10000"}', UNKNOWN, "refund_not_found"),
        ('{"code":"10000","out_trade_no":"Q","trade_no":"T","out_request_no":"R","refund_amount":"10.00"}', UNKNOWN, "refund_not_found"),
        ('{"code":"10000","out_trade_no":"Q","out_request_no":"R","refund_status":"REFUND_FAIL"}', UNKNOWN, "refund_not_found"),
        (
            '{"code":"10000","out_trade_no":"Q","out_request_no":"R2","refund_amount":"10.00","refund_status":"REFUND_SUCCESS"}',
            UNKNOWN,
            "answer_differs",
        ),
        (
            '{"code":"10000","out_trade_no":"Q2","out_request_no":"R","refund_amount":"10.00","refund_status":"REFUND_SUCCESS"}',
            UNKNOWN,
            "answer_differs",
        ),
        ('{"code":"10000","out_trade_no":7}', UNKNOWN, "malformed_answer"),
        ('{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}', UNKNOWN, "refund_not_found"),
        ('{"code":"40004","sub_code":"ACQ.SYSTEM_ERROR"}', UNKNOWN, "ACQ.SYSTEM_ERROR"),
    ],
)
def test_a_refund_query_believes_only_what_fits(alipay: Alipay, node: str, status: EvidenceStatus, reason: str) -> None:
    request = alipay.refund_request("Q", number="R", amount_minor=1_000)

    evidence = answers.found_evidence(heard=_heard(node), request=request, about=About(number="R", source="poll", now=NOW))
    assert (evidence.status, evidence.reason) == (status, reason)


@pytest.mark.parametrize(
    ("more", "status", "reason"),
    [
        ('"trade_status":"TRADE_FINISHED","total_amount":"1.00"', EvidenceStatus.SUCCEEDED, ""),
        ('"trade_status":"TRADE_CLOSED","total_amount":"1.00"', EvidenceStatus.CLOSED, ""),
        ('"trade_status":"TRADE_CLOSED","total_amount":"1.00","send_pay_date":"2026-03-02 17:00:00"', EvidenceStatus.CLOSED, "refunded"),
        ('"trade_status":"TRADE_ODD","total_amount":"1.00"', UNKNOWN, "answer_differs"),
        ('"trade_status":"TRADE_SUCCESS","total_amount":"-1.00"', UNKNOWN, "answer_differs"),
        ('"trade_status":"TRADE_SUCCESS","total_amount":"1.00","out_trade_no":"Q2"', UNKNOWN, "answer_differs"),
        ('"trade_status":"TRADE_SUCCESS"', UNKNOWN, "malformed_answer"),
    ],
)
def test_a_query_believes_only_what_fits(more: str, status: EvidenceStatus, reason: str) -> None:
    heard = _heard(f'{{"code":"10000","out_trade_no":"Q","trade_no":"T",{more}}}')

    evidence = answers.payment_evidence(heard=heard, about=About(number="Q", source="poll", now=NOW))
    assert (evidence.status, evidence.reason) == (status, reason)


def test_an_answer_is_verified_as_it_was_sent(alipay: Alipay) -> None:
    node = '{"code" : "10000","qr_code":"https:\\/\\/qr.alipay.com\\/x","msg":"好"}'
    key, method = alipay.alipay_key, "alipay.trade.query"
    signature = wire.sign(key=key, content=node.encode())
    body = f'{{ "alipay_trade_query_response" : {node} , "sign":"{signature}"}}'.encode()

    assert wire.open_answer(key=key.public_key(), method=method, body=body) == node.encode()
    tampered = (
        body.replace(b"10000", b"10001"),
        body.replace(b"\\/", b"/"),
        body.replace(b"_query_", b"_close_"),
        body.replace(b'"sign"', b'"sing"'),
        body.replace(signature.encode(), b"%%%"),
        body[:-1],
        b"[]",
        b"\xff",
    )
    for other in tampered:
        with pytest.raises(wire.AnswerNotBelieved):
            wire.open_answer(key=key.public_key(), method=method, body=other)


@pytest.mark.parametrize("wrong", [{"currency": "USD"}, {"expires_at": NOW - timedelta(days=1)}])
def test_what_alipay_cannot_take_is_not_started(alipay: Alipay, wrong: dict[str, Any]) -> None:
    with pytest.raises(PaymentNotStarted):
        alipay.channel.start(payment=alipay.request(**wrong), now=NOW)


def test_a_subject_has_no_signs_that_alipay_refuses(alipay: Alipay) -> None:
    number = alipay.an_open_payment(subject="Steam/云晶 = 100 & 更多" * 20)

    subject = alipay.world.one(f"SELECT subject FROM sandbox.payment WHERE number = '{number}'")
    assert not set("/=&") & set(subject)
    assert len(subject) == 128
