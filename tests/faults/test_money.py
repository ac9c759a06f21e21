"""The money of a shop against plain sums, over any sequence of what may happen to it; and the proof that a wrong sum would be noticed."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.faults.money.books import Leg, Order, Unit
from tests.faults.money.machine import MoneyMachine
from tests.faults.money.model import Model

NIGHTLY = os.environ.get("ANKA_NIGHTLY") == "1"


class Money(MoneyMachine):
    """The walks of this run."""


Money.TestCase.settings = settings(
    max_examples=600 if NIGHTLY else 20,
    stateful_step_count=60 if NIGHTLY else 25,
    deadline=None,
    derandomize=not NIGHTLY,
    # A walk that fails is printed as it was; making it shorter takes longer than reading it.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
TestMoney = Money.TestCase


class CommissionStays(Model):
    """The platform keeps its commission of what goes back."""

    def refund(self, order: Order, backs: list[tuple[Unit, int]], to: str) -> None:
        before = self.books.sums["commission"]
        super().refund(order, backs, to)
        self.books.sums["commission"] = max(before, self.books.sums["commission"])


class DebtForgotten(Model):
    """What the platform advances is nobody's debt."""

    def refund(self, order: Order, backs: list[tuple[Unit, int]], to: str) -> None:
        super().refund(order, backs, to)
        self.books.sums[f"recv:merchant:{self.books.shop}"] = 0


class BounceForgotten(Model):
    """What came back is not owed again."""

    def bounced(self, leg: Leg) -> None:
        leg.paying[1], leg.arrived, leg.stuck = "reversed", False, True


class LateSuccessCounts(Model):
    """What a number paid that was given up is booked as well."""

    def said_late(self, leg: Leg, place: int, says: str, *, again: bool = False) -> None:
        super().said_late(leg, place, says, again=again)
        self.books.move(leg.payable, f"psp:{leg.channel}:available", leg.amount)


class SecondPaymentKept(Model):
    """A second payment of the same order stays with it."""

    def paid_again(self, order: Order) -> None:
        self.books.move(f"psp:{order.doubled}:clearing", order.escrow, sum(unit.price for unit in order.units))
        order.doubled = ""


class PlatformCompensates(Model):
    """The platform pays what a shop at fault owes its buyer."""

    def end_case(self, order: Order, refund: int, **more: Any) -> None:
        super().end_case(order, refund, **(more | {"bearer": "platform"}))


class FreeWithdrawals(Model):
    """The bank pays all that was asked for."""

    def end_withdrawal(self, withdrawal: list[int | str], became: str) -> None:
        self.books.sums["withdraw_fee"] -= 100
        self.books.sums["bank:main"] += 100
        super().end_withdrawal(withdrawal, became)


WRONG = [CommissionStays, DebtForgotten, BounceForgotten, LateSuccessCounts, SecondPaymentKept, PlatformCompensates, FreeWithdrawals]


def walk(model: type[Model]) -> None:
    """One walk past everything that can go wrong with money, kept."""
    machine = type("Walk", (MoneyMachine,), {"model_type": model})()
    lives = [("alipay", 2, "settled"), ("sandbox", 1, "cancelled"), ("sandbox", 1, "argued"), ("epay", 1, "doubled")]
    machine.open(deposit=300, wallet=4_001, lives=lives)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("channel_cannot", {"number": 0, "says": "failed"}),
        ("to_the_wallet", {"number": 0}),
        ("channel_says_of_an_old_number", {"number": 0, "which": 0, "says": "succeeded"}),
        ("once_more", {"number": 0}),
        ("look_into", {"number": 0}),
        ("channel_says", {"number": 0, "says": "succeeded", "source": "answer"}),
        ("second_payment_comes_in", {"number": 3, "again": True}),
        ("channel_says", {"number": 0, "says": "succeeded", "source": "notice"}),
        ("money_bounces", {"number": 0}),
        ("by_hand", {"number": 0}),
        ("transfer", {"number": 0, "alone": True}),
        ("transfer", {"number": 0, "alone": False}),
        ("ask_withdrawal", {"amount": 7_602}),
        *[("step_withdrawal", {"number": 0, "step": step, "goes_on": False}) for step in ("paid", "approved", "paying", "paid")],
        ("complain", {"number": 0, "percent": 50}),
        ("rule_on_case", {"number": 2, "percent": 50, "compensation": 7, "penalty": 200, "fault": "merchant"}),
        ("end_case", {"number": 0, "how": "agree"}),
        ("return_unused", {"amount": 4_001}),
    ]
    for name, given in steps:
        getattr(machine, name)(**given)
        machine.the_ledger_has_what_the_sums_say()
    machine.teardown()


def test_a_walk_past_everything_agrees() -> None:
    walk(Model)


@pytest.mark.parametrize("model", WRONG)
def test_a_wrong_sum_is_noticed(model: type[Model]) -> None:
    """The controls: a model that is wrong in one thing parts from the ledger on that very walk."""
    with pytest.raises(AssertionError, match="sums"):
        walk(model)
