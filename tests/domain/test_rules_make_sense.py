"""What makes no sense is refused at exactly the limit that is told, and what is just within it is not."""

from collections.abc import Sequence
from typing import Any

import pytest

from anka.domain.policy.grammar import Rule, RuleTableError, parse_rule
from anka.domain.policy.sense import REFUNDS_OF_ROUTE, SHARES, Place, require_sense, require_words
from anka.domain.policy.vocabulary import Bound, Condition, When

PLACE = Place(where="here")
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
TURN: dict[str, Any] = {key: value for key, value in FREE.items() if key != "route"} | {"pattern": "turn", "clock": 5, "silence": "refund"}
TERMS = "{window_days}, {warranty_days}"


def require(table: dict[str, Any]) -> None:
    require_sense(rule=read(table))


def read(table: dict[str, Any]) -> Rule:
    return parse_rule(file="a.toml", index=0, table=table)


def refused(table: dict[str, Any]) -> str:
    rule = read(table)
    with pytest.raises(RuleTableError) as told:
        require_sense(rule=rule)
    return str(told.value)


def bounded(subject: str, *bounds: str) -> When:
    return (Condition(bounds=tuple(Bound(subject, *bound.split()) for bound in bounds)),)


@pytest.mark.parametrize(
    ("subject", "bounds"),
    [
        ("ago", ["< 1"]),
        ("ago", ["<= 0"]),
        ("ago", ["= 0"]),
        ("ago", ["> 4", "< 6"]),
        ("ago", [">= 5", "<= 5"]),
        ("ago", ["= 5", "<= 5", ">= 5"]),
        ("ago", ["> 999999999"]),
        ("ago", ["<= 9", "<= 3"]),
        ("ago", ["< 3", "< 9"]),
        ("ago", [">= 5", "= 7"]),
        # A term is seven days or more, without end.
        ("ago", ["= 10080", ">= warranty"]),
        ("ago", ["> warranty", "<= 10081"]),
        ("ago", ["> refund_window", "<= warranty"]),
        ("ago", ["= warranty", "= refund_window"]),
        ("ago", [">= 99999999", "< warranty"]),
        ("upstream_minutes", ["> 101"]),
        ("progress", ["> 99"]),
        ("progress", [">= 100", "<= 100"]),
        ("progress", ["< 100"]),
        ("delivered_percent", ["= 100"]),
    ],
)
def test_bounds_some_number_can_meet(subject: str, bounds: Sequence[str]) -> None:
    PLACE.possible("when", bounded(subject, *bounds))


@pytest.mark.parametrize(
    ("subject", "bounds"),
    [
        ("ago", ["< 0"]),
        ("ago", ["> 4", "< 5"]),
        ("ago", [">= 5", "< 5"]),
        ("ago", ["> 5", "<= 5"]),
        ("ago", ["= 5", "= 6"]),
        ("ago", ["= 5", ">= 6"]),
        ("ago", ["<= 9", "<= 3", ">= 4"]),
        ("ago", ["<= 9", ">= 3", ">= 10"]),
        ("ago", ["= 10079", ">= warranty"]),
        ("ago", ["> warranty", "<= 10080"]),
        ("ago", ["= refund_window", "< 10080"]),
        ("progress", ["> 100"]),
        ("delivered_percent", ["> 50", "< 51"]),
    ],
)
def test_bounds_no_number_can_meet(subject: str, bounds: Sequence[str]) -> None:
    with pytest.raises(RuleTableError) as told:
        PLACE.possible("when", bounded(subject, *bounds))
    assert str(told.value) == f"here: when.{subject} is {' and '.join(bounds)!r}; allowed: bounds that some number can meet"


@pytest.mark.parametrize(
    ("subject", "bounds", "told"),
    [
        ("progress", ["<= 101"], "'<= 101'; allowed: a bound from 0 to 100"),
        ("progress", ["> 0", "<= 101"], "'> 0 and <= 101'; allowed: a bound from 0 to 100"),
        ("delivered_percent", ["= 101"], "'= 101'; allowed: a bound from 0 to 100"),
        ("progress", ["< warranty"], "'< warranty'; allowed: a bound of per cent, from 0 to 100"),
        ("delivered_percent", ["> refund_window"], "'> refund_window'; allowed: a bound of per cent, from 0 to 100"),
        ("ago", ["= 5", "= 5"], "a list with '= 5' twice; allowed: each once"),
    ],
)
def test_bounds_that_say_nothing_of_their_number(subject: str, bounds: Sequence[str], told: str) -> None:
    with pytest.raises(RuleTableError) as refused:
        PLACE.possible("when", bounded(subject, *bounds))
    assert str(refused.value) == f"here: when.{subject} is {told}"


def test_each_number_has_its_own_bounds() -> None:
    PLACE.possible("when", (Condition(bounds=(Bound("ago", ">", "200"), Bound("progress", "<", "50"))),))
    both = (Condition(), Condition(bounds=(Bound("ago", ">", "200"), Bound("progress", "<", "0"))))
    with pytest.raises(RuleTableError, match=r"when\.progress is '< 0'"):
        PLACE.possible("when", both)


