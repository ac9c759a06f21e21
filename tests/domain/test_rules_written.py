"""How a rule is written, to the letter: on one line where it fits, and nothing that need not be said."""

import tomllib

import pytest

from anka.domain.policy.grammar import Rule, parse_rule
from anka.domain.policy.vocabulary import ALWAYS, Bound, Condition
from anka.domain.policy.written import write_condition, write_list, write_rule, write_text, write_when

BUYER = Condition(values=(("asker", ("buyer",)),))
LATE = Condition(values=(("stage", ("sealed", "used")), ("bad", ("true",)), ("wrong", ("false",))), bounds=(Bound("ago", ">", "5"),))
FREE = """[[rule]]
position = 7
id = "one"
when = { stage = ["sealed", "used"], bad = true, ago = [">= 5", "< warranty"], progress = "= 0" }
route = "instant"
refund = "full"
fault = [{ when = { asker = ["buyer"] }, is = "buyer" }, { is = "merchant" }]
goods = "spoiled"
replacement_first = [{ when = [{ asker = ["buyer"] }, { bad = true }], is = true }, { is = false }]
evidence = ["OTHER", "SCREENSHOT"]
compensation_minor = 11
keep_minor = 12
fee_percent = 13
zh = "说“好”。"
en = "Say \\"yes\\"."
"""
TURN = """[[rule]]
position = 0
id = "two"
when = [{ bad = true }, { wrong = false }]
pattern = "turn"
refund = "negotiable"
fault = "none"
goods = "keep"
clock = [{ when = { asker = ["buyer"] }, is = 60 }, { is = 120 }]
silence = "escalate"
zh = "z"
en = "e"
"""
BARE = '[[rule]]\nposition = 1\nid = "three"\npattern = "refusal"\nzh = "z"\nen = "e"\n'


def read(lines: str) -> Rule:
    return parse_rule(file="a.toml", index=0, table=tomllib.loads(lines)["rule"][0])


@pytest.mark.parametrize("lines", [FREE, TURN, BARE], ids=["free", "turn", "bare"])
def test_every_key_has_its_place_and_its_form(lines: str) -> None:
    assert write_rule(read(lines)) == lines


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("安\n", '"安\\n"'),
        ("a\x7fb\x7f", '"a\\u007fb\\u007f"'),
        ("\x00\x1f", '"\\u0000\\u001f"'),
    ],
)
def test_text_reads_back_as_itself(text: str, written: str) -> None:
    assert write_text(text) == written
    assert tomllib.loads(f"a = {written}") == {"a": text}


def test_lists_and_conditions_stand_on_one_line() -> None:
    assert write_list(("a", "b")) == '["a", "b"]'
    assert write_condition(LATE) == '{ stage = ["sealed", "used"], bad = true, wrong = false, ago = "> 5" }'
    assert write_when((BUYER,)) == '{ asker = ["buyer"] }'
    assert write_when((BUYER, LATE)) == f"[{write_condition(BUYER)}, {write_condition(LATE)}]"
    assert write_when((*ALWAYS, BUYER)) == "[{  }, " + write_condition(BUYER) + "]"


@pytest.mark.parametrize(("longer", "lines"), [(0, 1), (1, 4)])
def test_a_line_is_broken_where_it_is_longer_than_allowed(longer: int, lines: int) -> None:
    short = 'when = [{ ago = "= 5", stage = ["sealed"] }, { upstream_minutes = "= 1" }]'
    bounds = "".join(f', "> {"1" * digits}"' for digits in (9, 9, 9, 5, 2 + longer))
    long = short.replace('"= 1"', f'["= 1"{bounds}]')
    written = write_rule(read(BARE.replace("pattern", f"{long}\npattern")))
    found = written.partition("pattern")[0].split("\n", 3)[3].splitlines()
    assert len(found) == lines
    assert len(long.replace('ago = "= 5", stage = ["sealed"]', 'stage = ["sealed"], ago = "= 5"')) == 140 + longer
    if lines > 1:
        assert found == ["when = [", '    { stage = ["sealed"], ago = "= 5" },', f"    {long[long.index('{ upstream') : -1]},", "]"]
