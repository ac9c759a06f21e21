"""Money that does not fit, among the faults: its flows with their crash points, its races with their guards, its mutants."""

from dataclasses import dataclass, replace
from typing import Any

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.flows.appoint_staff import appoint_staff
from anka.flows.match_unidentified import match_unidentified
from anka.flows.record_notice import record_doubtful_notice
from anka.flows.return_unidentified import return_unidentified
from anka.flows.take_payment import PaidNotice, Taken, take_payment
from anka.flows.take_unidentified import take_unidentified
from anka.payments.unidentified import unidentified_of_order
from tests import builders
from tests.builders import Order, at
from tests.faults.crash import Flow
from tests.faults.flows import PRICE, Ground, begun, events
from tests.faults.interleave import Act, Outcome
from tests.faults.mutants import Mutant
from tests.faults.races import Race, refunds

SHORT = PRICE - 1


def finance() -> Actor:
    """Somebody of the finance staff."""
    person = builders.a_person()
    appoint_staff(actor=builders.OPERATOR, person_id=person, role="finance")
    return Actor(kind=ActorKind.PLATFORM, person_id=person)


def nobodys(amount_minor: int = PRICE) -> PaidNotice:
    """Money under a number that nobody began."""
    serial = builders.serial()
    return PaidNotice(
        channel="sandbox",
        payment_number=f"NOBODYS-{serial}",
        transaction_number=f"NB{serial:010d}",
        amount_minor=amount_minor,
        currency="CNY",
    )


def number_of(seen: PaidNotice) -> str:
    """The number under which money lies in the queue."""
    asked = "SELECT number FROM payments_unidentified WHERE channel = %s AND transaction_number = %s"
    return str(database.value(asked, (seen.channel, seen.transaction_number)))


def status_of(seen: PaidNotice) -> str:
    """How often and as what money lies in the queue."""
    asked = "SELECT count(*) || ' ' || min(status) FROM payments_unidentified WHERE channel = %s AND transaction_number = %s"
    return str(database.value(asked, (seen.channel, seen.transaction_number)))


def short(ground: Ground) -> PaidNotice:
    """The ground's payment, as a channel says that it captured too little of it."""
    return replace_amount(ground.notice)


def replace_amount(paid: PaidNotice) -> PaidNotice:
    """The same with one cent less."""
    return PaidNotice(
        channel=paid.channel,
        payment_number=paid.payment_number,
        transaction_number=paid.transaction_number,
        amount_minor=SHORT,
        currency=paid.currency,
    )


def sent_back_once(ground: Ground) -> None:
    order = ground.order
    assert order.state.paid_at is None
    assert (refunds(order), order.shop.balance("refund_payable:sandbox")) == (1, SHORT)
    assert [odd.status for odd in unidentified_of_order(shop_id=order.shop.id, order_id=order.state.id)] == ["returning"]
    assert events(order, "odd_payment_refunded") == 1


@dataclass(frozen=True)
class Kept:
    """Money of nobody's, an order it could be for, and who decides."""

    seen: PaidNotice
    order: Order
    actor: Actor


def kept(*, is_taken: bool = True) -> Kept:
    """Such money on the ground, in the queue already or not."""
    found = Kept(seen=nobodys(), order=builders.a_placed_order(), actor=finance())
    if is_taken:
        take_unidentified(seen=found.seen, at=at(2))
    return found


def kept_once(ground: Kept) -> None:
    assert status_of(ground.seen) == "1 open"


def returning_once(ground: Kept) -> None:
    assert status_of(ground.seen) == "1 returning"


def matched_once(ground: Kept) -> None:
    assert status_of(ground.seen) == "1 matched"
    assert (ground.order.stages, ground.order.escrow) == (["queued"], PRICE)
    assert events(ground.order, "payment_matched") == 1


def match(ground: Kept) -> object:
    return match_unidentified(actor=ground.actor, number=number_of(ground.seen), order_number=ground.order.number, at=at(3))