def test_so_many_alternatives_and_no_more() -> None:
    several = tuple(condition for number in range(51) for condition in bounded("ago", f"= {number}"))
    PLACE.possible("when", several[:50])
    with pytest.raises(RuleTableError, match=r"^here: when is a list of 51; allowed: up to 50 alternatives$"):
        PLACE.possible("when", several)


def test_nothing_is_said_twice() -> None:
    PLACE.unrepeated("kinds", ["a", "b", 1, (2,)])
    for listed, told in ((["a", "b", "b"], "'b'"), (["a", "b", "a"], "'a'"), ([(1,), (1,)], "number 2"), ([(1,), (2,), (1,)], "number 3")):
        with pytest.raises(RuleTableError, match=f"^here: kinds is a list with {told} twice; allowed: each once$"):
            PLACE.unrepeated("kinds", listed)


@pytest.mark.parametrize(
    ("text", "places", "told"),
    [
        ("x" * 601, (), "is 601 characters long; allowed: up to 600 characters"),
        ("a\nb", (), "is text with the character U+000A; allowed: one line of characters that can be seen"),
        ("a\u200bb", (), "is text with the character U+200B; allowed: one line of characters that can be seen"),
        ("a\ue000b", (), "is text with the character U+E000; allowed: one line of characters that can be seen"),
        ("a\u2028b", (), "is text with the character U+2028; allowed: one line of characters that can be seen"),
        ("a\u2029b", (), "is text with the character U+2029; allowed: one line of characters that can be seen"),
        ("a\ud800b", (), "is text with the character U+D800; allowed: one line of characters that can be seen"),
        ("a\u0378b", (), "is text with the character U+0378; allowed: one line of characters that can be seen"),
        ("a<b", (), "is text with '<'; allowed: plain text, without marks of HTML"),
        ("a>b", (), "is text with '>'; allowed: plain text, without marks of HTML"),
        ("{hours}", ("window_days",), "is text with {hours}; allowed: {window_days} here"),
        (
            "{percent}",
            ("window_days", "warranty_days"),
            f"is text with {{percent}}; allowed: {TERMS} here; {{percent}} needs a refund of a share",
        ),
        ("{fee_percent}", ("hours",), "is text with {fee_percent}; allowed: {hours} here; {fee_percent} needs a fee_percent"),
        ("{{hours}}", ("hours",), "is text with '{}'; allowed: the placeholders {hours}"),
        ("{ hours }", ("hours",), "is text with '{ hours }'; allowed: the placeholders {hours}"),
        ("{hours}}", ("hours",), "is text with '}'; allowed: the placeholders {hours}"),
        ("{hours", ("hours",), "is text with '{hours'; allowed: the placeholders {hours}"),
    ],
)
def test_texts_nobody_can_be_told(text: str, places: tuple[str, ...], told: str) -> None:
    with pytest.raises(RuleTableError) as refused:
        PLACE.text("en", text, places)
    assert str(refused.value).startswith(f"here: en {told}")


def test_texts_people_can_be_told() -> None:
    PLACE.text("en", "x" * 600, ())
    PLACE.text("en", "安卡\xa0– X “{hours} h” & {window_days}", ("hours", "window_days"))


def test_what_each_route_can_carry_out() -> None:
    assert SHARES == ("full", "unused_share", "missing_share")
    assert REFUNDS_OF_ROUTE == {
        "close": ("none", "full"),
        "instant": ("none", "full", "unused_share", "missing_share"),
        "upstream": ("none", "full", "unused_share", "missing_share"),
        "platform": ("full", "unused_share", "missing_share", "negotiable"),
        "external": ("none",),
        "refuse": ("none",),
    }


@pytest.mark.parametrize("route", REFUNDS_OF_ROUTE)
@pytest.mark.parametrize("refund", ["none", "full", "unused_share", "missing_share", "negotiable"])
def test_a_route_carries_out_its_refunds_and_no_others(route: str, refund: str) -> None:
    table = {**FREE, "route": route, "refund": refund}
    if refund in REFUNDS_OF_ROUTE[route]:
        require(table)
    else:
        allowed = ", ".join(REFUNDS_OF_ROUTE[route])
        assert refused(table) == f"a.toml, rule 'one': refund is '{refund}'; allowed: {allowed} with the route {route}"


def test_silence_pays_only_what_is_known() -> None:
    require({**TURN, "refund": "negotiable", "silence": "escalate"})
    require({**TURN, "refund": "unused_share"})
    assert refused({**TURN, "refund": "negotiable"}).startswith(
        "a.toml, rule 'one': silence is 'refund'; allowed: escalate with a negotiable"
    )


