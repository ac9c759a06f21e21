"""A rule file read: every key reaches the rule, limits are exactly those that are told, and the whole table is put together as written."""

import hashlib
import re
from typing import Any

import pytest

from anka.domain.policy.grammar import Rule, RuleTableError, parse_rule
from anka.domain.policy.table import RuleSet, default_rules, default_texts, parse_rules
from anka.domain.policy.vocabulary import ALWAYS, BIT, Bound, Condition

FREE: dict[str, Any] = {
    "position": 7,
    "id": "one",
    "route": "instant",
    "refund": "full",
    "fault": "none",
    "goods": "keep",
    "zh": "z",
    "en": "e",
}
TURN: dict[str, Any] = {
    "position": 7,
    "id": "one",
    "pattern": "turn",
    "refund": "full",
    "fault": "none",
    "goods": "keep",
    "clock": 5,
    "silence": "refund",
    "zh": "z",
    "en": "e",
}
REST = '[[rule]]\nposition = 900\nid = "rest"\npattern = "refusal"\nzh = "不退款。"\nen = "No refund."\n'
BUYER = (Condition(values=(("asker", ("buyer",)),)),)


def read(table: object) -> Rule:
    return parse_rule(file="a.toml", index=0, table=table)


def refused(texts: dict[str, str]) -> str:
    with pytest.raises(RuleTableError) as told:
        parse_rules(texts=texts)
    return str(told.value)


def test_every_key_reaches_the_rule() -> None:
    given = {
        **FREE,
        "when": [
            {"stage": ["sealed", "used"], "bad": True, "ago": [">= 5", "< warranty"], "progress": "= 0"},
            {"wrong": False, "upstream_minutes": "> 9"},
        ],
        "fault": [{"when": {"asker": ["buyer"]}, "is": "buyer"}, {"is": "merchant"}],
        "goods": "spoiled",
        "replacement_first": [{"when": [{"asker": ["buyer"]}], "is": True}, {"is": False}],
        "evidence": ["OTHER", "SCREENSHOT"],
        "compensation_minor": 11,
        "keep_minor": 12,
        "fee_percent": 13,
    }
    assert read(given) == Rule(
        position=7,
        id="one",
        file="a.toml",
        pattern=None,
        route="instant",
        refund="full",
        zh="z",
        en="e",
        when=(
            Condition(
                values=(("stage", ("sealed", "used")), ("bad", ("true",))),
                bounds=(Bound("ago", ">=", "5"), Bound("ago", "<", "warranty"), Bound("progress", "=", "0")),
            ),
            Condition(values=(("wrong", ("false",)),), bounds=(Bound("upstream_minutes", ">", "9"),)),
        ),
        fault=((BUYER, "buyer"), (ALWAYS, "merchant")),
        goods=((ALWAYS, "spoiled"),),
        clock=(),
        silence=None,
        replacement_first=((BUYER, True), (ALWAYS, False)),
        evidence=("OTHER", "SCREENSHOT"),
        compensation_minor=11,
        keep_minor=12,
        fee_percent=13,
    )
    turn = read({**TURN, "clock": [{"when": {"asker": ["buyer"]}, "is": 60}, {"is": 120}]})
    assert (turn.when, turn.pattern, turn.route, turn.silence, turn.clock) == (ALWAYS, "turn", None, "refund", ((BUYER, 60), (ALWAYS, 120)))
    assert (turn.evidence, turn.compensation_minor, turn.keep_minor, turn.fee_percent) == ((), None, None, None)


@pytest.mark.parametrize(
    ("table", "key", "least", "most"),
    [
        (FREE, "position", 0, 1_000_000),
        (FREE, "compensation_minor", 0, 1_000_000_000_000),
        (FREE, "keep_minor", 0, 1_000_000_000_000),
        (FREE, "fee_percent", 0, 100),
        (TURN, "clock", 0, 43_200),
    ],
)
def test_numbers_reach_as_far_as_is_told_and_no_further(table: dict[str, Any], key: str, least: int, most: int) -> None:
    for value in (least, most):
        found = getattr(read({**table, key: value}), key)
        assert found == (((ALWAYS, value),) if key == "clock" else value)
    for wrong in (least - 1, most + 1, True, str(least)):
        with pytest.raises(RuleTableError, match=f"{key} is .*; allowed: a whole number from {least} to {most}$"):
            read({**table, key: wrong})


