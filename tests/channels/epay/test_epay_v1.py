"""v1 against the gateway over HTTP: what it can do, and that it does not pretend to do more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from anka.adapters.channels.epay import EpayChannel
from anka.adapters.channels.port import BillNotAvailable, Evidence, EvidenceStatus, PaymentNotStarted
from tests.channels.epay import signing
from tests.channels.epay.world import AMOUNT, NOTIFY, Epay, a_refund

UNKNOWN, PROCESSING, SUCCEEDED = EvidenceStatus.UNKNOWN, EvidenceStatus.PROCESSING, EvidenceStatus.SUCCEEDED
OPERATIONS: dict[str, Callable[[Epay], Evidence]] = {
    "query": lambda epay: epay.v1.query_payment(number="Q1-000001", now=epay.now),
    "refund": lambda epay: epay.v1.submit_refund(request=a_refund(), now=epay.now),
}


def test_the_manners_say_what_the_protocol_lacks(epay: Epay) -> None:
    assert not epay.v1.manners.retries_refunds
    assert not epay.v1.manners.has_bills
    assert not epay.v1.manners.asks_to_start
    assert epay.v1_mapi.manners.asks_to_start


def test_the_browser_brings_a_payment_that_is_signed_as_documented(epay: Epay) -> None:
    began = epay.v1.start(payment=epay.wanted(), now=epay.now)

    fields = dict(parse_qsl(urlsplit(began.cashier_url).query))
    key = epay.v1._settings.key
    assert fields == signing.md5({name: value for name, value in fields.items() if not name.startswith("sign")}, key)
    assert (fields["money"], fields["out_trade_no"], fields["notify_url"]) == ("10.00", "Q1-000001", f"{NOTIFY}epay")
    answer = httpx.get(began.cashier_url, trust_env=False)
    assert (answer.status_code, "/cashier/" in answer.headers["Location"]) == (302, True)
    assert OPERATIONS["query"](epay).status is PROCESSING


def test_an_address_with_another_sum_is_refused_by_the_gateway(epay: Epay) -> None:
    began = epay.v1.start(payment=epay.wanted(), now=epay.now)

    answer = httpx.get(began.cashier_url.replace("money=10.00", "money=0.01"), trust_env=False)

    assert (answer.status_code, "MD5签名校验失败" in answer.text) == (200, True)
    assert OPERATIONS["query"](epay).reason == "payment_not_found"


@pytest.mark.parametrize(("device", "where"), [("desktop", "qr_text"), ("mobile", "cashier_url"), ("wechat", "cashier_url")])
def test_mapi_asks_the_gateway_for_an_address_or_a_code(epay: Epay, device: str, where: str) -> None:
    began = epay.v1_mapi.start(payment=epay.wanted(device=device, payer_address="10.1.2.3"), now=epay.now)

    assert getattr(began, where).startswith("http://sandbox.test/cashier/")
    assert [began.cashier_url, began.qr_text].count("") == 1


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500", "forged"])
def test_mapi_without_an_answer_starts_nothing_that_is_told(epay: Epay, fault: str) -> None:
    epay.preset("start", fault)

    with pytest.raises(PaymentNotStarted):
        epay.v1_mapi.start(payment=epay.wanted(), now=epay.now)

    assert epay.v1_mapi.start(payment=epay.wanted(), now=epay.now).qr_text


@pytest.mark.parametrize("more", [{"currency": "USD"}, {"expires_at": None}, {"return_url": "http://shop.test/?a=1&b=2"}])
def test_what_cannot_be_said_in_this_protocol_is_not_started(epay: Epay, more: dict[str, Any]) -> None:
    more = {name: value or epay.now for name, value in more.items()}

    with pytest.raises(PaymentNotStarted):
        epay.v1.start(payment=epay.wanted(**more), now=epay.now)


def test_a_paid_payment_is_found_with_its_facts(epay: Epay) -> None:
    epay.pay()

    known = OPERATIONS["query"](epay)

    assert (known.status, known.amount_minor, known.currency) == (SUCCEEDED, AMOUNT, "CNY")
    assert known.channel_number == epay.trade_no()
    assert known.occurred_at == epay.now.replace(microsecond=0)
    assert known.digest


def test_a_payment_stays_paid_after_a_refund(epay: Epay) -> None:
    epay.pay()
    epay.v1.submit_refund(request=a_refund(amount_minor=300), now=epay.now)

    known = OPERATIONS["query"](epay)

    assert (known.status, known.amount_minor) == (SUCCEEDED, AMOUNT)


def test_it_cannot_be_closed_but_money_that_was_faster_is_seen(epay: Epay) -> None:
    epay.start()

    assert epay.v1.close(number="Q1-000001", now=epay.now).status == "unknown"
    assert epay.v1.close(number="Q1-000001", now=epay.now).evidence.reason == "cannot_be_closed"

    epay.play("Q1-000001", "paid")
    answer = epay.v1.close(number="Q1-000001", now=epay.now)
    assert (answer.status, answer.evidence.status, answer.evidence.source) == ("paid", SUCCEEDED, "answer")


def test_a_refund_succeeds_at_once(epay: Epay) -> None:
    epay.pay()

    told = epay.v1.submit_refund(request=a_refund(), now=epay.now)

    assert (told.status, told.amount_minor, told.number) == (SUCCEEDED, AMOUNT, "R-000001")
    assert epay.refunds() == [("accepted", AMOUNT)]


def test_a_refund_goes_by_the_gateways_own_number_where_it_is_known(epay: Epay) -> None:
    epay.pay()

    told = epay.v1.submit_refund(request=a_refund(payment_channel_number=epay.trade_no()), now=epay.now)
    stranger = epay.v1.submit_refund(request=a_refund("R-000002", payment_channel_number="2016080622555342651"), now=epay.now)

    assert told.status is SUCCEEDED
    assert (stranger.status, stranger.reason) == (EvidenceStatus.FAILED, "refused")


def test_asking_twice_would_be_two_refunds(epay: Epay) -> None:
    """Why `retries_refunds` is False: the gateway cannot tell the second request from the first."""
    epay.pay()

    for _ in range(2):
        epay.v1.submit_refund(request=a_refund(amount_minor=400), now=epay.now)

    assert epay.refunds() == [("accepted", 400), ("accepted", 400)]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500", "forged"])
def test_without_a_believable_answer_the_outcome_is_unknown(epay: Epay, operation: str, fault: str) -> None:
    epay.pay()
    epay.preset(operation, fault)

    heard = OPERATIONS[operation](epay)

    assert heard.status is UNKNOWN
    assert heard.reason in {"no_answer", "malformed_answer"}
    if operation == "refund":
        assert len(epay.refunds()) == int(fault in {"timeout_after", "forged"})


@pytest.mark.parametrize("fault", ["never", "wrong_amount"])
def test_a_refund_that_ends_oddly_is_unknown(epay: Epay, fault: str) -> None:
    epay.pay()
    epay.preset("refund", fault)

    assert OPERATIONS["refund"](epay).status is UNKNOWN
    assert len(epay.refunds()) == 1


def test_an_answer_that_comes_too_late_is_unknown(epay: Epay) -> None:
    epay.pay()
    epay.preset("refund", {"fault": "delay", "seconds": 30})
    hurried = EpayChannel(settings=epay.v1._settings, notify_url="http://shop.test/", real_clock=epay.world.real)
    hurried.patience = 0.5

    assert OPERATIONS["refund"](replace(epay, v1=hurried)).status is UNKNOWN
    hurried.close_connections()


def test_another_sum_of_a_payment_is_told_as_it_is(epay: Epay) -> None:
    epay.pay()
    epay.preset("query", "wrong_amount")

    assert OPERATIONS["query"](epay).amount_minor == 1


def test_an_empty_balance_is_waited_for(epay: Epay) -> None:
    epay.pay()
    epay.preset("refund", "out_of_funds")

    assert (OPERATIONS["refund"](epay).status, epay.refunds()) == (EvidenceStatus.WAITING_FUNDS, [])


def test_only_what_is_refused_before_anything_happens_is_failed(epay: Epay) -> None:
    failed = epay.v1.submit_refund(request=a_refund(), now=epay.now)
    epay.start()
    unpaid = epay.v1.submit_refund(request=a_refund(), now=epay.now)
    epay.play("Q1-000001", "paid")
    epay.v1.submit_refund(request=a_refund(amount_minor=800), now=epay.now)
    too_much = epay.v1.submit_refund(request=a_refund("R-000002", amount_minor=800), now=epay.now)

    assert {failed.status, unpaid.status} == {EvidenceStatus.FAILED}
    # "More than is left" may be the echo of our own request, repeated by something in between: a person has to look.
    assert (too_much.status, too_much.reason) == (UNKNOWN, "refused_unclearly")


def test_without_the_right_key_nothing_moves_and_that_is_certain(epay: Epay) -> None:
    epay.pay()
    stranger = EpayChannel(settings=replace(epay.v1._settings, key="wrong"), notify_url="http://shop.test/", real_clock=epay.world.real)

    told = stranger.submit_refund(request=a_refund(), now=epay.now)

    assert (told.status, epay.refunds()) == (EvidenceStatus.FAILED, [])
    stranger.close_connections()


def test_a_refund_that_was_never_sent_says_so(epay: Epay) -> None:
    nobody = EpayChannel(settings=replace(epay.v1._settings, base_url="http://127.0.0.1:1"), notify_url="http://shop.test/")

    told = nobody.submit_refund(request=a_refund(), now=epay.now)

    assert (told.status, told.reason) == (UNKNOWN, "not_connected")
    nobody.close_connections()


def test_asking_about_a_refund_never_invites_to_send_it_again(epay: Epay) -> None:
    before = epay.v1.query_refund(request=a_refund(), now=epay.now)
    epay.pay()
    paid = epay.v1.query_refund(request=a_refund(), now=epay.now)
    epay.v1.submit_refund(request=a_refund(), now=epay.now)
    after = epay.v1.query_refund(request=a_refund(), now=epay.now)

    assert [told.status for told in (before, paid, after)] == [UNKNOWN] * 3
    assert [told.reason for told in (before, paid, after)] == ["refused", "payment_has_no_refunds", "payment_has_refunds"]
    assert epay.v1.mend_refund(request=a_refund(), now=epay.now).reason == "not_supported"


def test_there_is_no_bill(epay: Epay) -> None:
    with pytest.raises(BillNotAvailable):
        epay.v1.bill(day=date(2026, 11, 23), now=epay.now + timedelta(days=1))
