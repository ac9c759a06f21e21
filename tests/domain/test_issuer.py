"""From what an issuer says to facts: silence stays unknown, time decides whose use it was, and unknown never erases what was known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anka.domain.facts import Facts
from anka.domain.issuer import SILENCE, UNKNOWN, KeyFacts, KeyState, Opened, Redeemer, Said, facts_of, merged

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEALED = Opened(revealed_at=None, face_value="100", region="CN")
OPENED = replace(SEALED, revealed_at=NOON)
MINUTE = timedelta(minutes=1)

moments = st.none() | st.integers(-1440, 1440).map(lambda minutes: NOON + minutes * MINUTE)
texts = st.none() | st.sampled_from(["100", "100.00", "１００", "50", "CN", "cn ", "US", ""])
said = st.builds(
    Said,
    state=st.sampled_from(KeyState),
    used_at=moments,
    redeemer=st.sampled_from(Redeemer),
    voidable=st.none() | st.booleans(),
    voided_for_us=st.booleans(),
    value_percent=st.none() | st.integers(-5, 105),
    face_value=texts,
    region=texts,
)
opened = st.builds(Opened, revealed_at=moments, face_value=st.sampled_from(["100", "50"]), region=st.sampled_from(["CN", "US"]))
facts = st.builds(facts_of, said=said, opened=opened)


def use(state: KeyState, opened: Opened = OPENED, **more: object) -> str:
    return facts_of(said=Said(state=state, **more), opened=opened).use_check  # type: ignore[arg-type]


def test_time_decides_whose_use_it_was() -> None:
    assert use(KeyState.USED, used_at=NOON - MINUTE) == "used_before_reveal"
    assert use(KeyState.USED, used_at=NOON) == "used_after_reveal"
    assert use(KeyState.USED, used_at=NOON + MINUTE) == "used_after_reveal"


def test_a_use_of_what_was_never_opened_came_before() -> None:
    assert use(KeyState.USED, SEALED) == "used_before_reveal"
    assert use(KeyState.USED, SEALED, used_at=NOON + MINUTE) == "used_before_reveal"


def test_a_use_without_a_time_says_nothing_about_an_opened_unit() -> None:
    assert use(KeyState.USED) == "unknown"


def test_what_was_voided_for_us_was_unused_and_what_was_voided_otherwise_is_worthless() -> None:
    for_us = facts_of(said=Said(state=KeyState.VOIDED, voided_for_us=True), opened=OPENED)
    assert (for_us.use_check, for_us.voidable) == ("unused", True)
    assert use(KeyState.VOIDED) == "invalid"


@pytest.mark.parametrize(
    ("face_value", "region", "expected"),
    [
        (None, None, "unknown"),
        ("100", None, "unknown"),
        ("100.00", "cn", "yes"),
        ("１００", " CN", "yes"),
        ("50", None, "no"),
        ("50", "CN", "no"),
        ("100", "US", "no"),
        (None, "US", "no"),
    ],
)
def test_what_was_delivered_is_compared_with_what_was_promised(face_value: str | None, region: str | None, expected: str) -> None:
    assert facts_of(said=Said(face_value=face_value, region=region), opened=OPENED).matches_order == expected


@pytest.mark.parametrize(
    ("value", "promised", "same"),
    [
        ("100 CNY", "100cny", True),
        ("ＣＮ", "cn", True),
        ("1 0 0", "100.0", True),
        ("100 a", "100xa", False),
        ("", "", True),
        ("", "0", False),
    ],
)
def test_spaces_width_and_case_make_no_difference(value: str, promised: str, same: bool) -> None:
    word, order = Said(face_value=value, region="CN"), Opened(revealed_at=None, face_value=promised, region="CN")
    assert facts_of(said=word, opened=order).matches_order == ("yes" if same else "no")


@pytest.mark.parametrize(("value", "percent"), [(None, None), (-1, None), (0, 0), (1, 1), (100, 100), (101, None)])
def test_a_share_of_the_value_is_a_percentage_or_nothing(value: int | None, percent: int | None) -> None:
    assert facts_of(said=Said(value_percent=value), opened=OPENED).delivered_percent == percent


@pytest.mark.parametrize("state", [state for state in KeyState if state is not KeyState.USED])
def test_who_redeemed_a_key_is_said_of_a_used_one_only(state: KeyState) -> None:
    assert facts_of(said=Said(state=state, redeemer=Redeemer.OTHER), opened=OPENED).used_by == "unknown"
    assert facts_of(said=Said(state=KeyState.USED, redeemer=Redeemer.OTHER), opened=OPENED).used_by == "other"


@pytest.mark.parametrize("state", [state for state in KeyState if state is not KeyState.VOIDED])
def test_only_a_voided_key_was_voided_for_us(state: KeyState) -> None:
    assert facts_of(said=Said(state=state, voided_for_us=True, voidable=False), opened=OPENED).voidable is False
    assert facts_of(said=Said(state=KeyState.VOIDED, voided_for_us=True, voidable=False), opened=OPENED).voidable is True


def test_a_later_word_tells_who_used_a_key_that_is_known_to_be_used() -> None:
    used = KeyFacts(use_check="used_after_reveal")
    assert merged(known=used, newer=KeyFacts(used_by="other")) == replace(used, used_by="other")
    assert merged(known=replace(used, used_by="other"), newer=used) == used


def test_an_event_holds_only_what_is_known() -> None:
    assert dict(UNKNOWN.to_json()) == {}
    known = KeyFacts(use_check="unused", used_by="buyer", voidable=False, matches_order="no", delivered_percent=0)
    assert dict(known.to_json()) == {
        "use_check": "unused",
        "used_by": "buyer",
        "matches_order": "no",
        "voidable": False,
        "delivered_percent": 0,
    }


@given(opened)
def test_silence_is_unknown(how: Opened) -> None:
    assert facts_of(said=SILENCE, opened=how) == UNKNOWN


@given(said, opened)
def test_whatever_is_said_makes_facts_a_policy_can_judge(word: Said, how: Opened) -> None:
    found = facts_of(said=word, opened=how)
    Facts(
        goods="card_key",
        stage="revealed",
        reason="OTHER",
        delivered_minutes_ago=1,
        use_check=found.use_check,
        used_by=found.used_by,
        voidable=bool(found.voidable),
        matches_order=found.matches_order,
        delivered_percent=found.delivered_percent,
    )


@given(said, opened)
def test_every_part_an_answer_is_silent_about_stays_unknown(word: Said, how: Opened) -> None:
    assert facts_of(said=replace(word, state=KeyState.UNKNOWN), opened=how).use_check == "unknown"
    assert facts_of(said=replace(word, redeemer=Redeemer.UNKNOWN), opened=how).used_by == "unknown"
    assert facts_of(said=replace(word, value_percent=None), opened=how).delivered_percent is None
    assert facts_of(said=replace(word, face_value=None, region=None), opened=how).matches_order == "unknown"
    assert facts_of(said=replace(word, voidable=None, voided_for_us=False), opened=how).voidable is None


@given(said, opened)
def test_nobody_but_the_buyer_after_opening_can_have_used_it_then(word: Said, how: Opened) -> None:
    if facts_of(said=word, opened=how).use_check == "used_after_reveal":
        assert how.revealed_at is not None
        assert word.used_at is not None
        assert word.used_at >= how.revealed_at


@given(said, opened, st.sampled_from(["unknown", "unused", "used_before_reveal", "used_after_reveal", "invalid"]))
def test_a_fact_that_was_said_counts_as_it_stands(word: Said, how: Opened, fact: str) -> None:
    found = facts_of(said=replace(word, use_check=fact), opened=how)
    assert (found.use_check, found.used_by) == (fact, str(word.redeemer))


@given(facts, facts)
def test_unknown_never_erases_what_was_known(known: KeyFacts, newer: KeyFacts) -> None:
    now = merged(known=known, newer=newer)
    assert now.use_check == (newer.use_check if newer.is_conclusive else known.use_check)
    for name in ("matches_order", "delivered_percent", "voidable"):
        assert getattr(now, name) in (getattr(newer, name), getattr(known, name))
        assert (getattr(now, name) in ("unknown", None)) <= (getattr(known, name) in ("unknown", None))
    assert merged(known=now, newer=newer) == now


@given(facts)
def test_a_word_that_says_nothing_changes_nothing(known: KeyFacts) -> None:
    assert merged(known=known, newer=UNKNOWN) == known
    assert merged(known=UNKNOWN, newer=known) == known
