"""Rules are told in words: nothing of the file's own spelling is left, in either language, and every field stands by itself."""

import re

import pytest

from anka.domain.facts import VALUES
from anka.domain.policy import told, told_words, vocabulary
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import default_rules, parse_rules
from anka.domain.policy.wordings import Language

RULES = {rule.id: rule for rule in default_rules().rules}
RAW = re.compile(r"[a-z]+_[a-z]+|[{}]|\b[A-Z]+_[A-Z]+\b")
LANGUAGES: tuple[Language, ...] = ("zh", "en")
ODD = """
[[rule]]
position = 1
id = "odd"
when = [
    { merchant_answer = ["none", "silent"], ago = ["> 45", "<= 20160"], progress = "= 0" },
    { short = true, delivered_percent = ">= 20", upstream_minutes = "< 120" },
]
route = "platform"
refund = "full"
fault = [{ when = { bad = true }, is = "merchant" }, { is = "none" }]
goods = "keep"
replacement_first = true
evidence = ["SCREENSHOT", "ID_CHECK"]
compensation_minor = 800
keep_minor = 5
fee_percent = 3
zh = "全额退款。"
en = "Everything back."
"""


def odd() -> Rule:
    return parse_rules(texts={"odd.toml": ODD}).rules[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_rule_is_told_in_the_spelling_of_the_file(language: Language) -> None:
    for rule in (*RULES.values(), odd()):
        for said in (told.when_words(rule=rule, language=language), told.outcome_words(rule=rule, language=language)):
            assert said.strip()
            assert not RAW.search(said), said
            assert language == "en" or not re.search("[a-z]", said), said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_vocabulary_has_a_name(language: Language) -> None:
    for fact, values in vocabulary.FEATURES.items():
        for value in values:
            assert told_words.VALUES[fact][value][language]
    assert {"merchant_answer", *vocabulary.FEATURES} == set(told_words.VALUES)
    for words, known in (
        (told_words.ROUTES, set(vocabulary.ROUTES) - {"merchant"}),
        (told_words.REFUNDS, set(vocabulary.REFUNDS) - {"agreed"}),
        (told_words.FAULTS, set(vocabulary.FAULTS)),
        (told_words.GOODS_AFTER, {*vocabulary.GOODS_AFTER, *vocabulary.GOODS_TERMS}),
        (told_words.SILENCES, set(vocabulary.SILENCES)),
        (told_words.PATTERNS, set(vocabulary.PATTERNS)),
        (told_words.NUMBERS, set(vocabulary.NUMBERS)),
        (told_words.LIMITS, set(vocabulary.LIMITS)),
        (told_words.VALUES["merchant_answer"], set(VALUES["merchant_answer"])),
    ):
        assert set(words) == known


def test_a_rule_with_everything_is_told_field_by_field() -> None:
    english = told.fields_in_words(rule=odd(), language="en")
    assert english == {
        "position": "1",
        "when": "the merchant's answer: none yet or none in time, time since delivery > 45 min, time since delivery ≤ 14 days, "
        "progress = 0%; or worth less than ordered, share delivered ≥ 20%, time since the supplier's last word < 2 h",
        "route": "the platform decides",
        "refund": "everything",
        "fee_percent": "3%",
        "keep_minor": "5 minor units (0.05 where the currency has two decimals)",
        "compensation_minor": "800 minor units (8.00 where the currency has two decimals)",
        "fault": "the merchant (if a record shows the goods bad before they were opened), else nobody",
        "goods": "stay with the buyer",
        "replacement_first": "yes",
        "evidence": "a screenshot, an identity check",
        "zh": "全额退款。",
        "en": "Everything back.",
    }
    chinese = told.fields_in_words(rule=odd(), language="zh")
    assert list(chinese) == list(english)
    assert chinese["fault"] == "商家（当有记录显示商品在打开前就有问题），否则无"
    assert chinese["when"].startswith("商家答复：尚未答复或逾期未答复，交付后时间 > 45 分钟，交付后时间 ≤ 14 天，进度 = 0%；或者")
    assert set(english) == set(told_words.FIELDS) - {"pattern", "clock", "silence"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_rule_does_says_neither_where_it_stands_nor_when_it_speaks(language: Language) -> None:
    outcome = told.outcome_words(rule=odd(), language=language)
    fields = told.fields_in_words(rule=odd(), language=language)
    kept = [field for field in fields if field not in ("position", "when", "zh", "en")]
    between, label = told_words.JOINTS["fields"][language], told_words.JOINTS["label"][language]
    assert outcome == between.join(f"{told.field_name(field=field, language=language)}{label}{fields[field]}" for field in kept)


@pytest.mark.parametrize(("amount", "said"), [(0, "0.00"), (9, "0.09"), (1234, "12.34"), (9999, "99.99"), (10_000, "100.00")])
def test_an_amount_is_told_in_decimals_too(amount: int, said: str) -> None:
    assert f"{amount} minor units ({said} " in told.money_in_words(amount_minor=amount, language="en")


def test_a_turn_says_the_clock_and_what_silence_means() -> None:
    said = told.outcome_words(rule=RULES["accepted"], language="en")
    assert "the merchant answers first" in said
    assert "time to answer: 2 h" in said
    assert "without an answer: the money goes back by itself" in said
    assert told.outcome_words(rule=RULES["key-unused"], language="zh").endswith("商家答复时限：24 小时；逾期不答复：自动转平台")


def test_a_rule_without_a_condition_speaks_of_every_other_case() -> None:
    assert told.when_words(rule=RULES["disclosed"], language="zh") == "其他所有情况"
    assert told.refund_words(rule=RULES["disclosed"], language="en") == "nothing"
    assert told.refund_words(rule=odd(), language="en") == "everything"


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (90, "90 min"), (5760, "96 h"), (7200, "5 days"), (7260, "121 h")]
)
def test_spans_are_exact(minutes: int, said: str) -> None:
    assert told.span_in_words(minutes=minutes, language="en") == said


def test_unknown_words_are_told_as_they_are() -> None:
    assert told.value_in_words(fact="weather", value="rain", language="zh") == "rain"
    assert told.value_in_words(fact="use_check", value="rain", language="zh") == "rain"
    assert told.field_name(field="clock", language="en") == "time to answer"
