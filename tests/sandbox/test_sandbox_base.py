"""What every protocol of the gateway stands on: whose payments it sees, what refunds become, bills, and protocols that cannot be made."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from anka.adapters.channels.port import BillMalformed, BillNotAvailable, EvidenceStatus
from anka.adapters.channels.sandbox_play import SandboxRefused, lift_faults, play_capture, play_refund
from anka.core.clock import Moment
from anka.sandbox import clock, spoken
from anka.sandbox.bills import CHINA
from anka.sandbox.exchange import HungUp
from anka.sandbox.payments import PaymentMalformed, PaymentNotFound, PaymentNumberReused
from anka.sandbox.protocols.base import Core, RefundOrder, ServerTrouble, Setup, Wanted
from anka.sandbox.protocols.own import OwnProtocol
from anka.sandbox.refunds import RefundNotFound
from tests.sandbox.world import World, a_refund


@pytest.fixture
def paid(world: World) -> World:
    world.play()
    return world


def core_of(world: World, protocol: str) -> Core:
    return world.gateway._setup(protocol).core


def moment(world: World) -> Moment:
    return world.gateway.moment()


def wanted(world: World, number: str = "A1", **changed: object) -> Wanted:
    given: dict[str, object] = {
        "number": number,
        "amount_minor": 10_000,
        "currency": "CNY",
        "subject": "云晶 100 枚",
        "expires_at": world.now() + timedelta(minutes=15),
        "notify_url": f"{world.merchant.address}/n",
        "return_url": f"{world.merchant.address}/r",
        "details": {"payer": "x"},
    }
    return Wanted(**{**given, **changed})  # type: ignore[arg-type]  # what a test wants changed


def test_a_protocol_sees_its_own_payments_only(world: World) -> None:
    here, there = core_of(world, "alipay"), core_of(world, "wechat")
    told = here.start(wanted=wanted(world), moment=moment(world))
    assert (told.status, told.payment_minor, dict(told.details)) == ("open", 10_000, {"payer": "x"})
    assert here.start(wanted=wanted(world), moment=moment(world)).transaction == told.transaction
    assert world.press("A1", "paid").status_code == 303
    assert here.query_payment(number="A1", moment=moment(world)).status == "paid"
    order = RefundOrder(payment_number="A1", refund_number="AR1", amount_minor=4_000, currency="CNY")
    assert here.submit_refund(order=order, moment=moment(world)).refunded_minor == 4_000
    assert [refund.number for refund in here.refunds_of(payment_number="A1")] == ["AR1"]
    with pytest.raises(PaymentNotFound):
        there.query_payment(number="A1", moment=moment(world))
    with pytest.raises(PaymentNotFound):
        there.close(number="A1", moment=moment(world))
    with pytest.raises(PaymentNotFound):
        there.submit_refund(order=order, moment=moment(world))
    with pytest.raises(PaymentNotFound):
        there.cashier_url(number="A1")
    with pytest.raises(RefundNotFound):
        there.query_refund(number="AR1", moment=moment(world))
    with pytest.raises(RefundNotFound):
        there.mend_refund(number="AR1", moment=moment(world))
    assert there.refunds_of(payment_number="A1") == []
    with pytest.raises(PaymentNumberReused):
        there.start(wanted=wanted(world), moment=moment(world))
    assert world.query_payment("A1").reason == "payment_not_found"


@pytest.mark.parametrize(
    "changed", [{"amount_minor": 0}, {"number": "a b"}, {"number": "x" * 65}, {"notify_url": "javascript:1"}, {"currency": "yuan"}]
)
def test_what_nobody_can_mean_is_refused(world: World, changed: dict[str, object]) -> None:
    with pytest.raises(PaymentMalformed):
        core_of(world, "alipay").register(wanted=wanted(world, **changed), moment=moment(world))  # type: ignore[arg-type]  # as above


def test_starting_is_played_too(world: World) -> None:
    core = core_of(world, "wechat")
    world.preset("start", ["timeout_before"])
    with pytest.raises(HungUp):
        core.start(wanted=wanted(world), moment=moment(world))
    with pytest.raises(PaymentNotFound):
        core.payment(number="A1")
    world.preset("start", ["error_500"])
    with pytest.raises(ServerTrouble):
        core.start(wanted=wanted(world), moment=moment(world))
    world.preset("start", ["timeout_after"])
    with pytest.raises(HungUp):
        core.start(wanted=wanted(world), moment=moment(world))
    assert core.payment(number="A1").status == "open"
    world.preset("start", ["forged"])
    assert core.start(wanted=wanted(world), moment=moment(world)).forged


def test_the_page_says_which_channel_it_plays_and_always_sandbox(world: World) -> None:
    core_of(world, "alipay").start(wanted=wanted(world), moment=moment(world))
    path = core_of(world, "alipay").cashier_url(number="A1").removeprefix("http://sandbox.test")
    page = world.visit(world.gateway_url + path).text
    assert "支付宝 · 沙箱" in page
    assert "Alipay · Sandbox" in world.visit(f"{world.gateway_url}{path}?lang=en").text
    assert "支付宝" not in world.visit(world.start("Q2")).text


def test_an_empty_balance_refuses_until_it_is_lifted(paid: World) -> None:
    paid.preset("refund", "out_of_funds", times=100)
    assert [paid.refund().status for _ in range(2)] == [EvidenceStatus.WAITING_FUNDS] * 2
    assert paid.query_refund().reason == "refund_not_found"
    lift_faults(channel=paid.channel, operation="refund")
    assert paid.refund().status is EvidenceStatus.PROCESSING


def test_a_refund_fails_after_it_succeeded_and_the_money_can_be_refunded_again(paid: World) -> None:
    paid.refund()
    play_refund(channel=paid.channel, number="R1", outcome="succeeded")
    with pytest.raises(SandboxRefused):
        play_refund(channel=paid.channel, number="R1", outcome="closed")
    (notice,) = play_refund(channel=paid.channel, number="R1", outcome="failed").notices
    told = paid.read(notice)
    assert (told.kind, told.evidence.status) == ("refund.failed", EvidenceStatus.FAILED)
    assert paid.query_refund().status is EvidenceStatus.FAILED
    assert paid.refund("R2").status is EvidenceStatus.PROCESSING


def test_an_abnormal_refund_can_be_sent_another_way(paid: World) -> None:
    paid.refund()
    play_refund(channel=paid.channel, number="R1", outcome="abnormal")
    assert paid.channel.mend_refund(request=a_refund(), now=paid.now()).status is EvidenceStatus.PROCESSING
    paid.real.tick(10)
    assert paid.query_refund().status is EvidenceStatus.SUCCEEDED
    # What is over is only told about.
    assert paid.channel.mend_refund(request=a_refund(), now=paid.now()).status is EvidenceStatus.SUCCEEDED
    assert paid.channel.mend_refund(request=a_refund("R9"), now=paid.now()).status is EvidenceStatus.UNKNOWN


def test_the_bill_has_fees_reversals_and_what_was_settled(paid: World) -> None:
    play_capture(channel=paid.channel, number="Q2", amount_minor=5_050, cashier_url=paid.start("Q2"))
    paid.refund()
    for outcome in ("succeeded", "failed"):
        play_refund(channel=paid.channel, number="R1", outcome=outcome)
    core_of(paid, "wechat").start(wanted=wanted(paid), moment=moment(paid))
    assert paid.press("A1", "paid").status_code == 303
    day = paid.now().astimezone(CHINA).date()
    with pytest.raises(BillNotAvailable, match="not over"):
        paid.channel.bill(day=day, now=paid.now())
    clock.set_now(home=paid.home, at=paid.now() + timedelta(days=1), real_now=paid.real())
    bill = paid.channel.bill(day=day, now=paid.now())
    found = [(line.kind, line.number, line.amount_minor, line.fee_minor) for line in bill.lines]
    assert sorted(found) == sorted(
        [
            ("payment", "Q1", 10_000, 60),
            ("payment", "Q2", 5_050, 30),
            ("refund", "R1", 10_000, 0),
            ("refund_reversed", "R1", 10_000, 0),
            ("settlement", "", 14_960, 0),
        ]
    )
    assert {row.number for row in core_of(paid, "wechat").bill(day=day)} == {"A1", ""}
    assert paid.channel.bill(day=day - timedelta(days=9), now=paid.now()).lines == ()


def test_a_file_that_is_no_bill_is_refused(world: World) -> None:
    day = world.now().astimezone(CHINA).date()
    line = b'{"kind":"payment","number":"Q1","payment_number":"Q1","transaction":"t","amount_minor":1,'
    line += b'"currency":"CNY","occurred_at":"2020-01-01T00:00:00Z"}'
    whole = b'{"date":"%s","lines":[%s]}'
    assert world.channel.read_bill(day=day, content=whole % (str(day).encode(), b"")).lines == ()
    for content in (b"", b"{}", whole % (b"2020-01-01", b""), whole % (str(day).encode(), line), whole % (str(day).encode(), b"{}")):
        with pytest.raises(BillMalformed):
            world.channel.read_bill(day=day, content=content)


def test_without_an_answer_there_is_no_bill(world: World) -> None:
    world.channel.patience = 2.0
    long_ago = world.now().astimezone(CHINA).date() - timedelta(days=3)
    assert world.channel.bill(day=long_ago, now=world.now()).lines == ()
    world.real.tick(-3600)
    # Signed an hour ago: refused, so nothing certain was heard.
    world.channel._real_clock = lambda: world.real() - timedelta(hours=2)
    with pytest.raises(BillNotAvailable):
        world.channel.bill(day=long_ago, now=world.now())


def test_a_protocol_that_cannot_be_made_stops_nobody_else(world: World) -> None:
    made: list[str] = []

    def broken(setup: Setup) -> OwnProtocol:
        made.append("broken")
        raise OSError("no keys")

    found = spoken.Spoken(factories={"sandbox": OwnProtocol, "broken": broken}, setup=world.gateway._setup)
    assert made == []
    for _ in range(2):
        with pytest.raises(spoken.ProtocolNotSpoken):
            found.at("/broken/x")
    assert made == ["broken"] * 2
    own = found.at("/api/query")
    assert own is not None
    assert own.code == "sandbox"
    assert [found.at(path) for path in ("/sandbox/x", "/nothing", "", "/")] == [None] * 4
    assert httpx.get(f"{world.gateway_url}/nothing/at/all", trust_env=False).status_code == 404
