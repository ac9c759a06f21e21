from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from anka.adapters.channels.port import EvidenceStatus, Incoming, NoticeRefused, NoticeTooOld
from anka.adapters.channels.sandbox import PaymentAlreadyExpired
from anka.adapters.channels.sandbox_play import ReturnedNotice, SandboxRefused
from anka.sandbox import clock
from tests.sandbox.world import Received, World, said


def read(world: World, notice: ReturnedNotice | Received) -> object:
    return world.read(notice)


def test_paying_at_the_cashier_leads_back_to_the_shop_and_tells_the_merchant(world: World) -> None:
    page = world.visit(world.start("Q1", 9_900))
    assert page.status_code == 200
    assert "¥99.00" in page.text
    assert "云晶 100 枚" in page.text
    assert "沙箱" in page.text

    answer = world.press("Q1", "paid")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{world.merchant.address}/orders/Q1")
    assert world.gateway.sender.work_once() == 1
    [received] = world.merchant.received()
    notice = world.read(received)
    assert (notice.kind, notice.number, notice.evidence.status) == ("payment.paid", "Q1", EvidenceStatus.SUCCEEDED)
    assert (notice.evidence.amount_minor, notice.evidence.currency) == (9_900, "CNY")
    assert notice.evidence.channel_number == world.query_payment().channel_number
    assert world.gateway.sender.work_once() == 0


def test_the_cashier_page_runs_no_script_and_may_only_lead_back_to_the_shop(world: World) -> None:
    page = world.visit(world.start(subject='<script>alert("x")</script>'))

    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert not re.search(r"\son[a-z]+=|style=", page.text)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert f"form-action 'self' {world.merchant.address}" in policy
    assert "unsafe" not in policy


def test_the_cashier_speaks_the_language_of_the_payment_and_the_one_asked_for(world: World) -> None:
    english = world.visit(world.start("Q2", language="en"))
    assert '<html lang="en">' in english.text
    token = world.one("SELECT token FROM sandbox.payment")
    chinese = world.visit(f"{world.gateway_url}/cashier/{token}?lang=zh")
    assert '<html lang="zh-CN">' in chinese.text


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_a_cashier_address_with_one_changed_part_opens_nothing(world: World, position: int) -> None:
    head, _, token = world.start().partition("?request=")
    parts = token.split(".")
    other = world.start("Q1", 1).partition("?request=")[2].split(".")
    parts[position] = str(int(parts[0]) + 1) if position == 0 else other[position]
    page = world.visit(f"{head}?request={'.'.join(parts)}")

    assert page.status_code == 422
    assert world.one("SELECT count(*) FROM sandbox.payment") == 0
    # The untouched address works, so it was the change that was refused.
    assert world.visit(f"{head}?request={token}").status_code == 200


def test_a_number_is_never_used_for_two_amounts(world: World) -> None:
    world.visit(world.start("Q1", 10_000))
    second = world.visit(world.start("Q1", 1))
    assert second.status_code == 409
    assert world.one("SELECT amount_minor FROM sandbox.payment") == 10_000


def test_an_expired_payment_cannot_be_paid_at_the_cashier_unless_the_bank_was_late(world: World) -> None:
    world.visit(world.start())
    clock.advance(home=world.home, seconds=15 * 60)

    refused = world.press("Q1", "paid")
    assert refused.status_code == 409
    assert "付款时间已过" in refused.text
    assert world.query_payment().status is EvidenceStatus.CLOSED

    assert world.press("Q1", "paid", "late").status_code == 303
    assert world.query_payment().status is EvidenceStatus.SUCCEEDED


def test_a_payment_is_payable_until_the_moment_it_expires(world: World) -> None:
    world.visit(world.start())
    clock.advance(home=world.home, seconds=15 * 60 - 1)
    assert world.press("Q1", "paid").status_code == 303


def test_a_payment_that_has_expired_is_not_even_started(world: World) -> None:
    with pytest.raises(PaymentAlreadyExpired):
        world.start(expires_at=world.now())


