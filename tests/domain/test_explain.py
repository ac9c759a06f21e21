"""Decisions are told in both languages, and so is what would change them."""

from random import Random

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.alternatives import MOST_ALTERNATIVES, what_would_change
from anka.domain.policy.decide import decide
from anka.domain.policy.explain import UnknownLanguage, explain
from anka.domain.policy.table import default_rules
from tests.domain.oracle import random_facts

RULES = default_rules()
OPENED = Facts(goods="card_key", stage="revealed", reason="NO_LONGER_NEEDED", delivered_minutes_ago=60)


def test_both_languages() -> None:
    decision = decide(OPENED, RULES)
    zh, en = explain(facts=OPENED, decision=decision, language="zh"), explain(facts=OPENED, decision=decision, language="en")
    assert "卡密" in zh
    assert "24 小时" in zh
    assert "录屏" in zh
    assert "24 hours" in en
    assert zh.endswith("key-unknown")


def test_no_third_language() -> None:
    with pytest.raises(UnknownLanguage):
        explain(facts=OPENED, decision=decide(OPENED, RULES), language="fr")  # type: ignore[arg-type]  # that is the point


def test_nothing_is_called_refunded_where_no_money_moved() -> None:
    unpaid = Facts(goods="card_key", stage="reserved", reason="OTHER")
    told = explain(facts=unpaid, decision=decide(unpaid, RULES), language="zh")
    assert "释放" in told
    assert "退款" not in told


def test_what_would_change_differs_in_route_or_refund() -> None:
    now = decide(OPENED, RULES)
    alternatives = what_would_change(facts=OPENED, rules=RULES)
    assert ("use_check", "invalid") in [(found.key, found.value) for found in alternatives]
    for found in alternatives:
        then = found.decision
        assert (then.route, then.refund, then.refund_percent) != (now.route, now.refund, now.refund_percent)


def test_every_situation_can_be_told() -> None:
    random = Random(5)
    for _ in range(500):
        facts = Facts.from_json(random_facts(random))
        decision = decide(facts, RULES)
        for told in (explain(facts=facts, decision=decision, language="zh"), explain(facts=facts, decision=decision, language="en")):
            assert decision.rule in told
            assert "{" not in told
        assert len(what_would_change(facts=facts, rules=RULES)) <= MOST_ALTERNATIVES
