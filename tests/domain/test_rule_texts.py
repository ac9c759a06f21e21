"""The sentences of the default rules, read as people read them: each says what happens, by when, and what comes next.

Every decision the rules can give, in every variant (as asked, agreed, refused, silent, asked by staff), in both languages.
"""

import re
from dataclasses import replace
from functools import lru_cache
from itertools import product
from random import Random

import pytest

from anka.domain.facts import VALUES, Facts, FactsError
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.explain import explain
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import default_rules, default_texts, parse_rules
from tests.domain.oracle import random_facts

RULES = default_rules()
ARTICLE = re.compile(r"第([〇一二三四五六七八九十百]+)条")
LAWS = {
    "《消费者权益保护法》": "Consumer Rights Law",
    "《电子商务法》": "E-Commerce Law",
    "《民法典》": "Civil Code",
    "法释": "Interpretation",
}
RESTS_ON_LAW = {
    # What the design's law table says the rule rests on: the law and its articles.
    "merchant-cancels": {49},
    "merchant-may-not-recall": {512, 49, 51},
    "upstream-stuck": {58, 62},
    "accepted-overdue": {49, 51},
    "sealed-bad": {24},
    "sealed-illicit": {25, 55},
    "sealed": {25},
    "sealed-illicit-late": {55},
    "goods-bad": {24},
    "mismatch": {24},
    "short": {24},
    "rental-mismatch": {24},
    "illicit": {55},
    "rental-never-usable": {24, 54},
    "rental-unusable": {24},
    "key-taken": {62},
    "account-warranty": {24, 54},
    "mismatch-used": {24},
    "account-quality": {24, 1},
    "quality": {24, 1},
    "on-record": {24},
    "not-disclosed": {25},
    "disclosed": {25},
}
SAYS = {
    # By route and refund: what a text of it has to say, in both languages.
    ("instant", "full"): ("全额退款", "everything back|back.*at once|the money goes back"),
    ("instant", "agreed"): ("商定的金额", "amount agreed on"),
    ("instant", "missing_share"): (r"\d+% 立即退还", r"\d+ % go back"),
    ("instant", "unused_share"): (r"\d+%.*自动退款", r"\d+ %.*goes back"),
    ("merchant", "full"): ("全额退款.*小时内答复", "everything back.*within .* hours"),
    ("merchant", "unused_share"): (r"\d+%.*小时内答复", r"\d+ %.*within .* hours"),
    ("merchant", "negotiable"): ("协商.*小时内答复", "(agree|be agreed).*within .* hours"),
    ("platform", "full"): ("全额退款.*平台", "everything back|platform"),
    ("platform", "unused_share"): (r"\d+%.*转平台", r"\d+ %.*platform"),
    ("platform", "negotiable"): ("平台", "platform"),
    ("upstream", "full"): ("撤单后.*全额退款", "as soon as the supplier has cancelled"),
    ("upstream", "none"): ("不能退款.*供货方给出结果", "nothing can be refunded yet"),
    ("external", "none"): ("渠道裁定", "the channel decides"),
    ("close", "none"): ("关闭", "closes"),
    ("refuse", "none"): ("不支持无理由退款.*申诉一次|不退款；商家可以向买家提出方案", "may appeal once|may make an offer"),
}


def _numeral(text: str) -> int:
    digits = {sign: value for value, sign in enumerate("〇一二三四五六七八九")}
    total = last = 0
    for sign in text:
        if sign in digits:
            last = digits[sign]
        else:
            total += max(last, 1) * {"十": 10, "百": 100}[sign]
            last = 0
    return total + last


@lru_cache(maxsize=1)
def told() -> dict[str, tuple[Facts, Decision]]:
    """Return one situation and decision for every rule and variant the default rules can give."""
    found: dict[str, tuple[Facts, Decision]] = {}
    random = Random(11)
    for _ in range(6_000):
        facts = Facts.from_json(random_facts(random))
        for answer, asker in product(VALUES["merchant_answer"], VALUES["asker"]):
            try:
                varied = replace(facts, merchant_answer=answer, asker=asker)
            except FactsError:
                continue
            decision = decide(varied, RULES)
            found.setdefault(decision.rule, (varied, decision))
    return found


