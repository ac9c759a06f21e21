"""More of those who meet over one sum: three ways of hearing the same, two ways out, a part and the whole, two people of finance."""

from __future__ import annotations

from typing import Any

from anka.core import database
from anka.domain.refund_states import AttemptState
from anka.flows.choose_wallet import choose_wallet
from anka.flows.confirm_order import confirm_order
from anka.flows.decide_withdrawal import approve_withdrawal, refuse_withdrawal
from anka.flows.mend_attempt import mend_attempt
from anka.flows.record_cashier import record_cashier
from anka.flows.record_payout import begin_payout
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_top_up import take_top_up
from anka.funds.queries import withdrawals_of
from anka.payments.cashiers import Cashier
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import an_arbiter
from tests.builders.top_ups import a_top_up
from tests.faults import funds, ladder, money_flows
from tests.faults.flows import PRICE, attempts, events
from tests.faults.interleave import Act, Outcome
from tests.faults.races import LIMITS, MOVES, Race, arrived_once
from tests.faults.racing import Race as AnyRace

S = AttemptState


def heard_by(first: str, second: str) -> Race:
    """The race of two ways in which one success is heard."""

    def hear(order: Order) -> tuple[Act, Act]:
        number = attempts(order)[0]
        submit_attempt(number=number, at=at(6))

        def by(source: str) -> Act:
            said = Evidence(status=S.SUCCEEDED, source=source, observed_at=at(7).now)
            return lambda: record_refund_outcome(number=number, evidence=said, at=at(7))

        return by(first), by(second)

    name = f"a refund arrives by {first} ‖ by {second}"
    return Race(name, builders.a_cancelled_order, hear, arrived_once, ("attempt lock", "attempt moves"))


def success_and_bounce(order: Order) -> tuple[Act, Act]:
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))

    def says(status: AttemptState, source: str) -> Act:
        return lambda: record_refund_outcome(
            number=number, evidence=Evidence(status=status, source=source, observed_at=at(7).now), at=at(7)
        )

    return says(S.SUCCEEDED, "notice"), says(S.FAILED, "bill")


def owed_or_arrived(order: Order, outcome: Outcome) -> None:
    """Success, then the bill that it came back: it is owed again. The bill first: a failure, and then a success after all."""
    assert outcome.winners == 2, outcome
    (refund,) = how_far(order)
    assert order.shop.balance("refund_payable:sandbox") == (0 if refund == "succeeded" else PRICE)
    assert order.moneys == (["refunded"] if refund == "succeeded" else ["refunding"])


def how_far(order: Order) -> list[str]:
    """How far each refund of an order is."""
    asked = "SELECT status FROM payments_refund WHERE shop_id = %s AND order_id = %s"
    return [str(status) for (status,) in database.rows(asked, (order.shop.id, order.state.id))]


def two_sealed() -> Order:
    return builders.a_sealed_order(quantity=2)


def part_and_whole(order: Order) -> tuple[Act, Act]:
    part = Claim(reason=builders.CHANGED_MIND, positions=(1,))
    return lambda: order.cancel(part), order.cancel


def never_more_than_paid(order: Order, outcome: Outcome) -> None:
    """A part and the whole: together all of it, each unit once."""
    assert outcome.second.won, outcome
    repaid = "SELECT position, amount_minor FROM payments_refund_unit WHERE shop_id = %s AND order_id = %s ORDER BY position"
    assert database.rows(repaid, (order.shop.id, order.state.id)) == [(1, PRICE), (2, PRICE)]
    assert (order.shop.balance("refund_payable:sandbox"), order.escrow) == (2 * PRICE, 0)


def cashier_twice(order: Order) -> tuple[Act, Act]:
    paid = builders.a_payment(order)

    def keep(url: str) -> Act:
        opened = Cashier(device="desktop", cashier_url=url, qr_text="")
        return lambda: record_cashier(payment_number=paid.payment_number, cashier=opened, valid_until=at(15).now, at=at(2))

    return keep("https://pay.invalid/1"), keep("https://pay.invalid/2")


def one_cashier(order: Order, outcome: Outcome) -> None:
    """Two who opened the cashier are sent to the same one."""
    assert outcome.winners == 2, outcome
    assert outcome.first.answer == outcome.second.answer
    (payment,) = order.state.payments
    kept = "SELECT count(*) FROM payments_cashier WHERE shop_id = %s AND payment_id = %s"
    assert database.value(kept, (order.shop.id, payment.id)) == 1


