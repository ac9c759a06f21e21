"""Wallet money set aside survives a death at every statement, and everybody who wants it at the same time."""

from typing import Any

import pytest

from tests.databases import Database
from tests.faults.crash import Flow, crash_points
from tests.faults.holds import HOLD_FLOWS, HOLD_RACES, Race
from tests.faults.interleave import HOOKS


@pytest.mark.parametrize("flow", HOLD_FLOWS, ids=str)
def test_exactly_once_whatever_the_moment_of_death(flow: Flow[Any]) -> None:
    assert crash_points(flow) >= 4


@pytest.mark.parametrize("turned", [0, 1], ids=["as named", "turned"])
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("race", HOLD_RACES, ids=str)
def test_race(database: Database, race: Race, hook: str, turned: int) -> None:
    race.run(place=database, hook=hook, turned=turned)


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("race", HOLD_RACES, ids=str)
def test_without_its_guards_the_race_is_lost(fresh_database: Database, race: Race) -> None:
    assert race.lost_without_guards(place=fresh_database)
