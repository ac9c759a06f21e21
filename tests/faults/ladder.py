"""Refunds that their channel cannot complete, among the faults: flows with their crash points, races with their guards, mutants."""

from dataclasses import dataclass
from typing import Any

from anka.core.actors import Actor
from anka.domain.refund_states import AttemptState
from anka.flows.choose_wallet import choose_wallet
from anka.flows.confirm_outcome import confirm_outcome
from anka.flows.decide_proof import approve_proof
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.stuck_refund import retry_refund, take_stuck_refund
from anka.flows.submit_attempt import Asking, submit_attempt
from anka.flows.transfer_by_hand import Transfer, begin_transfer, transfer_by_hand
from anka.payments.queries import refunds_of_order
from tests import builders
from tests.builders import Order, at
from tests.faults.crash import Flow
from tests.faults.flows import PRICE, attempts, events
from tests.faults.interleave import Act, Outcome
from tests.faults.mutants import Mutant
from tests.faults.odd import finance
from tests.faults.racing import Race

S = AttemptState
TRANSFER = Transfer(payee="Zhang San", bank="1", reference="B-1", amount_minor=PRICE)


@dataclass(frozen=True)
class Ground:
    """An order whose refund needs somebody, and two of the finance staff."""

    order: Order
    first: Actor
    second: Actor

    @property
    def refund(self) -> str:
        """The number of its refund."""
        (found,) = refunds_of_order(shop_id=self.order.shop.id, order_id=self.order.state.id)
        return found.number

    @property
    def states(self) -> list[str]:
        """Channel and state of every attempt, oldest first."""
        (found,) = refunds_of_order(shop_id=self.order.shop.id, order_id=self.order.state.id)
        return [found.status, str(len(attempts(self.order)))]


def once(_channel: str) -> Asking:
    """A channel that can be asked once only."""
    return Asking.ONCE


def ground() -> Ground:
    """A refund on its way."""
    return Ground(builders.a_cancelled_order(), finance(), finance())


def stuck() -> Ground:
    """A refund that its channel refused for certain."""
    made = ground()
    (number,) = attempts(made.order)
    submit_attempt(number=number, at=at(6))
    hear(made, S.FAILED)
    return made


def unknown() -> Ground:
    """A refund that was sent once, and nobody knows what became of it."""
    made = ground()
    (number,) = attempts(made.order)
    for _ in range(2):
        submit_attempt(number=number, at=at(6), asking=once)
    return made


def in_hand() -> Ground:
    """A refund that somebody transfers by hand."""
    made = stuck()
    begin_transfer(actor=made.first, refund_number=made.refund, leg=1, at=at(8))
    return made


def proved() -> Ground:
    """A transfer that waits for the second person."""
    made = in_hand()
    enter(made)
    return made


def hear(made: Ground, said: AttemptState) -> object:
    """The channel says something about the first attempt."""
    number = attempts(made.order)[0]
    return record_refund_outcome(number=number, evidence=Evidence(status=said, source="answer", observed_at=at(7).now), at=at(7))


def choose(made: Ground) -> object:
    return choose_wallet(actor=made.order.buyer, refund_number=made.refund, leg=1, at=at(9))


def enter(made: Ground) -> object:
    return transfer_by_hand(actor=made.first, refund_number=made.refund, leg=1, transfer=TRANSFER, at=at(9))


def approve(made: Ground, *, actor: Actor | None = None) -> object:
    return approve_proof(actor=actor or made.second, refund_number=made.refund, leg=1, reference="B-1", at=at(10))


def take(made: Ground) -> None:
    take_stuck_refund(actor=made.first, refund_number=made.refund, leg=1, at=at(8))


def see(made: Ground) -> object:
    return confirm_outcome(actor=made.first, refund_number=made.refund, leg=1, says=S.FAILED, reference="C-1", at=at(9))


def chosen_once(made: Ground) -> None:
    assert made.states == ["processing", "2"]
    assert events(made.order, "refund_to_wallet") == 1


def in_hand_once(made: Ground) -> None:
    assert made.states == ["stuck", "2"]
    assert events(made.order, "refund_transfer_begun") == 1


def entered_once(made: Ground) -> None:
    assert events(made.order, "refund_transfer_entered") == 1


def transferred_once(made: Ground) -> None:
    assert made.states == ["succeeded", "2"]
    assert (made.order.shop.balance("bank:1"), made.order.shop.balance("refund_payable:sandbox")) == (-PRICE, 0)
    assert events(made.order, "refund_arrived") == 1


def seen_once(made: Ground) -> None:
    assert events(made.order, "refund_outcome_entered") == 1


def taken_once(made: Ground) -> None:
    assert events(made.order, "refund_taken_up") == 1


def with_a_person(made: Ground) -> None:
    """However often a channel that is asked once is turned to: it was asked once at most, and then a person."""
    assert made.states == ["stuck", "1"]
    assert (events(made.order, "refund_submitted"), events(made.order, "refund_stuck")) == (1, 1)


def submit_once(made: Ground) -> object:
    """A worker takes the attempt up and dies before it heard an answer; another one comes."""
    (number,) = attempts(made.order)
    submit_attempt(number=number, at=at(8), asking=once)
    return submit_attempt(number=number, at=at(9), asking=once)


