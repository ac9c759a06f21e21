from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import psycopg
import pytest

from anka.adapters.channels.port import Evidence, EvidenceStatus, NoticeRefused
from anka.adapters.channels.sandbox_play import FaultWish, Played, RefundOutcome, SandboxRefused, play_refund
from anka.sandbox import clock
from tests.sandbox.world import World, said

DELAY_SECONDS = 5


@pytest.fixture
def paid(world: World) -> World:
    world.play("Q1")
    return world


def play(world: World, outcome: RefundOutcome, number: str = "R1", faults: list[FaultWish] | None = None) -> Played:
    return play_refund(channel=world.channel, number=number, outcome=outcome, faults=faults or [])


def kinds(world: World) -> list[str]:
    for _ in range(20):
        if world.gateway.sender.work_once() == 0:
            break
    return [said(received.body)["type"] for received in world.merchant.received()]


def test_a_refund_left_alone_succeeds_after_a_while_and_tells(paid: World) -> None:
    assert paid.refund().status is EvidenceStatus.PROCESSING
    clock.advance(home=paid.home, seconds=DELAY_SECONDS - 1)
    assert paid.query_refund().status is EvidenceStatus.PROCESSING
    clock.advance(home=paid.home, seconds=1)
    assert kinds(paid) == ["refund.succeeded"]
    evidence = paid.query_refund()
    assert (evidence.status, evidence.amount_minor, evidence.currency) == (EvidenceStatus.SUCCEEDED, 10_000, "CNY")


@pytest.mark.parametrize("outcome", ["succeeded", "closed", "abnormal"])
def test_every_outcome_can_be_played_and_is_told(paid: World, outcome: RefundOutcome) -> None:
    paid.refund()
    [notice] = play(paid, outcome).notices
    told = paid.read(notice)
    assert (told.kind, told.number, told.payment_number) == (f"refund.{outcome}", "R1", "Q1")
    assert told.evidence.status.value == outcome
    assert paid.query_refund().status.value == outcome
    clock.advance(home=paid.home, seconds=DELAY_SECONDS)
    assert kinds(paid) == []


def test_an_unknown_outcome_stays_unknown_and_silent_until_it_is_decided(paid: World) -> None:
    paid.refund()
    assert play(paid, "unknown").notices == ()
    assert paid.query_refund().status is EvidenceStatus.UNKNOWN
    assert len(play(paid, "succeeded").notices) == 1


def test_an_outcome_can_be_foretold(paid: World) -> None:
    assert play(paid, "abnormal", faults=["duplicate"]).status == "foretold"
    assert paid.refund().status is EvidenceStatus.PROCESSING
    assert paid.query_refund().status is EvidenceStatus.ABNORMAL
    assert kinds(paid) == ["refund.abnormal", "refund.abnormal"]


def test_what_has_arrived_stays(paid: World) -> None:
    paid.refund()
    play(paid, "succeeded")
    with pytest.raises(SandboxRefused) as refusal:
        play(paid, "closed")
    assert refusal.value.reason == "refund_already_succeeded"


def test_the_same_number_asks_for_the_same_refund(paid: World) -> None:
    first, second = paid.refund("R1", 4_000), paid.refund("R1", 4_000)
    assert first.channel_number == second.channel_number
    assert paid.one("SELECT refunded_minor FROM sandbox.payment") == 4_000


@pytest.mark.parametrize("other", [{"amount_minor": 4_001}, {"currency": "USD"}])
def test_the_same_number_with_something_else_is_an_error_and_its_outcome_unknown(paid: World, other: dict[str, Any]) -> None:
    paid.refund("R1", 4_000)
    answer = paid.refund(**{"number": "R1", "amount_minor": 4_000, **other})
    assert (answer.status, answer.reason) == (EvidenceStatus.UNKNOWN, "refund_number_reused")
    assert paid.one("SELECT refunded_minor FROM sandbox.payment") == 4_000


def test_partial_refunds_never_exceed_what_was_paid(paid: World) -> None:
    assert paid.refund("R1", 6_000).status is EvidenceStatus.PROCESSING
    refused = paid.refund("R2", 4_001)
    assert (refused.status, refused.reason) == (EvidenceStatus.FAILED, "refund_exceeds_payment")
    assert paid.refund("R3", 4_000).status is EvidenceStatus.PROCESSING
    assert paid.refund("R4", 1).reason == "refund_exceeds_payment"


def test_a_closed_refund_gives_its_room_back_an_abnormal_one_does_not(paid: World) -> None:
    paid.refund("R1")
    play(paid, "abnormal")
    assert paid.refund("R2").reason == "refund_exceeds_payment"
    play(paid, "closed")
    assert paid.refund("R3").status is EvidenceStatus.PROCESSING


def test_the_database_refuses_an_over_refund_whatever_the_code_does(paid: World) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        paid.one("UPDATE sandbox.payment SET refunded_minor = amount_minor + 1 RETURNING 1")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"payment": "Q9"}, "payment_not_found"),
        ({"payment": "Q2"}, "payment_not_paid"),
        ({"currency": "USD"}, "currency_differs"),
    ],
)
def test_what_cannot_be_refunded_has_certainly_failed(paid: World, asked: dict[str, Any], reason: str) -> None:
    paid.visit(paid.start("Q2"))
    answer = paid.refund("R1", **asked)
    assert (answer.status, answer.reason) == (EvidenceStatus.FAILED, reason)


def test_a_refund_the_gateway_never_saw_is_unknown_so_that_it_is_submitted_again(paid: World) -> None:
    answer = paid.query_refund("R9")
    assert (answer.status, answer.reason) == (EvidenceStatus.UNKNOWN, "refund_not_found")


