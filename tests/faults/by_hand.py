"""Payments taken by hand, among the faults: flows with their crash points, races with their guards."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.flows.take_by_hand import Statement, refuse_by_hand, take_by_hand
from anka.flows.take_payment import PaidNotice, Taken, take_payment
from anka.payments.by_hand import desk_payment
from tests import builders
from tests.builders import Order, at
from tests.faults.crash import Flow
from tests.faults.flows import PRICE, events
from tests.faults.interleave import Act, Outcome
from tests.faults.odd import finance
from tests.faults.races import MOVES, Race, refunds

MUCH = 5
"""So many pieces cost more than one person may decide about."""


@dataclass(frozen=True)
class Ground:
    """An order whose payment was begun, the notice that was lost, and two of the finance staff."""

    order: Order
    paid: PaidNotice
    first: Actor
    second: Actor

    @property
    def said(self) -> Statement:
        """What the notice would have said, as a person enters it."""
        return statement(self.paid)

    @property
    def status(self) -> str:
        """What became of what was said last."""
        found = desk_payment(number=self.paid.payment_number)
        return found.said.status if found and found.said else ""


def statement(paid: PaidNotice) -> Statement:
    """What a person enters who has seen this payment."""
    return Statement(
        payment_number=paid.payment_number,
        transaction_number=paid.transaction_number,
        amount_minor=paid.amount_minor,
        proof="Statement of account, line 7",
    )


def ground(*, quantity: int = 1) -> Ground:
    """An order waiting for money, whose notice was lost."""
    order = builders.a_placed_order(quantity=quantity)
    return Ground(order, builders.a_payment(order), finance(), finance())


def entered() -> Ground:
    """The same, much of it, entered by the first person."""
    made = ground(quantity=MUCH)
    assert take_by_hand(actor=made.first, said=made.said, at=at(3)) == "proposed"
    return made


def taken_once(made: Ground) -> None:
    assert made.status == "taken"
    assert set(made.order.stages) == {"queued"}
    assert made.order.escrow == made.paid.amount_minor
    assert events(made.order, "payment_taken_by_hand") == 1


def entered_once(made: Ground) -> None:
    assert (made.status, made.order.escrow) == ("open", 0)
    assert events(made.order, "payment_by_hand_entered") == 1


def refused_once(made: Ground) -> None:
    assert (made.status, made.order.escrow) == ("refused", 0)
    assert events(made.order, "payment_by_hand_refused") == 1


def take(made: Ground, actor: Actor, when: Moment) -> str:
    """Enter it, or agree with what was entered."""
    return take_by_hand(actor=actor, said=made.said, at=when)


def refuse(made: Ground) -> None:
    """Refuse what was entered."""
    wanted = made.paid
    refuse_by_hand(actor=made.second, payment_number=wanted.payment_number, transaction_number=wanted.transaction_number, at=at(4))


BY_HAND_FLOWS: list[Flow[Any]] = [
    Flow("take by hand", ground, lambda g: take(g, g.first, at(3)), taken_once),
    Flow("enter by hand", partial(ground, quantity=MUCH), lambda g: take(g, g.first, at(3)), entered_once),
    Flow("approve by hand", entered, lambda g: take(g, g.second, at(4)), taken_once),
    Flow("refuse by hand", entered, refuse, refused_once),
]


def by_hand_and_notice(order: Order) -> tuple[Act, Act]:
    paid = builders.a_payment(order)
    return partial(take_by_hand, actor=finance(), said=statement(paid), at=at(2)), lambda: take_payment(paid=paid, at=at(2))


def one_of_them_took_it(order: Order, outcome: Outcome) -> None:
    """The same money by two ways: it pays once, and whoever comes second is told so."""
    answers = [result.answer.outcome if isinstance(result.answer, Taken) else result.answer for result in (outcome.first, outcome.second)]
    assert sorted(str(answer) for answer in answers) == ["repeated", "taken"], outcome
    assert (order.stages, order.escrow, refunds(order)) == (["queued"], PRICE, 0)


BY_HAND_RACES: list[Race] = [
    Race(
        "by hand ‖ notice",
        builders.a_placed_order,
        by_hand_and_notice,
        one_of_them_took_it,
        (*MOVES, "payment taken once", "transaction once", "one clock"),
    ),
]