def mend_and_choose(made: ladder.Ground) -> tuple[Act, Act]:
    number = attempts(made.order)[0]
    return (
        lambda: mend_attempt(number=number, at=at(8)),
        lambda: choose_wallet(actor=made.order.buyer, refund_number=made.refund, leg=1, at=at(9)),
    )


def one_way_out(made: ladder.Ground, outcome: Outcome) -> None:
    """The channel's other way or the wallet, never both: each of them could pay."""
    mended = events(made.order, "refund_being_mended")
    assert mended + events(made.order, "refund_to_wallet") == 1, outcome
    assert outcome.second.won == (mended == 0)


def rich() -> Order:
    """A shop with so much available money that a withdrawal of it needs two people."""
    order = builders.a_revealed_order(product=builders.a_product(stock=1, price_minor=600_000))
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(10))
    assert settle_order(order_number=order.number, at=at(days=4))
    return order


def approve_twice(order: Order) -> tuple[Act, Act]:
    number = funds.ask(order, MUCH, builders.a_key(order.shop.owner))
    actor = an_arbiter("finance")

    def approve() -> Act:
        key = builders.a_key(actor)
        return lambda: approve_withdrawal(actor=actor, number=number, request=key, at=funds.LATER)

    return approve(), approve()


def still_asked(order: Order, outcome: Outcome) -> None:
    """One person approves once, however often they press."""
    assert outcome.winners == 1, outcome
    assert [str(one.status) for one in withdrawals_of(shop_id=order.shop.id)] == ["asked"]


def pay_and_refuse(order: Order) -> tuple[Act, Act]:
    ground = funds.waiting(order)
    approve_withdrawal(actor=ground.actor, number=ground.number, request=ground.key, at=funds.LATER)
    other = an_arbiter("finance")
    keys = builders.a_key(ground.actor), builders.a_key(other)
    return (
        lambda: begin_payout(actor=ground.actor, number=ground.number, request=keys[0], at=funds.LATER),
        lambda: refuse_withdrawal(actor=other, number=ground.number, reason="no papers", request=keys[1], at=funds.LATER),
    )


def paid_or_free(order: Order, outcome: Outcome) -> None:
    """What somebody is paying at the bank is not available again."""
    assert outcome.winners == 1, outcome
    assert funds.has(order).available == (funds.PART - funds.ASKED if outcome.first.won else funds.PART)


def emptied() -> Order:
    """A wallet that was filled and is empty again, by an order that it paid."""
    return builders.an_order_paid_from_wallet()


def close_and_fill(order: Order) -> tuple[Act, Act]:
    paid = a_top_up(order.buyer, PRICE)
    asked = "SELECT id FROM ledger_account WHERE shop_id = 0 AND code = %s"
    account = database.value(asked, (f"buyer:{order.buyer.person_id}:wallet",))

    def close() -> object:
        with database.transaction():
            return database.value("SELECT close_accounts(%s, ARRAY[0::bigint], ARRAY[%s::bigint])", (at(3).now, account))

    return close, lambda: take_top_up(paid=paid, at=at(3))


def open_with_money(order: Order, outcome: Outcome) -> None:
    """An account that has money is open, whoever came first: what is closed leaves the hourly check."""
    assert outcome.winners == 2, outcome
    asked = "SELECT closed_at FROM ledger_account WHERE shop_id = 0 AND code = %s"
    assert builders.wallet(order.buyer) == PRICE
    assert database.value(asked, (f"buyer:{order.buyer.person_id}:wallet",)) is None


MUCH = 500_000
_WAYS = ("attempt lock", "one live attempt", "leg moves", "refund moves", "attempt moves")
MONEY_RACES: list[AnyRace[Any]] = [
    heard_by("notice", "poll"),
    heard_by("poll", "bill"),
    heard_by("bill", "notice"),
    Race(
        "success ‖ bounce", builders.a_cancelled_order, success_and_bounce, owed_or_arrived, ("attempt lock", "attempt moves", "leg moves")
    ),
    Race("part ‖ whole", two_sealed, part_and_whole, never_more_than_paid, (*MOVES, *LIMITS)),
    Race("cashier ‖ cashier", builders.a_placed_order, cashier_twice, one_cashier, ("cashier lock",)),
    AnyRace("mend ‖ wallet", money_flows.abnormal, mend_and_choose, one_way_out, _WAYS),
    Race("one person approves, twice", rich, approve_twice, still_asked, ("funds lock",)),
    Race("pay out ‖ refuse", funds.settled, pay_and_refuse, paid_or_free, ("funds lock", "withdrawal moves")),
    Race("close an account ‖ fill it", emptied, close_and_fill, open_with_money, ("closing lock", "closed is empty")),
]
