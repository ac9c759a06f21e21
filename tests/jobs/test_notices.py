"""What a channel says: believed, repeated or refused. What is refused is kept and changes nothing at all."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.adapters.channels.sandbox_play import FaultWish
from anka.adapters.channels.sandbox_wire import Envelope, Purpose
from anka.core import database
from anka.jobs import channels, notices
from anka.sandbox.exchange import LARGEST_BODY
from tests import databases
from tests.builders import Order, a_product
from tests.databases import Database
from tests.jobs.market import PATH, PRICE, Market, attempts, events, kept, owed, questions, refunds, snapshot

Headers = Mapping[str, str]


@dataclass
class Message:
    """A genuine notice of the gateway about a payment that was just made, ready to be spoilt."""

    market: Market
    order: Order
    number: str
    headers: dict[str, str]
    body: bytes

    def signed(self, *, drop: str = "", **changed: object) -> tuple[Headers, bytes]:
        """The same with other content, signed with the gateway's own key."""
        facts = {**json.loads(self.body), **changed}
        facts.pop(drop, None)
        return self.sign(json.dumps(facts).encode())

    def sign(self, body: bytes, *, purpose: Purpose = Purpose.NOTICE, age: int = 0, path: str = f"{PATH}sandbox") -> tuple[Headers, bytes]:
        key = load_keys(home=self.market.home, mode=Mode.SANDBOX).gateway
        timestamp = int(self.market.real().timestamp()) - age
        envelope = Envelope(purpose=purpose, method="POST", path=path, timestamp=timestamp, nonce=sandbox_wire.new_nonce())
        return sandbox_wire.signed_headers(key=key, envelope=envelope, body=body), body


@pytest.fixture
def message(market: Market) -> Message:
    order = market.an_order()
    number = market.begin(order)
    (notice,) = market.play(order, number).notices
    return Message(market=market, order=order, number=number, headers=dict(notice.headers), body=notice.body)


def other_payment(message: Message) -> str:
    """The number of a payment of another order that costs something else."""
    return message.market.begin(message.market.an_order(product=a_product(stock=1, price_minor=777)))


def our_own_request(message: Message) -> tuple[Headers, bytes]:
    token = message.market.cashier(message.order, message.number).partition("request=")[2]
    return sandbox_wire.reflect_cashier_request(token=token)


def with_header(name: str, value: str) -> Callable[[Message], tuple[Headers, bytes]]:
    return lambda message: ({**message.headers, name: value}, message.body)


