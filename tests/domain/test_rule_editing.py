"""A rule is written so that it reads back as itself, and changing one leaves every other byte alone."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from anka.domain.policy.edit import (
    RuleNotFound,
    blocks_of,
    delete_rule,
    file_of,
    insert_rule,
    renumber_rule,
    replace_rule,
    rule_text,
)
from anka.domain.policy.grammar import Rule, RuleTableError, parse_rule
from anka.domain.policy.table import default_rules, default_texts, parse_rules
from anka.domain.policy.written import write_rule
from tests.domain.generated_rules import rules

DEFAULT = default_rules().rules
NAMES = [rule.id for rule in DEFAULT]
AWKWARD = '''# [[rule]] is no rule here
complaint_cap_minutes = 60 # nor [[rule]] here

  [[ "rule" ]]  # the first
  id = 'one' # "not a string
  position = 1
  when = [ # with a comment ] and a [[rule]]
    { stage = ["reserved"] }, # }
    { goods = ["rental"] },
  ]
  pattern = "platform"
  refund = "full"
  zh = """[[rule]] \\
id = "nothing" """""
  en = \'\'\'a [words]\'\'\'

# Said of the second.
[[rule]]
position = 2
id = "two"
pattern = "turn"
refund = "full"
goods = "keep"
clock = 5
silence = "refund"
zh = "\\"]]"
en = "x" # the end

[[rule.fault]]
when = { asker = ["buyer"] }
is = "buyer"

[[rule.fault]]
is = "none"
# Before the words.
[words.agreed]
zh = "z"
en = "e"
[[rule]]
position = 3
id = "three"
pattern = "refusal"
zh = "z"
en = "e"'''


def read_back(lines: str) -> Rule:
    return parse_rule(file="generated.toml", index=0, table=tomllib.loads(lines)["rule"][0])


@pytest.mark.parametrize("rule", DEFAULT, ids=NAMES)
def test_a_default_rule_reads_back_as_itself(rule: Rule) -> None:
    assert replace(read_back(write_rule(rule)), file=rule.file) == rule


@settings(max_examples=150, deadline=None)
@given(rules())
def test_any_rule_reads_back_as_itself(rule: Rule) -> None:
    written = write_rule(rule)
    assert read_back(written) == rule
    assert read_back(written.replace("\n", "\r\n")) == rule


@pytest.mark.parametrize("rule", DEFAULT, ids=NAMES)
def test_writing_a_rule_over_itself_changes_no_rule_and_no_other_byte(rule: Rule) -> None:
    texts = default_texts()
    before = rule_text(texts=texts, rule=rule.id)
    changed = replace_rule(texts=texts, rule=rule.id, lines=write_rule(rule))
    assert parse_rules(texts=changed).rules == DEFAULT
    assert changed[rule.file] == texts[rule.file].replace(before, write_rule(rule))
    assert replace_rule(texts=changed, rule=rule.id, lines=before) == texts


@pytest.mark.parametrize("rule", DEFAULT, ids=NAMES)
def test_deleting_a_rule_and_adding_it_again_leaves_all_others_equal(rule: Rule) -> None:
    without = delete_rule(texts=default_texts(), rule=rule.id)
    assert parse_rules(texts=without).rules == tuple(other for other in DEFAULT if other != rule)
    again = insert_rule(texts=without, file=rule.file, position=rule.position, lines=write_rule(rule))
    assert parse_rules(texts=again).rules == DEFAULT


@settings(max_examples=25, deadline=None)
@given(some.sampled_from(NAMES), rules(some.just("made-up")))
def test_replacing_a_rule_leaves_all_others_equal(name: str, rule: Rule) -> None:
    texts = replace_rule(texts=default_texts(), rule=name, lines=write_rule(rule))
    others = {other.position: other for other in DEFAULT if other.id != name}
    if rule.position in others:
        with pytest.raises(RuleTableError, match="position"):
            parse_rules(texts=texts)
        return
    found = parse_rules(texts=texts).rules
    assert tuple(other for other in found if other.id != "made-up") == tuple(others.values())
    assert [replace(other, file=rule.file) for other in found if other.id == "made-up"] == [rule]


@settings(max_examples=20, deadline=None)
@given(rules(some.just("made-up")), some.sampled_from(["common.toml", "new.toml"]))
def test_an_added_rule_leaves_every_line_that_was_there(rule: Rule, file: str) -> None:
    texts = default_texts()
    changed = insert_rule(texts=texts, file=file, position=rule.position, lines=write_rule(rule))
    assert {name: text for name, text in changed.items() if name != file} == {name: text for name, text in texts.items() if name != file}
    assert delete_rule(texts=changed, rule="made-up")[file].strip() == texts.get(file, "").strip()
    assert file_of(texts=changed, rule="made-up") == file


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_rules_are_found_however_they_are_written(newline: str) -> None:
    text = AWKWARD.replace("\n", newline)
    assert [block.id for block in blocks_of(text=text)] == ["one", "two", "three"]
    texts = {"a.toml": text}
    before = {rule.id: rule for rule in parse_rules(texts=texts).rules}
    for name, rule in before.items():
        changed = replace_rule(texts=texts, rule=name, lines=write_rule(rule))
        assert {other.id: other for other in parse_rules(texts=changed).rules} == before
        left = delete_rule(texts=texts, rule=name)
        assert {other.id for other in parse_rules(texts=left).rules} == before.keys() - {name}
        for comment in ("# [[rule]] is no rule here", "# nor [[rule]] here", "# Said of the second.", "# Before the words."):
            assert comment in changed["a.toml"]
            assert comment in left["a.toml"]
        assert changed["a.toml"].count("\n") == changed["a.toml"].count(newline)
        again = insert_rule(texts=left, file="a.toml", position=9, lines=write_rule(rule))["a.toml"]
        assert again.count("\n") == again.count(newline)


def test_a_rule_that_is_not_there_is_named() -> None:
    for change in (lambda: delete_rule(texts=default_texts(), rule="nothing"), lambda: rule_text(texts={}, rule="nothing")):
        with pytest.raises(RuleNotFound, match="nothing"):
            change()


def test_a_rule_in_a_list_is_not_taken_apart() -> None:
    texts = {"a.toml": 'rule = [{ position = 1, id = "one", pattern = "refusal", zh = "z", en = "e" }]\n'}
    assert [rule.id for rule in parse_rules(texts=texts).rules] == ["one"]
    with pytest.raises(RuleNotFound, match="one"):
        rule_text(texts=texts, rule="one")


def test_the_first_rule_of_a_file_without_an_end_of_line_is_put_below_it() -> None:
    changed = insert_rule(texts={"a.toml": "# only this"}, file="a.toml", position=1, lines=write_rule(DEFAULT[0]))
    assert changed["a.toml"].startswith("# only this\n\n[[rule]]\n")
    assert [rule.id for rule in parse_rules(texts=changed).rules] == [DEFAULT[0].id]


@pytest.mark.parametrize("rule", DEFAULT, ids=NAMES)
def test_another_position_changes_nothing_but_its_digits(rule: Rule) -> None:
    texts = default_texts()
    changed = renumber_rule(texts=texts, rule=rule.id, position=777)
    assert parse_rules(texts=changed).rules == tuple(
        sorted((replace(other, position=777) if other == rule else other for other in DEFAULT), key=by_position)
    )
    assert renumber_rule(texts=changed, rule=rule.id, position=rule.position) == texts


def by_position(rule: Rule) -> int:
    return rule.position


def test_a_position_told_in_a_sentence_is_no_position() -> None:
    text = '[[rule]]\nzh = """position = 7"""\nen = "position = 7"\nid = "one"\npattern = "refusal"\n position=7 # position = 7\n'
    changed = renumber_rule(texts={"a.toml": text}, rule="one", position=12)["a.toml"]
    assert changed == text.replace(" position=7 #", " position=12 #")
    with pytest.raises(RuleNotFound, match="digits"):
        renumber_rule(texts={"a.toml": text.replace("position=7", "position=0x7")}, rule="one", position=12)