def variants(rule: Rule) -> set[str]:
    suffixes = {"turn": ("", ".agreed", ".refused", ".silent"), "platform": ("", ".agreed"), "refusal": ("", ".agreed", ".platform")}
    return {f"{rule.id}{suffix}" for suffix in suffixes.get(rule.pattern or "", ("",))}


def test_every_rule_is_told_in_every_variant() -> None:
    assert set(told()) == {name for rule in RULES.rules for name in variants(rule)}


def test_every_variant_names_its_outcome_in_both_languages() -> None:
    for name, (_, decision) in told().items():
        zh, en = SAYS[decision.route, decision.refund]
        assert re.search(zh, decision.because_zh), f"{name}: {decision.because_zh}"
        assert re.search(en, decision.because_en), f"{name}: {decision.because_en}"


def test_a_turn_says_the_hours_what_silence_means_and_where_a_refusal_goes() -> None:
    for name, (_, decision) in told().items():
        if decision.route != "merchant":
            continue
        clock = decision.answer_within_minutes
        assert clock is not None
        assert f"{clock // 60} 小时内答复" in decision.because_zh, name
        assert f"within {clock // 60} hours" in decision.because_en, name
        assert ("自动退款" in decision.because_zh) == (decision.on_silence == "refund"), name
        assert "转平台处理" in decision.because_zh, name
        assert "platform" in decision.because_en, name


def test_what_goes_to_the_platform_says_when_it_is_looked_at() -> None:
    for name, (facts, decision) in told().items():
        if decision.route == "platform" and facts.asker != "platform":
            assert "24 小时内首次处理" in decision.because_zh, name
            assert "within 24 hours" in decision.because_en, name


def test_no_place_is_left_open_and_each_language_keeps_to_itself() -> None:
    for name, (facts, decision) in told().items():
        for text in (decision.because_zh, decision.because_en, explain(facts=facts, decision=decision, language="zh")):
            assert not re.search(r"[{}]|None|  ", text), f"{name}: {text}"
        assert decision.because_zh.endswith("。"), name
        assert decision.because_en.endswith("."), name
        assert not re.search("[\u4e00-\u9fff]", decision.because_en), name
        assert not re.search("[A-Za-z]", decision.because_zh), name


def test_a_merchant_who_asks_is_not_told_that_the_money_is_theirs() -> None:
    for name, (facts, decision) in told().items():
        if facts.asker == "merchant" and decision.rule.startswith("merchant"):
            assert "您" not in decision.because_zh, name
            assert not re.search(r"\byou\b", decision.because_en, re.IGNORECASE), name


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_the_law_is_quoted_by_article_and_alike_in_both_languages(rule: Rule) -> None:
    chinese = {_numeral(found) for found in ARTICLE.findall(rule.zh)}
    assert chinese == RESTS_ON_LAW.get(rule.id, set())
    _, _, quoted = rule.en.rpartition("articles " if "articles " in rule.en else "article ")
    english = {int(number) for number in re.findall(r"(?<=article )\d+|(?<=articles )\d+|(?<=and )\d+|(?<=, )\d+(?= and)", rule.en)}
    assert english == chinese, quoted
    for zh, en in LAWS.items():
        assert (zh in rule.zh) == (en in rule.en)


def test_a_text_that_hides_its_outcome_is_noticed() -> None:
    """Take the guard away: a turn whose text no longer says that everything may come back fails the check above."""
    texts = {name: text.replace("可申请全额退款，先由商家答复", "先由商家答复") for name, text in default_texts().items()}
    facts, decision = told()["accepted"]
    silenced = decide(facts, parse_rules(texts=texts))
    assert not re.search(SAYS[decision.route, decision.refund][0], silenced.because_zh)
