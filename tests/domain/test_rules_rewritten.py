"""A rule written over its own lines says what it shall say, and keeps what says so already."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings

from anka.domain.policy.edit import rule_text
from anka.domain.policy.grammar import Rule, parse_rule
from anka.domain.policy.rewritten import rewritten
from anka.domain.policy.table import default_rules, default_texts
from anka.domain.policy.written import write_rule
from tests.domain.generated_rules import rules

DEFAULT = default_rules().rules
NAMES = [rule.id for rule in DEFAULT]
LINES = """[[rule]] # mine
# where it stands
position   =   7
id = 'one' # its name
when = { stage = [ "sealed" ] }

pattern = "platform"
refund = "full"
# in two languages
zh = "z"
en = "e\""""


def read_back(lines: str) -> Rule:
    return parse_rule(file="generated.toml", index=0, table=tomllib.loads(lines)["rule"][0])


def changed(**fields: object) -> str:
    return rewritten(lines=LINES, rule=replace(read_back(LINES), **fields))  # type: ignore[arg-type]  # fields of a rule, by name


@pytest.mark.parametrize("rule", DEFAULT, ids=NAMES)
def test_an_equal_rule_changes_no_byte(rule: Rule) -> None:
    lines = rule_text(texts=default_texts(), rule=rule.id)
    assert rewritten(lines=lines, rule=rule) == lines
    windows = lines.replace("\n", "\r\n")
    assert rewritten(lines=windows, rule=rule) == windows


@settings(max_examples=60, deadline=None)
@given(rules(), rules())
def test_whatever_a_rule_was_it_says_what_it_shall_say(before: Rule, after: Rule) -> None:
    lines = rewritten(lines=LINES, rule=before)
    assert read_back(lines) == before
    assert read_back(rewritten(lines=lines, rule=after)) == after
    assert "# where it stands" in lines
    assert "# in two languages" in lines


def test_only_what_differs_is_written_anew() -> None:
    assert changed(position=8) == LINES.replace("position   =   7", "position = 8")
    assert changed(refund="none") == LINES.replace('"full"', '"none"')
    assert changed(id="two") == LINES.replace("id = 'one' # its name", 'id = "two"')
    assert changed(fee_percent=5) == f"{LINES}\nfee_percent = 5\n"
    assert changed(when=default_rules().rules[-1].when) == LINES.replace('when = { stage = [ "sealed" ] }\n', "")


def test_what_stands_above_and_below_stays() -> None:
    lines = f"# above\n{LINES}\n# below\n"
    rule = replace(read_back(LINES), position=8)
    assert rewritten(lines=lines, rule=rule) == lines.replace("position   =   7", "position = 8")


def test_a_new_key_gets_a_line_of_its_own_and_no_empty_one_before_it() -> None:
    rule = replace(read_back(LINES), fee_percent=5)
    assert rewritten(lines=f"{LINES}\n", rule=rule) == f"{LINES}\nfee_percent = 5\n"


def test_an_equal_number_of_another_type_is_written_anew() -> None:
    lines = LINES.replace("position   =   7", "position = 7.0")
    assert rewritten(lines=lines, rule=read_back(LINES)) == LINES.replace("position   =   7", "position = 7")


def test_lines_without_a_header_are_written_anew() -> None:
    rule = read_back(LINES)
    assert rewritten(lines="position = 7\n", rule=rule) == write_rule(rule)


def test_a_truth_is_no_number() -> None:
    lines = LINES.replace('pattern = "platform"\n', 'route = "instant"\nfault = "none"\ngoods = "keep"\nreplacement_first = true\n')
    other = replace(read_back(lines), replacement_first=((read_back(lines).replacement_first[0][0], False),))
    assert "replacement_first = false" in rewritten(lines=lines, rule=other)


@pytest.mark.parametrize(
    "tail", ['\n[[rule.fault]]\nis = "none"\n', '\nwhen.stage = ["sealed"]\nwhen.bad = true\n', '\n[rule.when]\nstage = ["sealed"]\n']
)
def test_what_is_not_one_plain_table_is_written_anew(tail: str) -> None:
    lines = LINES.replace('when = { stage = [ "sealed" ] }\n', "") + tail
    rule = DEFAULT[0]
    assert replace(read_back(rewritten(lines=lines, rule=rule)), file=rule.file) == rule
    assert "# mine" not in rewritten(lines=lines, rule=rule)
