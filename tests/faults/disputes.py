"""Chargebacks among the faults: flows with their crash points, races with their guards, mutants of what the audit must see."""

from collections.abc import Callable

from anka.core import database
from anka.domain.dispute_states import DisputeState
from anka.flows.confirm_order import auto_confirm_order, confirm_order
from anka.flows.fall_dispute_clocks import fall_dispute_clocks
from anka.flows.record_dispute import record_dispute
from anka.flows.settle_order import settle_order
from anka.flows.steps.dispute_notice import DisputeNotice
from anka.flows.submit_attempt import HeldByDispute, submit_attempt
from tests import builders
from tests.builders import Order, at
from tests.faults.crash import Flow
from tests.faults.flows import PRICE, attempts, events
from tests.faults.interleave import Act, Outcome
from tests.faults.mutants import Mutant
from tests.faults.racing import Race

PART = 9500
OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST
_ORDER = "shop_id = %(shop)s AND order_id = %(order)s"


def told(order: Order, said: DisputeState, minutes: float) -> None:
    """What the payer's bank says about an order's payment."""
    (payment,) = [one for one in order.state.payments if one.status == "paid"]
    number = f"dp_{order.number}"
    notice = DisputeNotice(said=said, channel="sandbox", payment_number=payment.number, channel_number=number)
    record_dispute(notice=notice, at=at(minutes))


def confirmed() -> Order:
    """An order whose money the shop has, not settled yet."""
    order = builders.a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(10))
    return order


def disputed(make: Callable[[], Order]) -> Callable[[], Order]:
    """An order whose payment is charged back."""

    def prepare() -> Order:
        order = make()
        told(order, OPEN, 20)
        return order

    return prepare


def says(said: DisputeState, minutes: float) -> Callable[[Order], object]:
    """The bank says so."""
    return lambda order: told(order, said, minutes)


def holds(*, escrow: int, argued: int, happened: str, money: str) -> Callable[[Order], None]:
    """Escrow and the bank hold so much; the event is there once; the units' money stands there."""

    def check(order: Order) -> None:
        assert (order.escrow, order.shop.balance("dispute:sandbox")) == (escrow, argued)
        assert (events(order, happened), order.moneys) == (1, [money])

    return check


DISPUTE_FLOWS = [
    Flow(
        "charged back",
        builders.a_sealed_order,
        says(OPEN, 20),
        holds(escrow=PRICE, argued=PRICE, happened="payment_disputed", money="held"),
    ),
    Flow(
        "charged back and lost",
        builders.a_sealed_order,
        says(LOST, 20),
        holds(escrow=0, argued=0, happened="dispute_lost", money="refunded"),
    ),
    Flow("chargeback won", disputed(confirmed), says(WON, 60), holds(escrow=0, argued=0, happened="dispute_won", money="released")),
    Flow("chargeback lost", disputed(confirmed), says(LOST, 60), holds(escrow=0, argued=0, happened="dispute_lost", money="refunded")),
    Flow(
        "chargeback pays a refund",
        disputed(builders.a_cancelled_order),
        says(LOST, 60),
        holds(escrow=0, argued=0, happened="refund_by_bank", money="refunded"),
    ),
    Flow(
        "nobody answered the bank",
        disputed(builders.a_sealed_order),
        lambda order: fall_dispute_clocks(order_number=order.number, at=at(days=2)),
        holds(escrow=PRICE, argued=PRICE, happened="external_reply_overdue", money="held"),
    ),
]


def charge_back_and_cancel(order: Order) -> tuple[Act, Act]:
    return lambda: told(order, OPEN, 20), order.cancel


def never_both(order: Order, outcome: Outcome) -> None:
    """Chargeback and cancel: the buyer is refunded or told that the bank decides; what waits to be sent is not sent."""
    assert outcome.first.won, outcome
    waiting = attempts(order)
    assert bool(waiting) == outcome.second.won, outcome
    assert order.escrow == (0 if waiting else PRICE)
    assert [unit.frozen_minor for unit in order.state.units] == [0 if waiting else PRICE]
    assert order.shop.balance("dispute:sandbox") == PRICE


def charge_back_and_send(order: Order) -> tuple[Act, Act]:
    (number,) = attempts(order)

    def send() -> object:
        try:
            return submit_attempt(number=number, at=at(20))
        except HeldByDispute:
            return "held"

    return lambda: told(order, OPEN, 20), send


def sent_before_or_held(order: Order, outcome: Outcome) -> None:
    """Chargeback and refund: whoever is first decides; a refund that is sent was sent before the bank's word was known."""
    assert outcome.winners == 2, outcome
    asked = "SELECT attempt.status FROM payments_attempt AS attempt WHERE attempt.shop_id = %s"
    (status,) = [row[0] for row in database.rows(asked, (order.shop.id,))]
    assert status == ("created" if outcome.second.answer == "held" else "submitting")


