"""The readable difference of two rule sets: nothing that matters is missed, nothing is told that is no difference."""

from __future__ import annotations

from dataclasses import fields as fields_of

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from anka.domain.policy.compare import Change, compare
from anka.domain.policy.edit import delete_rule, insert_rule, replace_rule, rule_text
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import default_rules, default_texts, parse_rules
from anka.domain.policy.written import write_rule
from tests.domain.generated_rules import rules

DEFAULT = default_rules()
TEXTS = dict(default_texts())


def changed(rule: str, old: str, new: str) -> tuple[Change, ...]:
    lines = rule_text(texts=TEXTS, rule=rule)
    assert old in lines
    return compare(old=DEFAULT, new=parse_rules(texts=replace_rule(texts=TEXTS, rule=rule, lines=lines.replace(old, new))))


def in_closing(old: str, new: str) -> tuple[Change, ...]:
    assert old in TEXTS["closing.toml"]
    return compare(old=DEFAULT, new=parse_rules(texts={**TEXTS, "closing.toml": TEXTS["closing.toml"].replace(old, new)}))


def test_a_rule_set_does_not_differ_from_itself() -> None:
    assert compare(old=DEFAULT, new=DEFAULT) == ()


def test_layout_comments_and_files_are_no_difference() -> None:
    names = sorted(TEXTS, key=lambda name: name != "common.toml")
    together = {"all.toml": "# one file\n" + "\n\n".join(TEXTS[name] for name in names)}
    assert compare(old=DEFAULT, new=parse_rules(texts=together)) == ()


def test_a_changed_clock_is_told_in_both_languages() -> None:
    (change,) = changed("accepted", "clock = 120", "clock = 240")
    assert (change.kind, change.part, change.rule) == ("changed", "rule", "accepted")
    (field,) = change.fields
    assert (field.name, field.old_zh, field.new_zh) == ("clock", "2 小时", "4 小时")
    assert ("2 h" in field.old_en, "4 h" in field.new_en) == (True, True)
    assert change.to_json()["fields"] == [
        {"name": "clock", "old": {"zh": field.old_zh, "en": field.old_en}, "new": {"zh": field.new_zh, "en": field.new_en}}
    ]


@pytest.mark.parametrize(
    ("rule", "old", "new", "fields"),
    [
        ("sealed", "<= refund_window", "<= 60", ["when"]),
        ("sealed", 'fault = "none"', 'fault = "merchant"', ["fault"]),
        ("sealed", 'goods = "unopened"', 'goods = "hold"', ["goods"]),
        ("sealed", 'refund = "full"', 'refund = "unused_share"', ["refund"]),
        ("sealed", 'route = "instant"', 'route = "platform"', ["route"]),
        ("sealed", "商品", "货品", ["zh"]),
        ("sealed", "You have", "You've", ["en"]),
        ("sealed-late", 'silence = "escalate"', 'silence = "refund"', ["silence"]),
        ("sealed-bad", '[{ when = { goods = ["card_key"] }, is = true }, { is = false }]', "true", ["replacement_first"]),
        ("key-taken", '["ISSUER_STATEMENT"]', '["OTHER"]', ["evidence"]),
        ("not-disclosed", '"platform"', '"platform!"', ["pattern"]),
        ("sealed", "zh =", "fee_percent = 5\nzh =", ["fee_percent"]),
        ("sealed", "zh =", "keep_minor = 5\nzh =", ["keep_minor"]),
        ("sealed", "zh =", "compensation_minor = 800\nzh =", ["compensation_minor"]),
    ],
)
def test_every_field_is_compared(rule: str, old: str, new: str, fields: list[str]) -> None:
    (change,) = changed(rule, old, new)
    assert (change.kind, change.rule, [field.name for field in change.fields]) == ("changed", rule, fields)
    assert all((field.old_zh, field.old_en) != (field.new_zh, field.new_en) for field in change.fields)


def test_the_table_above_names_every_field_of_a_rule() -> None:
    told = {"position", "id", "file", "when", "pattern", "route", "refund", "fault", "goods", "clock", "silence", "replacement_first"}
    told |= {"evidence", "compensation_minor", "keep_minor", "fee_percent", "zh", "en"}
    assert {field.name for field in fields_of(Rule)} == told


