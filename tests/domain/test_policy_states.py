"""How far a draft of the rules is, and how long before they count new rules are announced."""

from datetime import UTC, datetime, timedelta

import pytest

from anka.domain import policy_states
from anka.domain.policy_states import (
    DRAFT_CHANGES,
    EDITABLE,
    FILE_NAME,
    DraftStatus,
    RunKind,
    needs_second_person,
    status_after_failure,
    status_after_pass,
    wrong_notice,
)
from tests.domain.written_again import pairs

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
A_LITTLE = timedelta(microseconds=1)
DRAFTS = """
draft: checked discarded
checked: draft backtested discarded
backtested: draft submitted published discarded
submitted: draft published discarded
"""


def test_drafts_change_as_written() -> None:
    assert policy_states.table() == pairs(DRAFTS)
    assert DRAFT_CHANGES.what == "draft"
    assert {before for before, _ in DRAFT_CHANGES.pairs} == EDITABLE


@pytest.mark.parametrize(
    ("ahead", "second", "wrong"),
    [
        (timedelta(minutes=10) - A_LITTLE, True, True),
        (timedelta(minutes=10), True, False),
        (timedelta(days=7) - A_LITTLE, True, False),
        (timedelta(days=7), False, False),
        (timedelta(days=366), False, False),
        (timedelta(days=366) + A_LITTLE, False, True),
        (-timedelta(days=1), True, True),
    ],
)
def test_notice_is_given_in_time(ahead: timedelta, second: bool, wrong: bool) -> None:
    assert needs_second_person(now=NOW, in_force_from=NOW + ahead) == second
    assert wrong_notice(now=NOW, in_force_from=NOW + ahead) == wrong


def test_a_check_comes_before_a_trial_and_neither_leads_back_from_further_on() -> None:
    passed = {kind: [str(status_after_pass(status=status, kind=kind)) for status in DraftStatus] for kind in RunKind}
    assert passed[RunKind.CHECK] == ["checked", "checked", "backtested", "submitted", "published", "discarded"]
    assert passed[RunKind.BACKTEST] == ["draft", "backtested", "backtested", "submitted", "published", "discarded"]


@pytest.mark.parametrize("status", list(DraftStatus))
def test_what_a_check_has_found_makes_it_a_draft_again(status: DraftStatus) -> None:
    assert status_after_failure(status=status, kind=RunKind.CHECK) == DraftStatus.DRAFT
    assert status_after_failure(status=status, kind=RunKind.BACKTEST) == status


@pytest.mark.parametrize(
    ("name", "fits"), [("a.toml", True), ("a-1_b.toml", True), (f"{'a' * 41}.toml", True), (f"{'a' * 42}.toml", False)]
)
def test_file_names_have_room(name: str, fits: bool) -> None:
    assert bool(FILE_NAME.fullmatch(name)) == fits


@pytest.mark.parametrize("name", ["A.toml", "1.toml", "é.toml", "a/b.toml", "..toml", ".toml", "a.tomlx", "a.toml\n"])
def test_but_not_for_any(name: str) -> None:
    assert not FILE_NAME.fullmatch(name)
