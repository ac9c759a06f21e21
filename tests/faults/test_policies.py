"""Who changes rules at the same time as somebody else, or dies while changing them, changes them once or not at all."""

import pytest

from tests.databases import Database
from tests.faults.crash import Flow, crash_points
from tests.faults.interleave import HOOKS
from tests.faults.policy_flows import POLICY_FLOWS, Desk
from tests.faults.policy_races import RULES_RACES, WITH_NOTICE, RulesRace


@pytest.mark.parametrize("turned", [0, 1], ids=["as named", "turned"])
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("race", [*RULES_RACES, WITH_NOTICE], ids=str)
def test_race(clean_rules: Database, race: RulesRace, hook: str, turned: int) -> None:
    race.run(place=clean_rules, hook=hook, turned=turned)


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("race", RULES_RACES, ids=str)
def test_without_its_guards_the_race_is_lost(fresh_database: Database, race: RulesRace) -> None:
    """The negative control: with the guards gone, at least one interleaving breaks what must hold."""
    lost = race.lost_without_guards(place=fresh_database)
    assert lost, "nothing was lost without the guards, so this race proves nothing"


@pytest.mark.parametrize("flow", POLICY_FLOWS, ids=str)
def test_exactly_once_whatever_the_moment_of_death(clean_rules: Database, flow: Flow[Desk]) -> None:
    assert crash_points(flow) >= 4
