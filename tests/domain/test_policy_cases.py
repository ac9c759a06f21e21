"""The default table against the examples, against a second implementation, and against itself with one rule missing."""

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.table import RuleSet, default_rules, parse_rules
from tests.domain.oracle import judge, random_facts
from tests.domain.rule_texts import without

CASES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parents[1] / "data" / "policy.jsonl").read_text(encoding="utf-8").splitlines()
]
RULES = default_rules()
RANDOM_FACTS = [random_facts(random) for random in [Random(20_260)] for _ in range(20_000)]


def wrong_answers(rules: RuleSet) -> list[str]:
    wrong = []
    for case in CASES:
        try:
            got = decide(Facts.from_json(case["facts"]), rules).to_json()
        except NoRuleMatches:
            wrong.append(case["id"])
            continue
        if got != case["decision"]:
            wrong.append(case["id"])
    return wrong


def test_there_are_examples() -> None:
    assert len(CASES) == 392
    assert len({case["decision"]["rule"] for case in CASES}) == 98


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_example(case: dict[str, Any]) -> None:
    assert decide(Facts.from_json(case["facts"]), RULES).to_json() == case["decision"]


@pytest.mark.parametrize("case", CASES[::7], ids=[case["id"] for case in CASES[::7]])
def test_the_second_implementation_knows_the_examples_too(case: dict[str, Any]) -> None:
    assert judge(case["facts"]) == case["decision"]


def test_both_implementations_agree() -> None:
    for facts in RANDOM_FACTS:
        assert decide(Facts.from_json(facts), RULES).to_json() == judge(facts), facts


def test_random_facts_reach_every_rule() -> None:
    reached = Counter(judge(facts)["rule"].partition(".")[0] for facts in RANDOM_FACTS)
    assert set(reached) == {rule.id for rule in RULES.rules}


@pytest.mark.parametrize("rule", [rule.id for rule in RULES.rules])
def test_a_missing_rule_is_noticed(rule: str) -> None:
    """The negative control: without any single rule the examples are answered wrongly."""
    incomplete = parse_rules(texts=without(rule))
    assert len(incomplete.rules) == len(RULES.rules) - 1
    assert wrong_answers(incomplete)


def test_nothing_missing_nothing_wrong() -> None:
    assert wrong_answers(parse_rules(texts=without("no-such-rule"))) == []


def test_stored_facts_give_the_same_decision_again() -> None:
    for case in CASES:
        facts = Facts.from_json(case["facts"])
        again = Facts.from_json(json.loads(json.dumps(facts.to_json())))
        assert again == facts
        assert decide(again, RULES) == decide(facts, RULES)


def test_every_decision_has_words_with_nothing_left_to_fill_in() -> None:
    for facts in RANDOM_FACTS[:3000]:
        decision = decide(Facts.from_json(facts), RULES)
        assert decision.because_zh
        assert decision.because_en
        assert "{" not in decision.because_zh + decision.because_en