LADDER_FLOWS: list[Flow[Any]] = [
    Flow("the buyer chooses the wallet", stuck, choose, chosen_once),
    Flow(
        "a transfer is begun",
        stuck,
        lambda g: begin_transfer(actor=g.first, refund_number=g.refund, leg=1, at=at(8)),
        in_hand_once,
    ),
    Flow("a transfer is entered", in_hand, enter, entered_once),
    Flow("a transfer is approved", proved, approve, transferred_once),
    Flow("a console is read", unknown, see, seen_once),
    Flow(
        "a stuck refund is taken up", stuck, lambda g: take_stuck_refund(actor=g.first, refund_number=g.refund, leg=1, at=at(8)), taken_once
    ),
    Flow("what is asked once", ground, submit_once, with_a_person),
]


def choose_and_hear(made: Ground) -> tuple[Act, Act]:
    return lambda: choose(made), lambda: hear(made, S.SUCCEEDED)


def one_way(made: Ground, outcome: Outcome) -> None:
    """The channel's late success counts: another way is refused, or called off before anything has gone that way."""
    assert made.states == ["succeeded", "2" if outcome.first.won else "1"], outcome
    assert events(made.order, "refund_called_off") == outcome.first.won, outcome
    arrived_once(made)


def arrived_once(made: Ground) -> None:
    """The books have paid the refund once."""
    assert made.order.shop.balance("refund_payable:sandbox") == 0
    assert events(made.order, "refund_arrived") == 1


def chosen() -> Ground:
    """A refund that its buyer has asked into the wallet, and that nobody has put there yet."""
    made = stuck()
    choose(made)
    return made


def fill_and_hear(made: Ground) -> tuple[Act, Act]:
    wallet = attempts(made.order)[-1]

    def fill() -> None:
        if submit_attempt(number=wallet, at=at(10)) is not None:
            record_refund_outcome(number=wallet, evidence=Evidence(status=S.SUCCEEDED, source="answer", observed_at=at(10).now), at=at(10))

    return fill, lambda: hear(made, S.SUCCEEDED)


def wallet_or_channel(made: Ground, outcome: Outcome) -> None:
    """The wallet is filled or called off. Where it was filled, or about to be, somebody has to look; our books pay once."""
    assert made.states == ["succeeded", "2"], outcome
    arrived_once(made)
    filled = builders.wallet(made.order.buyer)
    assert filled in (0, PRICE), outcome
    assert events(made.order, "refund_called_off") == (not filled), outcome
    assert events(made.order, "refund_evidence_contradicts") == bool(filled), outcome


def transfer_and_hear(made: Ground) -> tuple[Act, Act]:
    return lambda: begin_transfer(actor=made.first, refund_number=made.refund, leg=1, at=at(8)), lambda: hear(made, S.SUCCEEDED)


def choose_and_retry(made: Ground) -> tuple[Act, Act]:
    return lambda: choose(made), lambda: retry_refund(actor=made.first, refund_number=made.refund, leg=1, at=at(8))


def one_of_two(made: Ground, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert made.states == ["processing", "2"]


def approve_twice(made: Ground) -> tuple[Act, Act]:
    third = finance()
    return lambda: approve(made), lambda: approve(made, actor=third)


def approved_once(made: Ground, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    transferred_once(made)


_WAYS = ("attempt lock", "one live attempt", "leg moves", "refund moves")
LADDER_RACES = [
    Race("wallet ‖ late success", stuck, choose_and_hear, one_way, _WAYS),
    Race("a wallet being filled ‖ late success", chosen, fill_and_hear, wallet_or_channel, (*_WAYS, "attempt moves")),
    Race("transfer by hand ‖ late success", stuck, transfer_and_hear, one_way, _WAYS),
    Race("wallet ‖ sent again", stuck, choose_and_retry, one_of_two, _WAYS),
    Race("two approve", proved, approve_twice, approved_once, ("attempt lock", "proof decided once")),
]


def transferred() -> Order:
    """An order whose refund was transferred by hand."""
    made = proved()
    approve(made)
    return made.order


LADDER_MUTANTS = [
    Mutant(
        "I13",
        "nobody looks after a stuck refund",
        lambda: stuck().order,
        ("DELETE FROM payments_stuck WHERE shop_id = %(shop)s",),
        "nobody is to look after it",
    ),
    Mutant(
        "I13",
        "nobody looks after an outcome that nobody knows",
        lambda: unknown().order,
        ("UPDATE payments_stuck SET ended_at = since, ended_as = 'looked_into' WHERE shop_id = %(shop)s",),
        "its attempt manual",
    ),
    Mutant(
        "I6",
        "one person alone sent money by hand",
        transferred,
        ("UPDATE payments_proof SET status = 'refused' WHERE shop_id = %(shop)s",),
        "no two people said so",
    ),
    Mutant(
        "I6",
        "a refund that came back counts as arrived",
        transferred,
        ("UPDATE ledger_journal SET idempotency_key = 'gone' WHERE shop_id = %(shop)s AND kind = 'refund_done_by_hand'",),
        "0 postings",
    ),
]