def test_a_failed_attempt_can_be_followed_by_a_good_one(world: World) -> None:
    world.visit(world.start())
    world.press("Q1", "failed")
    assert world.query_payment().status is EvidenceStatus.FAILED
    assert "上一次付款没有成功" in world.visit(world.start()).text
    world.press("Q1", "paid")
    assert world.query_payment().status is EvidenceStatus.SUCCEEDED


def test_what_is_paid_stays_paid(world: World) -> None:
    world.play()
    assert world.press("Q1", "closed").status_code == 409
    with pytest.raises(SandboxRefused) as refusal:
        world.play(outcome="failed")
    assert refusal.value.reason == "payment_already_paid"
    assert world.channel.close(number="Q1", now=world.now()).status == "paid"


def test_a_payment_closed_before_anybody_saw_it_can_never_be_paid_at_the_cashier(world: World) -> None:
    url = world.start()
    assert world.query_payment().status is EvidenceStatus.PROCESSING
    closed = world.channel.close(number="Q1", now=world.now())
    assert (closed.status, closed.evidence.amount_minor) == ("closed", None)
    assert world.query_payment().status is EvidenceStatus.CLOSED
    world.visit(url)
    assert world.press("Q1", "paid").status_code == 409


def test_closing_twice_gives_the_same_answer(world: World) -> None:
    world.visit(world.start())
    answers = [world.channel.close(number="Q1", now=world.now()) for _ in range(2)]
    assert [answer.status for answer in answers] == ["closed", "closed"]
    assert answers[0].evidence.occurred_at == answers[1].evidence.occurred_at


def test_playing_a_payment_nobody_visited_needs_its_signed_request(world: World) -> None:
    with pytest.raises(SandboxRefused) as refusal:
        world.play(cashier_url="http://nowhere/")
    assert (refusal.value.reason, refusal.value.http_status) == ("payment_not_found", 404)
    with pytest.raises(SandboxRefused) as mismatch:
        world.play("Q1", cashier_url=world.start("Q2"))
    assert mismatch.value.reason == "bad_cashier_request"
    assert world.play("Q1").status == "paid"


def test_playing_can_pay_what_has_expired_or_was_closed_for_that_is_late_money(world: World) -> None:
    world.visit(world.start())
    world.channel.close(number="Q1", now=world.now())
    assert world.play(cashier_url="x").status == "paid"


def test_returned_notices_are_genuine_and_are_not_sent_as_well(world: World) -> None:
    played = world.play()
    [notice] = played.notices
    assert world.read(notice).number == "Q1"
    assert world.gateway.sender.work_once() == 0


def test_a_repeated_outcome_tells_the_same_event_again(world: World) -> None:
    first, second = world.play().notices[0], world.play().notices[0]
    assert said(first.body)["event_id"] == said(second.body)["event_id"]


def test_a_notice_is_for_five_minutes_of_real_time_whatever_the_movable_clock_says(world: World) -> None:
    [notice] = world.play().notices
    clock.advance(home=world.home, seconds=86_400)
    read(world, notice)
    world.real.tick(299)
    read(world, notice)
    world.real.tick(2)
    with pytest.raises(NoticeTooOld):
        read(world, notice)


ATTACKS = {"forged": "bad_signature", "replayed": "too_old", "reflected": "wrong_purpose"}


@pytest.mark.parametrize("fault", ATTACKS)
def test_an_attack_is_refused_for_its_own_reason_and_nothing_is_paid(world: World, fault: str) -> None:
    [notice] = world.play(faults=[fault]).notices
    with pytest.raises(NoticeRefused) as refusal:
        read(world, notice)
    assert refusal.value.code == ATTACKS[fault]
    assert world.query_payment().status is EvidenceStatus.PROCESSING
    assert world.play().status == "paid"


