"""Which rules, alternatives and entries never decide, and where order alone does, worked out by hand for small tables."""

import pytest

from anka.domain.policy.check import Report, check, short_facts
from anka.domain.policy.table import parse_rules
from tests.domain.check.made import FULL_AT_ONCE, written

TURN = 'pattern = "turn"\nrefund = "full"\nfault = "none"\ngoods = "hold"\nsilence = "refund"\n'
ASKED = 'pattern = "platform"\nrefund = "negotiable"\n'
REST = 'pattern = "refusal"'
KEY = {"goods": "card_key", "reason": "DUPLICATE"}
DONE = {**KEY, "stage": "working", "upstream": "done"}
"""What counts as sealed though nobody has handed it over: one stage earlier, so smaller."""


def report(*rules: tuple[str, str]) -> Report:
    texts = (written(number, lines, identifier=name) for number, (name, lines) in enumerate(rules, start=1))
    return check(rules=parse_rules(texts={"small.toml": "".join(texts)}))


def when(text: str, outcome: str = FULL_AT_ONCE) -> str:
    return f"when = {text}\n{outcome}"


QUEUED, STAFF = '{ stage = ["queued"] }', '{ asker = ["platform"] }'
STAGES = report(
    ("early", when('[{ stage = ["queued"] }, { stage = ["accepted"], goods = ["rental"] }]')),
    ("middle", when('{ stage = ["queued", "accepted", "working"] }')),
    (
        "late",
        when(
            '[{ stage = ["queued", "accepted"], asker = ["merchant"] }, { stage = ["sealed"] }, { stage = ["working"] }, '
            '{ stage = ["sealed"], asker = ["buyer"] }]'
        ),
    ),
    ("never", when('{ stage = ["sealed"], ago = "> 5" }')),
    ("impossible", when('{ goods = ["boosting"], stage = ["sealed"] }')),
    ("rest", REST),
)


def test_what_is_taken_by_others_is_told_with_those_who_take_it() -> None:
    told = [
        (entry.rule, entry.part, entry.number, entry.taken_by, None if entry.facts is None else short_facts(facts=entry.facts))
        for entry in STAGES.unreachable
    ]
    assert told == [
        ("late", "alternative", 1, ("early", "middle"), {**KEY, "stage": "queued", "asker": "merchant"}),
        ("late", "alternative", 3, ("middle",), {**KEY, "stage": "working"}),
        ("late", "alternative", 4, ("late",), DONE),
        ("never", "rule", 1, ("late",), {**KEY, "stage": "sealed", "delivered_minutes_ago": 6}),
        ("impossible", "rule", 1, (), None),
    ]
    assert [entry.to_json()["taken_by"] for entry in STAGES.unreachable[:2]] == [["early", "middle"], ["middle"]]
    assert [entry.to_json()["facts"] for entry in STAGES.unreachable[2::2]] == [DONE, None]


def test_who_takes_it_is_told_in_both_languages_and_is_what_decides() -> None:
    found = [finding for finding in STAGES.findings if finding.property == 2]
    assert [(finding.rule, finding.decision and finding.decision.rule) for finding in found] == [
        ("late", "early"),
        ("late", "middle"),
        ("late", "late"),
        ("never", "late"),
        ("impossible", None),
    ]
    assert (found[0].zh, found[0].en) == (
        "规则 late 的第 1 个条件永远不会生效：它适用的情况都先由 early、middle 决定。",
        "Alternative 1 of rule late never decides: whatever it fits is decided by early, middle before.",
    )
    assert found[3].en == "Rule never never decides: whatever it fits is decided by late before."
    assert found[4].en == "Alternative 1 of rule impossible fits no possible situation."


