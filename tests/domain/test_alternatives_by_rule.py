"""What would change a decision, one rule at a time: at which minute, and whether it may still turn out so."""

from functools import lru_cache
from typing import Any

import pytest

from anka.domain.facts import VALUES, Facts
from anka.domain.policy import change_words
from anka.domain.policy.alternatives import Alternative, what_would_change, what_would_have_changed
from anka.domain.policy.table import RuleSet, parse_rules
from anka.domain.policy.told import span_in_words

REST = '[[rule]]\nposition = 900\nid = "rest"\npattern = "refusal"\nzh = "不退款。"\nen = "No refund."\n'
NEVER = REST.replace('pattern = "refusal"', 'route = "refuse"\nrefund = "none"\nfault = "buyer"\ngoods = "keep"')
"""Refused, whatever a merchant answers."""
PAYS = 'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "keep"\nzh = "退。"\nen = "Back."\n'
OPENED: dict[str, Any] = {"goods": "card_key", "stage": "revealed", "reason": "OTHER", "delivered_minutes_ago": 50}
SUPPLIED: dict[str, Any] = {"goods": "top_up", "stage": "working", "reason": "OTHER", "upstream": "locked"}


def paying_text(position: int, condition: str | None, *, route: str = "instant", refund: str = "full") -> str:
    when = f"when = {{ {condition} }}\n" if condition else ""
    outcome = PAYS.replace("instant", route).replace("full", refund)
    return f'[[rule]]\nposition = {position}\nid = "pays-{position}"\n{when}{outcome}'


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
    rules = paying('upstream_minutes = "> 10"', rest=paying_text(2, 'ago = "> 500"') + REST)
    (found,) = told({**SUPPLIED, "upstream_minutes": minutes}, rules, "upstream_minutes")
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


def named(given: dict[str, Any], rules: RuleSet, *, possible: bool) -> list[tuple[str, object]]:
    found = what_would_change(facts=Facts.from_json(given), rules=rules)
    return [(one.key, one.value) for one in found if one.still_possible is possible]


def test_what_is_still_possible_is_told_value_by_value() -> None:
    rules = paying('use_check = ["invalid", "used_before_reveal"]', rest=NEVER)
    assert named(OPENED, rules, possible=True) == [("use_check", "invalid"), ("use_check", "used_before_reveal")]


def test_what_is_past_is_told_once_for_each_outcome() -> None:
    part = paying_text(2, 'ago = "<= 30"', route="platform", refund="negotiable")
    rules = paying('ago = "<= 10"', rest=part + paying_text(3, 'ago = "<= 60"') + REST)
    later = {**OPENED, "delivered_minutes_ago": 90}
    assert named(later, rules, possible=False) == [("delivered_minutes_ago", 60), ("delivered_minutes_ago", 30)]


def test_no_fact_is_told_twice_before_every_other_is_told() -> None:
    part = paying_text(2, 'ago = "<= 60"', route="platform", refund="negotiable")
    rules = paying('ago = "<= 10"', rest=part + paying_text(3, 'notice = ["confirmed"]') + REST)
    later = {**OPENED, "delivered_minutes_ago": 90}
    told_of = named(later, rules, possible=False)
    assert told_of == [("delivered_minutes_ago", 60), ("notice", "confirmed"), ("delivered_minutes_ago", 10)]


def test_what_goes_back_counts_more_than_who_decides_and_the_bank_comes_last() -> None:
    bank = paying_text(1, 'dispute = ["chargeback"]') + paying_text(2, 'use_check = ["invalid"]', route="external", refund="none")
    rules = parse_rules(texts={"a.toml": bank + paying_text(3, 'login_seen = ["yes"]') + NEVER})
    assert named(OPENED, rules, possible=True) == [("login_seen", "yes"), ("use_check", "invalid"), ("dispute", "chargeback")]


def test_only_the_first_few_of_each_are_told() -> None:
    several = 'use_check = ["invalid", "used_before_reveal", "unused", "used_after_reveal"]'
    more = paying_text(2, 'used_by = ["other", "buyer"]') + paying_text(3, "voidable = true")
    more += paying_text(4, 'matches_order = ["yes", "no"]')
    possible = named({**OPENED, "stage": "sealed"}, paying(several, rest=more + NEVER), possible=True)
    assert len(possible) == 8
    assert possible[-1] == ("matches_order", "no")


