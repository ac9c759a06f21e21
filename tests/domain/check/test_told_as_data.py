"""What a check has found, as data: every key by its name, every kind of breach under its property, in both languages."""

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.check.report import PROPERTIES, SENTENCES, Finding, Overlap, Report, Unreachable, short_facts
from anka.domain.policy.decide import decide
from anka.domain.policy.table import default_rules

USUAL = {"goods": "card_key", "stage": "queued", "reason": "DUPLICATE"}
FACTS = Facts.from_json(USUAL)
DECISION = decide(FACTS, default_rules())
KINDS = {
    1: {"gap"},
    2: {"unreachable", "unreachable_alternative", "impossible"},
    3: {"reserved", "chargeback", "unknown"},
    4: {"clock", "silence_refuses", "silence_less"},
    5: {"consent"},
    6: {"agreement"},
    7: {"restock", "credentials"},
    8: {"later"},
    9: {"reason"},
    10: {"share"},
    11: {"goods"},
}


def test_every_kind_of_breach_belongs_to_its_property() -> None:
    assert {name: number for name, (number, _zh, _en) in SENTENCES.items()} == {
        name: number for number, names in KINDS.items() for name in names
    }
    assert list(PROPERTIES) == list(KINDS)


@pytest.mark.parametrize("number", KINDS)
def test_every_property_is_named_in_both_languages(number: int) -> None:
    chinese, english = PROPERTIES[number]
    assert not chinese.isascii()
    assert english.isascii()
    assert len(english.split()) >= 3


def test_facts_are_told_without_what_is_as_usual() -> None:
    assert short_facts(facts=FACTS) == USUAL
    assert short_facts(facts=Facts.from_json({**USUAL, "notice": "confirmed"})) == {**USUAL, "notice": "confirmed"}


def test_findings_are_told_with_everything_they_have() -> None:
    whole = Finding(property=8, rule="one", facts=FACTS, decision=DECISION, other=(FACTS, DECISION), zh="话", en="words")
    assert whole.to_json() == {
        "property": 8,
        "rule": "one",
        "zh": "话",
        "en": "words",
        "facts": USUAL,
        "decision": DECISION.to_json(),
        "other": {"facts": USUAL, "decision": DECISION.to_json()},
    }
    assert whole.key == (8, "one")


def test_a_finding_without_facts_says_so() -> None:
    bare = Finding(property=2, rule="one", facts=None, decision=None, other=None, zh="话", en="words").to_json()
    assert (bare["facts"], bare["decision"], bare["other"]) == (None, None, None)


def test_what_never_decides_and_what_overlaps_is_told() -> None:
    entry = Unreachable(rule="one", part="alternative", number=2, taken_by=("two", "three"), facts=FACTS)
    assert entry.to_json() == {"rule": "one", "part": "alternative", "number": 2, "taken_by": ["two", "three"], "facts": USUAL}
    assert Unreachable(rule="one", part="rule", number=1, taken_by=(), facts=None).to_json()["facts"] is None
    overlap = Overlap(first="one", second="two", same=True, facts=FACTS)
    assert overlap.to_json() == {"first": "one", "second": "two", "same": True, "facts": USUAL}


def test_a_report_holds_all_of_it() -> None:
    finding = Finding(property=2, rule="one", facts=None, decision=None, other=None, zh="话", en="words")
    entry = Unreachable(rule="one", part="rule", number=1, taken_by=("two",), facts=None)
    overlap = Overlap(first="one", second="two", same=False, facts=FACTS)
    report = Report(version="abc", boxes=3, findings=(finding,), unreachable=(entry,), overlaps=(overlap,))
    assert report.to_json() == {
        "version": "abc",
        "boxes": 3,
        "clean": False,
        "findings": [finding.to_json()],
        "unreachable": [entry.to_json()],
        "overlaps": [overlap.to_json()],
    }
    assert Report(version="abc", boxes=3, findings=(), unreachable=(), overlaps=()).clean
