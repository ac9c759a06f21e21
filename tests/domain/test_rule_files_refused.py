"""Whatever is wrong with a rule file is said in one line: the file, the rule, the key, what was found and what is allowed.

And the rules in force stay as they are, whatever anybody tries to load beside them.
"""

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.decide import decide
from anka.domain.policy.files import LONGEST_LINE, MOST_CHARACTERS, MOST_FILES, texts_of
from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.sense import LONGEST_TEXT, MOST_ALTERNATIVES
from anka.domain.policy.table import MOST_RULES, default_rules, default_texts, parse_rules

LONGEST_MESSAGE = 1_500
REST = '[[rule]]\nposition = 900\nid = "rest"\npattern = "refusal"\nzh = "不退款。"\nen = "No refund."\n'
RULE = """[[rule]]
position = 1
id = "mine"
when = { stage = ["sealed"] }
route = "instant"
refund = "full"
fault = "none"
goods = "keep"
zh = "全额退款。"
en = "Everything back."
"""
TURN = """[[rule]]
position = 1
id = "mine"
pattern = "turn"
refund = "full"
fault = "none"
goods = "keep"
clock = 120
silence = "refund"
zh = "全额退款。"
en = "Everything back."
"""


def instead(old: str, new: str, text: str = RULE) -> str:
    """Return a file that is right but for one thing."""
    assert old in text
    return text.replace(old, new) + REST


def added(line: str, text: str = RULE) -> str:
    return text + line + "\n" + REST


def when(condition: str) -> str:
    return instead('when = { stage = ["sealed"] }', f"when = {condition}")