def test_a_reflected_request_relabelled_as_a_notice_does_not_pass_either(world: World) -> None:
    [notice] = world.play(faults=["reflected"]).notices
    relabelled = {**notice.headers, "Anka-Purpose": "notice"}
    with pytest.raises(NoticeRefused) as refusal:
        world.channel.read_notice(message=Incoming(headers=relabelled, body=notice.body), now=world.now())
    assert refusal.value.code == "bad_signature"


def test_a_notice_for_another_order_is_genuine_but_names_a_number_nobody_issued(world: World) -> None:
    [notice] = world.play(faults=["other_order"]).notices
    told = world.read(notice)
    assert told.number not in {"", "Q1"}
    [named] = world.play(faults=[{"fault": "other_order", "number": "Q9"}]).notices
    assert said(named.body)["number"] == "Q9"


def test_a_wrong_amount_is_signed_but_the_gateway_knows_better(world: World) -> None:
    [notice] = world.play(faults=["wrong_amount"]).notices
    assert said(notice.body)["amount_minor"] == 1
    assert world.query_payment().amount_minor == 10_000


def test_duplicates_are_the_same_event_up_to_fifteen_times(world: World) -> None:
    notices = world.play(faults=[{"fault": "duplicate", "copies": 15}]).notices
    assert len({said(notice.body)["event_id"] for notice in notices}) == 1
    assert len(notices) == 15
    assert len({notice.headers["Anka-Nonce"] for notice in notices}) == 15


def test_duplicates_that_are_sent_all_arrive(world: World) -> None:
    world.play(faults=[{"fault": "duplicate", "copies": 15}], deliver="send")
    assert [world.gateway.sender.work_once() for _ in range(3)] == [8, 7, 0]
    assert len(world.merchant.received()) == 15


def test_out_of_order_tells_success_first_and_an_older_failure_after_it(world: World) -> None:
    first, second = (said(notice.body) for notice in world.play(faults=["out_of_order"]).notices)
    assert (first["type"], second["type"]) == ("payment.paid", "payment.failed")
    assert second["occurred_at"] < first["occurred_at"]


def test_never_pays_without_telling(world: World) -> None:
    assert world.play(faults=["never"]).notices == ()
    assert world.query_payment().status is EvidenceStatus.SUCCEEDED
    assert world.gateway.sender.work_once() == 0


@pytest.mark.parametrize("which", ["real", "sandbox"])
def test_a_delayed_notice_waits_for_the_clock_it_was_given(world: World, which: str) -> None:
    delay = {"fault": "delay", "seconds": 600, "clock": which}
    assert world.play(faults=[delay]).notices == ()
    assert world.gateway.sender.work_once() == 0
    if which == "real":
        world.real.tick(600)
    else:
        clock.advance(home=world.home, seconds=600)
    assert world.gateway.sender.work_once() == 1
    [received] = world.merchant.received()
    assert said(received.body)["type"] == "payment.paid"
    read(world, received)


def test_faults_can_be_ticked_at_the_cashier(world: World) -> None:
    world.visit(world.start())
    world.press("Q1", "paid", "duplicate", "wrong_amount")
    assert world.gateway.sender.work_once() == 2


@pytest.mark.parametrize(
    "form", [{"outcome": "stolen"}, {}, {"outcome": "paid", "fault": "explode"}, {"outcome": "paid", "fault": ["never"] * 9}]
)
def test_a_form_that_is_not_ours_changes_nothing(world: World, form: dict[str, object]) -> None:
    world.visit(world.start())
    token = world.one("SELECT token FROM sandbox.payment")
    answer = httpx.post(f"{world.gateway_url}/cashier/{token}", data=form, trust_env=False)
    assert answer.status_code == 422
    assert world.query_payment().status is EvidenceStatus.PROCESSING


def test_the_evidence_says_when_the_channel_saw_it_and_when_we_did(world: World) -> None:
    world.play()
    clock.advance(home=world.home, seconds=60)
    evidence = world.query_payment()
    assert evidence.occurred_at is not None
    assert evidence.observed_at - evidence.occurred_at == timedelta(seconds=60)
    assert (evidence.source, len(evidence.digest)) == ("poll", 64)
