"""What WeChat says about refunds, what it means for the buyer's money, and what is never believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from anka.adapters.channels.port import EvidenceStatus, PaymentNotStarted
from anka.adapters.channels.wechat import PAYMENT_NUMBER
from anka.adapters.channels.wechat_keys import REFUND_WINDOW
from anka.core.numbers import new_number
from anka.domain.refund_plan import LIMITS
from anka.sandbox.faults import POSSIBLE, FaultName, Operation
from anka.sandbox.protocols import wechat as gateway
from tests.channels.wechat.impostor import Said, told_by
from tests.channels.wechat.world import World, a_payment, a_refund
from tests.sandbox.world import PATIENCE

OPERATIONS = (Operation.START, Operation.QUERY, Operation.CLOSE, Operation.REFUND, Operation.QUERY_REFUND, Operation.MEND_REFUND)
ANSWER_FAULTS = sorted(POSSIBLE[Operation.QUERY] - {FaultName.WRONG_AMOUNT})
FAULTY = [(operation, fault) for operation in OPERATIONS for fault in ANSWER_FAULTS]
R = EvidenceStatus


def said_after(world: World, operation: Operation, fault: FaultName, **more: Any) -> tuple[str, str]:
    """Do one operation under a fault, and return what we make of it; afterwards the fault is gone."""
    payment = a_payment(now=world.now()) if operation is Operation.START else world.paid()
    if operation is Operation.CLOSE:
        payment, _ = world.start()
    request = a_refund(payment)
    if operation in {Operation.QUERY_REFUND, Operation.MEND_REFUND}:
        world.refunded(request)
    if operation is Operation.MEND_REFUND:
        world.play_refund(request.refund_number, "abnormal")
    world.preset(operation, {"fault": fault, **more})
    acts: dict[Operation, Callable[[], Any]] = {
        Operation.START: lambda: world.start(payment),
        Operation.QUERY: lambda: world.channel.query_payment(number=payment.number, now=world.now()),
        Operation.CLOSE: lambda: world.channel.close(number=payment.number, now=world.now()).evidence,
        Operation.REFUND: lambda: world.refunded(request),
        Operation.QUERY_REFUND: lambda: world.asked(request),
        Operation.MEND_REFUND: lambda: world.channel.mend_refund(request=request, now=world.now()),
    }
    # Everything before may take its time; only what is delayed is not waited for.
    world.channel.patience = 0.2 if fault is FaultName.DELAY else PATIENCE
    try:
        evidence = acts[operation]()
    except PaymentNotStarted:
        return "not started", ""
    finally:
        world.channel.patience = PATIENCE
    return evidence.status.value, evidence.reason


@pytest.mark.parametrize(("operation", "fault"), FAULTY)
def test_whatever_goes_wrong_on_the_way_nothing_is_known_and_nothing_has_failed(
    world: World, operation: Operation, fault: FaultName
) -> None:
    told, _reason = said_after(world, operation, fault, **({"seconds": 30} if fault is FaultName.DELAY else {}))
    assert told == ("not started" if operation is Operation.START else "unknown")


@pytest.mark.parametrize("operation", [Operation.REFUND, Operation.QUERY_REFUND, Operation.MEND_REFUND])
def test_a_refund_of_another_sum_is_not_believed(world: World, operation: Operation) -> None:
    assert said_after(world, operation, FaultName.WRONG_AMOUNT) == ("unknown", "answer_differs")


def test_a_payment_of_another_sum_is_told_as_it_is(world: World) -> None:
    """Whether it fits is for those to say who know what was asked for."""
    payment = world.paid()
    world.preset("query", "wrong_amount")
    assert world.channel.query_payment(number=payment.number, now=world.now()).amount_minor == 1


def test_an_error_keeps_the_number_and_it_is_one_refund(world: World) -> None:
    request = a_refund(world.paid())
    for fault in ("timeout_before", "error_500", "timeout_after", "forged"):
        world.preset("refund", fault)
        assert world.refunded(request).status is R.UNKNOWN
    assert world.refunded(request).status is R.PROCESSING
    world.move(seconds=6)
    assert world.asked(request).status is R.SUCCEEDED
    with world.gateway.store.transaction() as connection:
        row = connection.execute("SELECT refunded_minor FROM sandbox.payment WHERE number = %s", (request.payment_number,)).fetchone()
    assert row == (request.amount_minor,)


def test_a_refund_that_was_never_seen_says_so(world: World) -> None:
    known = world.asked(a_refund(world.paid()))
    assert (known.status, known.reason) == (R.UNKNOWN, "refund_not_found")


def test_an_empty_balance_waits_for_money_and_keeps_the_number(world: World) -> None:
    request = a_refund(world.paid())
    world.preset("refund", "out_of_funds")
    told = world.refunded(request)
    assert (told.status, told.reason) == (R.WAITING_FUNDS, "not_enough")
    assert world.refunded(request).status is R.PROCESSING


def test_more_than_was_paid_is_refused_for_certain(world: World) -> None:
    payment = world.paid()
    world.refunded(a_refund(payment, amount_minor=8_000))
    world.move(minutes=2)
    told = world.refunded(a_refund(payment, amount_minor=4_000))
    assert (told.status, told.reason) == (R.FAILED, "refund_exceeds_payment")


def test_a_refund_of_a_payment_nobody_knows_is_refused_for_certain(world: World) -> None:
    told = world.refunded(a_refund(a_payment(now=world.now())))
    assert (told.status, told.reason) == (R.FAILED, "payment_not_found")


def test_a_number_used_for_another_sum_is_not_a_failure_for_there_is_a_refund(world: World) -> None:
    payment = world.paid()
    request = a_refund(payment)
    world.refunded(request)
    told = world.refunded(replace(request, amount_minor=1_000))
    assert (told.status, told.reason) == (R.UNKNOWN, "invalid_request")


def test_two_refunds_of_a_payment_within_a_minute_are_too_many(world: World) -> None:
    payment = world.paid()
    first, second = a_refund(payment), a_refund(payment)
    assert world.refunded(first).status is R.PROCESSING
    told = world.refunded(second)
    assert (told.status, told.reason) == (R.UNKNOWN, "frequency_limited")
    world.move(minutes=2)
    assert world.refunded(second).status is R.PROCESSING


def test_after_a_year_it_is_too_late(world: World) -> None:
    payment = world.paid()
    world.move(days=366)
    told = world.refunded(a_refund(payment))
    assert (told.status, told.reason) == (R.FAILED, "refund_too_late")


def test_the_limits_we_plan_by_are_those_of_the_gateway_and_of_the_settings(world: World) -> None:
    limit = LIMITS["wechat"]
    assert (limit.window, limit.refunds, limit.spacing) == (gateway.WINDOW, gateway.MOST_PARTS, gateway.SPACING)
    assert world.keys.settings.refund_window == REFUND_WINDOW == limit.window


def test_our_numbers_are_numbers_wechat_takes() -> None:
    for shop, letter in (("QM", ""), ("LONGER", "P"), ("00", "R")):
        assert PAYMENT_NUMBER.fullmatch(new_number(shop_code=shop, letter=letter))


def test_an_abnormal_refund_goes_to_the_merchant_and_is_no_success_for_the_buyer(world: World) -> None:
    request = a_refund(world.paid())
    world.refunded(request)
    world.play_refund(request.refund_number, "abnormal")
    assert world.channel.mend_refund(request=request, now=world.now()).status is R.PROCESSING
    world.move(seconds=6)
    known = world.asked(request)
    assert (known.status, known.reason) == (R.FAILED, "returned_to_merchant")


def test_an_abnormal_refund_waits_for_a_person_where_nothing_is_configured(world: World) -> None:
    request = a_refund(world.paid())
    world.refunded(request)
    world.play_refund(request.refund_number, "abnormal")
    channel = world.another(abnormal_refunds_to="")
    told = channel.mend_refund(request=request, now=world.now())
    channel.close_connections()
    assert (told.status, told.reason) == (R.ABNORMAL, "bank_card_needed")
    assert world.asked(request).status is R.ABNORMAL


def test_a_refund_that_is_not_abnormal_is_not_mended(world: World) -> None:
    request = a_refund(world.paid())
    world.refunded(request)
    world.preset("mend_refund", "error_500")
    assert world.channel.mend_refund(request=request, now=world.now()).status is R.PROCESSING


def test_a_refund_in_no_known_state_stays_unknown(world: World) -> None:
    request = a_refund(world.paid())
    world.refunded(request)
    world.play_refund(request.refund_number, "unknown")
    told = world.asked(request)
    assert (told.status, told.reason) == (R.UNKNOWN, "system_error")


REFUSED = {"code": "INVALID_REQUEST", "message": "订单已全额退款"}


def test_a_certain_refusal_is_not_believed_when_there_is_such_a_refund(world: World) -> None:
    """A first try may have been accepted although nobody heard of it; then "all of it was refunded" speaks of that very refund."""
    request = a_refund(a_payment(now=world.now()))
    amount = {"refund": request.amount_minor, "total": request.payment_amount_minor, "currency": "CNY"}
    known = {
        "refund_id": "5000",
        "out_refund_no": request.refund_number,
        "out_trade_no": request.payment_number,
        "status": "SUCCESS",
        "amount": amount,
        "success_time": "2026-03-02T10:00:00+08:00",
    }
    with told_by(world.keys, world.real(), Said(400, REFUSED), Said(200, known)) as (channel, _):
        assert channel.submit_refund(request=request, now=world.now()).status is R.SUCCEEDED
    nobody = Said(404, {"code": "RESOURCE_NOT_EXISTS", "message": "退款单不存在"})
    with told_by(world.keys, world.real(), Said(400, REFUSED), nobody) as (channel, _):
        assert channel.submit_refund(request=request, now=world.now()).status is R.FAILED
    with told_by(world.keys, world.real(), Said(400, REFUSED), Said(500, {}, "not")) as (channel, _):
        assert channel.submit_refund(request=request, now=world.now()).status is R.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        Said(400, REFUSED, "not"),
        Said(400, REFUSED, "long ago"),
        Said(400, REFUSED, "by nobody we know"),
        Said(400, REFUSED, "as a probe"),
        Said(200, {"status": "SUCCESS"}, "not"),
        Said(500, REFUSED),
        Said(502, b"<html>", "not"),
        Said(200, b"{}"),
        Said(200, b"\xff"),
        Said(302, b"", "not", {"Location": "http://127.0.0.1:9/"}),
        Said(400, {"code": "not a code", "message": "订单已全额退款"}),
        *(
            Said(status, {"code": code, "message": "?"})
            for status, code in (
                (400, "INVALID_REQUEST"),
                (400, "PARAM_ERROR"),
                (401, "SIGN_ERROR"),
                (403, "NO_AUTH"),
                (404, "MCH_NOT_EXISTS"),
                (429, "FREQUENCY_LIMITED"),
                (500, "SYSTEM_ERROR"),
                (403, "SOMETHING_NEW"),
            )
        ),
    ],
    ids=str,
)
def test_what_is_not_signed_or_not_certain_is_unknown(world: World, answer: Said) -> None:
    request = a_refund(a_payment(now=world.now()))
    with told_by(world.keys, world.real(), answer) as (channel, impostor):
        assert channel.submit_refund(request=request, now=world.now()).status is R.UNKNOWN
        # Nothing but the one call: nobody was followed anywhere else.
        assert len(impostor.heard) == 1


def test_that_our_signature_is_not_accepted_is_told_even_when_nobody_signs_it(world: World) -> None:
    with told_by(world.keys, world.real(), Said(401, {"code": "SIGN_ERROR"}, "not")) as (channel, _):
        known = channel.query_payment(number="WX-NOBODY", now=world.now())
    assert (known.status, known.reason) == (R.UNKNOWN, "sign_error")


@pytest.mark.parametrize("change", [{"mchid": "1900000110"}, {"appid": "wxsomebodyelse"}, {"out_trade_no": "WX-OTHER"}, {"amount": None}])
def test_a_payment_of_another_merchant_or_number_is_not_believed(world: World, change: dict[str, Any]) -> None:
    settings = world.keys.settings
    paid: dict[str, Any] = {
        "appid": settings.appid,
        "mchid": settings.mchid,
        "out_trade_no": "WX-NUMBER",
        "transaction_id": "4200",
        "trade_state": "SUCCESS",
        "success_time": "2026-03-02T10:00:00+08:00",
        "amount": {"total": 1, "currency": "CNY"},
    }
    with told_by(world.keys, world.real(), Said(200, paid), Said(200, {**paid, **change})) as (channel, _):
        assert channel.query_payment(number="WX-NUMBER", now=world.now()).status is R.SUCCEEDED
        known = channel.query_payment(number="WX-NUMBER", now=world.now())
    assert (known.status, known.reason) == (R.UNKNOWN, "answer_differs")


@pytest.mark.parametrize(
    "change",
    [{"out_refund_no": "WX-OTHER"}, {"out_trade_no": "WX-OTHER"}, {"amount": {"refund": 1, "total": 10_000}}, {"status": "NEW"}],
)
def test_a_refund_of_another_number_or_sum_is_not_believed(world: World, change: dict[str, Any]) -> None:
    request = a_refund(a_payment(now=world.now()))
    told: dict[str, Any] = {
        "refund_id": "5000",
        "out_refund_no": request.refund_number,
        "out_trade_no": request.payment_number,
        "status": "SUCCESS",
        "amount": {"refund": request.amount_minor, "total": request.payment_amount_minor, "currency": "CNY"},
    }
    with told_by(world.keys, world.real(), Said(200, told), Said(200, {**told, **change})) as (channel, _):
        assert channel.query_refund(request=request, now=world.now()).status is R.SUCCEEDED
        assert channel.query_refund(request=request, now=world.now()).status is R.UNKNOWN


def test_a_payment_is_opened_only_while_it_can_be_paid_in_yuan(world: World) -> None:
    for change in ({"currency": "USD"}, {"number": "Q1"}, {"expires_at": world.now()}):
        with pytest.raises(PaymentNotStarted):
            world.start(a_payment(now=world.now(), **change))
    paid = world.paid()
    with pytest.raises(PaymentNotStarted, match="orderpaid"):
        world.start(paid)
    with pytest.raises(PaymentNotStarted, match="out_trade_no_used"):
        world.start(replace(paid, amount_minor=1))
    with told_by(world.keys, world.real(), Said(200, {})) as (channel, _), pytest.raises(PaymentNotStarted):
        channel.start(payment=a_payment(now=world.now()), now=world.now())


def test_a_real_code_is_for_phones_alone(world: World) -> None:
    code = "weixin://wxpay/bizpayurl?pr=JyC91EIz1"
    with told_by(world.keys, world.real(), Said(200, {"code_url": code})) as (channel, impostor):
        started = channel.start(payment=a_payment(now=world.now()), now=world.now())
    assert (started.cashier_url, started.qr_text) == ("", code)
    assert impostor.heard[0][0] == "POST /v3/pay/transactions/native"


def test_inside_wechat_without_an_openid_and_on_a_phone_without_an_address_a_code_is_shown(world: World) -> None:
    for device in ("wechat", "mobile"):
        _, started = world.start(a_payment(now=world.now(), device=device))
        assert started.qr_text
