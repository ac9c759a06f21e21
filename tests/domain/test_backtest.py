"""Rules tried on history: every counter worked out by hand."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anka.domain.facts import Facts
from anka.domain.policy import backtest
from anka.domain.policy.backtest import Backtest, BacktestReport, Past
from anka.domain.policy.decide import decide
from anka.domain.policy.difference import difference_in_words, differing
from anka.domain.policy.table import RuleSet, default_rules, default_texts, parse_rules
from tests.domain.rule_texts import without

EXAMPLES = [json.loads(line) for line in (Path(__file__).parents[1] / "data" / "policy.jsonl").read_text().splitlines()]
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAY_OVER = """
[[rule]]
position = 155
id = "day-over"
when = { stage = ["sealed"], ago = "> 1440" }
route = "refuse"
refund = "none"
fault = "buyer"
goods = "keep"
zh = "交付已超过 24 小时。"
en = "It was delivered more than 24 hours ago."
"""
QUEUED: Mapping[str, object] = {"goods": "top_up", "stage": "queued", "reason": "NO_LONGER_NEEDED"}
FRESH: Mapping[str, object] = {"goods": "card_key", "stage": "sealed", "reason": "NO_LONGER_NEEDED", "delivered_minutes_ago": 100}
OLD: Mapping[str, object] = {**FRESH, "delivered_minutes_ago": 2000}
OPENED: Mapping[str, object] = {"goods": "card_key", "stage": "revealed", "reason": "KEY_INVALID", "delivered_minutes_ago": 100}


def changed(old: str, new: str) -> RuleSet:
    """The default rules with one piece of text changed, which has to be there once."""
    (name,) = [name for name, text in default_texts().items() if text.count(old) == 1]
    return parse_rules(texts={**default_texts(), name: default_texts()[name].replace(old, new)})


def a_day_only() -> RuleSet:
    """The default rules, but what was not opened goes back on the first day only."""
    return parse_rules(texts={**default_texts(), "added.toml": DAY_OVER})


def past(
    facts: Mapping[str, object] = FRESH,
    *,
    order: str = "A-1",
    case: str = "A-C1",
    position: int = 1,
    amount: int = 1000,
    currency: str = "CNY",
) -> Past:
    """A judgement by the default rules."""
    known = Facts.from_json(facts)
    return Past(order, case, position, NOON, known, decide(known, default_rules()), amount, currency)


def tried(rules: RuleSet, *pasts: Past) -> BacktestReport:
    """The report on these judgements."""
    test = Backtest(rules)
    for one in pasts:
        test.add(one)
    return test.report()


def test_identical_rules_change_nothing() -> None:
    pasts = [past(example["facts"], order=f"A-{number}", case=f"A-C{number}") for number, example in enumerate(EXAMPLES)]
    report = tried(default_rules(), *pasts)
    assert (report.looked_at, report.same, report.changed, report.renamed) == (len(EXAMPLES), len(EXAMPLES), 0, 0)
    assert (report.by_rule, report.examples) == ({}, ())
    assert [(tally.changed, dict(tally.difference_minor)) for tally in report.by_kind.values()] == [(0, {})] * 5
    money = report.money["CNY"]
    assert money.old_minor == money.new_minor > 0
    assert (money.difference_minor, money.undetermined_changed, money.undetermined_changed_minor) == (0, 0, 0)
    open_ended = sum(example["decision"]["refund_percent"] is None for example in EXAMPLES)
    assert (money.undetermined, money.units) == (open_ended, len(EXAMPLES) - open_ended)
    percent = sum(example["decision"]["refund_percent"] or 0 for example in EXAMPLES)
    assert money.old_minor == percent * 10


def test_no_history_is_an_empty_report() -> None:
    report = tried(a_day_only())
    assert report.to_json() == {
        "version": a_day_only().version,
        **dict.fromkeys(("looked_at", "same", "changed", "renamed", "unreadable", "unanswered"), 0),
        **{name: [] for name in ("by_rule", "by_kind", "by_reason", "money", "examples")},
        "cannot_predict": [dict(sentence) for sentence in report.cannot_predict],
    }


def test_stricter_rules_give_exactly_the_expected_difference() -> None:
    account = {**OLD, "goods": "account", "reason": "PRICE_CHANGED"}
    report = tried(
        a_day_only(),
        past(FRESH, order="A-1", case="A-C1", amount=1000),
        past(OLD, order="A-2", case="A-C2", amount=2000),
        past(account, order="A-3", case="A-C3", amount=5000, currency="USD"),
        past(QUEUED, order="A-4", case="A-C4", amount=700),
        past(OPENED, order="A-5", case="A-C5", amount=300),
        past(OLD, order="A-6", case="A-C6", amount=1000),
        past({**OLD, "merchant_answer": "agreed"}, order="A-6", case="A-C6", amount=1000),
    )
    told = report.to_json()
    assert (report.looked_at, report.same, report.changed, report.renamed) == (7, 3, 4, 0)
    assert told["by_rule"] == [{"old": "sealed", "new": "day-over", "count": 4, "difference_minor": {"CNY": -3000, "USD": -5000}}]
    assert told["by_kind"] == [
        {"goods": "account", "looked_at": 1, "changed": 1, "difference_minor": {"USD": -5000}},
        {"goods": "card_key", "looked_at": 5, "changed": 3, "difference_minor": {"CNY": -3000}},
        {"goods": "top_up", "looked_at": 1, "changed": 0, "difference_minor": {}},
    ]
    assert told["by_reason"] == [
        {"reason": "NO_LONGER_NEEDED", "looked_at": 5, "changed": 3, "difference_minor": {"CNY": -3000}},
        {"reason": "PRICE_CHANGED", "looked_at": 1, "changed": 1, "difference_minor": {"USD": -5000}},
        {"reason": "KEY_INVALID", "looked_at": 1, "changed": 0, "difference_minor": {}},
    ]
    none_open = {"undetermined": 0, "undetermined_changed": 0, "undetermined_changed_minor": 0}
    assert told["money"] == [
        {"currency": "CNY", "units": 4, "old_minor": 4700, "new_minor": 1700, **none_open, "undetermined": 1, "difference_minor": -3000},
        {"currency": "USD", "units": 1, "old_minor": 5000, "new_minor": 0, **none_open, "difference_minor": -5000},
    ]


def test_the_other_way_round_more_goes_back() -> None:
    known = Facts.from_json(OLD)
    refused = Past("A-1", "A-C1", 1, NOON, known, decide(known, a_day_only()), 2000, "CNY")
    money = tried(default_rules(), refused).money["CNY"]
    assert (money.old_minor, money.new_minor, money.difference_minor) == (0, 2000, 2000)


def test_a_fee_and_what_is_kept_stay_with_the_merchant() -> None:
    refund = 'refund = "full"\nfault = "none"\ngoods = "unopened"\nzh = "商品尚未开封，仍在'
    dearer = changed(refund, refund.replace("fault", "fee_percent = 5\nkeep_minor = 100\nfault"))
    money = tried(dearer, past(FRESH, amount=2000), past(FRESH, order="A-2", case="A-C2", amount=50)).money["CNY"]
    assert (money.old_minor, money.new_minor) == (2050, 1800)


def test_money_counts_once_for_a_unit_by_the_last_judgement_of_its_case() -> None:
    first, last = past(OLD, amount=2000), past(FRESH, amount=2000)
    money = tried(a_day_only(), first, last).money["CNY"]
    assert (money.units, money.old_minor, money.new_minor) == (1, 2000, 2000)
    elsewhere = replace(last, order="A-2", case="A-C2")
    money = tried(a_day_only(), first, elsewhere).money["CNY"]
    assert (money.units, money.old_minor, money.new_minor) == (2, 4000, 2000), "two orders are two units"


def test_a_change_of_an_earlier_judgement_is_told_although_its_money_is_not_counted() -> None:
    report = tried(a_day_only(), past(OLD), past(FRESH))
    assert (report.looked_at, report.changed) == (2, 1)
    assert [dict(tally.difference_minor) for tally in report.by_rule.values()] == [{}]


def test_all_cases_of_a_unit_together_bring_back_no_more_than_was_paid() -> None:
    short = {"goods": "top_up", "stage": "delivered", "reason": "TOPUP_PARTIAL", "delivered_minutes_ago": 100, "delivered_percent": 40}
    first, second = past(short, case="A-C1"), past(QUEUED, case="A-C2")
    assert first.decision.refund_percent == 60
    money = tried(default_rules(), first, second).money["CNY"]
    assert (money.units, money.old_minor, money.new_minor) == (2, 1000, 1000)
    money = tried(default_rules(), first, replace(second, position=2)).money["CNY"]
    assert money.old_minor == 1600, "another unit has money of its own"


def test_a_case_after_one_that_pays_less_now_has_more_left() -> None:
    first, second = past(OLD, case="A-C1"), past(FRESH, case="A-C2")
    report = tried(a_day_only(), first, second)
    assert (report.money["CNY"].old_minor, report.money["CNY"].new_minor) == (1000, 1000)
    assert [dict(tally.difference_minor) for tally in report.by_rule.values()] == [{"CNY": -1000}]
    assert report.by_kind["card_key"].difference_minor == {"CNY": 0}


def test_what_people_settle_is_counted_apart() -> None:
    asked = changed(
        'use_check = ["unused"] }\npattern = "turn"\nrefund = "full"', 'use_check = ["unused"] }\npattern = "turn"\nrefund = "negotiable"'
    )
    unused = {**OPENED, "reason": "NO_LONGER_NEEDED", "use_check": "unused"}
    report = tried(asked, past(unused, amount=900), past(OPENED, order="A-2", case="A-C2", amount=400))
    money = report.money["CNY"]
    assert (money.units, money.old_minor, money.new_minor, money.difference_minor) == (0, 0, 0, 0)
    assert (money.undetermined, money.undetermined_changed, money.undetermined_changed_minor) == (2, 1, 900)
    assert (report.looked_at, report.changed) == (2, 1)


def test_another_name_alone_is_told_as_such() -> None:
    report = tried(changed('id = "sealed"\n', 'id = "not-opened"\n'), past(), past(QUEUED, order="A-2", case="A-C2"))
    assert (report.same, report.changed, report.renamed) == (1, 1, 1)
    assert list(report.by_rule) == [("sealed", "not-opened")]
    assert (report.examples[0].zh, report.examples[0].en) == ("规则：sealed → not-opened", "rule: sealed → not-opened")


def test_a_situation_the_rules_do_not_speak_of_is_counted_and_compared_with_nothing() -> None:
    (disclosed, *_) = [example["facts"] for example in EXAMPLES if example["decision"]["rule"] == "disclosed"]
    silent_on_it = parse_rules(texts=without("disclosed"))
    report = tried(silent_on_it, past(FRESH), past(disclosed))
    assert (report.looked_at, report.same, report.changed, report.unanswered) == (1, 1, 0, 1)
    assert report.money == {}, "the last judgement of this case has no new decision, so its money is not known"


def test_what_cannot_be_read_is_counted_and_nothing_else() -> None:
    test = Backtest(default_rules())
    test.add_unreadable()
    test.add(past())
    report = test.report()
    assert (report.unreadable, report.looked_at, report.same) == (1, 1, 1)


def test_a_report_can_be_asked_for_on_the_way() -> None:
    test = Backtest(a_day_only())
    test.add(past(OLD))
    assert test.report().money["CNY"].units == 1
    test.add(past(OLD, order="A-2", case="A-C2"))
    assert (test.report().looked_at, test.report().money["CNY"].units) == (2, 2)


def test_an_example_has_the_facts_and_the_difference_in_both_languages() -> None:
    (example,) = tried(a_day_only(), past(OLD)).examples
    told = example.to_json()
    assert told["facts"] == Facts.from_json(OLD).to_json()
    assert (told["case"], told["order"], told["position"], told["decided_at"]) == ("A-C1", "A-1", 1, NOON.isoformat())
    assert (told["amount_minor"], told["currency"]) == (past(OLD).amount_minor, "CNY")
    assert told["old"] == past(OLD).decision.to_json()
    assert told["new"] == decide(Facts.from_json(OLD), a_day_only()).to_json()
    assert told["difference"] == {
        "zh": "全额退款，立即执行 → 不支持退款，可申诉一次",
        "en": "a full refund, done at once → no refund, one appeal is possible",
    }


def test_examples_are_few_for_each_pair_and_in_all() -> None:
    pasts = []
    for pair in range(60):
        for number in range(backtest.EXAMPLES_PER_PAIR + 3):
            one = past(FRESH, order=f"A-{pair}-{number}", case=f"A-C{pair}-{number}")
            pasts.append(replace(one, decision=replace(one.decision, rule=f"rule-{pair:02}")))
    report = tried(default_rules(), *pasts)
    assert report.changed == 60 * 8
    assert len(report.by_rule) == 60
    assert len(report.examples) == backtest.MOST_EXAMPLES == 200
    assert [example.past.case for example in report.examples[:6]] == [*(f"A-C0-{number}" for number in range(5)), "A-C1-0"]


def test_pairs_come_most_frequent_first() -> None:
    rare = past(OLD, order="A-9", case="A-C9")
    rare = replace(rare, decision=replace(rare.decision, rule="a-rare-one"))
    report = tried(a_day_only(), rare, past(OLD, order="A-1", case="A-C1"), past(OLD, order="A-2", case="A-C2"))
    assert [(pair, tally.changed) for pair, tally in report.by_rule.items()] == [
        (("sealed", "day-over"), 2),
        (("a-rare-one", "day-over"), 1),
    ]
    assert [example.past.case for example in report.examples] == ["A-C1", "A-C2", "A-C9"]


def test_what_is_equally_frequent_comes_in_the_order_of_names_and_so_do_currencies() -> None:
    names = ("b", "a", "c")
    pasts = [past(OLD, order=f"A-{name}", case=f"A-C{name}", currency={"b": "USD"}.get(name, "CNY")) for name in names]
    named = [replace(one, decision=replace(one.decision, rule=name)) for one, name in zip(pasts, names, strict=True)]
    other = past({**OLD, "reason": "DUPLICATE"}, order="A-9", case="A-C9")
    report = tried(a_day_only(), *named[:1], other, *named[1:])
    assert list(report.by_rule) == [("a", "day-over"), ("b", "day-over"), ("c", "day-over"), ("sealed", "day-over")]
    assert list(report.money) == ["CNY", "USD"]
    two = tried(a_day_only(), named[0], other)
    assert list(two.by_reason) == ["DUPLICATE", "NO_LONGER_NEEDED"]


def test_what_people_settled_and_the_rules_would_is_counted_apart_too() -> None:
    settled = past(FRESH, amount=900)
    settled = replace(settled, decision=replace(settled.decision, refund="negotiable", refund_percent=None))
    money = tried(default_rules(), settled).money["CNY"]
    assert (money.units, money.undetermined, money.undetermined_changed, money.undetermined_changed_minor) == (0, 1, 1, 900)


def test_a_report_is_json() -> None:
    report = tried(a_day_only(), past(OLD), past(OPENED, order="A-2", case="A-C2"))
    assert json.loads(json.dumps(report.to_json())) == report.to_json()


def test_it_says_in_both_languages_what_it_cannot_predict() -> None:
    sentences = tried(default_rules()).cannot_predict
    assert len(sentences) == 5
    for sentence in sentences:
        assert sentence["zh"].endswith("。")
        assert sentence["en"].endswith(".")
    assert any("only about those placed once the new version is in force" in sentence["en"] for sentence in sentences)


SAME = past(OPENED).decision


@pytest.mark.parametrize(
    ("change", "zh", "en"),
    [
        ({"route": "platform"}, "先由商家答复 → ", "answers first → "),
        (
            {"refund": "full", "refund_percent": 100},
            "平台裁定，先由商家答复 → 全额退款",
            "ruled on, the merchant answers first → a full refund",
        ),
        ({"fault": "merchant"}, "责任：", "fault: "),
        ({"goods_after": "keep"}, "商品去向：", "the goods: "),
        ({"answer_within_minutes": 90}, "商家答复时限：24 小时 → 90 分钟", "time to answer: 24 h → 90 min"),
        ({"answer_within_minutes": None}, "24 小时 → 无", "24 h → none"),
        ({"on_silence": "refund"}, "自动转平台 → 自动退款", "goes to the platform by itself → the money goes back by itself"),
        ({"replacement_first": True}, "否 → 是", "no → yes"),
        ({"evidence_needed": ()}, "报错截图 → 无", "a screenshot of the error → none"),
        (
            {"keep_minor": 800},
            "，先由商家答复 → 退款金额由双方协商或平台裁定，商家留取 800 ",
            "answers first → a refund whose amount is agreed or ruled on, 800 ",
        ),
        ({"compensation_minor": 800}, "商家另从保证金补偿 800 ", "compensation of 800 "),
        ({"fee_percent": 5}, "扣除 5% 手续费，先由商家答复", "less a fee of 5%, the merchant answers first"),
        ({"rule": "other"}, "规则：quality → other", "rule: quality → other"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_difference_is_told_in_words(change: dict[str, object], zh: str, en: str) -> None:
    new = replace(SAME, **change)  # type: ignore[arg-type]  # the names and values of a decision's fields
    assert differing(old=SAME, new=new) == tuple(change)
    for old_to_new, language in ((zh, "zh"), (en, "en")):
        assert old_to_new in difference_in_words(old=SAME, new=new, language=language)  # type: ignore[arg-type]  # both are languages


def test_other_words_alone_are_no_difference() -> None:
    assert differing(old=SAME, new=replace(SAME, because_zh="别的话。", because_en="Other words.")) == ()
    assert tried(default_rules(), replace(past(OPENED), decision=replace(SAME, because_en="Other words."))).same == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fault": "merchant"}, "fault: nobody → the merchant"),
        ({"goods_after": "keep"}, "the goods: voided → stay with the buyer"),
        ({"on_silence": "refund"}, "without an answer: goes to the platform by itself → the money goes back by itself"),
        ({"replacement_first": True}, "replacement offered first: no → yes"),
        ({"evidence_needed": ()}, "evidence needed as well: a screenshot of the error → none"),
        ({"because_en": "Other words."}, "a refund whose amount is agreed or ruled on, the merchant answers first"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_difference_is_told_with_the_name_of_the_field(change: dict[str, object], said: str) -> None:
    new = replace(SAME, **change)  # type: ignore[arg-type]  # the names and values of a decision's fields
    assert difference_in_words(old=SAME, new=new, language="en") == said
