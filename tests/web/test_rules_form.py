"""A rule in a form: saving what was not touched changes nothing, and what cannot be is said at its field."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from tests.domain.generated_rules import rules

from anka.domain.policy import vocabulary
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import default_rules
from anka.web.platform.rules_form import Entered, controls, read_rule, typed_of
from anka.web.platform.rules_words import FACTS, OPTIONS

pytestmark = pytest.mark.no_database
RULES = {rule.id: rule for rule in default_rules().rules}


def form_of(rule: Rule, **changed: str | list[str]) -> QueryDict:
    form = QueryDict(mutable=True)
    for name, values in typed_of(rule).lists():
        form.setlist(name, values)
    for name, value in changed.items():
        form.setlist(name.replace("__", "-"), value if isinstance(value, list) else [value])
    return form


def read(rule: Rule, **changed: str | list[str]) -> Entered:
    return read_rule(form=form_of(rule, **changed), before=rule, file=rule.file)


@pytest.mark.parametrize("name", RULES)
def test_an_untouched_form_leaves_the_rule_as_it_is(name: str) -> None:
    assert read(RULES[name]) == Entered(rule=RULES[name], errors={})


@settings(max_examples=60, deadline=None)
@given(rules())
def test_an_untouched_form_leaves_any_rule_as_it_is(rule: Rule) -> None:
    entered = read(rule)
    assert entered.errors == {}
    assert entered.rule is not None
    assert meaning(entered.rule) == meaning(rule)


def meaning(rule: Rule) -> dict[str, Any]:
    """A rule as far as its form shows it: a value said twice is said once, and the spaces around a sentence are no part of it."""
    shown = {name: getattr(rule, name) for name in ("position", "id", "pattern", "route", "refund", "clock", "silence", "goods", "fault")}
    shown["when"] = [({name: set(values) for name, values in one.values}, set(one.bounds)) for one in rule.when]
    return shown | {"evidence": set(rule.evidence), "zh": rule.zh.strip(), "en": rule.en.strip()}


def test_a_value_by_case_stays_as_written_until_one_is_chosen() -> None:
    rule = RULES["merchant-cancels"]
    assert len(rule.goods) == 3
    kept, changed = read(rule, refund="negotiable").rule, read(rule, goods="hold").rule
    assert kept is not None
    assert (kept.goods, kept.refund) == (rule.goods, "negotiable")
    assert changed is not None
    assert [value for _when, value in changed.goods] == ["hold"]
    by_case = [choice for choice in controls(typed=typed_of(rule), before=rule, language="en")["choices"] if choice["rich"]]
    assert [choice["name"] for choice in by_case] == ["goods"]


def test_what_the_pattern_says_itself_is_not_asked_for() -> None:
    rule = read(RULES["sealed"], pattern="refusal").rule
    assert rule is not None
    assert (rule.pattern, rule.route, rule.refund, rule.fault) == ("refusal", None, None, ())


@pytest.mark.parametrize("typed", [">= 60, <= warranty", "≥60，≤ warranty", ">=60,<=warranty"])
def test_bounds_are_read_however_they_are_typed(typed: str) -> None:
    rule = read(RULES["sealed"], when__0__ago=typed).rule
    assert rule is not None
    assert [f"{bound.operator} {bound.limit}" for bound in rule.when[0].bounds] == [">= 60", "<= warranty"]


def test_an_emptied_alternative_goes_and_a_filled_one_comes() -> None:
    rule = RULES["sealed-bad"]
    gone = read(rule, when__0__stage=[], when__0__bad="").rule
    assert gone is not None
    assert gone.when == rule.when[1:]
    come = read(rule, when__7__goods=["rental", "account"]).rule
    assert come is not None
    assert come.when[:2] == rule.when
    assert dict(come.when[2].values) == {"goods": ("rental", "account")}


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("position", {"position": "first"}),
        ("position", {"position": ""}),
        ("position", {"position": "9999999"}),
        ("id", {"id": "No Name"}),
        ("pattern", {"pattern": "turn!"}),
        ("clock", {"clock": "soon"}),
        ("clock", {"clock": ""}),
        ("fault", {"fault": "nobody"}),
        ("goods", {"goods": ""}),
        ("silence", {"silence": "refuse"}),
        ("when", {"when__0__ago": "soon"}),
        ("when", {"when__0__stage": ["late"]}),
        ("when", {"when__0__bad": "perhaps"}),
        ("evidence", {"evidence": ["GOSSIP"]}),
        ("zh", {"zh": "  "}),
        ("en", {"en": "{nothing}"}),
        ("fee_percent", {"fee_percent": "101"}),
        ("keep_minor", {"keep_minor": "-1"}),
        ("compensation_minor", {"compensation_minor": "1.50"}),
    ],
)
def test_what_cannot_be_is_said_at_its_field(field: str, changed: dict[str, Any]) -> None:
    entered = read(RULES["sealed-late"], **changed)
    assert entered.rule is None
    assert list(entered.errors) == [field]
    assert entered.errors[field]


def test_every_fact_and_every_value_has_a_control() -> None:
    shown = controls(typed=typed_of(RULES["sealed-bad"]), before=RULES["sealed-bad"], language="zh")
    assert len(shown["alternatives"]) == 3
    first = shown["alternatives"][0]
    assert {fact["field"]: [box["value"] for box in fact["boxes"]] for fact in first["facts"]} == {
        f"when-0-{name}": list(values) for name, values in vocabulary.FEATURES.items()
    }
    assert [bound["field"] for bound in first["bounds"]] == [f"when-0-{name}" for name in vocabulary.NUMBERS]
    assert {*vocabulary.FEATURES, *vocabulary.NUMBERS} == FACTS.keys()
    assert all(told["zh"] and told["en"] for table in OPTIONS.values() for told in table.values())


def test_there_is_room_for_one_more_alternative_but_not_for_endless_ones() -> None:
    rule = RULES["sealed-bad"]
    full = form_of(rule, **{f"when__{index}__goods": ["rental"] for index in range(12)})
    assert len(controls(typed=full, before=rule, language="en")["alternatives"]) == 12
    beyond = read(rule, when__12__goods=["rental"], when__99__goods=["rental"])
    assert beyond.rule == rule
