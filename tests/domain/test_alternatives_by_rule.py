"""What would change a decision, one rule at a time: at which minute, and whether it may still turn out so."""

from functools import lru_cache
from typing import Any

import pytest

from anka.domain.facts import VALUES, Facts
from anka.domain.policy import change_words
from anka.domain.policy.alternatives import Alternative, what_would_change
from anka.domain.policy.table import RuleSet, parse_rules
from anka.domain.policy.told import span_in_words

REST = '[[rule]]\nposition = 900\nid = "rest"\npattern = "refusal"\nzh = "不退款。"\nen = "No refund."\n'
PAYS = 'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "keep"\nzh = "退。"\nen = "Back."\n'
OPENED: dict[str, Any] = {"goods": "card_key", "stage": "revealed", "reason": "OTHER", "delivered_minutes_ago": 50}
SUPPLIED: dict[str, Any] = {"goods": "top_up", "stage": "working", "reason": "OTHER", "upstream": "locked"}


def paying_text(position: int, condition: str) -> str:
    return f'[[rule]]\nposition = {position}\nid = "pays-{position}"\nwhen = {{ {condition} }}\n{PAYS}'


@lru_cache
def paying(condition: str, *, rest: str = REST) -> RuleSet:
    return parse_rules(texts={"a.toml": paying_text(1, condition) + rest})


def told(given: dict[str, Any], rules: RuleSet, key: str) -> list[Alternative]:
    return [found for found in what_would_change(facts=Facts.from_json(given), rules=rules) if found.key == key]


@pytest.mark.parametrize(
    ("bound", "ago", "value", "limit"),
    [
        ("<= 100", 50, 101, 100),
        ("<= 100", 100, 101, 100),
        ("<= 100", 101, 100, 100),
        ("< 100", 99, 100, 99),
        ("< 100", 100, 99, 99),
        ("> 100", 100, 101, 100),
        ("> 100", 101, 100, 100),
        (">= 100", 99, 100, 99),
        (">= 100", 100, 99, 99),
        ("= 100", 50, 100, 99),
        ("= 100", 100, 101, 100),
        ("= 100", 101, 100, 100),
        ("<= refund_window", 50, 20_001, 20_000),
        ("<= warranty", 30_000, 10_080, 10_080),
    ],
)
def test_a_minute_on_the_other_side_of_a_bound(bound: str, ago: int, value: int, limit: int) -> None:
    given = {**OPENED, "delivered_minutes_ago": ago, "refund_window_minutes": 20_000}
    first, *_ = told(given, paying(f'ago = "{bound}"'), "delivered_minutes_ago")
    assert first.value == first.facts.ago == value
    assert not first.still_possible
    words = change_words.BEYOND if value > ago else change_words.WITHIN
    assert first.when_en == words.en_past.format(span=span_in_words(minutes=limit, language="en"))
    assert first.when_zh == words.zh.format(span=span_in_words(minutes=limit, language="zh"))


def test_the_nearest_bound_is_told_in_either_direction() -> None:
    rules = paying('ago = [">= 10", "<= 20"]', rest=paying_text(2, 'ago = [">= 80", "<= 90"]') + REST)
    for ago, value in ((50, 80), (15, 21), (95, 90), (85, 91), (5, 10)):
        assert told({**OPENED, "delivered_minutes_ago": ago}, rules, "delivered_minutes_ago")[0].value == value


def test_minutes_below_nothing_are_not_told() -> None:
    assert [found.value for found in told({**OPENED, "delivered_minutes_ago": 0}, paying('ago = "= 0"'), "delivered_minutes_ago")] == [1]
    assert [found.value for found in told(OPENED, paying('ago = "= 0"'), "delivered_minutes_ago")] == [0]
    assert told({**OPENED, "delivered_minutes_ago": 0}, paying('ago = ">= 0"'), "delivered_minutes_ago") == []