SEALED = Facts(goods="card_key", stage="sealed", reason="OTHER", delivered_minutes_ago=1)
REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    # The file itself.
    "not TOML": ("[[rule", ("not TOML",)),
    "a line that stops": ("rule =\n", ("not TOML", "line 1")),
    "a byte order mark": ("\ufeff" + RULE + REST, ("byte order mark", "UTF-8 without one")),
    "a NUL": (RULE + "\0" + REST, ("not TOML",)),
    "a control character": (instead("全额", "全\x07额"), ("not TOML", "\\x07")),
    "a surrogate": (instead("全额", "\\uD800"), ("not TOML",)),
    "a key twice": (added("goods = 'void'"), ("not TOML",)),
    "an inline table twice": (when('{ stage = ["sealed"], stage = ["used"] }'), ("not TOML",)),
    "a line that is too long": (f"# {'x' * LONGEST_LINE}\n" + REST, ("line 1", str(LONGEST_LINE))),
    "a file that is too large": ("# x\n" * (MOST_CHARACTERS // 4 + 1), ("characters", str(MOST_CHARACTERS))),
    "lists too deep": ("a = " + "[\n" * 100_000, ("not TOML", "too deep")),
    "tables too deep": ("a" + ".a" * 900 + " = 1\n" + REST, ("mine.toml", "a is a table", "evidence")),
    "a number too long": (instead("position = 1", "position = " + "9" * 1900), ("position", "a number of", "0 to 1000000")),
    "a number far too long": ("position = [\n" + "9" * 1999 + ",\n]\n" + REST, ("position", "rule, evidence")),
    "full-width digits": (instead("position = 1", "position = １"), ("not TOML",)),
    "more rules than anybody reads": ("".join(f'[[rule]]\nid="r{n}"\n' for n in range(MOST_RULES + 1)), (str(MOST_RULES),)),
    "a hundred thousand rules": ("[[rule]]\n" * 100_000, ("100000 rules", str(MOST_RULES))),
    "no rules": ("complaint_cap_minutes = 60\n", ("0 rules", str(MOST_RULES))),
    "an unknown key of the file": ("rules = 1\n" + REST, ("rules", "nearest: rule")),
    "rule is no table": ("rule = 3\n", ("rule is 3", "[[rule]]")),
    "rule is a list of words": ('rule = ["x"]\n', ("rule is 'x'", "[[rule]]")),
    "rule is one table": ("[rule]\nid = 'x'\n", ("rule is a table with id", "[[rule]]")),
    # A rule's own keys.
    "an unknown key": (added("cloock = 3"), ("mine", "cloock", "nearest: clock")),
    "a key with a line end": (added('"a\\nb" = 3'), ("mine", "a?b", "only the keys")),
    "no id": (instead('id = "mine"\n', ""), ("rule number 1", "id is missing", "small letters")),
    "an id with a dot": (instead('"mine"', '"mine.agreed"'), ("mine.agreed", "id", "small letters, digits and hyphens")),
    "an id with a capital": (instead('"mine"', '"Mine"'), ("Mine", "id", "small letters")),
    "an id that is a number": (instead('"mine"', "7"), ("rule 7", "id is 7", "small letters")),
    "an id that is too long": (instead('"mine"', f'"{"a" * 49}"'), ("id", "up to 48")),
    "an id with a line end": (instead('"mine"', '"a\\nb"'), ("'a\\nb'", "id")),
    "an id of another rule": (instead('"mine"', '"rest"'), ("rest", "id is 'rest'", "once")),
    "a position of another rule": (instead("position = 1\n", "position = 900\n"), ("position is 900", "mine", "rest", "once")),
    "no position": (instead("position = 1\n", ""), ("mine", "position is missing", "0 to 1000000")),
    "a position that is true": (instead("position = 1\n", "position = true\n"), ("mine", "position is true", "whole number")),
    "a position with a point": (instead("position = 1\n", "position = 1.0\n"), ("mine", "position is 1.0", "whole number")),
    "a position that is no number": (instead("position = 1\n", "position = nan\n"), ("mine", "position is nan", "whole number")),
    "a position without end": (instead("position = 1\n", "position = inf\n"), ("mine", "position is inf", "whole number")),
    "a position that is a date": (instead("position = 1\n", "position = 2026-01-01\n"), ("mine", "position is 2026-01-01")),
    "a position that is negative": (instead("position = 1\n", "position = -1\n"), ("mine", "position is -1")),
    "a position that is huge": (instead("position = 1\n", "position = 0x" + "f" * 1900 + "\n"), ("mine", "a number of 7600 bits")),
    "a pattern nobody knows": (instead('"turn"', '"turns"', TURN), ("mine", "pattern is 'turns'", "nearest: turn")),
    "a pattern and a route": (added('pattern = "platform"'), ("mine", "route is 'instant'", "pattern platform")),
    # Outcomes.
    "no route": (instead('route = "instant"\n', ""), ("mine", "route is missing", "required", "instant")),
    "no refund": (instead('refund = "full"\n', ""), ("mine", "refund is missing", "required", "unused_share")),
    "no fault": (instead('fault = "none"\n', ""), ("mine", "fault is missing", "required", "undecided")),
    "no goods": (instead('goods = "keep"\n', ""), ("mine", "goods is missing", "required", "rotate")),
    "no clock": (instead("clock = 120\n", "", TURN), ("mine", "clock is missing", "required with the pattern turn", "43200")),
    "no silence": (instead('silence = "refund"\n', "", TURN), ("mine", "silence is missing", "escalate")),
    "a route that is misspelt": (instead('"instant"', '"instand"'), ("mine", "route is 'instand'", "nearest: instant")),
    "the route of a turn": (instead('"instant"', '"merchant"'), ("mine", "route is 'merchant'", "one of close")),
    "a route that is a table": (instead('"instant"', "{ a = 1 }"), ("mine", "route is a table with a", "one of close")),
    "a refund that is agreed": (instead('refund = "full"', 'refund = "agreed"'), ("mine", "refund is 'agreed'", "negotiable")),
    "a refund that is a number": (instead('refund = "full"', "refund = 100"), ("mine", "refund is 100", "one of none")),
    "money at once nobody knows": (instead('"full"', '"negotiable"'), ("mine", "refund is 'negotiable'", "with the route instant")),
    "a refusal that pays": (instead('"instant"', '"refuse"'), ("mine", "refund is 'full'", "none with the route refuse")),
    "a fault nobody knows": (instead('fault = "none"', 'fault = "sellers"'), ("mine", "fault is 'sellers'", "one of none, buyer")),
    "goods that burn": (instead('"keep"', '"kept"'), ("mine", "goods is 'kept'", "nearest: keep")),
    "a clock of nothing": (instead("clock = 120", "clock = 0", TURN), ("mine", "clock is 0", "1 to 43200")),
    "a clock of a year": (instead("clock = 120", "clock = 525600", TURN), ("mine", "clock is 525600", "43200")),
    "a clock that is true": (instead("clock = 120", "clock = true", TURN), ("mine", "clock is true", "whole number")),
    "a clock in words": (instead("clock = 120", 'clock = "2 h"', TURN), ("mine", "clock is '2 h'", "whole number")),
    "a clock without a turn": (added("clock = 120"), ("mine", "clock is 120", "nothing")),
    "silence nobody knows": (instead('silence = "refund"', 'silence = "refuse"', TURN), ("mine", "silence is 'refuse'", "nearest: refund")),
    "silence that pays nobody knows what": (instead('"full"', '"negotiable"', TURN), ("mine", "silence is 'refund'", "escalate")),
    "replacement in words": (added('replacement_first = "yes"'), ("mine", "replacement_first is 'yes'", "true or false")),
    "a choice that never ends": (
        instead('fault = "none"', 'fault = [{ when = { bad = true }, is = "none" }]'),
        ("mine", "fault is a list of 1", "without when"),
    ),
    "a choice that ends too soon": (
        instead('fault = "none"', 'fault = [{ is = "buyer" }, { is = "none" }]'),
        ("mine", "fault is a list whose entry 1 always counts", "only its last"),
    ),
    "a choice of words": (instead('fault = "none"', 'fault = ["none"]'), ("mine", "fault is 'none'", "{ when")),
    "an empty choice": (instead('fault = "none"', "fault = []"), ("mine", "fault is an empty list", "last entry")),
    "evidence nobody knows": (added('evidence = ["SELFIE"]', TURN), ("mine", "evidence is 'SELFIE'", "SCREENSHOT")),
    "evidence twice": (added('evidence = ["OTHER", "OTHER"]', TURN), ("mine", "evidence is a list with 'OTHER' twice", "once")),
    "evidence for nobody": (added('evidence = ["OTHER"]'), ("mine", "evidence", "only where somebody has to judge")),
    "no evidence": (added("evidence = []", TURN), ("mine", "evidence is an empty list", "SCREENSHOT")),
    # Money.
    "a fee of everything": (added("fee_percent = 100"), ("mine", "fee_percent is 100", "1 to 99")),
    "a fee of more": (added("fee_percent = 101"), ("mine", "fee_percent is 101", "0 to 100")),
    "a fee with a point": (added("fee_percent = 2.5"), ("mine", "fee_percent is 2.5", "whole number")),
    "a fee on what is agreed": (
        added("fee_percent = 5", TURN.replace('"full"', '"negotiable"').replace('"refund"', '"escalate"')),
        ("mine", "fee_percent is 5", "full, unused_share"),
    ),
    "nothing kept": (added("keep_minor = 0"), ("mine", "keep_minor is 0", "1 or more")),
    "less than nothing kept": (added("keep_minor = -1"), ("mine", "keep_minor is -1", "whole number")),
    "compensation of nobody's money": (added("compensation_minor = 1000000000001"), ("mine", "compensation_minor", "1000000000000")),
    "compensation for a refusal": (
        added("compensation_minor = 1", REST.replace("rest", "mine")),
        ("mine", "compensation_minor is 1", "only with"),
    ),
    # Conditions.
    "a condition that is a word": (when('"sealed"'), ("mine", "when is 'sealed'", "a table of facts")),
    "an empty condition": (when("{}"), ("mine", "when is an empty table", "a table of facts")),
    "no alternatives": (when("[]"), ("mine", "when is an empty list", "a list of tables")),
    "an alternative twice": (when("[{ bad = true }, { bad = true }]"), ("mine", "when is a list with number 2 twice", "once")),
    "too many alternatives": (
        when("[" + ", ".join(f'{{ ago = "= {n}" }}' for n in range(MOST_ALTERNATIVES + 1)) + "]"),
        ("mine", "when is a list of 51", "up to 50"),
    ),
    "a fact nobody knows": (when('{ weather = ["rain"] }'), ("mine", "when.weather", "the facts goods")),
    "a fact that is misspelt": (when('{ stages = ["sealed"] }'), ("mine", "when.stages", "nearest: stage")),
    "a value that is misspelt": (when('{ stage = ["seeled"] }'), ("mine", "when.stage is 'seeled'", "nearest: sealed")),
    "a value without its list": (when('{ stage = "sealed" }'), ("mine", "when.stage is 'sealed'", "a list of")),
    "a value twice": (when('{ stage = ["used", "used"] }'), ("mine", "when.stage is a list with 'used' twice", "once")),
    "no values": (when("{ stage = [] }"), ("mine", "when.stage is an empty list", "a list of")),
    "a value that is a number": (when("{ stage = [3] }"), ("mine", "when.stage is 3", "one of reserved")),
    "a truth that is a number": (when("{ bad = 1 }"), ("mine", "when.bad is 1", "true or false")),
    "a truth in words": (when('{ bad = "true" }'), ("mine", "when.bad is 'true'", "true or false")),
    "a truth in a list": (when("{ bad = [true] }"), ("mine", "when.bad is a list of 1", "true or false")),
    "tables in tables": (when('{ stage = { is = ["used"] } }'), ("mine", "when.stage is a table with is", "a list of")),
    "a bound that is a number": (when("{ ago = 30 }"), ("mine", "when.ago is 30", "<= 30")),
    "a bound without a sign": (when('{ ago = "30" }'), ("mine", "when.ago is '30'", "<= 30")),
    "a bound without a space": (when('{ ago = "<=30" }'), ("mine", "when.ago is '<=30'", "<= 30")),
    "a bound in full-width digits": (when('{ ago = "<= ３０" }'), ("mine", "when.ago is '<= ３０'", "<= 30")),
    "a bound with a point": (when('{ ago = "<= 1.5" }'), ("mine", "when.ago is '<= 1.5'", "<= 30")),
    "a bound below nothing": (when('{ ago = "< 0" }'), ("mine", "when.ago is '< 0'", "some number")),
    "a bound that is negative": (when('{ ago = "> -5" }'), ("mine", "when.ago is '> -5'", "<= 30")),
    "a bound that is huge": (when('{ ago = "<= 9999999999" }'), ("mine", "when.ago is '<= 9999999999'", "<= 30")),
    "a bound of a term nobody knows": (when('{ ago = "<= promise" }'), ("mine", "when.ago is '<= promise'", "refund_window")),
    "no bounds": (when("{ ago = [] }"), ("mine", "when.ago is an empty list", "a bound")),
    "a bound twice": (when('{ ago = ["<= 5", "<= 5"] }'), ("mine", "when.ago is a list with '<= 5' twice", "once")),
    "bounds that contradict": (when('{ ago = [">= 60", "< 60"] }'), ("mine", "when.ago is '>= 60 and < 60'", "some number can meet")),
    "a bound against a term": (when('{ ago = ["<= 10080", "> warranty"] }'), ("mine", "when.ago", "some number can meet")),
    "progress of more than all": (when('{ progress = ">= 101" }'), ("mine", "when.progress is '>= 101'", "0 to 100")),
    "progress above all": (when('{ progress = "> 100" }'), ("mine", "when.progress is '> 100'", "some number")),
    "progress in minutes": (when('{ progress = "<= warranty" }'), ("mine", "when.progress", "per cent")),
    # Words for people.
    "no Chinese": (instead('zh = "全额退款。"\n', ""), ("mine", "zh is missing", "a sentence")),
    "no English": (instead('en = "Everything back."\n', ""), ("mine", "en is missing", "a sentence")),
    "an empty sentence": (instead('"Everything back."', '"  "'), ("mine", "en is '  '", "a sentence")),
    "a sentence that is a list": (instead('"Everything back."', '["Everything"]'), ("mine", "en is a list of 1", "a sentence")),
    "a place nobody knows": (instead("back", "{amount}"), ("mine", "en is 'amount'", "{percent}")),
    "a place without a name": (instead("back", "{}"), ("mine", "en is ''", "{percent}")),
    "a place with a form": (instead("back", "{percent:>10000000}"), ("mine", "en is 'percent'", "{percent}")),
    "a place that reaches further": (instead("back", "{percent.real}"), ("mine", "en is 'percent.real'", "{percent}")),
    "a brace that stays open": (instead("back", "{percent"), ("mine", "en is", "braces in pairs")),
    "braces that are meant": (instead("back", "{{percent}}"), ("mine", "en is text with", "placeholders")),
    "hours without a turn": (instead("back", "{hours}"), ("mine", "en is text with {hours}", "{window_days}")),
    "a percentage of nothing": (
        REST.replace("No refund", "{percent} %").replace("rest", "mine"),
        ("mine", "en is text with {percent}", "needs a refund of a share"),
    ),
    "a fee that is none": (instead("back", "{fee_percent} %"), ("mine", "en is text with {fee_percent}", "needs a fee_percent")),
    "marks of HTML": (instead("back", "<b>back</b>"), ("mine", "en is text with '<'", "HTML")),
    "two lines": (instead('"Everything back."', '"Everything\\nback."'), ("mine", "en is text with the character U+000A")),
    "a character that turns the text round": (instead("back", "\u202eback"), ("mine", "U+202E", "can be seen")),
    "a book": (instead("back", "x" * LONGEST_TEXT), ("mine", "en is 612 characters", str(LONGEST_TEXT))),
    "words nobody says": (REST + "[words.agree]\nzh = '好'\nen = 'yes'\n", ("words", "agree", "nearest: agreed")),
    "words in one language": (REST + "[words.agreed]\nzh = '好。'\n", ("words 'agreed'", "en is missing", "a sentence")),
    "words that are no table": (REST + "[words]\nagreed = 'yes'\n", ("words", "agreed is 'yes'", "zh and en")),
    "words are a list": ("words = [1]\n" + REST, ("words is a list of 1", "words.turn_refund")),
    "hours where nobody waits": (REST + "[words.agreed]\nzh = '{hours}'\nen = 'y'\n", ("words 'agreed'", "{hours}", "{window_days}")),
    # Evidence and the cap.
    "evidence of nothing": (REST + "[[evidence]]\nwhen = { bad = true }\n", ("evidence number 1", "kinds is missing", "SCREENSHOT")),
    "evidence nobody gives": (REST + "[[evidence]]\nkinds = ['SCREENSHOTS']\n", ("evidence number 1", "kinds", "nearest: SCREENSHOT")),
    "evidence that is a word": ("evidence = ['x']\n" + REST, ("evidence is 'x'", "[[evidence]]")),
    "evidence with a key too many": (REST + "[[evidence]]\nkind = ['OTHER']\n", ("evidence number 1", "kind", "nearest: kinds")),
    "evidence nothing can need": (
        REST + "[[evidence]]\nwhen = { ago = '< 0' }\nkinds = ['OTHER']\n",
        ("evidence number 1", "when.ago", "some number"),
    ),
    "a cap of nothing": ("complaint_cap_minutes = 0\n" + REST, ("complaint_cap_minutes is 0", "1 to 43200")),
    "a cap that is true": ("complaint_cap_minutes = true\n" + REST, ("complaint_cap_minutes is true", "43200")),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_in_one_line_that_names_the_place(kind: str) -> None:
    text, told = REFUSED[kind]
    with pytest.raises(RuleTableError) as refused:
        parse_rules(texts={"mine.toml": text})
    message = str(refused.value)
    assert message.isprintable(), kind
    assert len(message) <= LONGEST_MESSAGE, kind
    for word in ("mine.toml", *told):
        assert word in message, f"{kind}: {message}"
    if not message.startswith("mine.toml: not TOML"):
        assert "; allowed: " in message, message
    assert decide(SEALED, default_rules()).rule == "sealed"


@pytest.mark.parametrize("text", [RULE + REST, TURN + REST, added("fee_percent = 5"), when('{ ago = [">= 60", "<= 60"] }')])
def test_the_files_above_are_right_but_for_their_one_fault(text: str) -> None:
    """The control: without the fault nothing is refused."""
    assert parse_rules(texts={"mine.toml": text}).rules[0].id == "mine"


@pytest.mark.parametrize("kind", ["a NUL", "an id of another rule", "a place nobody knows", "lists too deep", "a cap of nothing"])
def test_one_bad_file_spoils_the_set_and_not_the_rules_in_force(kind: str) -> None:
    with pytest.raises(RuleTableError, match=r"mine\.toml"):
        parse_rules(texts={**default_texts(), "mine.toml": REFUSED[kind][0]})
    assert parse_rules(texts=default_texts()).version == default_rules().version


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((), ("0 files", str(MOST_FILES))),
        ((*(f"f{number}.toml" for number in range(MOST_FILES + 1)),), (f"{MOST_FILES + 1} files", str(MOST_FILES))),
        (("../passwd.toml",), ("'../passwd.toml'", "letters, digits")),
        (("rules.txt",), ("'rules.txt'", ".toml")),
        (("a\nb.toml",), ("'a\\nb.toml'", ".toml")),
        ((".toml",), ("'.toml'", "letters")),
        ((f"{'x' * 100}.toml",), ("xxx", "letters")),
    ],
)
def test_files_have_names(names: tuple[str, ...], told: tuple[str, ...]) -> None:
    with pytest.raises(RuleTableError) as refused:
        parse_rules(texts=dict.fromkeys(names, REST))
    assert str(refused.value).isprintable()
    for word in told:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe[\x00", ("mine.toml", "byte 1 is not UTF-8")),
        ("zh = '退'".encode("gb18030"), ("mine.toml", "byte 7 is not UTF-8")),
        (b"#" * (10 * 1024 * 1024), ("mine.toml", "10485760 bytes", str(MOST_CHARACTERS))),
    ],
    ids=["utf-16", "gb18030", "10 MB"],
)
def test_contents_that_are_no_text(content: bytes, told: tuple[str, ...]) -> None:
    with pytest.raises(RuleTableError) as refused:
        texts_of(contents={"mine.toml": content})
    for word in told:
        assert word in str(refused.value)


def test_what_two_files_say_twice_is_refused() -> None:
    for line in ("complaint_cap_minutes = 60\n", "[words.agreed]\nzh = '好。'\nen = 'Yes.'\n"):
        one = line if line.startswith("c") else ""
        texts = {"a.toml": one + REST + (line if not one else ""), "b.toml": line}
        with pytest.raises(RuleTableError, match=r"b\.toml") as refused:
            parse_rules(texts=texts)
        assert "allowed" in str(refused.value)
    texts = {"a.toml": REST, "b.toml": REST}
    with pytest.raises(RuleTableError, match=r"b\.toml, rule 'rest': position is 900, as in a\.toml"):
        parse_rules(texts=texts)


def test_every_default_file_is_far_from_the_limits() -> None:
    assert sum(map(len, default_texts().values())) < MOST_CHARACTERS // 10
    assert len(default_rules().rules) < MOST_RULES // 10