LIES: dict[str, tuple[Callable[[Message], tuple[Headers, bytes]], str, int]] = {
    "forged signature": (with_header("Anka-Signature", base64.b64encode(bytes(64)).decode()), "bad_signature", 401),
    "no signature": (lambda m: ({}, m.body), "malformed", 400),
    "signature is not base64": (with_header("Anka-Signature", "%%%"), "bad_signature", 401),
    "amount tampered": (lambda m: (m.headers, m.body.replace(b'"amount_minor":10000', b'"amount_minor":1')), "bad_signature", 401),
    "one byte more": (lambda m: (m.headers, m.body + b" "), "bad_signature", 401),
    "amount wrong, well signed": (lambda m: m.signed(amount_minor=1), "amount_differs", 409),
    "amount too high": (lambda m: m.signed(amount_minor=PRICE + 1), "amount_differs", 409),
    "amount negative": (lambda m: m.signed(amount_minor=-PRICE), "malformed", 400),
    "amount a fraction": (lambda m: m.signed(amount_minor=10000.5), "malformed", 400),
    "amount a text": (lambda m: m.signed(amount_minor="10000"), "malformed", 400),
    "other currency": (lambda m: m.signed(currency="USD"), "amount_differs", 409),
    "number of nobody": (lambda m: m.signed(number="TAAAA-P1", payment_number="TAAAA-P1"), "payment_unknown", 404),
    "number of another order": (lambda m: m.signed(number=other_payment(m)), "amount_differs", 409),
    "number with NUL": (lambda m: m.signed(number=f"{m.number}\0x"), "notice_incomplete", 400),
    "number endless": (lambda m: m.signed(number="A" * 5000), "notice_incomplete", 400),
    "transaction with NUL": (lambda m: m.signed(transaction="a\0b"), "notice_incomplete", 400),
    "transaction empty": (lambda m: m.signed(transaction=""), "notice_incomplete", 400),
    "replayed after ten minutes": (lambda m: m.sign(m.body, age=600), "too_old", 401),
    "from the future": (lambda m: m.sign(m.body, age=-600), "too_old", 401),
    "signed as an answer": (lambda m: m.sign(m.body, purpose=Purpose.ANSWER), "wrong_purpose", 401),
    "signed for another address": (lambda m: m.sign(m.body, path=f"{PATH}other"), "bad_signature", 401),
    "our own request reflected": (our_own_request, "wrong_purpose", 401),
    "another merchant": (lambda m: m.signed(merchant="somebody"), "unknown_merchant", 401),
    "no amount": (lambda m: m.signed(drop="amount_minor"), "malformed", 400),
    "no transaction": (lambda m: m.signed(drop="transaction"), "malformed", 400),
    "unknown type": (lambda m: m.signed(type="payment.doubled"), "malformed", 400),
    "empty": (lambda m: m.sign(b""), "malformed", 400),
    "not JSON": (lambda m: m.sign(b"\xff\xfe\0\0paid"), "malformed", 400),
    "a list": (lambda m: m.sign(b"[]"), "malformed", 400),
    "nested deeply": (lambda m: m.sign(b"[" * 30_000), "malformed", 400),
    "huge": (lambda m: m.sign(b" " * (LARGEST_BODY + 1) + m.body), "malformed", 400),
    "refund of nobody": (lambda m: m.signed(type="refund.succeeded", number="TAAAA-T1"), "not_found", 404),
}


def test_every_lie_is_refused_kept_and_changes_nothing(message: Message) -> None:
    market, seen = message.market, {}
    for lie, (spoil, _reason, _status) in LIES.items():
        headers, body = spoil(message)
        before = snapshot()
        seen[lie] = (market.post(headers=headers, body=body), snapshot() == before, kept()[-1][:2])
    assert seen == {lie: (status, True, ("refused", reason)) for lie, (_spoil, reason, status) in LIES.items()}
    assert len(kept()) == len(LIES)
    # What is signed and does not fit is asked about, once per payment; the rest is not worth a question.
    doubtful = {number for _verdict, reason, number in kept() if reason in ("amount_differs", "payment_unknown")}
    assert {number for number, _answer in questions()} == doubtful
    assert len(doubtful) == 3
    # The negative control: the truth, spoilt in nothing, is taken, and the snapshot sees it.
    before = snapshot()
    assert market.post(headers=message.headers, body=message.body) == 200
    assert message.order.stages == ["queued"]
    assert snapshot() != before


def test_a_message_through_another_channel_is_refused(message: Message) -> None:
    market = message.market
    other = SandboxChannel(
        mode=Mode.SANDBOX,
        home=market.home,
        base_url="http://nowhere.invalid",
        notify_url=f"{market.endpoint.address}{PATH}sandbox",
        real_clock=market.real,
    )
    other.code = "other"
    channels.channels["other"] = other
    before = snapshot()
    assert market.post(headers=message.headers, body=message.body, channel="other") == 404
    assert snapshot() == before
    assert kept() == [("refused", "payment_unknown", message.number)]
    with pytest.raises(channels.ChannelUnknown):
        market.post(headers=message.headers, body=message.body, channel="nobody")


def test_a_refund_told_through_another_channel_is_refused(market: Market) -> None:
    order = market.a_paid_order()
    market.cancel(order)
    number = submitted(market, order)
    (notice,) = market.play_refund(number, "succeeded").notices
    other = SandboxChannel(
        mode=Mode.SANDBOX,
        home=market.home,
        base_url="http://nowhere.invalid",
        notify_url=f"{market.endpoint.address}{PATH}sandbox",
        real_clock=market.real,
    )
    other.code = "other"
    channels.channels["other"] = other
    before = snapshot()
    assert market.give(notice, channel="other") == 404
    assert snapshot() == before
    assert market.give(notice) == 200
    assert order.moneys == ["refunded"]


