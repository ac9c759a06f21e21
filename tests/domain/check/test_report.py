"""What is known of the default rules, what mends them, and how a report is told."""

import json
from dataclasses import replace
from random import Random

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.check import Report, TooTangled, check
from anka.domain.policy.check.report import PROPERTIES, SENTENCES
from anka.domain.policy.decide import decide
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import RuleSet, default_rules, default_texts, parse_rules
from anka.domain.policy.vocabulary import FEATURES, TRUTHS
from tests.domain.check.independent import confirms
from tests.domain.check.made import added, changed, repaired_texts, without, written

DEFAULT = check(rules=default_rules())


def test_the_default_rules_break_two_properties_and_no_more() -> None:
    assert [finding.key for finding in DEFAULT.findings] == [(7, "merchant-refunds"), (8, "short")]
    assert not DEFAULT.clean
    assert DEFAULT.unreachable == ()


def test_what_they_break_is_shown_by_the_smallest_facts() -> None:
    kept, waited = (finding.to_json() for finding in DEFAULT.findings)
    assert kept["facts"] == {
        "goods": "account",
        "stage": "revealed",
        "reason": "DUPLICATE",
        "asker": "merchant",
        "delivered_minutes_ago": 0,
    }
    used = {"goods": "card_key", "stage": "used", "reason": "DUPLICATE", "delivered_minutes_ago": 0, "delivered_percent": 0}
    assert waited["facts"] == used
    assert isinstance(waited["other"], dict)
    assert waited["other"]["facts"] == {**used, "stage": "revealed"}
    for told in (kept, waited):
        assert confirms(told, default_rules())


def test_a_small_change_mends_both() -> None:
    rules = parse_rules(texts=repaired_texts())
    assert check(rules=rules).clean
    before, after = ({rule.id: plain(rule) for rule in given.rules} for given in (default_rules(), rules))
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {"merchant-refunds", "short"}


def plain(rule: Rule) -> Rule:
    """Return a rule without its words, which others may improve."""
    return replace(rule, zh="", en="")


@pytest.mark.parametrize("rule", ["merchant-refunds", "short"])
def test_either_half_of_the_repair_is_needed(rule: str) -> None:
    """The negative control: with one of the two rules as it was, what it breaks is found again."""
    mended, broken = repaired_texts(), default_texts()
    text = dict(mended)["common.toml"].replace(block(mended["common.toml"], rule), block(broken["common.toml"], rule))
    found = check(rules=parse_rules(texts={**mended, "common.toml": text})).findings
    assert [finding.rule for finding in found] == [rule]


def block(text: str, rule: str) -> str:
    start = text.rindex("[[rule]]", 0, text.index(f'\nid = "{rule}"\n'))
    end = text.find("\n[[", start)
    return text[start:] if end < 0 else text[start:end]


def test_where_it_is_written_makes_no_difference() -> None:
    """The same rules in one file, or read in another order, give the same report."""
    texts = default_texts()
    backwards = parse_rules(texts=dict(reversed(list(texts.items()))))
    in_one = parse_rules(texts={"all.toml": "\n".join(sorted(texts.values(), key=lambda text: "complaint_cap_minutes" not in text))})
    for rules in (backwards, in_one, default_rules()):
        assert findings_of(check(rules=rules)) == findings_of(DEFAULT)


def findings_of(report: Report) -> str:
    return json.dumps({**report.to_json(), "version": ""}, sort_keys=True)


def test_a_report_is_data() -> None:
    told = json.loads(json.dumps(DEFAULT.to_json()))
    assert told["clean"] is False
    assert told["version"] == default_rules().version
    for entry in told["overlaps"]:
        assert decide(Facts.from_json(entry["facts"]), default_rules()).rule.partition(".")[0] == entry["first"]


def condition_holds(rules: RuleSet, rule: str, facts: Facts) -> bool:
    """Tell whether a rule would speak, were it the only one."""
    (text,) = [block(text, rule) for text in rules.texts.values() if f'\nid = "{rule}"\n' in text]
    alone = parse_rules(texts={"alone.toml": text + written(10**6, 'pattern = "refusal"', identifier="nobody")})
    return decide(facts, alone).rule.partition(".")[0] == rule


