"""What would change a decision: true for every rule, found wherever there is something to find, said in both languages."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from anka.domain.facts import VALUES, Facts, FactsError
from anka.domain.policy import change_words
from anka.domain.policy.alternatives import MOST_OF_EACH, Alternative, outcome, what_would_change, what_would_have_changed
from anka.domain.policy.decide import decide
from anka.domain.policy.table import default_rules
from tests.domain.oracle import random_facts

RULES = default_rules()
CASES = Path(__file__).parents[1] / "data" / "policy.jsonl"
OF_EACH_RULE = 6
# Whoever asks knows what they ask for and why; nobody is told to say something else. Goods and terms are the order's.
NOT_TOLD = ("goods", "reason", "asker", "evidence", "refund_window_minutes", "warranty_minutes")
NUMBERS = {"progress_percent": (0, 100), "delivered_percent": (None, 0, 100), "promise_overdue": (True, False), "voidable": (True, False)}
OPENED = Facts(goods="card_key", stage="revealed", reason="NO_LONGER_NEEDED", delivered_minutes_ago=60, notice="confirmed")


def situations() -> dict[str, list[Facts]]:
    """Return up to six situations for every rule: those of the written cases, and random ones."""
    found: dict[str, list[Facts]] = {rule.id: [] for rule in RULES.rules}
    written = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    random = Random(11)
    several = [case["facts"] for case in written if "rule" in case.get("decision", {})] + [random_facts(random) for _ in range(4_000)]
    for given in several:
        facts = Facts.from_json(given)
        listed = found[decide(facts, RULES).rule.partition(".")[0]]
        if len(listed) < OF_EACH_RULE:
            listed.append(facts)
    return found


SITUATIONS = situations()


def single_changes(facts: Facts) -> Iterator[Facts]:
    """Yield every set of facts that differs in one word, truth or share from these."""
    for key, values in [*((key, values) for key, values in VALUES.items() if key not in NOT_TOLD), *NUMBERS.items()]:
        for value in values:
            if value == "reserved" or (key == "merchant_answer" and facts.merchant_answer == "none" and not may_answer(facts)):
                continue
            try:
                yield replace(facts, **{key: value})  # type: ignore[arg-type]  # checked by Facts itself
            except FactsError:
                continue


def may_answer(facts: Facts) -> bool:
    return decide(facts, RULES).route in {"merchant", "platform", "refuse"}


def told(facts: Facts) -> dict[tuple[str, object], Alternative]:
    return {(found.key, found.value): found for found in what_would_change(facts=facts, rules=RULES)}


def test_every_rule_has_situations() -> None:
    assert {rule for rule, listed in SITUATIONS.items() if not listed} == set()


@pytest.mark.parametrize("rule", SITUATIONS)
def test_what_is_told_is_true(rule: str) -> None:
    for facts in SITUATIONS[rule]:
        now = decide(facts, RULES)
        for found in what_would_change(facts=facts, rules=RULES):
            assert getattr(found.facts, found.key) == found.value != getattr(facts, found.key)
            assert decide(found.facts, RULES) == found.decision
            assert outcome(found.decision) != outcome(now)


@pytest.mark.parametrize("rule", SITUATIONS)
def test_something_is_found_where_any_single_fact_matters(rule: str) -> None:
    for facts in SITUATIONS[rule]:
        now = outcome(decide(facts, RULES))
        if any(outcome(decide(other, RULES)) != now for other in single_changes(facts)):
            assert what_would_change(facts=facts, rules=RULES), facts


def test_most_of_what_matters_is_found_fact_by_fact() -> None:
    """Every fact that decides anything by itself, at its present stage, is named, or crowded out by as many others as are told."""
    for facts in (facts for listed in SITUATIONS.values() for facts in listed):
        now, found = outcome(decide(facts, RULES)), what_would_change(facts=facts, rules=RULES)
        named = {other.key for other in found}
        for other in single_changes(facts):
            key = next((key for key in Facts.__slots__ if getattr(facts, key) != getattr(other, key)), "stage")
            if key != "stage" and outcome(decide(other, RULES)) != now and len(found) < MOST_OF_EACH:
                assert key in named, (facts, key)


def test_a_key_that_had_not_been_opened() -> None:
    found = told(OPENED)["stage", "sealed"]
    assert not found.still_possible
    assert found.decision.rule == "sealed"
    assert found.zh == "如果卡密没有被查看：全额退款，立即执行。"
    assert found.en == "If the key had not been opened: a full refund, done at once."


def test_earlier_stages_bring_what_belongs_to_them() -> None:
    supplied = Facts(goods="card_key", stage="working", reason="OTHER", upstream="locked", upstream_minutes=5)
    found = told(supplied)["stage", "queued"]
    assert (found.facts.upstream, found.facts.upstream_minutes, found.facts.delivered_minutes_ago) == ("none", 0, None)


def test_the_refund_window_and_the_notice() -> None:
    late = Facts(goods="card_key", stage="sealed", reason="NO_LONGER_NEEDED", delivered_minutes_ago=20_000)
    assert told(late)["delivered_minutes_ago", 10_080].en.startswith("If it had been asked within 7 days of delivery")
    soon = replace(late, delivered_minutes_ago=10)
    assert told(soon)["delivered_minutes_ago", 10_081].zh.startswith("如果在交付 7 天之后才提出")
    used = replace(OPENED, use_check="used_after_reveal")
    assert told(used)["notice", "shown"].when_zh == "如果购买时没有确认“使用后不退”的提示"


def test_what_is_over_is_told_as_over() -> None:
    asked = what_would_change(facts=OPENED, rules=RULES)
    hindsight = what_would_have_changed(facts=OPENED, rules=RULES)
    assert any(found.still_possible for found in asked)
    assert [found.value for found in hindsight] == [found.value for found in sorted(asked, key=lambda found: found.still_possible)]
    assert not any(found.still_possible for found in hindsight)
    assert "If the merchant had agreed" in [found.when_en for found in hindsight]


def test_a_record_that_has_spoken_is_not_still_open() -> None:
    bad = Facts(goods="card_key", stage="revealed", reason="KEY_INVALID", use_check="invalid", delivered_minutes_ago=60)
    assert all(not found.still_possible for found in what_would_change(facts=bad, rules=RULES) if found.key == "use_check")


def test_everything_is_said_in_both_languages() -> None:
    said = [
        *change_words.VALUES.values(),
        *(change.said for change in change_words.STAGES),
        change_words.ON_TIME,
        change_words.OVERDUE_BEFORE,
        change_words.OVERDUE_AFTER,
        change_words.WITHIN,
        change_words.BEYOND,
        change_words.SUPPLIER_SILENT,
        change_words.SUPPLIER_SPOKE,
    ]
    for words in said:
        assert words.zh.startswith("如果")
        for text in (words.en, words.en_past):
            assert text.startswith(("If ", "Once "))
            assert text.isascii()


def test_no_braces_are_left_and_there_are_not_too_many() -> None:
    random = Random(3)
    for _ in range(300):
        found = what_would_change(facts=Facts.from_json(random_facts(random)), rules=RULES)
        assert not any("{" in one.zh + one.en for one in found)
        for possible in (True, False):
            assert len([one for one in found if one.still_possible is possible]) <= MOST_OF_EACH