def all_at_once(world: World, calls: list[Callable[[], Evidence]]) -> list[Evidence]:
    """Hold the payment until every call stands in front of it, then let all of them go."""
    url = world.gateway.store._database_url
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    pause = Event()
    with (
        ThreadPoolExecutor(len(calls)) as pool,
        psycopg.connect(url, autocommit=True) as onlooker,
        psycopg.connect(url) as holder,
    ):
        holder.execute("SELECT FROM sandbox.payment WHERE number = 'Q1' FOR UPDATE")
        running = [pool.submit(call) for call in calls]
        for _ in range(6000):
            if onlooker.execute(waiting).fetchone() == (len(calls),):
                break
            pause.wait(0.01)
        else:
            pytest.fail("not every call came to wait for the payment")
        holder.rollback()
        return [call.result(timeout=60) for call in running]


def test_eight_at_once_with_one_number_are_one_refund(paid: World) -> None:
    answers = all_at_once(paid, [lambda: paid.refund("R1", 3_000)] * 8)
    assert [answer.status for answer in answers] == [EvidenceStatus.PROCESSING] * 8
    assert len({answer.channel_number for answer in answers}) == 1
    assert paid.one("SELECT refunded_minor FROM sandbox.payment") == 3_000


def test_eight_at_once_with_eight_numbers_never_give_back_more_than_was_paid(paid: World) -> None:
    answers = all_at_once(paid, [partial(paid.refund, f"R{turn}", 3_000) for turn in range(8)])
    assert sorted(answer.status.value for answer in answers) == ["failed"] * 5 + ["processing"] * 3
    assert paid.one("SELECT refunded_minor FROM sandbox.payment") == 9_000


def test_success_can_come_after_failure(paid: World) -> None:
    paid.preset("refund", "refund_succeeds_after_failure")
    paid.refund()
    clock.advance(home=paid.home, seconds=DELAY_SECONDS)
    assert kinds(paid) == ["refund.closed"]
    clock.advance(home=paid.home, seconds=1)
    assert kinds(paid) == ["refund.succeeded"]
    assert paid.query_refund().status is EvidenceStatus.SUCCEEDED


def test_success_after_failure_finds_no_room_once_a_new_refund_took_it(paid: World) -> None:
    paid.preset("refund", "refund_succeeds_after_failure")
    paid.refund("R1")
    clock.advance(home=paid.home, seconds=DELAY_SECONDS)
    assert kinds(paid) == ["refund.closed"]
    paid.refund("R2")
    clock.advance(home=paid.home, seconds=DELAY_SECONDS)
    assert kinds(paid) == ["refund.succeeded"]
    assert (paid.query_refund("R1").status, paid.query_refund("R2").status) == (EvidenceStatus.CLOSED, EvidenceStatus.SUCCEEDED)


def test_the_notice_can_be_there_before_the_answer(paid: World) -> None:
    paid.preset("refund", "notice_before_answer")
    answer = paid.refund()
    [received] = paid.merchant.received()
    assert said(received.body)["type"] == "refund.succeeded"
    assert answer.status is EvidenceStatus.PROCESSING
    assert paid.query_refund().status is EvidenceStatus.SUCCEEDED


def test_never_leaves_a_refund_in_process_until_somebody_decides(paid: World) -> None:
    paid.preset("refund", "never")
    paid.refund()
    clock.advance(home=paid.home, seconds=30 * 86_400)
    assert kinds(paid) == []
    assert paid.query_refund().status is EvidenceStatus.PROCESSING
    assert play(paid, "succeeded").status == "succeeded"


@pytest.mark.parametrize(("fault", "code"), [("forged", "bad_signature"), ("replayed", "too_old"), ("reflected", "wrong_purpose")])
def test_an_attack_on_a_refund_changes_nothing(paid: World, fault: str, code: str) -> None:
    paid.refund()
    [notice] = play(paid, "succeeded", faults=[fault]).notices
    with pytest.raises(NoticeRefused) as refusal:
        paid.read(notice)
    assert refusal.value.code == code
    assert paid.query_refund().status is EvidenceStatus.PROCESSING


def test_the_other_faults_of_notices_work_for_refunds_too(paid: World) -> None:
    paid.refund()
    first, second = (said(notice.body) for notice in play(paid, "succeeded", faults=["out_of_order"]).notices)
    assert (first["type"], second["type"]) == ("refund.succeeded", "refund.abnormal")
    assert said(play(paid, "succeeded", faults=["wrong_amount"]).notices[0].body)["amount_minor"] == 1
    assert len(play(paid, "succeeded", faults=["duplicate"]).notices) == 2
    assert play(paid, "succeeded", faults=["never"]).notices == ()


def test_a_fault_of_answers_given_with_an_outcome_waits_for_the_next_question(paid: World) -> None:
    paid.play("Q1", faults=["timeout_after"])
    assert paid.refund().status is EvidenceStatus.UNKNOWN
    assert paid.refund().status is EvidenceStatus.PROCESSING
    play(paid, "closed", faults=["error_500"])
    assert paid.query_refund().status is EvidenceStatus.UNKNOWN
    assert paid.query_refund().status is EvidenceStatus.CLOSED


def test_a_refund_that_settles_by_itself_can_be_told_badly(paid: World) -> None:
    paid.preset("settle_refund", "wrong_amount")
    paid.refund()
    clock.advance(home=paid.home, seconds=DELAY_SECONDS)
    paid.gateway.sender.work_once()
    [received] = paid.merchant.received()
    assert said(received.body)["amount_minor"] == 1
    assert paid.query_refund().amount_minor == 10_000