def submitted(market: Market, order: Order) -> str:
    market.run()
    ((number, status),) = attempts(order)
    assert status == "processing"
    return number


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"amount_minor": 1}, "refund_differs"),
        ({"currency": "USD"}, "refund_differs"),
        ({"payment_number": "TAAAA-P1"}, "refund_differs"),
        ({"number": "TAAAA-T1"}, "not_found"),
        ({"number": "x\0"}, "notice_incomplete"),
    ],
)
def test_a_refund_that_differs_is_refused(market: Market, changed: dict[str, Any], reason: str) -> None:
    order = market.a_paid_order()
    market.cancel(order)
    number = submitted(market, order)
    (notice,) = market.play_refund(number, "succeeded").notices
    told = Message(market=market, order=order, number=number, headers=dict(notice.headers), body=notice.body)
    headers, body = told.signed(**changed)
    before = snapshot()
    assert market.post(headers=headers, body=body) in (400, 404, 409)
    assert snapshot() == before
    assert kept()[-1][:2] == ("refused", reason)
    assert market.give(notice) == 200
    assert order.moneys == ["refunded"]


@pytest.mark.parametrize("attack", ["forged", "replayed", "reflected", "other_order", "wrong_amount"])
def test_every_attack_the_gateway_can_play_bounces_off_over_the_wire(market: Market, attack: FaultWish) -> None:
    order = market.an_order()
    number = market.begin(order)
    before = snapshot()
    market.play(order, number, "paid", attack, deliver="send")
    assert market.send() == 1
    assert market.endpoint.answers[0] in (401, 404, 409)
    assert snapshot() == before
    assert [verdict for verdict, _reason, _number in kept()] == ["refused"]


def test_fifteen_duplicates_have_one_effect_and_one_answer(message: Message) -> None:
    market = message.market
    assert market.post(headers=message.headers, body=message.body) == 200
    after = snapshot()
    assert {market.post(headers=message.headers, body=message.body) for _ in range(14)} == {200}
    assert snapshot() == after
    assert [verdict for verdict, _reason, _number in kept()] == ["taken"] + ["repeated"] * 14


def test_fifteen_duplicates_over_the_wire(market: Market) -> None:
    order = market.an_order()
    market.play(order, market.begin(order), "paid", {"fault": "duplicate", "copies": 15}, deliver="send")
    assert market.send() == 15
    assert market.endpoint.answers == [200] * 15
    assert sorted(verdict for verdict, _reason, _number in kept()) == ["repeated"] * 14 + ["taken"]
    assert order.escrow == PRICE


def test_eight_at_once_have_one_effect(message: Message) -> None:
    def post(_: int) -> int:
        try:
            return message.market.post(headers=message.headers, body=message.body)
        finally:
            databases.close_connection()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(post, range(8))) == [200] * 8
    assert sorted(verdict for verdict, _reason, _number in kept()) == ["repeated"] * 7 + ["taken"]
    assert message.order.escrow == PRICE
    assert events(message.order).count("order_paid") == 1


def test_a_refund_told_eight_times_at_once_arrives_once(market: Market) -> None:
    order = market.a_paid_order()
    market.cancel(order)
    (notice,) = market.play_refund(submitted(market, order), "succeeded").notices

    def give(_: int) -> int:
        try:
            return market.give(notice)
        finally:
            databases.close_connection()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(give, range(8))) == [200] * 8
    assert events(order).count("refund_arrived") == 1
    assert "refund_evidence_contradicts" not in events(order)
    assert owed(order) == 0


@pytest.mark.parametrize("later", ["payment.failed", "payment.closed"])
def test_a_failure_told_after_the_money_changes_nothing(message: Message, later: str) -> None:
    market = message.market
    assert market.post(headers=message.headers, body=message.body) == 200
    after = snapshot()
    headers, body = message.signed(type=later)
    assert market.post(headers=headers, body=body) == 200
    assert snapshot() == after
    assert kept()[-1] == ("repeated", later, message.number)


