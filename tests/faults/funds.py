"""A shop's own money when two want it at once, or when the process dies in the middle: nobody has it twice, and nothing is lost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anka.core import database
from anka.core.actors import Actor
from anka.core.idempotency import RequestKey
from anka.domain.deposits import Tier
from anka.domain.liability import Position
from anka.flows.ask_withdrawal import WithdrawalAsked, ask_withdrawal
from anka.flows.confirm_order import confirm_order
from anka.flows.decide_withdrawal import approve_withdrawal, refuse_withdrawal
from anka.flows.open_case import open_case
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from anka.flows.record_payout import begin_payout, record_paid, record_payout_failed
from anka.flows.release_deposit import release_deposit
from anka.flows.set_funds_terms import NewTerms, set_funds_terms
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.funds import queries
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import an_arbiter
from tests.faults.crash import Flow
from tests.faults.interleave import Act, Outcome
from tests.faults.racing import Race as AnyRace

PART, ASKED, LATER = 9500, 5000, at(days=5)
ACCOUNT = "6222000012345678"
TERMS = NewTerms(tier=Tier.NEW, reason="new here")
Race = AnyRace[Order]


def settled() -> Order:
    """An order whose money is available to its shop."""
    order = builders.a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(10))
    assert settle_order(order_number=order.number, at=at(days=4))
    return order


def has(order: Order) -> Position:
    """What the shop of an order has and owes."""
    return queries.position(shop_id=order.shop.id, currency="CNY")


def ask(order: Order, amount: int, key: RequestKey) -> str:
    asked = WithdrawalAsked(amount_minor=amount, account=ACCOUNT)
    return ask_withdrawal(actor=order.shop.owner, shop_id=order.shop.id, asked=asked, request=key, at=LATER)


def withdraw_twice(order: Order) -> tuple[Act, Act]:
    keys = [builders.a_key(order.shop.owner) for _ in range(2)]
    return lambda: ask(order, ASKED, keys[0]), lambda: ask(order, ASKED, keys[1])


def set_aside_once(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert has(order) == Position(available=PART - ASKED, withdrawing=ASKED)


def withdraw_and_refund(order: Order) -> tuple[Act, Act]:
    owner = order.shop.owner
    keys = [builders.a_key(owner) for _ in range(2)]
    claim = Claim(reason="OTHER")
    return (
        lambda: ask(order, PART, keys[0]),
        lambda: open_case(actor=owner, order_number=order.number, claim=claim, request=keys[1], at=LATER),
    )


def owed_or_never_asked(order: Order, outcome: Outcome) -> None:
    """The buyer's refund always comes; the shop's money is on its way out and owed, or it was never there to be asked for."""
    assert outcome.second.won, outcome
    assert order.shop.balance("refund_payable:sandbox") == 10_000
    assert has(order) == (Position(withdrawing=PART, receivable=PART) if outcome.first.won else Position())


def pay_twice(order: Order) -> tuple[Act, Act]:
    ground = at_the_bank(order)
    first, second = (an_arbiter("finance") for _ in range(2))

    def paid(actor: Actor, reference: str) -> Act:
        key = builders.a_key(actor)
        return lambda: record_paid(actor=actor, number=ground.number, bank_reference=reference, request=key, at=LATER)

    return paid(first, "BANK-1"), paid(second, "BANK-2")


def paid_out_once(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert (has(order), order.shop.balance("bank:main")) == (Position(available=PART - ASKED), -4900)


BALANCES = ("balances lock", "escrow floor")
FUNDS_RACES = [
    Race("withdrawal ‖ withdrawal", settled, withdraw_twice, set_aside_once, ("funds lock", "events in order", *BALANCES)),
    Race("withdrawal ‖ refund", settled, withdraw_and_refund, owed_or_never_asked, BALANCES),
    Race("payout ‖ payout", settled, pay_twice, paid_out_once, ("funds lock", "withdrawal moves", "posting once", *BALANCES)),
]


@dataclass(frozen=True)
class Ground:
    """A shop with a withdrawal (or none yet), and who takes the next step with which key."""

    order: Order
    actor: Actor
    key: RequestKey
    number: str = ""


def with_the_owner() -> Ground:
    order = settled()
    return Ground(order, order.shop.owner, builders.a_key(order.shop.owner))


def waiting(order: Order | None = None) -> Ground:
    """A withdrawal that waits for finance."""
    order = order or settled()
    number, actor = ask(order, ASKED, builders.a_key(order.shop.owner)), an_arbiter("finance")
    return Ground(order, actor, builders.a_key(actor), number)


def at_the_bank(order: Order | None = None) -> Ground:
    """A withdrawal that somebody is paying."""
    ground = waiting(order)
    for step in (approve_withdrawal, begin_payout):
        step(actor=ground.actor, number=ground.number, request=builders.a_key(ground.actor), at=LATER)
    return ground


def approved() -> Ground:
    """A withdrawal that may be paid."""
    ground = waiting()
    approve_withdrawal(actor=ground.actor, number=ground.number, request=builders.a_key(ground.actor), at=LATER)
    return ground


def closed_shop() -> Ground:
    """A shop that has closed and has a deposit."""
    ground = with_the_owner()
    shop, key = ground.order.shop, builders.a_key(ground.actor)
    pay_deposit_from_balance(actor=ground.actor, shop_id=shop.id, amount_minor=ASKED, request=key, at=LATER)
    database.rows("UPDATE accounts_shop SET is_open = false WHERE id = %s", (shop.id,))
    return ground


def terms_hold(ground: Ground) -> None:
    """The terms are those that were set last."""
    assert queries.terms(shop_id=ground.order.shop.id).floor_minor == 50_000


def stands(expected: Position, status: str = "") -> Callable[[Ground], None]:
    """The shop has exactly this, and its withdrawal stands there."""

    def happened(ground: Ground) -> None:
        assert has(ground.order) == expected
        found = queries.withdrawals_of(shop_id=ground.order.shop.id)
        assert [str(one.status) for one in found] == ([status] if status else [])

    return happened


ASIDE = Position(available=PART - ASKED, withdrawing=ASKED)
FUNDS_FLOWS: list[Flow[Any]] = [
    Flow("ask for a withdrawal", with_the_owner, lambda g: ask(g.order, ASKED, g.key), stands(ASIDE, "asked")),
    Flow(
        "approve a withdrawal",
        waiting,
        lambda g: approve_withdrawal(actor=g.actor, number=g.number, request=g.key, at=LATER),
        stands(ASIDE, "approved"),
    ),
    Flow(
        "refuse a withdrawal",
        waiting,
        lambda g: refuse_withdrawal(actor=g.actor, number=g.number, reason="no papers", request=g.key, at=LATER),
        stands(Position(available=PART), "refused"),
    ),
    Flow(
        "record a payout",
        at_the_bank,
        lambda g: record_paid(actor=g.actor, number=g.number, bank_reference="BANK-1", request=g.key, at=LATER),
        stands(Position(available=PART - ASKED), "paid"),
    ),
    Flow(
        "pay a deposit from the balance",
        with_the_owner,
        lambda g: pay_deposit_from_balance(actor=g.actor, shop_id=g.order.shop.id, amount_minor=ASKED, request=g.key, at=LATER),
        stands(Position(available=PART - ASKED, deposit=ASKED)),
    ),
    Flow(
        "begin a payout",
        approved,
        lambda g: begin_payout(actor=g.actor, number=g.number, request=g.key, at=LATER),
        stands(ASIDE, "paying"),
    ),
    Flow(
        "record a payout that failed",
        at_the_bank,
        lambda g: record_payout_failed(actor=g.actor, number=g.number, reason="account closed", request=g.key, at=LATER),
        stands(Position(available=PART), "failed"),
    ),
    Flow(
        "release a deposit",
        closed_shop,
        lambda g: release_deposit(actor=g.actor, shop_id=g.order.shop.id, request=g.key, at=at(days=400)),
        stands(Position(available=PART)),
    ),
    Flow(
        "set a shop's terms",
        with_the_owner,
        lambda g: set_funds_terms(actor=builders.OPERATOR, shop_id=g.order.shop.id, terms=TERMS, request=g.key, at=LATER),
        terms_hold,
    ),
]
