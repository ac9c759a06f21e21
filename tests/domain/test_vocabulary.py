"""The words rules are written in: what follows from the facts is what the second implementation says, and each value has its own bit."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from anka.domain.facts import VALUES, Facts
from anka.domain.policy import vocabulary as words
from tests.domain import oracle

SEALED: dict[str, Any] = {"goods": "card_key", "stage": "sealed", "reason": "OTHER", "delivered_minutes_ago": 1}


def situations() -> Iterator[dict[str, Any]]:
    """Yield every stage of every kind of goods with whatever decides what becomes of them."""
    several = product(("OTHER", "WRONG_GOODS_SENT", "FAKE_OR_ILLICIT"), VALUES["use_check"], VALUES["matches_order"], VALUES["login_seen"])
    for (goods, stages), (reason, use, matches, login) in product(oracle.STAGES.items(), several):
        for stage, voidable, ago in product(stages, (False, True), (1_440, 1_441)):
            yield {
                "goods": goods,
                "stage": stage,
                "reason": reason,
                "use_check": use,
                "matches_order": matches,
                "login_seen": login,
                "voidable": voidable,
                "delivered_minutes_ago": ago,
            }


def test_what_follows_from_the_facts_is_what_the_second_implementation_says() -> None:
    for given in situations():
        facts, case = Facts.from_json(given), oracle.Case(**given)
        assert words.is_bad(facts) is case.bad, given
        assert words.is_wrong(facts) is case.wrong, given
        assert words.is_consumed(facts) is case.consumed, given
        assert (words.spoiled(facts), words.unopened(facts), words.returned(facts)) == (case.spoiled, case.unopened, case.returned), given


@pytest.mark.parametrize("goods", VALUES["goods"])
@pytest.mark.parametrize("percent", [None, 0, 99, 100])
def test_short_are_keys_and_top_ups_known_to_be_worth_less(goods: str, percent: int | None) -> None:
    facts = Facts(goods=goods, stage="queued", reason="OTHER", delivered_percent=percent)
    assert words.is_short(facts) is (goods in {"card_key", "top_up"} and percent in {0, 99})


def test_an_account_that_is_not_delivered_is_not_consumed() -> None:
    assert not words.is_consumed(Facts(goods="account", stage="queued", reason="OTHER", login_seen="yes"))


def expected(given: dict[str, Any], stage: str) -> set[tuple[str, str]]:
    """Return what a situation is, from the second implementation."""
    case = oracle.Case(**given)
    truths = {"voidable": case.voidable, "overdue": case.overdue, "bad": case.bad, "wrong": case.wrong}
    truths |= {"short": case.short, "consumed": case.consumed}
    named = {name: getattr(case, name) for name in VALUES if name != "stage"}
    groups = {"change_of_mind": oracle.MIND, "delay": oracle.DELAY, "quality": oracle.QUALITY, "protected": oracle.PROTECTED}
    group = next((name for name, codes in groups.items() if case.reason in codes), "special")
    return {*named.items(), ("stage", stage), ("group", group), *((name, "true" if value else "false") for name, value in truths.items())}


@pytest.mark.parametrize(
    "key", ["goods", *(name for name in VALUES if name not in {"goods", "stage"}), "voidable", "promise_overdue", "short"]
)
def test_a_situation_has_one_bit_for_each_of_its_values(key: str) -> None:
    working = {"goods": "top_up", "stage": "working", "reason": "OTHER", "delivered_minutes_ago": 1}
    several: dict[str, list[dict[str, Any]]] = {
        "goods": [{**SEALED, "goods": goods, "stage": "queued"} for goods in VALUES["goods"]],
        "reason": [
            {**SEALED, "goods": goods, "stage": "queued", "reason": reason}
            for goods, reason in product(VALUES["goods"], VALUES["reason"])
            if oracle.reason_fits(goods, reason)
        ],
        "upstream": [{**working, "upstream": upstream} for upstream in VALUES["upstream"]],
        "short": [{**SEALED, "delivered_percent": percent} for percent in (None, 99, 100)],
    }
    values = VALUES.get(key, (False, True))
    for given in several.get(key, [{**SEALED, key: value} for value in values]):
        for stage in ("queued", "sealed"):
            wanted = expected(given, stage)
            found = {pair for pair, bit in words.BIT.items() if words.situation(Facts.from_json(given), stage) & bit}
            assert found == wanted, given


def test_every_value_has_a_bit_of_its_own_and_the_first_free_one_is_free() -> None:
    pairs = [(name, value) for name, values in words.FEATURES.items() for value in values]
    assert [*words.BIT] == pairs
    assert [*words.BIT.values()] == [1 << index for index in range(len(pairs))]
    assert len(pairs) == words.FIRST_FREE_BIT


def test_words_of_outcomes_are_those_of_the_language() -> None:
    assert words.ROUTES == ("close", "instant", "merchant", "upstream", "platform", "external", "refuse")
    assert words.REFUNDS == ("none", "full", "unused_share", "missing_share", "negotiable", "agreed")
    assert words.FAULTS == ("none", "buyer", "merchant", "platform", "undecided")
    assert words.GOODS_AFTER == ("release", "restock", "void", "rotate", "keep", "hold")
    assert words.GOODS_TERMS == ("spoiled", "unopened", "returned")
    assert (words.SILENCES, words.LIMITS) == (("refund", "escalate"), ("refund_window", "warranty"))
    assert words.PATTERNS == ("turn", "platform", "platform!", "refusal")
    assert words.PLACEHOLDERS == ("percent", "fee_percent", "hours", "window_days", "warranty_days")
    assert words.NUMBERS == ("ago", "upstream_minutes", "progress", "delivered_percent")
    assert {"voidable", "overdue", "bad", "wrong", "short", "consumed"} == words.TRUTHS


@pytest.mark.parametrize("operator", ["<=", ">=", "<", ">", "="])
@pytest.mark.parametrize("limit", ["0", "9", "10", "999999999", "refund_window", "warranty"])
def test_bounds_that_can_be_read(operator: str, limit: str) -> None:
    found = words.BOUND.fullmatch(f"{operator} {limit}")
    assert found
    assert found.groups() == (operator, limit)


@pytest.mark.parametrize("text", ["== 5", "!= 5", "<= 05", "<= 00", "<= 1000000000", "<=  5", "5", "<= -1", "<= ago", "<= ٥"])
def test_bounds_that_cannot(text: str) -> None:
    assert not words.BOUND.fullmatch(text)