@pytest.mark.parametrize("route", ["close", "instant", "upstream", "external", "refuse"])
def test_evidence_is_only_for_those_who_judge(route: str) -> None:
    refund = "none" if route in {"external", "refuse"} else "full"
    told = refused({**FREE, "route": route, "refund": refund, "evidence": ["OTHER"]})
    assert told.startswith("a.toml, rule 'one': evidence is a list of 1; allowed: only where somebody has to judge")


@pytest.mark.parametrize("table", [TURN, {**FREE, "route": "platform"}])
def test_who_judges_may_ask_for_evidence(table: dict[str, Any]) -> None:
    require({**table, "evidence": ["OTHER", "SCREENSHOT"]})
    assert (
        refused({**table, "evidence": ["OTHER", "OTHER"]})
        == "a.toml, rule 'one': evidence is a list with 'OTHER' twice; allowed: each once"
    )


@pytest.mark.parametrize("key", ["compensation_minor", "keep_minor", "fee_percent"])
def test_amounts_are_something_and_of_a_share(key: str) -> None:
    least = "1 to 99; without a fee no key" if key == "fee_percent" else "1 or more; without an amount no key"
    require({**FREE, key: 1})
    require({**FREE, key: 99})
    require({**TURN, "refund": "missing_share", key: 2})
    assert refused({**FREE, key: 0}) == f"a.toml, rule 'one': {key} is 0; allowed: {least}"
    for table in ({**FREE, "refund": "none"}, {**TURN, "refund": "negotiable", "silence": "escalate"}):
        assert (
            refused({**table, key: 5})
            == f"a.toml, rule 'one': {key} is 5; allowed: only with the refunds full, unused_share, missing_share"
        )
    if key == "fee_percent":
        assert refused({**FREE, key: 100}) == f"a.toml, rule 'one': {key} is 100; allowed: {least}"
    else:
        require({**FREE, key: 100})


BUYER = {"when": {"asker": ["buyer"]}}
TWICE = {"when": {"asker": ["buyer", "buyer"]}}


@pytest.mark.parametrize(("key", "value"), [("fault", "none"), ("goods", "keep"), ("clock", 5), ("replacement_first", True)])
def test_every_choice_is_looked_at(key: str, value: object) -> None:
    table = TURN if key == "clock" else FREE
    last = {"is": value}
    require({**table, key: [{**BUYER, **last}, last]})
    assert (
        refused({**table, key: [last, {**BUYER, **last}, last]})
        == f"a.toml, rule 'one': {key} is a list whose entry 1 always counts; allowed: only its last entry without when"
    )
    assert refused({**table, key: [{**BUYER, **last}, last, last]}).startswith(f"a.toml, rule 'one': {key} is a list whose entry 2 always")
    twice = f"a.toml, rule 'one': {key}.when.asker is a list with 'buyer' twice; allowed: each once"
    assert refused({**table, key: [{**TWICE, **last}, last]}) == twice


def test_the_condition_of_the_rule_is_looked_at() -> None:
    assert refused({**FREE, **TWICE}) == "a.toml, rule 'one': when.asker is a list with 'buyer' twice; allowed: each once"


def test_a_clock_runs_for_a_minute_at_least() -> None:
    require({**TURN, "clock": 1})
    assert refused({**TURN, "clock": 0}) == "a.toml, rule 'one': clock is 0; allowed: a whole number from 1 to 43200"
    assert (
        refused({**TURN, "clock": [{**BUYER, "is": 0}, {"is": 1}]})
        == "a.toml, rule 'one': clock is 0; allowed: a whole number from 1 to 43200"
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_rules_own_sentences_have_the_places_it_can_fill(language: str) -> None:
    require({**FREE, language: "{percent} {window_days} {warranty_days}"})
    require({**FREE, "fee_percent": 5, language: "{fee_percent} {percent}"})
    where = f"a.toml, rule 'one': {language} is text with"
    assert refused({**FREE, language: "{hours}"}) == f"{where} {{hours}}; allowed: {{percent}}, {TERMS} here"
    assert refused({**FREE, "refund": "none", language: "{percent}"}).startswith(f"{where} {{percent}}; allowed: {TERMS} here")
    assert refused({**FREE, language: "{fee_percent}"}).startswith(
        f"{where} {{fee_percent}}; allowed: {{percent}}, {TERMS} here; {{fee_percent}} needs"
    )
    assert (
        refused({**FREE, "fee_percent": 5, language: "{hours}"})
        == f"{where} {{hours}}; allowed: {{percent}}, {{fee_percent}}, {TERMS} here"
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_hours_are_told_only_while_the_merchant_has_to_answer(language: str) -> None:
    told = {"zh": "z", "en": "e", language: "{hours} {window_days} {warranty_days}"}
    for key in ("turn_refund", "turn_escalate"):
        require_words(where="here", key=key, **told)
    for key in ("agreed", "refused", "silent_refund", "re_turn_"):
        with pytest.raises(RuleTableError) as refused:
            require_words(where="here", key=key, **told)
        assert str(refused.value) == f"here: {language} is text with {{hours}}; allowed: {TERMS} here"
