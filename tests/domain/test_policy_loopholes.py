"""The loopholes that were found when the policy was attacked, each closed. A record decides money, never a label alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain.facts import Facts
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.reasons import REASONS, ReasonGroup
from anka.domain.policy.table import default_rules
from tests.domain.oracle import random_facts

RULES = default_rules()
ORDER = {"full": 3, "unused_share": 2, "missing_share": 2, "negotiable": 1, "agreed": 1, "none": 0}
facts_of_any_kind = some.randoms(use_true_random=False).map(random_facts)


def verdict(**facts: Any) -> Decision:
    return decide(Facts.from_json({"reason": "NO_LONGER_NEEDED", **facts}), RULES)


def test_a_quality_label_alone_moves_no_money_at_once() -> None:
    for reason in ("KEY_INVALID", "KEY_ALREADY_USED", "KEY_SHORT_COUNT"):
        decision = verdict(goods="card_key", stage="revealed", reason=reason, delivered_minutes_ago=5)
        assert (decision.rule, decision.route) == ("quality", "merchant")


def test_agreement_cannot_make_an_automatic_refund_smaller() -> None:
    decision = verdict(goods="card_key", stage="sealed", delivered_minutes_ago=5, merchant_answer="agreed")
    assert (decision.refund, decision.refund_percent) == ("full", 100)


@pytest.mark.parametrize(
    "record", [{"use_check": "invalid"}, {"use_check": "used_after_reveal"}, {"matches_order": "no"}, {"login_seen": "yes"}]
)
@pytest.mark.parametrize(("goods", "after"), [("card_key", "void"), ("account", "rotate"), ("rental", "rotate")])
def test_spoiled_goods_never_return_to_stock(record: dict[str, str], goods: str, after: str) -> None:
    assert verdict(goods=goods, stage="sealed", delivered_minutes_ago=5, **record).goods_after == after


def test_sealed_goods_under_a_quality_claim_are_held_for_checking() -> None:
    assert verdict(goods="card_key", stage="sealed", reason="KEY_INVALID", delivered_minutes_ago=5).goods_after == "hold"
    assert verdict(goods="card_key", stage="sealed", delivered_minutes_ago=5).goods_after == "restock"


def test_silence_does_not_change_the_fault() -> None:
    asked = verdict(goods="boosting", stage="accepted")
    silent = verdict(goods="boosting", stage="accepted", merchant_answer="silent")
    assert (silent.rule, silent.fault, silent.refund) == ("accepted.silent", asked.fault, asked.refund)


@pytest.mark.parametrize("upstream", ["unknown", "locked"])
def test_nothing_is_paid_while_the_supplier_is_unknown(upstream: str) -> None:
    decision = verdict(goods="top_up", stage="working", upstream=upstream)
    assert (decision.route, decision.refund) == ("upstream", "none")


@pytest.mark.parametrize(("minutes", "rule"), [(120, "upstream-wait"), (121, "upstream-stuck")])
def test_a_silent_supplier_is_stuck_after_two_hours(minutes: int, rule: str) -> None:
    assert verdict(goods="account", stage="working", upstream="unknown", upstream_minutes=minutes).rule == rule


def test_an_agreement_does_not_pay_while_the_supplier_may_still_deliver() -> None:
    stuck = {"goods": "top_up", "stage": "working", "upstream": "locked", "promise_overdue": True}
    assert verdict(**stuck, merchant_answer="agreed") == verdict(**stuck)


def test_a_merchant_cannot_take_sound_sealed_goods_back() -> None:
    assert verdict(goods="card_key", stage="sealed", asker="merchant", delivered_minutes_ago=5).rule == "merchant-may-not-recall"


def test_a_merchant_who_cancels_a_running_rental_gets_the_account_back_with_a_new_password() -> None:
    assert verdict(goods="rental", stage="working", asker="merchant", delivered_minutes_ago=5).goods_after == "rotate"


@pytest.mark.parametrize(("goods", "rule"), [("top_up", "not-disclosed"), ("card_key", "sealed"), ("account", "sealed")])
def test_done_upstream_is_judged_as_just_delivered(goods: str, rule: str) -> None:
    assert verdict(goods=goods, stage="working", upstream="done", delivered_minutes_ago=90_000).rule == rule


def test_boosting_that_has_not_begun_is_like_accepted() -> None:
    assert verdict(goods="boosting", stage="working").rule == "accepted"
    assert verdict(goods="boosting", stage="working", promise_overdue=True).rule == "accepted-overdue"
    assert verdict(goods="boosting", stage="working", progress_percent=1).rule == "boosting-working"


@pytest.mark.parametrize(("ago", "rule"), [(59, "on-record"), (60, "short")])
def test_a_top_up_has_an_hour_to_arrive(ago: int, rule: str) -> None:
    assert verdict(goods="top_up", stage="delivered", delivered_minutes_ago=ago, delivered_percent=40).rule == rule


def test_a_short_key_is_paid_its_missing_share_only_after_use() -> None:
    short = {"goods": "card_key", "delivered_minutes_ago": 5, "delivered_percent": 40}
    assert verdict(stage="used", **short).refund_percent == 60
    assert verdict(stage="revealed", **short).rule == "key-unknown"


def test_the_record_of_another_user_speaks_against_a_refusal() -> None:
    used = {"goods": "card_key", "stage": "used", "delivered_minutes_ago": 5, "notice": "confirmed"}
    assert verdict(**used).route == "refuse"
    assert verdict(**used, used_by="other").rule == "on-record"


def test_a_confirmed_notice_is_needed_for_a_refusal() -> None:
    assert verdict(goods="boosting", stage="delivered", delivered_minutes_ago=5, notice="shown").rule == "not-disclosed"


def test_protected_reasons_are_never_left_to_the_merchant() -> None:
    decision = verdict(
        goods="card_key", stage="used", reason="MINOR_PURCHASE", delivered_minutes_ago=5, merchant_answer="agreed", evidence=["ID_CHECK"]
    )
    assert (decision.rule, decision.route, decision.evidence_needed) == ("protected", "platform", ())


def test_a_complaint_at_the_channel_shortens_the_answer() -> None:
    late = {"goods": "card_key", "stage": "revealed", "delivered_minutes_ago": 5}
    assert verdict(**late).answer_within_minutes == 1440
    assert verdict(**late, dispute="complaint").answer_within_minutes == 1200


@given(facts_of_any_kind)
def test_neither_an_unpaid_nor_a_disputed_order_is_refunded(given_facts: dict[str, Any]) -> None:
    decision = decide(Facts.from_json(given_facts), RULES)
    if given_facts["stage"] == "reserved" or given_facts.get("dispute") == "chargeback":
        assert (decision.refund, decision.refund_percent) == ("none", 0)


@given(facts_of_any_kind)
def test_every_merchant_turn_has_a_clock_and_a_meaning_of_silence(given_facts: dict[str, Any]) -> None:
    decision = decide(Facts.from_json({**given_facts, "merchant_answer": "none"}), RULES)
    if decision.route != "merchant":
        assert (decision.answer_within_minutes, decision.on_silence) == (None, None)
        return
    silent = decide(Facts.from_json({**given_facts, "merchant_answer": "silent"}), RULES)
    assert decision.answer_within_minutes
    assert silent.route == ("instant" if decision.on_silence == "refund" else "platform")
    assert (silent.refund, silent.refund_percent) == (decision.refund, decision.refund_percent)


@given(
    facts_of_any_kind,
    some.sampled_from([code for code, reason in REASONS.items() if reason.group == ReasonGroup.DELAY and len(reason.goods) == 5]),
)
def test_a_delay_is_never_worse_than_a_change_of_mind(given_facts: dict[str, Any], delay: str) -> None:
    mind = decide(Facts.from_json({**given_facts, "reason": "NO_LONGER_NEEDED", "merchant_answer": "none"}), RULES)
    late = decide(Facts.from_json({**given_facts, "reason": delay, "merchant_answer": "none"}), RULES)
    assert ORDER[late.refund] >= ORDER[mind.refund]


@given(facts_of_any_kind)
def test_a_refusal_of_a_buyer_rests_on_a_confirmed_notice(given_facts: dict[str, Any]) -> None:
    decision = decide(Facts.from_json(given_facts), RULES)
    if decision.route == "refuse" and given_facts.get("asker", "buyer") == "buyer":
        assert given_facts["notice"] == "confirmed"
