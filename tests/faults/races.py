"""The named races: two actors on one order, at every hook, and what must hold whoever comes first."""

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone, once
from anka.domain.refund_states import AttemptState
from anka.flows.begin_payment import begin_payment
from anka.flows.confirm_order import auto_confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.expire_unpaid import expire_order, expire_unpaid
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.place_order import OutOfStock, Purchase, place_order
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import Taken, take_payment
from anka.jobs.closing import give_back
from anka.payments.queries import refunds_of_order
from tests import builders
from tests.builders import Order, at
from tests.faults.flows import attempts, events
from tests.faults.interleave import Act, Outcome
from tests.faults.racing import Race as AnyRace

PRICE = 10000
LATE = at(20)
Race = AnyRace[Order]
"""Two actors on one order."""


def refunds(order: Order) -> int:
    return len(refunds_of_order(shop_id=order.shop.id, order_id=order.state.id))


def exactly_one_wins(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    secret_seen = outcome.first.won
    assert secret_seen == (order.stages == ["revealed"])
    assert secret_seen == (refunds(order) == 0)


def reveal_and_cancel(order: Order) -> tuple[Act, Act]:
    return order.reveal, order.cancel


def served_for_the_money(order: Order, outcome: Outcome) -> None:
    """Expiry and payment: the money came, so exactly one unit is served for it, in whatever order they met."""
    assert outcome.second.won, outcome
    assert order.stages.count("queued") == 1, order.stages
    assert order.escrow == PRICE
    assert order.state.closed_at is None


def expire_and_hear(order: Order) -> tuple[Act, Act]:
    paid = builders.a_payment(order)
    return lambda: expire_order(order_number=order.number, at=LATE), lambda: take_payment(paid=paid, at=LATE)


def expire_and_pay(order: Order) -> tuple[Act, Act]:
    builders.fill_wallet(order.buyer, PRICE)
    key = builders.a_key(order.buyer)
    return (
        lambda: expire_unpaid(at=at(15.5)),
        lambda: pay_from_wallet(actor=order.buyer, order_number=order.number, request=key, at=at(14.5)),
    )


def paid_or_closed(order: Order, outcome: Outcome) -> None:
    """Expiry and wallet, on machines whose clocks differ by a minute: either paid and queued, or closed and nothing taken."""
    paid = outcome.second.won
    assert order.stages == (["queued"] if paid else ["released"])
    assert (order.escrow, builders.wallet(order.buyer)) == ((PRICE, 0) if paid else (0, PRICE))
    assert paid == (order.state.closed_at is None)


def cancel_and_hear(order: Order) -> tuple[Act, Act]:
    paid = builders.a_payment(order)
    return order.cancel, lambda: take_payment(paid=paid, at=at(5))


def money_goes_back(order: Order, outcome: Outcome) -> None:
    """Cancel and payment: the buyer wanted out and the money came, so it goes back, once."""
    assert outcome.winners == 2, outcome
    assert order.stages == ["released"]
    assert (order.escrow, refunds(order)) == (0, 1)
    assert order.shop.balance("refund_payable:sandbox") == PRICE


def cancel_twice(order: Order) -> tuple[Act, Act]:
    return order.cancel, order.cancel


def refunded_once(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert refunds(order) == 1
    assert order.shop.balance("refund_payable:sandbox") == PRICE


def hear_twice(order: Order) -> tuple[Act, Act]:
    paid = builders.a_payment(order)
    return lambda: take_payment(paid=paid, at=at(2)), lambda: take_payment(paid=paid, at=at(2))


def taken_once(order: Order, outcome: Outcome) -> None:
    answers = [result.answer.outcome for result in (outcome.first, outcome.second) if isinstance(result.answer, Taken)]
    assert sorted(answers) == ["repeated", "taken"], outcome
    assert (order.stages, order.escrow) == (["queued"], PRICE)


def an_order_to_repeat() -> Order:
    """A product with stock for two, and somebody about to order one. The number is not given yet."""
    return Order(number="", buyer=builders.a_buyer(), product=builders.a_product(stock=2))


def purchase(order: Order) -> Purchase:
    return Purchase(product_number=order.product.number, quantity=1, accept_notice=True, allow_duplicate=True)


def click_twice(order: Order) -> tuple[Act, Act]:
    key, wanted = builders.a_key(order.buyer), purchase(order)

    def click() -> object:
        return once(lambda: place_order(actor=order.buyer, purchase=wanted, request=key, at=at()))

    return click, click


def ordered_once(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    winner, loser = (outcome.first, outcome.second) if outcome.first.won else (outcome.second, outcome.first)
    assert isinstance(loser.stopped, AlreadyDone)
    assert loser.stopped.reference == winner.answer
    assert order.product.available == 1


def one_key_left() -> Order:
    """A product with one key, and a buyer; another one comes in the race."""
    return Order(number="", buyer=builders.a_buyer(), product=builders.a_product(stock=1))


def two_buyers(order: Order) -> tuple[Act, Act]:
    buyers = (order.buyer, builders.a_buyer())

    def order_by(buyer: Actor, when: Moment) -> Act:
        key = builders.a_key(buyer)
        return lambda: place_order(actor=buyer, purchase=purchase(order), request=key, at=when)

    return order_by(buyers[0], at()), order_by(buyers[1], at())


def sold_once(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    loser = outcome.second if outcome.first.won else outcome.first
    assert isinstance(loser.stopped, OutOfStock)
    held = "SELECT count(*) FROM orders_unit WHERE shop_id = %s AND stage = 'reserved'"
    assert database.value(held, (order.shop.id,)) == 1


def deliver_and_cancel(order: Order) -> tuple[Act, Act]:
    return lambda: deliver_order(order_number=order.number, at=at(3)), order.cancel


def given_back_once(order: Order, outcome: Outcome) -> None:
    """Delivery and cancel: sealed or not yet, the key goes back on the shelf and the money to the buyer, once."""
    assert outcome.winners == 2, outcome
    assert order.stages[0] in ("released", "recalled")
    assert (order.escrow, refunds(order), order.product.available) == (0, 1, 1)


def deliver_and_give_back(order: Order) -> tuple[Act, Act]:
    when = at(days=3)
    return lambda: deliver_order(order_number=order.number, at=when), lambda: give_back(order_number=order.number, at=when)


def served_or_given_back(order: Order, outcome: Outcome) -> None:
    """Late delivery and giving back by itself: the buyer has the goods or the money, not both and not neither."""
    given_back = refunds(order) == 1
    assert order.stages[0] in (("released", "recalled") if given_back else ("sealed",)), outcome
    assert order.escrow == (0 if given_back else PRICE)


def confirm_and_cancel(order: Order) -> tuple[Act, Act]:
    def cancel() -> object:
        return order.cancel(when=at(days=6.9))

    return lambda: auto_confirm_order(order_number=order.number, at=at(days=7.1)), cancel


def nobody_keeps_both(order: Order, outcome: Outcome) -> None:
    """The refund window ends while the buyer cancels: the money goes back from wherever it is by then, and nobody has it twice."""
    assert outcome.winners == 2, outcome
    shop = order.shop
    held = (order.escrow, shop.balance(f"merchant:{shop.id}:pending"), shop.balance("commission"))
    assert (held, refunds(order)) == ((0, 0, 0), 1)


def arrive_twice(order: Order) -> tuple[Act, Act]:
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    said = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=at(7).now)

    def hear() -> object:
        return record_refund_outcome(number=number, evidence=said, at=at(7))

    return hear, hear


def arrived_once(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 2, outcome
    assert order.moneys == ["refunded"]
    assert order.shop.balance("refund_payable:sandbox") == 0
    assert events(order, "refund_arrived") == 1


def expire_and_begin(order: Order) -> tuple[Act, Act]:
    key = builders.a_key(order.buyer)

    def begin() -> object:
        return begin_payment(actor=order.buyer, order_number=order.number, channel="sandbox", request=key, at=at(14.5))

    return lambda: expire_unpaid(at=at(15.5)), begin


def begun_or_closed(order: Order, outcome: Outcome) -> None:
    """Expiry of many leaves an order alone whose payment was just begun: its channel has to be asked first."""
    begun = outcome.second.won
    assert (order.state.closed_at is None) == begun, outcome
    assert order.stages == (["reserved"] if begun else ["released"])


def two_ways_to_pay(order: Order) -> tuple[Act, Act]:
    paid, key = builders.a_payment(order), builders.a_key(order.buyer)
    builders.fill_wallet(order.buyer, PRICE)

    def from_wallet() -> object:
        return pay_from_wallet(actor=order.buyer, order_number=order.number, request=key, at=at(2))

    return lambda: take_payment(paid=paid, at=at(2)), from_wallet


def paid_once(order: Order, outcome: Outcome) -> None:
    """Channel and wallet: one of them pays; where the channel's money came second, it goes back."""
    assert outcome.first.won, outcome
    by_wallet = outcome.second.won
    assert (order.stages, order.escrow) == (["queued"], PRICE)
    assert (builders.wallet(order.buyer), refunds(order)) == ((0, 1) if by_wallet else (PRICE, 0))


MOVES = ("order lock", "stage read again", "table of moves")
LIMITS = ("unit refund limit", "order refund limit", "payment refund limit", "escrow floor")
RACES = [
    Race("cancel ‖ reveal", builders.a_sealed_order, reveal_and_cancel, exactly_one_wins, MOVES),
    Race("expire ‖ pay", builders.a_placed_order, expire_and_hear, served_for_the_money, MOVES),
    Race("expire many ‖ pay from wallet", builders.a_placed_order, expire_and_pay, paid_or_closed, MOVES),
    Race("cancel ‖ late payment", builders.a_placed_order, cancel_and_hear, money_goes_back, MOVES),
    Race("deliver ‖ cancel", builders.a_paid_order, deliver_and_cancel, given_back_once, MOVES),
    Race("deliver ‖ give back untouched", builders.a_paid_order, deliver_and_give_back, served_or_given_back, MOVES),
    Race("confirm by itself ‖ cancel", builders.a_sealed_order, confirm_and_cancel, nobody_keeps_both, (*MOVES, *LIMITS)),
    Race("begin payment ‖ expire many", builders.a_placed_order, expire_and_begin, begun_or_closed, ("order lock",)),
    Race("a refund arrives, twice", builders.a_cancelled_order, arrive_twice, arrived_once, ("attempt lock", "attempt moves")),
    Race("channel ‖ wallet", builders.a_placed_order, two_ways_to_pay, paid_once, (*MOVES, "one clock")),
    Race("refund ‖ refund", builders.a_sealed_order, cancel_twice, refunded_once, (*MOVES, *LIMITS)),
    Race(
        "one notice, twice",
        builders.a_placed_order,
        hear_twice,
        taken_once,
        (*MOVES, "payment taken once", "transaction once", "one clock"),
    ),
    Race("double click", an_order_to_repeat, click_twice, ordered_once, ("request once",)),
    Race("two buyers, last key", one_key_left, two_buyers, sold_once, ("stock lock", "one unit per key", "one allocation per key")),
]
