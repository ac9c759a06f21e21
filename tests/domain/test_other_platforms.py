"""Other people's published rules, written in the language of the rules without a line of code: examples/policies decides as they say."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.amounts import refund_minor
from anka.domain.policy.check import check
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.explain import explain, verdict
from anka.domain.policy.table import RuleSet, parse_rules
from tests.domain.oracle import random_facts

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "policies"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
DAYS_14 = 14 * 24 * 60
BROKEN = {
    # What a platform's own rules break, as its file says.
    "rental-with-compensation": {(9, "rest-of-the-time")},
}


def rules(name: str) -> RuleSet:
    return parse_rules(texts={f"{name}.toml": (FOLDER / f"{name}.toml").read_text(encoding="utf-8")})


RENTAL, KEYS, CURRENCY, BOOSTING = (
    rules(name) for name in ("rental-with-compensation", "key-shop-fourteen-days", "currency-proof-in-two-hours", "boosting-with-fee")
)


def judged(table: RuleSet, **facts: Any) -> Decision:
    return decide(Facts.from_json({"reason": "OTHER", **facts}), table)


def rental(ago: int, **facts: Any) -> Decision:
    return judged(RENTAL, **{"goods": "rental", "stage": "working", "delivered_minutes_ago": ago, "progress_percent": 10, **facts})


@pytest.mark.parametrize(
    ("ago", "rule"), [(0, "not-as-described"), (29, "not-as-described"), (30, "not-as-described"), (31, "rest-of-the-time")]
)
def test_compensation_within_thirty_minutes(ago: int, rule: str) -> None:
    assert rental(ago, matches_order="no").rule == rule
    assert rental(ago, matches_order="unknown").rule == "rest-of-the-time"


def test_compensation_comes_on_top_and_from_the_merchant() -> None:
    decision = rental(30, matches_order="no", reason="ACCOUNT_MISMATCH")
    assert (decision.route, decision.refund_percent, decision.fault, decision.goods_after) == ("instant", 100, "merchant", "rotate")
    assert decision.to_json()["compensation_minor"] == 800
    assert refund_minor(decision=decision, amount_minor=1_200) == 1_200
    told = verdict(decision=decision, language="en")
    assert told.startswith("a full refund, compensation of 800 minor units (8.00 where")
    assert told.endswith("from the merchant's deposit on top, done at once")


@pytest.mark.parametrize(("paid", "back"), [(1_200, 900), (300, 0), (299, 0)])
def test_a_wrong_pick_costs_one_hour(paid: int, back: int) -> None:
    decision = rental(200, reason="WRONG_ITEM_PICKED")
    assert (decision.rule, decision.keep_minor, decision.goods_after) == ("wrong-pick", 300, "rotate")
    assert refund_minor(decision=decision, amount_minor=paid) == back
    assert "商家留取 300" in verdict(decision=decision, language="zh")


def test_after_thirty_minutes_the_time_that_is_left() -> None:
    asked = rental(31, matches_order="no", progress_percent=40)
    assert (asked.route, asked.refund_percent, asked.answer_within_minutes, asked.on_silence) == ("merchant", 60, 120, "refund")
    silent = rental(31, matches_order="no", progress_percent=40, merchant_answer="silent")
    assert (silent.route, silent.refund_percent, silent.fault) == ("instant", 60, "merchant")
    assert judged(RENTAL, goods="rental", stage="sealed", delivered_minutes_ago=5_000).rule == "not-started"


def key(**facts: Any) -> Decision:
    return judged(KEYS, **{"goods": "card_key", "delivered_minutes_ago": 60, "notice": "confirmed", **facts})


@pytest.mark.parametrize(
    ("ago", "route"), [(0, "instant"), (DAYS_14 - 1, "instant"), (DAYS_14, "instant"), (DAYS_14 + 1, "refuse")], ids=str
)
def test_fourteen_days_while_it_was_not_displayed(ago: int, route: str) -> None:
    assert key(stage="sealed", delivered_minutes_ago=ago).route == route
    assert key(stage="revealed", delivered_minutes_ago=ago).route == "refuse"
    assert key(stage="used", delivered_minutes_ago=ago).route == "refuse"


def test_a_key_that_never_worked_is_paid_back_displayed_or_not() -> None:
    for stage in ("sealed", "revealed", "used"):
        decision = key(stage=stage, use_check="used_before_reveal", delivered_minutes_ago=10 * DAYS_14)
        assert (decision.rule, decision.refund, decision.replacement_first, decision.goods_after) == ("never-worked", "full", True, "void")
    assert key(stage="revealed", reason="KEY_INVALID").rule == "said-not-to-work"
    assert key(stage="revealed", reason="KEY_INVALID").answer_within_minutes == 1440


def test_nobody_is_refused_who_did_not_confirm() -> None:
    for notice in ("none", "shown"):
        decision = key(stage="revealed", notice=notice)
        assert (decision.rule, decision.route) == ("everything-else", "platform")
    assert key(stage="revealed", reason="MINOR_PURCHASE").route == "platform"
    assert key(stage="revealed", merchant_answer="agreed").rule == "displayed-or-too-late.agreed"


def currency(**facts: Any) -> Decision:
    return judged(CURRENCY, **{"goods": "top_up", **facts})


def test_nothing_within_two_hours_is_everything_back() -> None:
    for stage in ("queued", "accepted", "working"):
        late = currency(stage=stage, promise_overdue=True)
        assert (late.rule, late.refund_percent, late.fault) == ("no-delivery-in-two-hours", 100, "merchant")
    assert currency(stage="accepted").rule == "not-begun"
    assert currency(stage="working").rule == "being-delivered"
    for word in ("unknown", "locked"):
        assert currency(stage="working", promise_overdue=True, upstream=word).route == "platform"
    assert currency(stage="working", promise_overdue=True, upstream="cancellable").route == "upstream"


def test_no_proof_within_two_hours_is_everything_back() -> None:
    claim = {"stage": "delivered", "delivered_minutes_ago": 30, "reason": "TOPUP_NOT_ARRIVED"}
    asked = currency(**claim)
    assert (asked.route, asked.answer_within_minutes, asked.on_silence) == ("merchant", 120, "refund")
    assert "TRADE_VIDEO" in asked.evidence_needed
    silent = currency(**claim, merchant_answer="silent")
    assert (silent.route, silent.refund_percent) == ("instant", 100)
    shown = currency(**claim, merchant_answer="refused")
    assert (shown.route, shown.fault) == ("platform", "undecided")
    short = currency(**claim, delivered_percent=40)
    assert (short.rule, refund_minor(decision=short, amount_minor=999)) == ("record-says-short", 599)


def boosting(progress: int, **facts: Any) -> Decision:
    return judged(BOOSTING, goods="boosting", stage="working", progress_percent=progress, **facts)


@pytest.mark.parametrize(("progress", "back"), [(0, 10_000), (1, 9_405), (40, 5_700), (99, 95), (100, 0)])
def test_the_unfinished_share_minus_five_per_cent(progress: int, back: int) -> None:
    decision = boosting(progress)
    assert decision.rule == ("started" if progress else "not-started")
    assert refund_minor(decision=decision, amount_minor=10_000) == back


def test_the_fee_is_told_and_the_merchants_fault_costs_none() -> None:
    decision = boosting(40)
    assert decision.because_en == "The job was started: the 60 % that are not done go back at once, minus a fee of 5 % of them."
    assert verdict(decision=decision, language="zh") == "按未使用部分退款 60%，扣除 5% 手续费，立即执行"
    late = boosting(40, promise_overdue=True)
    assert (late.rule, late.fee_percent, refund_minor(decision=late, amount_minor=10_000)) == ("started-and-late", None, 6_000)


@pytest.mark.parametrize("name", NAMES)
def test_each_keeps_what_every_rule_set_has_to_keep_or_says_why_not(name: str) -> None:
    report = check(rules=rules(name))
    assert {finding.key for finding in report.findings} == BROKEN.get(name, set())
    assert not report.unreachable
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    for number, _ in BROKEN.get(name, set()):
        assert f"(property {number})" in text


@pytest.mark.parametrize("name", NAMES)
def test_each_decides_and_tells_every_situation(name: str) -> None:
    table, random = rules(name), Random(7)
    for _ in range(200):
        facts = Facts.from_json(random_facts(random))
        decision = decide(facts, table)
        assert Decision.from_receipt(json.loads(json.dumps(decision.to_receipt()))) == decision
        assert decision.rule in explain(facts=facts, decision=decision, language="zh")
        if decision.refund_percent is not None:
            assert 0 <= refund_minor(decision=decision, amount_minor=12_345) <= 12_345


def test_the_examples_are_the_four_of_the_contract() -> None:
    assert NAMES == ["boosting-with-fee", "currency-proof-in-two-hours", "key-shop-fourteen-days", "rental-with-compensation"]