@pytest.mark.parametrize("identifier", ["a", "z" * 48, "a-0-9z"])
def test_names_of_rules(identifier: str) -> None:
    assert read({**FREE, "id": identifier}).id == identifier


@pytest.mark.parametrize("identifier", ["", "9a", "-a", "z" * 49, "a_b", "a\n", "é", "A", None, 7])
def test_names_that_no_rule_can_have(identifier: object) -> None:
    with pytest.raises(RuleTableError, match=r"id is .*; allowed: small letters, digits and hyphens, a letter first, up to 48 of them$"):
        read({**FREE, "id": identifier})


@pytest.mark.parametrize("key", ["route", "refund", "fault", "goods"])
def test_without_a_pattern_the_outcome_is_required(key: str) -> None:
    with pytest.raises(RuleTableError, match=rf"^a\.toml, rule 'one': {key} is missing; allowed: required without a pattern: one of "):
        read({name: value for name, value in FREE.items() if name != key})


NEEDED = {
    "turn": {"refund", "fault", "goods", "clock", "silence"},
    "platform": {"refund"},
    "platform!": {"refund"},
    "refusal": set[str](),
}
OUTCOME: dict[str, Any] = {"route": "instant", "refund": "full", "fault": "none", "goods": "keep", "clock": 5, "silence": "refund"}
OUTCOME["replacement_first"] = True
TOLD = {
    "refund": "one of none, full, unused_share, missing_share, negotiable",
    "fault": "one of none, buyer, merchant, platform, undecided",
    "goods": "one of release, restock, void, rotate, keep, hold, spoiled, unopened, returned",
    "clock": "minutes, a whole number from 1 to 43200",
    "silence": "one of refund, escalate",
}


@pytest.mark.parametrize("pattern", NEEDED)
def test_a_pattern_needs_what_it_needs_and_says_the_rest_itself(pattern: str) -> None:
    needed = {key: OUTCOME[key] for key in NEEDED[pattern]}
    right: dict[str, Any] = {"position": 1, "id": "one", "pattern": pattern, "zh": "z", "en": "e", **needed}
    assert read(right).pattern == pattern
    for key in needed:
        with pytest.raises(RuleTableError) as told:
            read({name: value for name, value in right.items() if name != key})
        assert str(told.value) == f"a.toml, rule 'one': {key} is missing; allowed: required with the pattern {pattern}: {TOLD[key]}"
    for key in OUTCOME.keys() - needed.keys():
        with pytest.raises(RuleTableError, match=f"{key} is .*; allowed: nothing: the pattern {re.escape(pattern)} says it itself$"):
            read({**right, key: OUTCOME[key]})


@pytest.mark.parametrize("key", ["clock", "silence"])
def test_without_a_pattern_nobody_is_asked(key: str) -> None:
    with pytest.raises(RuleTableError, match=f"{key} is .*; allowed: nothing: the pattern is missing and says it itself$"):
        read({**FREE, key: OUTCOME[key]})


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (["is"], "is 'is'; allowed: entries of the form { when = …, is = … }"),
        ([3], "is 3; allowed: entries of the form { when = …, is = … }"),
        (["none"], "is 'none'; allowed: entries of the form { when = …, is = … }"),
        ([{"when": {"bad": True}}], "is a table with when; allowed: entries of the form { when = …, is = … }"),
        ([{"is": "none", "or": "buyer"}], "is a table with is, or; allowed: entries of the form { when = …, is = … }"),
        ([], "is an empty list; allowed: a last entry without when, which counts if no other does"),
        ([{"when": {"bad": True}, "is": "none"}], "is a list of 1; allowed: a last entry without when, which counts if no other does"),
        ([{"is": "none"}, {"when": {"bad": True}, "is": "buyer"}], "is a list of 2; allowed: a last entry without when"),
    ],
)
def test_a_choice_ends_with_what_always_counts(entries: list[object], told: str) -> None:
    with pytest.raises(RuleTableError, match=re.escape(f"fault {told}")):
        read({**FREE, "fault": entries})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{percent!r}", "en is 'percent'; allowed: the placeholders {percent}, {fee_percent}, {hours}, {window_days}, {warranty_days}"),
        ("{percent:d}", "en is 'percent'; allowed: the placeholders {percent}, {fee_percent}, {hours}, {window_days}, {warranty_days}"),
        ("{amount}", "en is 'amount'; allowed: the placeholders {percent}, {fee_percent}, {hours}, {window_days}, {warranty_days}"),
        ("}", "en is '}'; allowed: braces in pairs, around the placeholders {percent}, {fee_percent}, {hours}, "),
        ("\t ", "en is '\\t '; allowed: a sentence for people"),
    ],
)
def test_sentences_have_known_places_only(text: str, told: str) -> None:
    with pytest.raises(RuleTableError, match=re.escape(told)):
        read({**FREE, "en": text})