@pytest.mark.parametrize(
    ("minutes", "value", "possible"),
    [(5, 11, True), (10, 11, True), (11, 10, False), (50, 10, False)],
)
def test_how_long_a_supplier_has_been_silent(minutes: int, value: int, possible: bool) -> None:
    (found,) = told({**SUPPLIED, "upstream_minutes": minutes}, paying('upstream_minutes = "> 10"'), "upstream_minutes")
    assert (found.value, found.still_possible) == (value, possible)
    words = change_words.SUPPLIER_SILENT if possible else change_words.SUPPLIER_SPOKE
    assert found.when_zh == words.zh.format(span=span_in_words(minutes=10, language="zh"))


def test_without_a_supplier_nobody_waits_for_one() -> None:
    waiting = {**SUPPLIED, "upstream": "none", "upstream_minutes": 5}
    assert told(waiting, paying('upstream_minutes = "> 10"'), "upstream_minutes") == []


def test_what_a_supplier_has_just_delivered_has_no_minutes() -> None:
    assert told({**SUPPLIED, "upstream": "done"}, paying('ago = "> 10"'), "delivered_minutes_ago") == []


@pytest.mark.parametrize(
    ("stage", "overdue", "possible", "words"),
    [
        *(("queued", False, True, change_words.OVERDUE_BEFORE), ("accepted", False, True, change_words.OVERDUE_BEFORE)),
        *(("reserved", False, True, change_words.OVERDUE_BEFORE), ("working", False, True, change_words.OVERDUE_BEFORE)),
        *(("sealed", False, False, change_words.OVERDUE_AFTER), ("used", False, False, change_words.OVERDUE_AFTER)),
        *(("queued", True, False, change_words.ON_TIME), ("sealed", True, False, change_words.ON_TIME)),
    ],
)
def test_a_promise_may_be_broken_until_it_is_kept(stage: str, overdue: bool, possible: bool, words: change_words.Said) -> None:
    given = {**OPENED, "stage": stage, "promise_overdue": overdue}
    (found,) = told(given, paying(f"overdue = {'false' if overdue else 'true'}"), "promise_overdue")
    assert (found.value, found.still_possible, found.said) == (not overdue, possible, words)


# What may still become of a fact, by what it is now; everything else is past.
STILL_OPEN: dict[str, dict[object, set[object]]] = {
    "use_check": {
        "unknown": {"unused", "used_before_reveal", "used_after_reveal", "invalid"},
        "unused": {"used_before_reveal", "used_after_reveal", "invalid"},
    },
    "used_by": {"unknown": {"buyer", "other"}},
    "voidable": {False: {True}},
    "matches_order": {"unknown": {"yes", "no"}},
    "login_seen": {"unknown": {"yes", "no"}, "no": {"yes"}},
    "merchant_answer": {"none": {"agreed", "refused", "silent"}, "refused": {"agreed"}},
    "upstream": {
        "cancellable": {"cancelled", "failed", "locked", "done", "unknown"},
        "locked": {"cancellable", "cancelled", "failed", "done", "unknown"},
        "unknown": {"cancellable", "cancelled", "failed", "locked", "done"},
    },
    "dispute": {"none": {"chargeback"}, "complaint": {"none", "chargeback"}},
    "delivered_percent": {None: {0, 100}},
}
KEYS = sorted({key for key, _ in change_words.VALUES})


def condition(key: str, value: object) -> str:
    if isinstance(value, bool):
        return f"{key} = {str(value).lower()}"
    if isinstance(value, int):
        return f'{key.replace("progress_percent", "progress")} = "= {value}"'
    return f'{key} = ["{value}"]' if value is not None else f'{key} = ">= 0"'


@pytest.mark.parametrize("key", KEYS)
def test_whether_a_fact_may_still_turn_out_otherwise(key: str) -> None:
    working = {"goods": "boosting" if key == "progress_percent" else "top_up", "stage": "working", "reason": "OTHER"}
    values = [*VALUES.get(key, ()), *(value for name, value in change_words.VALUES if name == key)]
    told_of = set()
    for now in values:
        given = {**working, "delivered_minutes_ago": 5, "notice": "none", key: now}
        for value in values:
            if now == value:
                continue
            found = [one for one in told(given, paying(condition(key, value)), key) if one.value == value]
            assert all(one.still_possible == (value in STILL_OPEN.get(key, {}).get(now, ())) for one in found), (now, value)
            told_of |= {value for _ in found}
    assert told_of == {value for name, value in change_words.VALUES if name == key}
