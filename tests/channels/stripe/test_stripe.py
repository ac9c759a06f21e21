"""Stripe's adapter at its gateway: every fault of every operation, refunds that never double, events that are not ones, odd currencies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from anka.adapters.channels import stripe_wire
from anka.adapters.channels.port import (
    BillMalformed,
    BillNotAvailable,
    Evidence,
    EvidenceStatus,
    Incoming,
    Notice,
    NoticeBadSignature,
    NoticeMalformed,
    NoticeRefused,
    NoticeTooOld,
    NoticeUnknownMerchant,
    PaymentNotStarted,
)
from anka.adapters.channels.stripe import CHINA, StripeChannel
from anka.adapters.channels.stripe_settings import StripeSettings
from anka.domain.money import EXPONENTS
from anka.sandbox import clock
from tests.channels.stripe.world import AMOUNT, Cards, a_refund

S = EvidenceStatus
OPERATIONS: dict[str, Callable[[Cards], Evidence]] = {
    "query": lambda cards: cards.channel.query_payment(number="Q1", now=cards.now),
    "close": lambda cards: cards.channel.close(number="Q2", now=cards.now).evidence,
    "refund": lambda cards: cards.channel.submit_refund(request=known(cards, "R2", 400), now=cards.now),
    "query_refund": lambda cards: cards.channel.query_refund(request=known(cards, "R1", 600), now=cards.now),
}


def known(cards: Cards, number: str, amount_minor: int, **more: Any) -> Any:
    return a_refund(number, amount_minor, payment_channel_number=cards.intent(), **more)


@pytest.fixture
def trading(cards: Cards) -> Cards:
    """Q1 is paid and more than half of it being refunded as R1; Q2 is open."""
    cards.pay("Q1")
    cards.channel.start(payment=cards.wanted("Q2"), now=cards.now)
    cards.channel.submit_refund(request=known(cards, "R1", 600), now=cards.now)
    return cards


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500", "forged"])
def test_without_a_believable_answer_the_outcome_is_unknown_and_asking_again_finds_out(trading: Cards, operation: str, fault: str) -> None:
    trading.preset(operation, fault)

    heard = OPERATIONS[operation](trading)

    # A session that was closed although nobody heard so is closed: then there is no open one left to close, nor money.
    assert (heard.status, heard.reason) == (S.UNKNOWN, "no_answer")
    again = OPERATIONS[operation](trading)
    assert again.status is not S.FAILED
    assert (again.status is S.UNKNOWN) == (operation == "close" and fault in {"timeout_after", "forged"})
    assert sum(trading.refunds()) == 600 + 400 * int(operation == "refund")


@pytest.mark.parametrize("operation", ["refund", "query_refund"])
def test_a_refund_of_another_sum_is_unknown(trading: Cards, operation: str) -> None:
    trading.preset(operation, "wrong_amount")

    told = OPERATIONS[operation](trading)

    assert (told.status, told.reason) == (S.UNKNOWN, "answer_differs")


def test_another_sum_of_a_payment_is_told_as_it_is(trading: Cards) -> None:
    trading.preset("query", "wrong_amount")

    assert OPERATIONS["query"](trading).amount_minor == 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_comes_too_late_is_unknown(trading: Cards, operation: str) -> None:
    trading.preset(operation, {"fault": "delay", "seconds": 30})
    hurried = StripeChannel(settings=trading.channel._settings, notify_url="http://shop.test/", real_clock=trading.world.real)
    hurried.patience = 0.5

    assert OPERATIONS[operation](replace(trading, channel=hurried)).status is S.UNKNOWN
    hurried.close_connections()


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500", "forged"])
def test_a_session_is_not_started_without_an_answer_and_the_next_try_is_the_same_one(cards: Cards, fault: str) -> None:
    wanted = cards.wanted()
    cards.preset("start", fault)

    with pytest.raises(PaymentNotStarted):
        cards.channel.start(payment=wanted, now=cards.now)

    assert cards.channel.start(payment=wanted, now=cards.now).cashier_url.startswith("http://sandbox.test/cashier/")
    with pytest.raises(PaymentNotStarted, match="idempotency_error"):
        cards.channel.start(payment=replace(wanted, amount_minor=1), now=cards.now)


def test_closing(trading: Cards) -> None:
    closed = trading.channel.close(number="Q2", now=trading.now)
    paid = trading.channel.close(number="Q1", now=trading.now)
    nothing = trading.channel.close(number="Q3", now=trading.now)

    assert (closed.status, closed.evidence.status) == ("closed", S.CLOSED)
    assert (paid.status, paid.evidence.status, paid.evidence.amount_minor) == ("paid", S.SUCCEEDED, AMOUNT)
    assert (nothing.status, nothing.evidence.reason) == ("unknown", "not_closed")


def test_what_the_search_does_not_know_is_still_open(cards: Cards) -> None:
    told = cards.channel.query_payment(number="Q1", now=cards.now)

    assert (told.status, told.reason) == (S.PROCESSING, "payment_not_found")
    assert cards.channel.query_payment(number="x' OR '", now=cards.now).status is S.UNKNOWN


def test_the_same_number_never_pays_twice_also_when_stripe_has_forgotten_the_key(trading: Cards) -> None:
    """A key is kept for a day. Later only looking for the refund before asking for it keeps it from being paid again."""
    request = known(trading, "R2", 100)
    first = trading.channel.submit_refund(request=request, now=trading.now)
    trading.play_refund("R2", "succeeded")
    clock.advance(home=trading.world.home, seconds=25 * 3_600)

    again = trading.channel.submit_refund(request=request, now=trading.now)
    without_looking = trading.sdk.v1.refunds.create({"payment_intent": trading.intent(), "amount": 100}, {"idempotency_key": "R2"})

    assert (first.channel_number, again.channel_number) == ("re_R2", "re_R2")
    assert without_looking.id != "re_R2"
    assert sorted(trading.refunds()) == [100, 100, 600]


def test_the_same_number_with_another_sum_is_unknown(trading: Cards) -> None:
    first, again = OPERATIONS["refund"](trading), OPERATIONS["refund"](trading)
    other = trading.channel.submit_refund(request=known(trading, "R2", 300), now=trading.now)

    assert first.channel_number == again.channel_number
    assert (other.status, other.reason) == (S.UNKNOWN, "answer_differs")
    assert sorted(trading.refunds()) == [400, 600]


def test_a_refund_stripe_never_saw_is_not_found_and_its_payment_is_looked_up_where_it_has_to_be(trading: Cards) -> None:
    unseen = trading.channel.query_refund(request=a_refund("R9"), now=trading.now)
    nobody = trading.channel.submit_refund(request=a_refund("R9", payment_number="Q9"), now=trading.now)
    told = trading.channel.submit_refund(request=a_refund("R2", 400), now=trading.now)

    assert (unseen.status, unseen.reason, unseen.channel_number) == (S.UNKNOWN, "refund_not_found", None)
    assert (nobody.status, nobody.reason) == (S.UNKNOWN, "payment_not_found")
    assert told.status is S.PROCESSING


def test_an_empty_balance_is_waited_for(trading: Cards) -> None:
    trading.preset("refund", "out_of_funds")

    assert OPERATIONS["refund"](trading).status is S.WAITING_FUNDS
    assert OPERATIONS["refund"](trading).status is S.PROCESSING


def test_what_is_refused_for_certain_is_failed(trading: Cards) -> None:
    too_much = trading.channel.submit_refund(request=known(trading, "R3", 401), now=trading.now)
    nowhere = trading.channel.query_refund(request=a_refund("R4", payment_channel_number="pi_nobody"), now=trading.now)

    assert (too_much.status, nowhere.status) == (S.FAILED, S.UNKNOWN)


def test_a_wrong_key_is_no_failure_of_a_refund(trading: Cards) -> None:
    settings = replace(trading.channel._settings, secret_key="sk_test_0000000000000000")
    stranger = StripeChannel(settings=settings, notify_url="http://shop.test/", real_clock=trading.world.real)

    told = stranger.submit_refund(request=known(trading, "R2", 400), now=trading.now)

    assert (told.status, trading.refunds()) == (S.UNKNOWN, [600])
    stranger.close_connections()


def test_currencies_count_as_stripes_list_says() -> None:
    assert {code for code in EXPONENTS if not stripe_wire.counts_as_we_do(currency=code)} == set()
    assert not stripe_wire.counts_as_we_do(currency="UGX")


@pytest.mark.parametrize(
    ("currency", "amount", "possible"),
    [("JPY", 500, True), ("KWD", 5_120, True), ("KWD", 5_124, False), ("TWD", 80_045, True), ("USD", 0, False), ("XXX", 100, False)],
)
def test_every_kind_of_currency_is_charged_in_its_own_units(cards: Cards, currency: str, amount: int, possible: bool) -> None:
    if not possible:
        with pytest.raises(PaymentNotStarted):
            cards.channel.start(payment=cards.wanted(amount_minor=amount, currency=currency), now=cards.now)
        return
    cards.pay(amount_minor=amount, currency=currency)

    told = cards.channel.query_payment(number="Q1", now=cards.now)
    back = cards.channel.submit_refund(request=a_refund(amount_minor=amount, currency=currency), now=cards.now)

    assert (told.amount_minor, told.currency) == (back.amount_minor, back.currency) == (amount, currency)


def test_a_part_stripe_cannot_move_is_not_sent(cards: Cards) -> None:
    cards.pay(amount_minor=5_120, currency="KWD")

    told = cards.channel.submit_refund(request=a_refund(amount_minor=1_234, currency="KWD"), now=cards.now)

    assert (told.status, told.reason, cards.refunds()) == (S.FAILED, "amount_not_payable", [])


def event(cards: Cards, kind: str, said: dict[str, object], *, age: int = 0, **more: Any) -> Notice:
    """An event signed by the SDK."""
    told = {"id": "evt_1", "object": "event", "livemode": False, "type": kind, "data": {"object": said}, **more}
    body = json.dumps(told)
    header = stripe.WebhookSignature.generate_signature_header(body, cards.secret, int(cards.world.real().timestamp()) - age)
    return cards.channel.read_notice(message=Incoming(headers={"stripe-signature": header}, body=body.encode()), now=cards.now)


SESSION = {"id": "cs_1", "client_reference_id": "Q1", "amount_total": 1_000, "currency": "usd", "payment_intent": "pi_1"}
REFUND = {"id": "re_1", "amount": 400, "currency": "usd", "metadata": {"anka_refund": "R1", "anka_payment": "Q1"}}
DISPUTE = {"id": "du_1", "amount": 1_000, "currency": "usd", "payment_intent": "pi_1"}


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("checkout.session.completed", {**SESSION, "payment_status": "paid"}, "payment.paid"),
        ("checkout.session.completed", {**SESSION, "payment_status": "unpaid"}, "nothing"),
        ("checkout.session.async_payment_succeeded", SESSION, "payment.paid"),
        ("checkout.session.async_payment_failed", SESSION, "payment.failed"),
        ("checkout.session.expired", SESSION, "payment.closed"),
        ("checkout.session.completed", {**SESSION, "client_reference_id": None}, "nothing"),
        ("refund.updated", {**REFUND, "status": "succeeded"}, "refund.succeeded"),
        ("refund.updated", {**REFUND, "status": "pending"}, "nothing"),
        ("refund.updated", {**REFUND, "status": "requires_action"}, "nothing"),
        ("refund.updated", {**REFUND, "status": "canceled"}, "refund.closed"),
        ("refund.failed", {**REFUND, "status": "failed", "failure_reason": "lost_or_stolen_card"}, "refund.failed"),
        ("charge.refund.updated", {**REFUND, "status": "failed"}, "refund.failed"),
        ("refund.updated", {**REFUND, "metadata": {}, "status": "succeeded"}, "nothing"),
        ("charge.dispute.created", {**DISPUTE, "status": "needs_response"}, "dispute.opened"),
        ("charge.dispute.created", {**DISPUTE, "status": "warning_needs_response"}, "nothing"),
        ("charge.dispute.closed", {**DISPUTE, "status": "won"}, "dispute.won"),
        ("charge.dispute.closed", {**DISPUTE, "status": "lost"}, "dispute.lost"),
        ("charge.dispute.closed", {**DISPUTE, "status": "warning_closed"}, "nothing"),
        ("customer.created", {"id": "cus_1"}, "nothing"),
    ],
)
def test_what_events_mean(cards: Cards, kind: str, said: dict[str, object], told: str) -> None:
    notice = event(cards, kind, said)

    assert notice.kind == told
    if told.startswith("refund."):
        assert (notice.number, notice.payment_number, notice.evidence.amount_minor) == ("R1", "Q1", 400)
    if told.startswith("dispute."):
        # A dispute names Stripe's number of the payment alone.
        assert (notice.number, notice.evidence.channel_number, notice.evidence.amount_minor) == ("pi_1", "du_1", 1_000)


def test_a_refund_that_fails_after_it_succeeded_is_told_as_failed(cards: Cards) -> None:
    cards.pay()
    cards.channel.submit_refund(request=a_refund(), now=cards.now)
    (succeeded,) = cards.play_refund("R1", "succeeded")
    (failed,) = cards.play_refund("R1", "failed")

    first, second = (cards.channel.read_notice(message=sent.incoming, now=cards.now) for sent in (succeeded, failed))

    assert (first.kind, second.kind) == ("refund.succeeded", "refund.failed")
    assert (second.evidence.status, second.evidence.reason) == (S.FAILED, "expired_or_canceled_card")
    assert first.event_id != second.event_id


@pytest.mark.parametrize(("age", "believed"), [(299, True), (301, False), (-301, False), (30 * 86_400, False)])
def test_an_event_from_another_time_is_refused(cards: Cards, age: int, believed: bool) -> None:
    """The SDK believes events from the future; we do not."""
    if believed:
        assert event(cards, "checkout.session.expired", SESSION, age=age).kind == "payment.closed"
    else:
        with pytest.raises(NoticeTooOld):
            event(cards, "checkout.session.expired", SESSION, age=age)


@pytest.mark.parametrize("more", [{"livemode": True}, {"account": "acct_1"}])
def test_an_event_of_another_account_is_refused(cards: Cards, more: dict[str, Any]) -> None:
    with pytest.raises(NoticeUnknownMerchant):
        event(cards, "checkout.session.expired", SESSION, **more)


@pytest.mark.parametrize("said", [{**SESSION, "amount_total": None}, {**SESSION, "amount_total": "10"}, {**SESSION, "currency": 1}])
def test_an_event_without_an_amount_is_refused(cards: Cards, said: dict[str, object]) -> None:
    with pytest.raises(NoticeMalformed):
        event(cards, "checkout.session.expired", said)


@pytest.mark.parametrize("header", ["", "t=1", "v1=0", "t=1,v1=", "t=x,v1=0", "t=1,t=2,v1=0", "t=1,v0=0", "t=" + "9" * 20 + ",v1=0"])
def test_a_header_that_is_no_signature_is_refused(cards: Cards, header: str) -> None:
    with pytest.raises(NoticeBadSignature):
        cards.channel.read_notice(message=Incoming(headers={"stripe-signature": header}, body=b"{}"), now=cards.now)


@pytest.mark.parametrize("fault", ["reflected", "forged", "replayed"])
def test_no_bad_event_is_read(cards: Cards, fault: str) -> None:
    cards.channel.start(payment=cards.wanted(), now=cards.now)
    (bad,) = cards.play("Q1", "paid", fault)

    with pytest.raises(NoticeRefused):
        cards.channel.read_notice(message=bad.incoming, now=cards.now)


def test_while_a_secret_is_exchanged_both_are_believed(cards: Cards) -> None:
    settings = replace(cards.channel._settings, webhook_secrets=("whsec_new000000000", cards.secret))
    channel = StripeChannel(settings=settings, notify_url="http://shop.test/", real_clock=cards.world.real)

    assert event(replace(cards, channel=channel), "checkout.session.expired", SESSION).kind == "payment.closed"
    channel.close_connections()


def test_a_bill_waits_for_the_end_of_its_day(cards: Cards) -> None:
    with pytest.raises(BillNotAvailable):
        cards.channel.bill(day=cards.now.astimezone(CHINA).date(), now=cards.now)
    with pytest.raises(BillNotAvailable):
        StripeChannel(settings=replace(cards.channel._settings, base_url="http://127.0.0.1:1"), notify_url="http://shop.test/").bill(
            day=date(2026, 1, 1), now=cards.now
        )


def test_a_saved_list_is_read_as_the_bill(cards: Cards) -> None:
    cards.pay()
    day = cards.now.astimezone(CHINA).date()
    bill = cards.channel.bill(day=day, now=cards.now + timedelta(days=1))
    saved = {"id": "txn_1", "type": "charge", "amount": AMOUNT, "fee": 6, "currency": "usd", "created": int(cards.now.timestamp())}
    source = {"id": "ch_1", "payment_intent": cards.intent(), "metadata": {"anka_payment": "Q1"}}
    content = json.dumps({"object": "list", "data": [{**saved, "source": source}, {**saved, "created": 1}]}).encode()

    read = cards.channel.read_bill(day=day, content=content)

    assert [replace(line, occurred_at=cards.now) for line in read.lines] == [replace(bill.lines[0], occurred_at=cards.now)]
    for bad in (b"", b"[]", b"{}", b'{"object":"list","data":[{"id":"txn_1"}]}'):
        with pytest.raises(BillMalformed):
            cards.channel.read_bill(day=day, content=bad)


def test_the_settings_are_read_and_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_live_0123456789abcdef\n")
    (tmp_path / "hook").write_text("whsec_0123456789abcdef\n")
    table = {"secret_key": "key", "webhook_secrets": ["hook"]}

    settings = StripeSettings.read(table, tmp_path)

    assert (settings.is_live, settings.webhook_secrets, settings.base_url) == (True, ("whsec_0123456789abcdef",), "https://api.stripe.com")
    assert "0123456789" not in repr(settings)
    wrong: list[dict[str, object]] = [
        {"secret_key": "hook"},
        {"secret_key": "nowhere"},
        {"webhook_secrets": []},
        {"webhook_secrets": ["key"]},
        {"webhook_secrets": "hook"},
        {"base_url": "http://api.stripe.com"},
        {"refund_window_days": 0},
        {"currency": "usd"},
    ]
    for changed in wrong:
        with pytest.raises(ValueError, match=r"^\S"):
            StripeSettings.read({**table, **changed}, tmp_path)