def test_an_unknown_fact_is_told_with_those_there_are() -> None:
    facts = "goods, stage, reason, asker, merchant_answer, use_check, used_by, matches_order, notice, login_seen, upstream, dispute, group"
    facts += ", voidable, overdue, bad, wrong, short, consumed, ago, upstream_minutes, progress, delivered_percent"
    with pytest.raises(RuleTableError) as told:
        read({**FREE, "when": {"weather": ["rain"]}})
    assert str(told.value) == f"a.toml, rule 'one': when.weather is a list of 1; allowed: the facts {facts}"


def test_a_rule_without_a_name_is_told_by_its_number() -> None:
    with pytest.raises(RuleTableError, match=r"^a\.toml, rule number 3: id is missing;"):
        parse_rule(file="a.toml", index=2, table={})


def rules_of(*lines: str) -> RuleSet:
    return parse_rules(texts={"a.toml": "".join(lines) + REST})


def test_a_version_is_the_digest_of_names_and_texts_in_order() -> None:
    texts = {"b.toml": REST, "a.toml": "# nothing\n"}
    digest = hashlib.sha256(f"a.toml\0# nothing\n\0b.toml\0{REST}\0".encode()).hexdigest()
    assert parse_rules(texts=texts).version == digest[:12]
    assert dict(parse_rules(texts=texts).texts) == texts


def test_rules_are_in_the_order_of_their_positions() -> None:
    second = REST.replace("900", "10").replace("rest", "first")
    found = rules_of(REST.replace("rest", "last").replace("900", "901"), second).rules
    assert [(rule.position, rule.id) for rule in found] == [(10, "first"), (900, "rest"), (901, "last")]


def test_files_are_read_in_the_order_of_their_names() -> None:
    assert refused({"b.toml": REST, "a.toml": REST}) == "b.toml, rule 'rest': position is 900, as in a.toml, rule 'rest'; allowed: once"
    assert list(default_texts()) == sorted(default_texts())


def test_what_a_set_does_not_say_is_as_in_the_default() -> None:
    default, mine = default_rules(), rules_of()
    assert (mine.complaint_cap_minutes, default.complaint_cap_minutes) == (1_200, 1_200)
    assert mine.evidence == default.evidence
    assert len(mine.evidence) > 5
    given = rules_of("complaint_cap_minutes = 1\n", "[[evidence]]\nkinds = ['OTHER']\n")
    assert given.complaint_cap_minutes == 1
    assert [kinds for _, kinds in given.evidence] == [("OTHER",)]
    assert parse_rules(texts={"a.toml": REST, "b.toml": "[[evidence]]\nkinds = ['OTHER']\n"}).evidence == given.evidence
    assert rules_of("complaint_cap_minutes = 43200\n").complaint_cap_minutes == 43_200


def test_each_alternative_of_evidence_is_asked_for_by_itself() -> None:
    conditions = "[{ asker = ['buyer', 'merchant'] }, { asker = ['merchant', 'platform'] }]"
    (first, one), (second, two) = rules_of(f"[[evidence]]\nwhen = {conditions}\nkinds = ['OTHER', 'SCREENSHOT']\n").evidence
    assert one == two == ("OTHER", "SCREENSHOT")
    assert (first, second) == (BIT["asker", "platform"], BIT["asker", "buyer"])