def test_overlaps_are_told_in_the_order_of_the_table_with_the_smallest_facts() -> None:
    told = [(each.first, each.second, each.same, short_facts(facts=each.facts)) for each in STAGES.overlaps]
    assert told == [
        ("early", "middle", True, {**KEY, "stage": "queued"}),
        ("early", "late", True, {**KEY, "stage": "queued", "asker": "merchant"}),
        ("early", "rest", False, {**KEY, "stage": "queued"}),
        ("middle", "late", True, {**KEY, "stage": "working"}),
        ("middle", "rest", False, {**KEY, "stage": "accepted"}),
        ("late", "never", True, {**KEY, "stage": "sealed", "delivered_minutes_ago": 6}),
        ("late", "rest", False, DONE),
    ]
    assert STAGES.overlaps[1].to_json() == {
        "first": "early",
        "second": "late",
        "same": True,
        "facts": {**KEY, "stage": "queued", "asker": "merchant"},
    }


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (FULL_AT_ONCE, FULL_AT_ONCE, True),
        (FULL_AT_ONCE, FULL_AT_ONCE.replace("full", "unused_share"), False),
        (FULL_AT_ONCE, FULL_AT_ONCE.replace("instant", "close"), False),
        (FULL_AT_ONCE, FULL_AT_ONCE.replace('"none"', '"buyer"'), False),
        (FULL_AT_ONCE, FULL_AT_ONCE.replace("hold", "release"), False),
        (FULL_AT_ONCE, FULL_AT_ONCE.replace("hold", "returned"), False),
        (FULL_AT_ONCE.replace("hold", "release"), FULL_AT_ONCE.replace("hold", "returned"), True),
        (FULL_AT_ONCE, FULL_AT_ONCE + "\nfee_percent = 5", False),
        (FULL_AT_ONCE + "\nfee_percent = 4", FULL_AT_ONCE + "\nfee_percent = 5", False),
        (FULL_AT_ONCE + "\nkeep_minor = 4", FULL_AT_ONCE + "\nkeep_minor = 5", False),
        (FULL_AT_ONCE + "\ncompensation_minor = 4", FULL_AT_ONCE, False),
        (FULL_AT_ONCE + "\nreplacement_first = true", FULL_AT_ONCE, False),
        (FULL_AT_ONCE + "\nreplacement_first = false", FULL_AT_ONCE, True),
        (ASKED + 'evidence = ["SCREENSHOT"]', ASKED, False),
        (ASKED + 'evidence = ["SCREENSHOT"]', ASKED + 'evidence = ["OTHER"]', False),
        (ASKED + 'evidence = ["SCREENSHOT"]', ASKED + 'evidence = ["SCREENSHOT"]', True),
        (TURN + "clock = 5", TURN + "clock = 5", True),
        (TURN + "clock = 5", TURN + "clock = 6", False),
        (TURN + "clock = 5", TURN.replace('silence = "refund"', 'silence = "escalate"') + "clock = 5", False),
        (TURN + "clock = 5", TURN + f"clock = [{{ when = {QUEUED}, is = 5 }}, {{ is = 6 }}]", True),
        (TURN + "clock = 5", TURN + f"clock = [{{ when = {STAFF}, is = 6 }}, {{ is = 5 }}]", False),
        ('pattern = "platform"\nrefund = "negotiable"', 'pattern = "platform!"\nrefund = "negotiable"', False),
    ],
)
def test_any_difference_of_what_is_decided_counts_and_no_other(first: str, second: str, same: bool) -> None:
    overlaps = report(("first", when(QUEUED, first)), ("second", when(QUEUED, second)), ("rest", REST)).overlaps
    assert next((each.first, each.second, each.same) for each in overlaps) == ("first", "second", same)


def test_entries_that_never_count_are_told_by_number() -> None:
    entries = f"[{{ when = {QUEUED}, is = A }}, {{ when = {STAFF}, is = B }}, {{ is = A }}]"
    after = '[{ when = { stage = ["sealed"] }, is = A }, { when = { asker = ["buyer"] }, is = A }, { is = B }]'
    lists = {
        "fault": entries.replace("A", '"none"').replace("B", '"buyer"'),
        "goods": after.replace("A", '"hold"').replace("B", '"keep"'),
        "replacement_first": '[{ when = { stage = ["sealed"] }, is = A }, { is = B }]'.replace("A", "true").replace("B", "false"),
    }
    plain = 'route = "instant"\nrefund = "full"\n' + "\n".join(f"{name} = {text}" for name, text in lists.items())
    turn = TURN + "clock = " + after.replace("A", "5").replace("B", "6")
    found = report(("plain", when(QUEUED, plain)), ("turn", when('{ stage = ["accepted"] }', turn)), ("rest", REST)).unreachable
    assert [(entry.rule, entry.part, entry.number, entry.taken_by, entry.facts) for entry in found] == [
        ("plain", "fault", 2, (), None),
        ("plain", "fault", 3, (), None),
        ("plain", "goods", 1, (), None),
        ("plain", "replacement_first", 1, (), None),
        ("turn", "clock", 1, (), None),
    ]


def test_findings_come_by_property_then_in_the_order_of_the_table() -> None:
    """What is compared with something is shown by facts that are as small as can be, compared with facts that are."""
    found = report(("rest", when('{ group = ["change_of_mind", "protected"] }')), ("less", FULL_AT_ONCE + "\nfee_percent = 5")).findings
    assert [finding.key for finding in found] == [(3, "rest"), (3, "less"), (9, "less")]
    last = found[-1]
    assert last.facts is not None
    assert last.other is not None
    assert short_facts(facts=last.facts) == {**KEY, "stage": "reserved", "reason": "LATE_DELIVERY"}
    assert short_facts(facts=last.other[0]) == {**KEY, "stage": "reserved"}
    assert last.other[1].fee_percent is None


def test_what_was_decided_before_in_part_of_a_stage_counts_there_only() -> None:
    """What is left of a stage shares no facts with the second rule, and some with the third."""
    found = report(
        ("staff", when(STAFF)), ("again", when('{ asker = ["platform"], stage = ["queued"] }')), ("more", when(QUEUED)), ("rest", REST)
    )
    assert [(entry.rule, entry.taken_by) for entry in found.unreachable] == [("again", ("staff",))]


def test_a_rule_that_never_decides_is_told_once_from_its_first_alternative_on() -> None:
    found = report(
        ("first", when(QUEUED)), ("never", when('[{ stage = ["queued"], overdue = true }, { stage = ["queued"] }]')), ("rest", REST)
    )
    assert [(entry.rule, entry.part, entry.number) for entry in found.unreachable] == [("never", "rule", 1)]
    assert [finding.key for finding in found.findings if finding.property == 2] == [(2, "never")]
