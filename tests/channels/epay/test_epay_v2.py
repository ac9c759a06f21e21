"""v2 against the gateway over HTTP: every fault of every operation, and refunds that never double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from anka.adapters.channels.epay_v2 import EpayV2Channel
from anka.adapters.channels.port import BillNotAvailable, Evidence, EvidenceStatus, PaymentNotStarted
from tests.channels.epay import signing
from tests.channels.epay.world import AMOUNT, NOTIFY, Epay, a_refund

UNKNOWN, PROCESSING, SUCCEEDED, FAILED = (
    EvidenceStatus.UNKNOWN,
    EvidenceStatus.PROCESSING,
    EvidenceStatus.SUCCEEDED,
    EvidenceStatus.FAILED,
)
OPERATIONS: dict[str, Callable[[Epay], Evidence]] = {
    "query": lambda epay: epay.v2.query_payment(number="Q1-000001", now=epay.now),
    "close": lambda epay: epay.v2.close(number="Q2-000001", now=epay.now).evidence,
    "refund": lambda epay: epay.v2.submit_refund(request=a_refund(amount_minor=400), now=epay.now),
    "query_refund": lambda epay: epay.v2.query_refund(request=a_refund("R-000000", amount_minor=600), now=epay.now),
}


@pytest.fixture
def trading(epay: Epay) -> Epay:
    """Q1 is paid and more than half of it being refunded as R-000000; Q2 is open."""
    epay.pay("epay_v2")
    epay.start("epay_v2", "Q2-000001")
    epay.v2.submit_refund(request=a_refund("R-000000", amount_minor=600), now=epay.now)
    return epay


@pytest.mark.parametrize(("device", "where"), [("desktop", "qr_text"), ("mobile", "cashier_url"), ("wechat", "cashier_url")])
def test_the_gateway_is_asked_for_an_address_or_a_code(epay: Epay, device: str, where: str) -> None:
    began = epay.v2.start(payment=epay.wanted(device=device), now=epay.now)

    assert getattr(began, where).startswith("http://sandbox.test/cashier/")
    assert [began.cashier_url, began.qr_text].count("") == 1
    assert OPERATIONS["query"](epay).status is PROCESSING


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500", "forged"])
def test_without_an_answer_nothing_is_started_that_is_told(epay: Epay, fault: str) -> None:
    epay.preset("start", fault)

    with pytest.raises(PaymentNotStarted):
        epay.v2.start(payment=epay.wanted(), now=epay.now)

    assert epay.v2.start(payment=epay.wanted(), now=epay.now).qr_text


def test_what_the_gateway_refuses_is_not_started(epay: Epay) -> None:
    epay.start("epay_v2")

    with pytest.raises(PaymentNotStarted, match="-1"):
        epay.v2.start(payment=epay.wanted(amount_minor=1), now=epay.now)
    with pytest.raises(PaymentNotStarted):
        epay.v2.start(payment=epay.wanted(currency="USD"), now=epay.now)


def test_a_paid_payment_is_found_with_its_facts(trading: Epay) -> None:
    known = OPERATIONS["query"](trading)

    assert (known.status, known.amount_minor, known.channel_number) == (SUCCEEDED, AMOUNT, trading.trade_no())
    assert known.occurred_at == trading.now.replace(microsecond=0)


def test_a_payment_nobody_opened_is_not_found_although_nobody_signs_that(epay: Epay) -> None:
    told = OPERATIONS["query"](epay)

    assert (told.status, told.reason) == (PROCESSING, "payment_not_found")


def test_closing(trading: Epay) -> None:
    closed = trading.v2.close(number="Q2-000001", now=trading.now)
    paid = trading.v2.close(number="Q1-000001", now=trading.now)
    nothing = trading.v2.close(number="Q3-000001", now=trading.now)

    assert (closed.status, closed.evidence.status) == ("closed", EvidenceStatus.CLOSED)
    assert (paid.status, paid.evidence.status, paid.evidence.amount_minor) == ("paid", SUCCEEDED, AMOUNT)
    assert (nothing.status, nothing.evidence.status) == ("unknown", UNKNOWN)


def test_code_0_is_not_success_and_the_question_finds_it(trading: Epay) -> None:
    told = OPERATIONS["refund"](trading)
    assert (told.status, told.amount_minor, told.number) == (PROCESSING, 400, "R-000001")

    trading.play_refund("R-000001", "succeeded")
    known = trading.v2.query_refund(request=a_refund(amount_minor=400), now=trading.now)
    assert (known.status, known.amount_minor, known.channel_number) == (SUCCEEDED, 400, told.channel_number)


def test_the_same_number_never_pays_twice(trading: Epay) -> None:
    first, again = OPERATIONS["refund"](trading), OPERATIONS["refund"](trading)
    other = trading.v2.submit_refund(request=a_refund(amount_minor=300), now=trading.now)

    assert first.channel_number == again.channel_number
    assert (other.status, other.reason) == (UNKNOWN, "answer_differs")
    assert sorted(trading.refunds()) == [("accepted", 400), ("accepted", 600)]


def test_a_refund_under_way_is_not_found_and_sent_again_under_its_number(trading: Epay) -> None:
    under_way = OPERATIONS["query_refund"](trading)
    assert (under_way.status, under_way.reason) == (UNKNOWN, "refund_not_found")

    trading.v2.submit_refund(request=a_refund("R-000000", amount_minor=600), now=trading.now)

    assert trading.refunds() == [("accepted", 600)]


@pytest.mark.parametrize("outcome", ["closed", "abnormal", "failed"])
def test_a_refund_the_gateway_signs_as_failed_is_failed(trading: Epay, outcome: str) -> None:
    trading.play_refund("R-000000", outcome)

    assert OPERATIONS["query_refund"](trading).status is FAILED


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500"])
def test_without_an_answer_the_outcome_is_unknown_and_asking_again_finds_out(trading: Epay, operation: str, fault: str) -> None:
    trading.play_refund("R-000000", "succeeded")
    trading.preset(operation, fault)

    heard = OPERATIONS[operation](trading)

    assert (heard.status, heard.reason) == (UNKNOWN, "no_answer")
    assert OPERATIONS[operation](trading).status not in {UNKNOWN, FAILED}
    assert len(trading.refunds()) == 1 + int(operation == "refund")


@pytest.mark.parametrize("operation", ["query", "refund", "query_refund"])
def test_an_answer_signed_by_somebody_else_is_unknown(trading: Epay, operation: str) -> None:
    trading.play_refund("R-000000", "succeeded")
    trading.preset(operation, "forged")

    heard = OPERATIONS[operation](trading)

    assert (heard.status, heard.reason) == (UNKNOWN, "bad_signature")


def test_a_forged_closing_closes_nothing_for_us(trading: Epay) -> None:
    trading.preset("close", "forged")

    answer = trading.v2.close(number="Q2-000001", now=trading.now)

    assert (answer.status, answer.evidence.status) == ("unknown", UNKNOWN)


@pytest.mark.parametrize("operation", ["refund", "query_refund"])
def test_a_refund_of_another_sum_is_unknown(trading: Epay, operation: str) -> None:
    trading.play_refund("R-000000", "succeeded")
    trading.preset(operation, "wrong_amount")

    told = OPERATIONS[operation](trading)

    assert (told.status, told.reason) == (UNKNOWN, "answer_differs")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_comes_too_late_is_unknown(trading: Epay, operation: str) -> None:
    trading.preset(operation, {"fault": "delay", "seconds": 30})
    hurried = EpayV2Channel(settings=trading.v2._settings, notify_url="http://shop.test/", real_clock=trading.world.real)
    hurried.patience = 0.5

    assert OPERATIONS[operation](replace(trading, v2=hurried)).status is UNKNOWN
    hurried.close_connections()


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_answer_from_another_time_is_unknown(trading: Epay, seconds: int) -> None:
    """The clock of the gateway stands five minutes away: ours does not believe it, whatever it signs. Nor does it believe us."""
    away = EpayV2Channel(
        settings=trading.v2._settings, notify_url=NOTIFY, real_clock=lambda: trading.world.real() + timedelta(seconds=seconds)
    )

    assert away.query_payment(number="Q1-000001", now=trading.now).reason == "refused"
    away.close_connections()


def test_an_empty_balance_is_waited_for(trading: Epay) -> None:
    trading.preset("refund", "out_of_funds")

    assert (OPERATIONS["refund"](trading).status, len(trading.refunds())) == (EvidenceStatus.WAITING_FUNDS, 1)


def test_signed_refusals_that_move_nothing_are_failed(trading: Epay) -> None:
    unpaid = trading.v2.submit_refund(request=a_refund("R-000003", payment_number="Q2-000001"), now=trading.now)
    too_much = trading.v2.submit_refund(request=a_refund("R-000004", amount_minor=401), now=trading.now)

    assert unpaid.status is FAILED
    assert (too_much.status, too_much.reason) == (UNKNOWN, "refused_unclearly")


def test_a_refusal_nobody_signed_is_not_failed(trading: Epay) -> None:
    """With a wrong key of ours the gateway refuses, unsigned: anybody on the way could say that."""
    settings = replace(trading.v2._settings, private_key=signing.rsa_key("platform"))
    stranger = EpayV2Channel(settings=settings, notify_url=NOTIFY, real_clock=trading.world.real)

    told = stranger.submit_refund(request=a_refund(amount_minor=400), now=trading.now)

    assert (told.status, told.reason) == (UNKNOWN, "refused")
    assert len(trading.refunds()) == 1
    stranger.close_connections()


def test_there_is_no_bill_and_nothing_is_mended(epay: Epay) -> None:
    assert not epay.v2.manners.has_bills
    with pytest.raises(BillNotAvailable):
        epay.v2.bill(day=date(2026, 11, 23), now=epay.now + timedelta(days=1))
    assert epay.v2.mend_refund(request=a_refund(), now=epay.now).reason == "not_supported"