def test_overlapping_rules_both_speak() -> None:
    pairs = {(overlap.first, overlap.second): overlap for overlap in DEFAULT.overlaps}
    assert len(pairs) == len(DEFAULT.overlaps) > 100
    assert ("sealed", "sealed-late") in pairs
    assert ("sealed-late", "sealed") not in pairs
    assert ("queued", "sealed") not in pairs
    for overlap in DEFAULT.overlaps[::25]:
        assert condition_holds(default_rules(), overlap.second, overlap.facts)


def test_harmless_overlaps_are_told_from_others() -> None:
    same = {(overlap.first, overlap.second) for overlap in DEFAULT.overlaps if overlap.same}
    assert ("on-record", "not-disclosed") in same
    assert ("goods-bad", "mismatch") in same
    assert ("sealed", "sealed-late") not in same
    assert ("upstream-failed", "accepted-overdue") in same
    louder = changed("accepted-overdue", 'fault = "merchant"', 'fault = "undecided"')
    assert ("upstream-failed", "accepted-overdue") not in {(each.first, each.second) for each in check(rules=louder).overlaps if each.same}


def test_asking_for_other_evidence_is_no_harmless_difference() -> None:
    outcome = 'when = { goods = ["card_key"], use_check = ["used_after_reveal"] }\npattern = "platform"\nrefund = "negotiable"'
    for evidence, same in (("", False), ('\nevidence = ["ISSUER_STATEMENT"]', True)):
        overlaps = check(rules=added(325, outcome + evidence)).overlaps
        assert [overlap.same for overlap in overlaps if (overlap.first, overlap.second) == ("key-taken", "planted")] == [same]


def test_what_takes_the_place_of_a_rule_is_named() -> None:
    outcome = 'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "hold"'
    rules = added(165, 'when = { stage = ["sealed"], ago = "<= 1440" }\n' + outcome)
    (entry,) = check(rules=rules).unreachable
    assert (entry.rule, entry.part, entry.number) == ("planted", "rule", 1)
    assert entry.taken_by == ("chargeback", "merchant-recalls", "merchant-may-not-recall", "sealed-bad", "sealed-illicit", "sealed")
    assert entry.facts is not None
    assert decide(entry.facts, rules).rule in entry.taken_by
    assert condition_holds(rules, "planted", entry.facts)


def test_an_entry_of_an_outcome_that_never_counts_is_listed_and_breaks_nothing() -> None:
    rules = changed("late", 'fault = "merchant"', 'fault = [{ when = { overdue = false }, is = "none" }, { is = "merchant" }]')
    report = check(rules=rules)
    assert report.clean
    assert [(entry.rule, entry.part, entry.number) for entry in report.unreachable] == [("late", "fault", 1)]


def test_without_any_one_rule_something_else_is_found_or_nothing_hidden() -> None:
    """Whatever is taken away, every finding is confirmed by `decide`."""
    for rule in ("unpaid", "chargeback", "upstream-wait", "sealed-bad", "disclosed", "on-record"):
        rules = without(rule)
        for finding in check(rules=rules).findings:
            assert finding.facts is not None
            assert confirms(finding.to_json(), rules)


def tangled() -> RuleSet:
    """Return rules that cut across each other in as many ways as can be: each speaks of six facts at random, none of goods or stage."""
    random, texts = Random(1), []
    spoken_of = sorted(FEATURES.keys() - TRUTHS - {"goods", "stage"})
    for number in range(60):
        parts = [f"{name} = {json.dumps(random.sample(FEATURES[name], 2))}" for name in random.sample(spoken_of, 6)]
        texts.append(written(number, f'when = {{ {", ".join(parts)} }}\npattern = "refusal"', identifier=f"r{number}"))
    return parse_rules(texts={"tangled.toml": "".join(texts)})


def test_rules_that_cannot_be_looked_at_are_refused() -> None:
    with pytest.raises(TooTangled) as refused:
        check(rules=tangled())
    assert "tangled.toml" in str(refused.value)


def test_every_kind_of_breach_has_a_sentence_in_both_languages() -> None:
    assert {number for number, _, _ in SENTENCES.values()} == set(PROPERTIES) == set(range(1, 12))
    for _, zh, en in SENTENCES.values():
        assert zh.endswith("。")
        assert en.endswith(".")