def test_nor_more_of_what_is_past() -> None:
    """Whatever is otherwise pays here, and more is otherwise than is told."""
    now = {"use_check": "invalid", "used_by": "buyer", "matches_order": "no", "login_seen": "yes", "merchant_answer": "silent"}
    now |= {"notice": "shown", "dispute": "chargeback", "asker": "buyer"}
    exactly = ", ".join(condition(key, value) for key, value in now.items())
    refused = paying_text(1, f'{exactly}, voidable = true, delivered_percent = "= 100"', route="refuse", refund="none")
    rules = parse_rules(texts={"a.toml": refused + paying_text(900, None)})
    past = named({**OPENED, **now, "voidable": True, "delivered_percent": 100}, rules, possible=False)
    assert len({key for key, _ in past}) == len(past) == 8


@pytest.mark.parametrize(
    ("route", "refund", "asked"),
    [
        *(("instant", "full", False), ("close", "full", False), ("upstream", "full", False), ("external", "none", False)),
        *(("platform", "full", True), ("refuse", "none", True)),
    ],
)
def test_an_answer_is_told_only_where_a_merchant_is_asked(route: str, refund: str, asked: bool) -> None:
    agreed = paying_text(1, 'merchant_answer = ["agreed"]', refund="unused_share")
    rules = parse_rules(texts={"a.toml": agreed + paying_text(900, None, route=route, refund=refund)})
    assert named(OPENED, rules, possible=True) == ([("merchant_answer", "agreed")] if asked else [])
    assert named({**OPENED, "merchant_answer": "refused"}, rules, possible=True) == [("merchant_answer", "agreed")]


@pytest.mark.parametrize(
    ("now", "stage", "ago"),
    [
        ({"goods": "card_key", "stage": "revealed", "delivered_minutes_ago": 7}, "sealed", 7),
        ({"goods": "card_key", "stage": "revealed", "delivered_minutes_ago": 7}, "queued", None),
        ({"goods": "card_key", "stage": "working", "upstream": "done"}, "accepted", None),
        ({"goods": "boosting", "stage": "working", "progress_percent": 50}, "delivered", 0),
        ({"goods": "boosting", "stage": "accepted"}, "working", None),
        ({"goods": "card_key", "stage": "reserved"}, "queued", None),
    ],
)
def test_another_stage_brings_its_own_facts(now: dict[str, Any], stage: str, ago: int | None) -> None:
    (found,) = (one for one in told({"reason": "OTHER", **now}, paying(condition("stage", stage)), "stage") if one.value == stage)
    facts = found.facts
    assert (facts.stage, facts.delivered_minutes_ago, facts.upstream, facts.upstream_minutes, facts.progress_percent) == (
        *(stage, ago, "none", 0, 0),
    )
    assert not found.still_possible


@pytest.mark.parametrize("more", ["compensation_minor = 5\n", "keep_minor = 5\n", "fee_percent = 5\n", None])
def test_other_money_is_another_outcome(more: str | None) -> None:
    first = paying_text(1, "voidable = true", refund="full" if more else "unused_share") + (more or "")
    rules = parse_rules(texts={"a.toml": first + paying_text(900, None)})
    assert named(OPENED, rules, possible=True) == [("voidable", True)]


def test_another_share_is_another_outcome() -> None:
    rules = parse_rules(texts={"a.toml": paying_text(900, None, refund="unused_share")})
    half = {"goods": "boosting", "stage": "working", "reason": "OTHER", "progress_percent": 50}
    assert ("progress_percent", 0) in named(half, rules, possible=False)


def test_in_hindsight_everything_is_past_and_what_was_past_comes_first() -> None:
    rules = paying('use_check = ["invalid"]', rest=paying_text(2, 'notice = ["confirmed"]') + NEVER)
    now = what_would_change(facts=Facts.from_json(OPENED), rules=rules)
    later = what_would_have_changed(facts=Facts.from_json(OPENED), rules=rules)
    assert [(one.key, one.still_possible) for one in now] == [("use_check", True), ("notice", False)]
    assert [(one.key, one.still_possible) for one in later] == [("notice", False), ("use_check", False)]
    assert later[1].en == "If the issuer's record had shown the goods invalid: a full refund, done at once."
    assert now[0].en == "If the issuer's record shows the goods invalid: a full refund, done at once."
    assert later[1].zh == now[0].zh
