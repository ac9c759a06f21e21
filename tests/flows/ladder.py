"""Refunds that need somebody, and what the tests look at about them."""

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.domain.refund_states import AttemptState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.submit_attempt import Asking, submit_attempt
from anka.flows.transfer_by_hand import Transfer
from anka.payments.queries import refunds_of_order
from tests import builders
from tests.builders import Order, at, wallet

PRICE = 10_000
S = AttemptState


def finance() -> Actor:
    person = builders.a_person()
    appoint_staff(actor=builders.OPERATOR, person_id=person, role="finance")
    return Actor(kind=ActorKind.PLATFORM, person_id=person)


def numbers(order: Order) -> list[tuple[str, str, str]]:
    """Number, channel and status of every attempt, oldest first."""
    found = database.rows(
        "SELECT attempt.number, attempt.channel, attempt.status FROM payments_attempt AS attempt JOIN payments_refund AS refund "
        "ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id WHERE refund.shop_id = %s AND refund.order_id = %s "
        "ORDER BY attempt.id",
        (order.shop.id, order.state.id),
    )
    return [(number, channel, status) for number, channel, status in found]


def states(order: Order) -> list[str]:
    return [f"{channel} {status}" for _number, channel, status in numbers(order)]


def refund(order: Order) -> str:
    (found,) = refunds_of_order(shop_id=order.shop.id, order_id=order.state.id)
    return found.number


def status(order: Order) -> str:
    (found,) = refunds_of_order(shop_id=order.shop.id, order_id=order.state.id)
    assert found.status == found.legs[0].status
    return found.status


def owed(order: Order) -> int:
    return order.shop.balance("refund_payable:sandbox")


def queue(order: Order) -> list[tuple[str, int | None, str | None]]:
    found = database.rows("SELECT reason, owner, ended_as FROM payments_stuck WHERE shop_id = %s ORDER BY id", (order.shop.id,))
    return [(reason, owner, ended) for reason, owner, ended in found]


def told(order: Order, audience: str) -> list[str]:
    asked = "SELECT kind FROM messaging_notice WHERE shop_id = %s AND audience = %s AND kind LIKE 'refund%%' ORDER BY id"
    return [kind for (kind,) in database.rows(asked, (order.shop.id, audience))]


def say(order: Order, said: AttemptState, *, attempt: int = -1, minutes: float = 7, source: str = "answer") -> AttemptState:
    number = numbers(order)[attempt][0]
    evidence = Evidence(status=said, source=source, observed_at=at(minutes).now)
    return record_refund_outcome(number=number, evidence=evidence, at=at(minutes))


def stuck(said: AttemptState = S.FAILED) -> Order:
    """A cancelled order whose refund the channel refused, or could not complete."""
    order = builders.a_cancelled_order()
    submit_attempt(number=numbers(order)[0][0], at=at(6))
    say(order, said)
    assert status(order) == "stuck"
    return order


def unknown_for_good() -> Order:
    """A refund that was sent once through a channel nobody can ask, and nobody knows what became of it."""
    order = builders.a_cancelled_order()
    number = numbers(order)[0][0]
    submit_attempt(number=number, at=at(6), asking=lambda _channel: Asking.ONCE)
    assert submit_attempt(number=number, at=at(7), asking=lambda _channel: Asking.ONCE) is None
    return order


def arrived_in_wallet(order: Order) -> None:
    number = numbers(order)[-1][0]
    submit_attempt(number=number, at=at(9))
    say(order, S.SUCCEEDED, minutes=9)
    assert (status(order), owed(order), wallet(order.buyer)) == ("succeeded", 0, PRICE)
    assert order.moneys == ["refunded"]


def a_transfer(reference: str | None = None, amount_minor: int = PRICE) -> Transfer:
    return Transfer(payee="张三 6222…0011", bank="1", reference=reference or f"B{builders.serial()}", amount_minor=amount_minor)