CAP = "; allowed: one number of minutes from 1 to 43200, in one of the files"


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"a.toml": "complaint_cap_minutes = 0\n" + REST}, f"a.toml: complaint_cap_minutes is 0{CAP}"),
        (
            {"a.toml": "complaint_cap_minutes = 5\n" + REST, "b.toml": "complaint_cap_minutes = 5"},
            f"b.toml: complaint_cap_minutes is 5{CAP}",
        ),
        (
            {"a.toml": "complaint_cap_minutes = 43201\n" + REST},
            "a.toml: complaint_cap_minutes is 43201; allowed: a whole number from 0 to 43200",
        ),
        ({"a.toml": "complaint_cap_minutes = 5\n"}, "a.toml: 0 rules; allowed: from 1 to 1000"),
        ({"a.toml": REST + "[[evidence]]\n"}, "a.toml, evidence number 1: kinds is missing; allowed: a list of SCREENSHOT, "),
        (
            {"a.toml": REST + "[[evidence]]\nkinds = ['OTHER']\n[[evidence]]\nkinds = ['OTHER', 'OTHER']\n"},
            "a.toml, evidence number 2: kinds is a list with 'OTHER' twice; allowed: each once",
        ),
        (
            {"a.toml": REST + "[[evidence]]\nkinds = ['OTHER']\nwhen = { ago = '< 0' }\n"},
            "a.toml, evidence number 1: when.ago is '< 0'; allowed: bounds that some number can meet",
        ),
        ({"a.toml": "words = 3\n" + REST}, "a.toml: words is 3; allowed: tables [words.turn_refund]"),
        (
            {"a.toml": REST + "[words.agreed]\nzh = 'z'\nen = 'e'\nfr = 'f'"},
            "a.toml, words 'agreed': fr is 'f'; allowed: only the keys zh, en",
        ),
        (
            {"a.toml": REST + "[words.agreed]\nzh = 'z'\nen = 'e'\n", "b.toml": "[words.agreed]\nzh = 'z'\nen = 'e'"},
            "b.toml, words: agreed is in another file too; allowed: once",
        ),
        ({"a.toml": REST + "[words.agreed]\nzh = '{hours}'\nen = 'e'"}, "a.toml, words 'agreed': zh is text with {hours}; "),
        ({"a.toml": REST + "[words.agreed]\nzh = 'z'\nen = '{hours}'"}, "a.toml, words 'agreed': en is text with {hours}; "),
    ],
)
def test_what_cannot_be_put_together_is_told(texts: dict[str, str], told: str) -> None:
    assert refused(texts).startswith(told)


def numbered(count: int) -> str:
    return "".join(REST.replace("900", str(number)).replace("rest", f"r{number}") for number in range(count))


def test_so_many_rules_and_no_more() -> None:
    assert len(parse_rules(texts={"a.toml": numbered(1_000)}).rules) == 1_000
    assert refused({"a.toml": numbered(1_001)}) == "a.toml: 1001 rules; allowed: from 1 to 1000"


WORDS = "".join(
    f"[words.{key}]\nzh = '{zh}'\nen = '{key}'\n"
    for key, zh in {
        "turn_refund": "甲",
        "turn_escalate": "乙{hours}",
        "agreed": "丙",
        "refused": "丁",
        "silent_refund": "戊",
        "silent_escalate": "己",
        "goodwill": "庚",
        "asked_by_platform": "辛{window_days}",
    }.items()
)
OWN = 'zh = "子"\nen = "own"\nposition = 1\nid = "one"\n'
OPEN_TURN = 'pattern = "turn"\nfault = "none"\ngoods = "keep"\nclock = 5\nrefund = "full"\n'
SAID = {
    'pattern = "refusal"\n': {
        "": ("one", "子", "own", False),
        "agreed": ("one.agreed", "庚", "goodwill", False),
        "platform": ("one.platform", "辛{window_days}", "asked_by_platform", True),
    },
    'pattern = "platform"\nrefund = "full"\n': {"": ("one", "子", "own", False), "agreed": ("one.agreed", "子丙", "own agreed", False)},
    'pattern = "platform!"\nrefund = "full"\n': {"": ("one", "子", "own", False)},
    'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "keep"\n': {"": ("one", "子", "own", False)},
    OPEN_TURN + 'silence = "refund"\n': {
        "": ("one", "子甲", "own turn_refund", False),
        "refused": ("one.refused", "子丁", "own refused", False),
        "silent": ("one.silent", "子戊", "own silent_refund", False),
        "agreed": ("one.agreed", "子丙", "own agreed", False),
    },
    OPEN_TURN + 'silence = "escalate"\n': {
        "": ("one", "子乙{hours}", "own turn_escalate", True),
        "refused": ("one.refused", "子丁", "own refused", False),
        "silent": ("one.silent", "子己", "own silent_escalate", False),
        "agreed": ("one.agreed", "子丙", "own agreed", False),
    },
}


@pytest.mark.parametrize("pattern", SAID)
def test_what_follows_a_rules_own_sentence(pattern: str) -> None:
    found = rules_of(f"[[rule]]\n{OWN}{pattern}", WORDS).compiled[0].wordings
    assert {name: (said.rule, said.zh, said.en, said.open) for name, said in found.items()} == SAID[pattern]
