"""Of two who meet on one order, the right one wins — and each of these tests notices when its guard is gone."""

from functools import partial
from typing import Any

import pytest

from anka.flows.take_payment import Taken, take_payment
from tests import builders
from tests.builders import at
from tests.databases import Database
from tests.faults.by_hand import BY_HAND_RACES
from tests.faults.case_races import CASE_RACES
from tests.faults.disputes import DISPUTE_RACES
from tests.faults.funds import FUNDS_RACES
from tests.faults.guards import take_away
from tests.faults.interleave import HOOKS, Result, together
from tests.faults.ladder import LADDER_RACES
from tests.faults.money_races import MONEY_RACES
from tests.faults.odd import ODD_RACES
from tests.faults.races import PRICE, RACES
from tests.faults.racing import Race as AnyRace
from tests.faults.top_ups import TOP_UP_RACES

ROUNDS = 5
ALL_RACES: list[AnyRace[Any]] = [
    *RACES,
    *ODD_RACES,
    *BY_HAND_RACES,
    *LADDER_RACES,
    *DISPUTE_RACES,
    *CASE_RACES,
    *FUNDS_RACES,
    *MONEY_RACES,
    *TOP_UP_RACES,
]


@pytest.mark.parametrize("turned", [0, 1], ids=["as named", "turned"])
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("race", ALL_RACES, ids=str)
def test_race(database: Database, race: AnyRace[Any], hook: str, turned: int) -> None:
    race.run(place=database, hook=hook, turned=turned)


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("race", ALL_RACES, ids=str)
def test_without_its_guards_the_race_is_lost(fresh_database: Database, race: AnyRace[Any]) -> None:
    """The negative control: with the guards gone, at least one interleaving breaks what must hold."""
    lost = race.lost_without_guards(place=fresh_database)
    assert lost, "nothing was lost without the guards, so this race proves nothing"


@pytest.mark.parametrize("guard", sorted({guard for race in ALL_RACES for guard in race.guards}))
def test_every_guard_can_be_taken_away(fresh_database: Database, guard: str) -> None:
    """A guard whose text has changed would otherwise leave its control red for the wrong reason."""
    take_away(fresh_database, guard)


def test_the_same_notice_eight_times_in_parallel(database: Database) -> None:
    for _ in range(ROUNDS):
        order = builders.a_placed_order()
        take = partial(take_payment, paid=builders.a_payment(order), at=at(2))
        results: list[Result] = together([take] * 8)
        answers = [result.answer.outcome for result in results if isinstance(result.answer, Taken)]
        assert sorted(answers) == ["repeated"] * 7 + ["taken"], results
        assert order.escrow == PRICE
