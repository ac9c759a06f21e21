"""The order and case life: random walks of the real market beside the model of it, and proof that the walks would notice."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import Database
from tests.faults.guards import edited
from tests.faults.model.compared import Disagreement
from tests.faults.model.life import Life
from tests.faults.model.machine import LifeMachine, Wish
from tests.faults.model.things import Case, Unit

NIGHTLY = os.environ.get("ANKA_NIGHTLY") == "1"
# By day the same walks every time; by night others. A walk that fails prints the steps that lead there.
WALKS = settings(
    max_examples=1500 if NIGHTLY else 80,
    stateful_step_count=50 if NIGHTLY else 25,
    derandomize=not NIGHTLY,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
# An audit looks through all the books there are, so one after every step is for fewer walks.
CLOSELY = settings(WALKS, max_examples=100 if NIGHTLY else 2)
# The shortest way to a failure is of no interest to a control.
CONTROLS = settings(WALKS, max_examples=100, phases=(Phase.generate,), derandomize=True)


class WatchedClosely(LifeMachine):
    """Audited after every step, not only at its end."""

    audits_every_step = True


@pytest.mark.parametrize(("walk", "how"), [(LifeMachine, WALKS), (WatchedClosely, CLOSELY)])
def test_orders_and_cases_live_by_the_book(walk: type[LifeMachine], how: settings) -> None:
    run_state_machine_as_test(walk, settings=how)


class NoCommission(Life):
    """A model that forgets the platform's commission."""

    def fee(self, amount: int) -> int:
        """Nothing."""
        return 0


class EverythingMayBeSettled(Life):
    """A model in which the parties may settle what is the platform's to decide."""

    def agree(self, case: Case) -> None:
        """Whatever the rules say."""
        self.require(case, "merchant_turn", "buyer_turn", "refused", "evidence", "review")
        self.end_offer(case, "superseded")
        self.carry_out(case, case.ask or sum(case.lefts))


class ClocksRunOn(Life):
    """A model in which an argument does not stop the clocks of its units."""

    def run_on(self, units: list[Unit]) -> None:
        """Nothing stood still."""


def beside(model: type[Life]) -> type[LifeMachine]:
    """The market beside another model."""
    return type("Beside", (LifeMachine,), {"model_of": model})


def quickly_settled(walk: LifeMachine) -> None:
    """Counterfeit goods: the platform's to decide; the merchant agrees all the same."""
    walk.open(stock=4, wallet=0, product=0, quantity=1, way="claimed", seed=9)
    walk.do(0, 0, "merchant", "agree", 0)


def withdrawn_later(walk: LifeMachine) -> None:
    """Argued about for a while, then withdrawn."""
    walk.open(stock=4, wallet=0, product=0, quantity=1, way="claimed", seed=1)
    walk.time_passes(16)
    walk.do(0, 0, "buyer", "withdraw", 0)


def replacement_declined(walk: LifeMachine) -> None:
    """A key is set aside for a replacement that the buyer does not want."""
    walk.open(stock=4, wallet=0, product=0, quantity=1, way="offered", seed=1)
    walk.do(0, 0, "buyer", "decline_offer", 0)


def recalled(walk: LifeMachine) -> None:
    """A sealed unit is sent back."""
    walk.open(stock=4, wallet=0, product=0, quantity=2, way="delivered", seed=0)
    walk.claim(0, Wish("buyer", "NO_LONGER_NEEDED", 0, None, False, "original"))


def confirmed(walk: LifeMachine) -> None:
    """Opened and confirmed."""
    walk.open(stock=4, wallet=0, product=0, quantity=1, way="opened", seed=0)
    walk.confirm(0)


WRONG_MODELS = [(NoCommission, confirmed), (EverythingMayBeSettled, quickly_settled), (ClocksRunOn, withdrawn_later)]
BROKEN = {
    "frozen money stays frozen": (edited("lead_case", "SET frozen_minor = 0", "SET frozen_minor = unit.frozen_minor"), withdrawn_later),
    "clocks forget that they stood still": (
        edited("resume_clocks", "due_at + greatest(in_at - paused_at, interval '0')", "due_at"),
        withdrawn_later,
    ),
    "keys on offer never come back": (edited("free_keys", "SET status = 'available'", "SET status = 'reserved'"), replacement_declined),
    "recalled keys stay sealed": (edited("move_keys", "SET status = in_status", "SET status = status"), recalled),
    "offers are not counted": (edited("step_case", "WHEN in_step ? 'offer' THEN 1", "WHEN in_step ? 'offer' THEN 0"), replacement_declined),
    "units forget their refunds": (edited("move_units", "refunded_minor + refunded", "refunded_minor"), recalled),
}
Going = Callable[[LifeMachine], None]


@pytest.mark.parametrize("going", [quickly_settled, withdrawn_later, replacement_declined, recalled, confirmed])
def test_the_ways_of_the_controls_are_in_order(going: Going) -> None:
    going(LifeMachine())


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(("model", "going"), WRONG_MODELS)
def test_a_wrong_model_is_noticed(fresh_database: Database, model: type[Life], going: Going) -> None:
    with pytest.raises(Disagreement):
        going(beside(model)())


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_market_is_noticed(fresh_database: Database, what: str) -> None:
    take_away, going = BROKEN[what]
    with fresh_database.as_owner() as owner:
        take_away(owner)
    with pytest.raises(Disagreement):
        going(LifeMachine())


@pytest.mark.breaks_invariants
def test_random_walks_notice_a_wrong_model_by_themselves(fresh_database: Database) -> None:
    with pytest.raises(Disagreement):
        run_state_machine_as_test(beside(NoCommission), settings=CONTROLS)
