"""The readable difference of two rule sets: nothing that matters is missed, nothing is told that is no difference."""

from __future__ import annotations

from dataclasses import fields as fields_of

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from anka.domain.policy.compare import Change, compare
from anka.domain.policy.edit import delete_rule, insert_rule, replace_rule, rule_text
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import RuleSet, default_rules, default_texts, parse_rules
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


def small(*rules: tuple[int, str], **files: str) -> RuleSet:
    """Return rules that all do the same, at these positions; with other files beside them."""
    texts = (f'[[rule]]\nposition = {number}\nid = "{name}"\npattern = "refusal"\nzh = "因为"\nen = "because"\n' for number, name in rules)
    return parse_rules(texts={"b.toml": "".join(texts)} | {f"{name}.toml": text for name, text in files.items()})


def asked(*entries: tuple[str, str]) -> str:
    return "".join(f'[[evidence]]\nwhen = {{ reason = ["{reason}"] }}\nkinds = ["{kind}"]\n' for reason, kind in entries)


A, B = (1, "a"), (2, "b")
SCREENSHOT, CHECK = ("OTHER", "SCREENSHOT"), ("DUPLICATE", "ID_CHECK")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (small(A), small((2, "a")), [("moved", "a", "position 1", "position 2")]),
        (
            small(A, (4, "b"), (9, "c")),
            small((2, "a"), (3, "b"), (9, "c")),
            [("moved", "a", "position 1, before b", "position 2, before b"), ("moved", "b", "position 4, after a", "position 3, after a")],
        ),
        (
            small(A, B, (5, "c")),
            small(A, (3, "d"), (6, "c")),
            [
                ("removed", "b", "position 2, after a", ""),
                ("added", "d", "", "position 3, after a"),
                ("moved", "c", "position 5, after b", "position 6, after d"),
            ],
        ),
    ],
)
def test_changes_come_in_the_order_of_the_rules_with_the_place_of_each(old: RuleSet, new: RuleSet, told: list[tuple[str, ...]]) -> None:
    found = [(change.kind, change.rule, change.fields[0].old_en, change.fields[0].new_en) for change in compare(old=old, new=new)]
    assert found == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (small(A), small(A), []),
        (small(A), small(A, e="complaint_cap_minutes = 1200\n"), []),
        (small(A, a=asked(SCREENSHOT), c=asked(CHECK)), small(A, c=asked(SCREENSHOT), d=asked(CHECK)), []),
        (small(A, c=asked(CHECK), a=asked(SCREENSHOT)), small(A, a=asked(SCREENSHOT), c=asked(CHECK)), []),
        (small(A, a=asked(SCREENSHOT), c=asked(CHECK)), small(A, a=asked(SCREENSHOT)), [("重复下单：身份核验", "")]),
        (small(A, a=asked(SCREENSHOT)), small(A, a=asked(SCREENSHOT, CHECK)), [("", "重复下单：身份核验")]),
        (
            small(A, a=asked(SCREENSHOT, CHECK)),
            small(A, a=asked(("PRICE_CHANGED", "OTHER"))),
            [("其他原因：截图", "价格变动：其他证据"), ("重复下单：身份核验", "")],
        ),
        (
            small(A, a=asked(SCREENSHOT)),
            small(A, a=asked(("PRICE_CHANGED", "OTHER"), CHECK)),
            [("其他原因：截图", "价格变动：其他证据"), ("", "重复下单：身份核验")],
        ),
    ],
)
def test_evidence_is_compared_entry_by_entry_whatever_file_it_is_in(old: RuleSet, new: RuleSet, told: list[tuple[str, str]]) -> None:
    fields = [field for change in compare(old=old, new=new) for field in change.fields]
    assert [tuple(said.removeprefix("原因：") for said in (field.old_zh, field.new_zh)) for field in fields] == told
    assert {field.name for field in fields} <= {"evidence"}


def test_without_evidence_of_their_own_rules_ask_for_the_default() -> None:
    (change,) = compare(old=small(A), new=small(A, a=asked(SCREENSHOT)))
    assert (change.kind, change.part, change.rule) == ("changed", "evidence", "")
    assert change.fields[0].new_en == "reason: another reason: a screenshot"
    assert sum(bool(field.old_en) for field in change.fields) > 1
    assert {name: value for name, value in change.to_json().items() if name != "fields"} == {
        "kind": "changed",
        "part": "evidence",
        "rule": "",
    }


def test_words_of_ones_own_are_compared_with_the_default_ones_and_each_other() -> None:
    words = '[words]\nagreed = { zh = "好。", en = "Fine." }\n'
    sets = [small(A), small(A, w=words), small(A, w=words.replace("Fine", "Good"))]
    (own,), (other,) = compare(old=sets[0], new=sets[1]), compare(old=sets[1], new=sets[2])
    assert [(field.name, field.new_zh, field.new_en) for field in own.fields] == [("words.agreed", "好。", "Fine.")]
    assert own.fields[0].old_en not in ("", "Fine.")
    assert [(field.old_zh, field.new_zh, field.old_en, field.new_en) for field in other.fields] == [("好。", "好。", "Fine.", "Good.")]
    assert (other.kind, other.part, other.rule) == ("changed", "words", "")


def test_the_cap_is_told_in_both_languages() -> None:
    (change,) = compare(old=small(A, c="complaint_cap_minutes = 1200\n"), new=small(A, c="complaint_cap_minutes = 600\n"))
    assert (change.kind, change.part, change.rule, len(change.fields)) == ("changed", "complaint_cap", "", 1)
    field = change.fields[0]
    assert (field.name, field.old_zh, field.new_zh) == ("complaint_cap_minutes", "20 小时", "10 小时")
    assert (field.old_en, field.new_en) == ("20 h", "10 h")
