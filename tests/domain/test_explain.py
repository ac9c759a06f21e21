"""Decisions are told in both languages, and so is what would change them."""

from dataclasses import replace
from random import Random

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.alternatives import MOST_ALTERNATIVES, what_would_change
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.explain import UnknownLanguage, explain, verdict
from anka.domain.policy.table import default_rules
from anka.domain.policy.wordings import Language
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


EVERYTHING = Decision(
    *("mine", "merchant", "unused_share", 60, "merchant", "keep", 60, "refund", True, ("KEY_PREFIX", "SCREENSHOT"), "因为。", "Because."),
    compensation_minor=800,
    keep_minor=300,
    fee_percent=5,
)
WORDS: dict[Language, str] = {"zh": "商家答复", "en": "merchant answers"}
BOOSTING = Facts(goods="boosting", stage="working", reason="OTHER")


@pytest.mark.parametrize(
    ("language", "starts", "money"),
    [
        (
            "zh",
            [
                "情况：代练，进行中，",
                "结论：按未使用部分退款 60%，",
                "依据：因为。",
                "可先提供换货",
                "建议补充：卡密前几位、截图。",
                "规则：mine",
            ],
            "，",
        ),
        (
            "en",
            [
                "Situation: boosting job, in progress; ",
                "Verdict: a refund of the unused share, 60 %, ",
                "Why: Because.",
                "A replacement",
                "It helps to add: the first characters of the key, a screenshot. ",
                "Rule: mine",
            ],
            ", ",
        ),
    ],
)
def test_line_by_line(language: Language, starts: list[str], money: str) -> None:
    lines = explain(facts=BOOSTING, decision=EVERYTHING, language=language).split("\n")
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    told = verdict(decision=EVERYTHING, language=language).split(money)
    places = [next(index for index, part in enumerate(told) if sum_ in part) for sum_ in ("60", "5%", "3.00", "8.00")]
    assert places == sorted(places)
    assert WORDS[language] in told[-1]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_only_what_there_is_to_say(language: Language) -> None:
    bare = replace(EVERYTHING, replacement_first=False, evidence_needed=())
    assert len(explain(facts=BOOSTING, decision=bare, language=language).split("\n")) == 4
    assert len(explain(facts=BOOSTING, decision=replace(bare, replacement_first=True), language=language).split("\n")) == 5
    unknown = verdict(decision=replace(bare, refund_percent=None), language=language)
    assert " 0" in unknown


@pytest.mark.parametrize(
    ("asker", "route", "language", "told"),
    [
        ("buyer", "refuse", "zh", "可申诉一次"),
        ("buyer", "refuse", "en", "one appeal is possible"),
        ("merchant", "refuse", "zh", "商家不能"),
        ("merchant", "refuse", "en", "not for the merchant"),
        ("merchant", "external", "en", "the payment channel decides"),
    ],
)
def test_a_merchant_who_is_refused_reads_no_buyers_appeal(asker: str, route: str, language: Language, told: str) -> None:
    nothing = replace(EVERYTHING, route=route, refund="none", refund_percent=0, compensation_minor=None, keep_minor=None, fee_percent=None)
    said = explain(facts=replace(BOOSTING, asker=asker), decision=nothing, language=language)
    assert told in said
    assert ("申诉" in said or "appeal" in said) == (asker == "buyer")


@pytest.mark.parametrize(
    ("route", "refund", "told"),
    [
        ("close", "none", "the order closes at once; no money had moved, what was held is released"),
        ("close", "full", "a full refund, the order closes at once"),
        ("upstream", "none", "nothing goes back yet, the supplier has to answer first"),
        ("upstream", "full", "a full refund, done once the supplier has cancelled"),
        ("external", "none", "we refund nothing beside it, the payment channel decides"),
        ("refuse", "none", "no refund, one appeal is possible"),
        ("instant", "none", "no refund, done at once"),
        ("platform", "negotiable", "a refund whose amount is agreed or ruled on, the platform decides"),
    ],
)
def test_what_goes_back_and_how_is_one_clause(route: str, refund: str, told: str) -> None:
    plain = replace(EVERYTHING, route=route, refund=refund, compensation_minor=None, keep_minor=None, fee_percent=None)
    assert verdict(decision=plain, language="en") == told


def test_a_fee_is_told_in_per_cent() -> None:
    only_fee = replace(EVERYTHING, refund="full", route="instant", compensation_minor=None, keep_minor=None)
    assert verdict(decision=only_fee, language="en") == "a full refund, less a fee of 5%, done at once"