def send_back(ground: Kept) -> object:
    return return_unidentified(actor=ground.actor, number=number_of(ground.seen), at=at(3))


ODD_FLOWS: list[Flow[Any]] = [
    Flow("too little goes back", begun, lambda g: take_unidentified(seen=short(g), at=at(2)), sent_back_once),
    Flow("nobody's money is kept", lambda: kept(is_taken=False), lambda g: take_unidentified(seen=g.seen, at=at(2)), kept_once),
    Flow("nobody's money is returned", kept, send_back, returning_once),
    Flow("nobody's money pays", kept, match, matched_once),
]


def right_and_short(order: Order) -> tuple[Act, Act]:
    paid = builders.a_payment(order)
    return lambda: take_payment(paid=paid, at=at(2)), lambda: take_unidentified(seen=replace_amount(paid), at=at(2))


def taken_as_one_thing(order: Order, outcome: Outcome) -> None:
    """The channel said two things about one transaction: it is one of them, and the other is refused."""
    assert outcome.winners == 1, outcome
    assert (order.escrow, refunds(order)) == ((PRICE, 0) if outcome.first.won else (0, 1))


def short_twice(order: Order) -> tuple[Act, Act]:
    seen = replace_amount(builders.a_payment(order))
    return lambda: take_unidentified(seen=seen, at=at(2)), lambda: take_unidentified(seen=seen, at=at(2))


def sent_back_for_one(order: Order, outcome: Outcome) -> None:
    answers = [result.answer.outcome for result in (outcome.first, outcome.second) if isinstance(result.answer, Taken)]
    assert sorted(answers) == ["repeated", "too_little"], outcome
    assert (refunds(order), order.shop.balance("refund_payable:sandbox")) == (1, SHORT)


def match_and_return(order: Order) -> tuple[Act, Act]:
    ground = replace(kept(), order=order)
    return lambda: match(ground), lambda: send_back(ground)


def paid_or_returned(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert order.escrow == (PRICE if outcome.first.won else 0)


def match_to_two(order: Order) -> tuple[Act, Act]:
    ground = replace(kept(), order=order)
    other = replace(ground, order=builders.a_placed_order(), actor=finance())
    return lambda: match(ground), lambda: match(other)


_DECIDED = ("unidentified lock", "decided once", "unidentified moves")
_ONCE = ("order lock", "transaction held", "transaction once", "unidentified once", "posting once")
ODD_RACES = [
    Race("right sum ‖ too little", builders.a_placed_order, right_and_short, taken_as_one_thing, _ONCE),
    Race("too little, twice", builders.a_placed_order, short_twice, sent_back_for_one, _ONCE),
    Race("match ‖ return", builders.a_placed_order, match_and_return, paid_or_returned, _DECIDED),
    Race("match to two orders", builders.a_placed_order, match_to_two, paid_or_returned, (*_DECIDED, "posting once")),
]


def with_nobodys_money() -> Order:
    """An order, and money beside it that nobody expected."""
    return kept().order


def with_a_doubtful_notice() -> Order:
    """An order, and a message about money that does not fit."""
    record_doubtful_notice(channel="sandbox", digest="00" * 32, reason="payment_unknown", about=("NOBODYS-X", ""), at=at(2))
    return builders.a_placed_order()


ODD_MUTANTS = [
    Mutant("I6", "the queue forgets some of its money", with_nobodys_money, ("UPDATE payments_unidentified SET amount_minor = 1",)),
    Mutant("I13", "nobody asks the channel", with_a_doubtful_notice, ("DELETE FROM core_outbox WHERE topic = 'question'",)),
    Mutant("I13", "the channel was never asked", with_a_doubtful_notice, ("DELETE FROM payments_question",)),
    Mutant(
        "I17",
        "a transaction was taken for nothing",
        builders.a_placed_order,
        (
            (
                "INSERT INTO payments_transaction (channel, transaction_number, shop_id, unidentified_id, taken_at)"
                " VALUES ('sandbox', 'LOST', 0, 999999, now())"
            ),
        ),
    ),
]