def charge_back_and_settle(order: Order) -> tuple[Act, Act]:
    return lambda: told(order, OPEN, 20), lambda: settle_order(order_number=order.number, at=at(days=4))


def all_of_it_is_frozen(order: Order, outcome: Outcome) -> None:
    """Chargeback and settling: wherever the shop's money is by then, all of it is out of reach, and comes back there."""
    assert outcome.winners == 2, outcome
    shop = order.shop
    place = "available" if outcome.second.answer else "pending"
    assert [shop.balance(f"merchant:{shop.id}:{name}") for name in ("pending", "available", "frozen")] == [0, 0, PART]
    assert order.moneys == ["settled" if outcome.second.answer else "released"]
    told(order, WON, 60)
    assert shop.balance(f"merchant:{shop.id}:{place}") == PART


def charge_back_and_confirm(order: Order) -> tuple[Act, Act]:
    return lambda: told(order, OPEN, 20), lambda: auto_confirm_order(order_number=order.number, at=at(days=20))


def frozen_where_it_is(order: Order, outcome: Outcome) -> None:
    """Chargeback and confirming: the money is frozen in escrow, or with the shop; the shop cannot have it either way."""
    assert outcome.winners == 2, outcome
    shop, confirmed_first = order.shop, bool(outcome.second.answer)
    assert (order.escrow, order.moneys) == ((0, ["released"]) if confirmed_first else (PRICE, ["held"]))
    assert shop.balance(f"merchant:{shop.id}:frozen") == (PART if confirmed_first else 0)
    assert shop.balance(f"merchant:{shop.id}:pending") == 0


def tell_twice(order: Order) -> tuple[Act, Act]:
    return lambda: told(order, LOST, 20), lambda: told(order, OPEN, 20)


def told_once(order: Order, outcome: Outcome) -> None:
    """Lost and opened at once, in any order: opened once, lost once."""
    assert outcome.winners == 2, outcome
    assert (events(order, "payment_disputed"), events(order, "dispute_lost")) == (1, 1)
    assert (order.escrow, order.shop.balance("psp:sandbox:available")) == (0, -PRICE)


GUARDS = ("order lock", "stage read again", "table of moves", "frozen is not released", "one open case", "one clock")
DISPUTE_RACES = [
    Race("chargeback ‖ cancel", builders.a_sealed_order, charge_back_and_cancel, never_both, (*GUARDS, "escrow floor")),
    Race("chargeback ‖ refund", builders.a_cancelled_order, charge_back_and_send, sent_before_or_held, ("order lock", "attempt lock")),
    Race("chargeback ‖ settle", confirmed, charge_back_and_settle, all_of_it_is_frozen, GUARDS),
    Race("chargeback ‖ confirm", builders.a_revealed_order, charge_back_and_confirm, frozen_where_it_is, GUARDS),
    Race("lost ‖ opened", builders.a_sealed_order, tell_twice, told_once, (*GUARDS, "dispute once")),
]

DISPUTE_MUTANTS = [
    Mutant(
        "I24",
        "a dispute was lost, and the bank still holds it",
        disputed(builders.a_sealed_order),
        (
            f"UPDATE payments_dispute SET channel = 'other' WHERE {_ORDER}",
            (
                "UPDATE ledger_journal SET idempotency_key = replace(idempotency_key, 'dispute:sandbox', 'dispute:other')"
                " WHERE shop_id = %(shop)s"
            ),
        ),
        says="open chargebacks sum to",
    ),
    Mutant(
        "I24",
        "what was begun was not posted",
        disputed(builders.a_sealed_order),
        ("UPDATE ledger_journal SET idempotency_key = idempotency_key || 'x' WHERE shop_id = %(shop)s AND kind = 'chargeback_opened'",),
        says="posted: opened 0",
    ),
    Mutant(
        "I24",
        "a refund was sent beside it",
        disputed(builders.a_cancelled_order),
        (
            (
                "SELECT record_event(%(shop)s, %(order)s, now(), 'system:refunds', 'refund_submitted', ARRAY[1], NULL, NULL,"
                " jsonb_build_object('attempt', (SELECT number FROM payments_attempt WHERE shop_id = %(shop)s)))"
            ),
        ),
        says="it was sent while dispute",
    ),
    Mutant(
        "I24",
        "its share is not frozen",
        disputed(builders.a_sealed_order),
        (f"UPDATE orders_unit SET frozen_minor = frozen_minor - 1 WHERE {_ORDER}",),
        says="open chargebacks take",
    ),
]