def test_success_first_and_an_older_failure_after_it_over_the_wire(market: Market) -> None:
    order = market.an_order()
    market.play(order, market.begin(order), "paid", "out_of_order", deliver="send")
    market.real.tick(2)
    assert market.send() == 2
    assert market.endpoint.answers == [200, 200]
    assert order.stages == ["queued"]


def test_a_failed_payment_may_still_be_paid_and_another_may_begin(market: Market) -> None:
    order = market.an_order()
    first = market.begin(order)
    for notice in market.play(order, first, "failed").notices:
        assert market.give(notice) == 200
    assert kept()[-1] == ("taken", "payment.failed", first)
    second = market.begin(order)
    assert second != first
    for number in (first, second):
        for notice in market.play(order, number).notices:
            assert market.give(notice) == 200
    market.run()
    market.run_for(minutes=2)
    assert order.stages == ["sealed"]
    assert (market.captured(order), market.paid_back(order), order.escrow) == (2 * PRICE, PRICE, PRICE)


def test_a_refund_told_before_its_answer(market: Market) -> None:
    order = market.a_paid_order()
    market.cancel(order)
    market.preset("refund", "notice_before_answer")
    market.run()
    assert market.endpoint.answers == [200]
    assert [status for _number, status in attempts(order)] == ["succeeded"]
    # The answer, which says less than the notice did, contradicts nobody.
    assert "refund_evidence_contradicts" not in events(order)
    assert [(refund.status, order.moneys) for refund in refunds(order)] == [("succeeded", ["refunded"])]


def test_a_contradiction_is_kept_and_said_once(market: Market) -> None:
    order = market.a_paid_order()
    market.cancel(order)
    number = submitted(market, order)
    (notice,) = market.play_refund(number, "succeeded").notices
    assert market.give(notice) == 200
    told = Message(market=market, order=order, number=number, headers=dict(notice.headers), body=notice.body)
    for _ in range(3):
        headers, body = told.signed(type="refund.abnormal")
        assert market.post(headers=headers, body=body) == 200
    assert events(order).count("refund_evidence_contradicts") == 1
    assert [refund.status for refund in refunds(order)] == ["succeeded"]


def test_our_own_trouble_is_no_refusal_and_the_gateway_tries_again(market: Market, fresh_database: Database) -> None:
    order = market.an_order()
    number = market.begin(order)
    market.play(order, number, deliver="send")
    before = snapshot()
    with fresh_database.as_owner() as owner:
        databases.wait_for_locks(owner, limit="200ms")
    with fresh_database.as_owner() as somebody, somebody.transaction():
        somebody.execute("SELECT FROM orders_order WHERE number = %s FOR UPDATE", (order.number,))
        assert market.gateway.sender.work_once() == 1
    assert market.endpoint.answers == [503]
    assert snapshot() == before
    assert kept() == []
    market.real.tick(2)
    assert market.gateway.sender.work_once() == 1
    assert market.endpoint.answers == [503, 200]
    assert order.stages == ["queued"]


def test_without_a_database_nothing_is_answered_as_taken(message: Message, fresh_database: Database) -> None:
    market = message.market
    databases.point_django_at(databases.NOT_STARTED)
    assert market.post(headers=message.headers, body=message.body) == 503
    assert market.post(headers={}, body=b"nonsense") == 503
    databases.point_django_at(fresh_database.runtime)
    assert kept() == []
    assert market.post(headers=message.headers, body=message.body) == 200


def test_the_excerpt_is_short_and_readable(message: Message) -> None:
    headers, body = message.sign(b"\0\xff\x1b" * 5000)
    assert message.market.post(headers=headers, body=body) == 400
    digest = hashlib.sha256(body).digest()
    ((found, excerpt),) = database.rows("SELECT digest, excerpt FROM payments_notice")
    assert (bytes(found), len(excerpt) <= notices.EXCERPT_BYTES, "\0" in excerpt) == (digest, True, False)