def test_a_rule_at_another_place_is_moved() -> None:
    (change,) = changed("queued", "position = 110", "position = 435")
    assert (change.kind, change.rule) == ("moved", "queued")
    (field,) = change.fields
    assert field.name == "position"
    assert "110" in field.old_zh
    assert "upstream-wait" in field.old_en
    assert "435" in field.new_zh
    assert "not-disclosed" in field.new_en


def test_a_moved_rule_that_says_something_else_is_changed() -> None:
    lines = rule_text(texts=TEXTS, rule="queued").replace("position = 110", "position = 435").replace('"full"', '"none"')
    (change,) = compare(old=DEFAULT, new=parse_rules(texts=replace_rule(texts=TEXTS, rule="queued", lines=lines)))
    assert change.kind == "changed"
    assert [field.name for field in change.fields] == ["position", "refund"]


def test_rules_that_come_and_go_are_told_whole_and_move_no_other() -> None:
    new = parse_rules(texts=delete_rule(texts=TEXTS, rule="sealed"))
    (gone,), (come,) = compare(old=DEFAULT, new=new), compare(old=new, new=DEFAULT)
    assert (gone.kind, gone.rule, come.kind, come.rule) == ("removed", "sealed", "added", "sealed")
    assert [field.name for field in gone.fields] == [field.name for field in come.fields]
    assert {"position", "when", "route", "refund", "fault", "goods", "zh", "en"} == {field.name for field in gone.fields}
    assert all(field.old_zh and not field.new_zh for field in gone.fields)
    assert all(field.new_en and not field.old_en for field in come.fields)


def test_evidence_words_and_the_cap_are_compared() -> None:
    (evidence,) = in_closing('kinds = ["ID_CHECK"]', 'kinds = ["ID_CHECK", "POLICE_REPORT"]')
    assert (evidence.part, evidence.rule, len(evidence.fields)) == ("evidence", "", 1)
    assert "报案回执" in evidence.fields[0].new_zh
    assert "报案回执" not in evidence.fields[0].old_zh
    (words,) = in_closing("商家已同意", "店家已同意")
    assert (words.part, [field.name for field in words.fields]) == ("words", ["words.agreed"])
    capped = {**TEXTS, "common.toml": TEXTS["common.toml"].replace("complaint_cap_minutes = 1200", "complaint_cap_minutes = 600")}
    (cap,) = compare(old=DEFAULT, new=parse_rules(texts=capped))
    assert (cap.part, cap.fields[0].old_zh, cap.fields[0].new_zh) == ("complaint_cap", "20 小时", "10 小时")


def test_evidence_that_comes_goes_or_trades_places_is_told() -> None:
    first, second = (f'[[evidence]]\nwhen = {{ reason = ["{code}"] }}\nkinds = ["SCREENSHOT"]\n' for code in ("OTHER", "DUPLICATE"))
    rule = {"a.toml": write_rule(DEFAULT.rules[0])}
    sets = [parse_rules(texts={**rule, "e.toml": text}) for text in (first + second, second + first, first)]
    for old, new in ((0, 1), (0, 2), (2, 0)):
        (change,) = compare(old=sets[old], new=sets[new])
        assert change.part == "evidence"


@settings(max_examples=15, deadline=None)
@given(some.sampled_from([rule.id for rule in DEFAULT.rules]), rules(some.just("made-up")))
def test_there_and_back_are_the_same_change_the_other_way_round(name: str, rule: Rule) -> None:
    texts = insert_rule(texts=delete_rule(texts=TEXTS, rule=name), file="new.toml", position=rule.position, lines=write_rule(rule))
    if any(other.position == rule.position for other in DEFAULT.rules if other.id != name):
        return
    new = parse_rules(texts=texts)
    there, back = compare(old=DEFAULT, new=new), compare(old=new, new=DEFAULT)
    assert {(change.kind, change.rule) for change in there} == {("removed", name), ("added", "made-up")}
    assert {(change.kind, change.rule) for change in back} == {("added", name), ("removed", "made-up")}
    assert compare(old=new, new=new) == ()
