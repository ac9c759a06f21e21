"""Money paid into a wallet or a deposit, and unused money sent back: deaths at every statement, and two who meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.domain.payment_states import PaymentState
from anka.flows.begin_top_up import Wanted, begin_deposit_top_up, begin_top_up
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.return_unused import return_unused
from anka.flows.take_payment import PaidNotice, Taken
from anka.flows.take_top_up import end_top_up, take_top_up
from anka.payments.top_ups import top_up
from tests import builders
from tests.builders import Order, Shop, at
from tests.builders.top_ups import a_top_up
from tests.builders.top_ups import top_up as fill
from tests.faults.crash import Flow
from tests.faults.flows import PRICE
from tests.faults.interleave import Act, Outcome
from tests.faults.racing import Race as AnyRace

WANTED = Wanted(amount_minor=PRICE, channel="sandbox")
OWED = """
SELECT coalesce(sum(leg.amount_minor), 0)::bigint FROM payments_leg AS leg
    JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
    JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id AND payment.id = leg.payment_id
WHERE leg.shop_id = 0 AND payment.number = %s
"""


@dataclass(frozen=True)
class Ground:
    """Somebody with a wallet, the key of the request that is about to come, and the payment into it."""

    buyer: Actor
    key: RequestKey
    paid: PaidNotice | None = None
    shop: Shop | None = None
    order: Order | None = None

    @property
    def notice(self) -> PaidNotice:
        """What the channel says."""
        assert self.paid is not None
        return self.paid


def wallet() -> Ground:
    buyer = builders.a_buyer()
    return Ground(buyer, builders.a_key(buyer))


def owner() -> Ground:
    shop = builders.a_shop()
    return Ground(shop.owner, builders.a_key(shop.owner), shop=shop)


def begun() -> Ground:
    buyer = builders.a_buyer()
    return Ground(buyer, builders.a_key(buyer), a_top_up(buyer, PRICE))


def begun_deposit() -> Ground:
    """A payment into a shop's deposit that was begun."""
    ground = owner()
    number = begin_into_deposit(ground)
    serial = f"DU{builders.serial():010d}"
    paid = PaidNotice(channel="sandbox", payment_number=number, transaction_number=serial, amount_minor=PRICE, currency="CNY")
    return Ground(ground.buyer, ground.key, paid, ground.shop)


def filled() -> Ground:
    """A wallet that a channel has filled with the price of one thing."""
    buyer = builders.a_buyer()
    return Ground(buyer, builders.a_key(buyer), fill(buyer, PRICE))


def about_to_pay() -> Ground:
    """The same, with an order of that price."""
    ground = filled()
    return Ground(ground.buyer, ground.key, ground.paid, order=builders.a_placed_order(buyer=ground.buyer))


def begin_into_deposit(ground: Ground) -> str:
    assert ground.shop is not None
    return begin_deposit_top_up(actor=ground.buyer, shop_id=ground.shop.id, wanted=WANTED, request=ground.key, at=at(1))


def begun_once(purpose: str) -> Callable[[Ground], None]:
    def happened(ground: Ground) -> None:
        asked = "SELECT count(*) FROM payments_payment WHERE person_id = %s AND purpose = %s"
        assert database.value(asked, (ground.buyer.person_id, purpose)) == 1

    return happened


def in_the_wallet_once(ground: Ground) -> None:
    assert builders.wallet(ground.buyer) == PRICE


def in_the_deposit_once(ground: Ground) -> None:
    assert ground.shop is not None
    assert ground.shop.balance(f"merchant:{ground.shop.id}:deposit") == PRICE


def ended_once(ground: Ground) -> None:
    assert top_up(number=ground.notice.payment_number).status == PaymentState.CLOSED
    assert builders.wallet(ground.buyer) == 0


def on_its_way_once(ground: Ground) -> None:
    assert (builders.wallet(ground.buyer), database.value(OWED, (ground.notice.payment_number,))) == (0, PRICE)


def send_back(ground: Ground, key: RequestKey, *, when: Moment | None = None) -> object:
    return return_unused(actor=ground.buyer, amount_minor=PRICE, request=key, at=when or at(5))


TOP_UP_FLOWS: list[Flow[Any]] = [
    Flow("begin a top-up", wallet, lambda g: begin_top_up(actor=g.buyer, wanted=WANTED, request=g.key, at=at(1)), begun_once("wallet")),
    Flow("begin to fill a deposit", owner, begin_into_deposit, begun_once("deposit")),
    Flow("take a top-up", begun, lambda g: take_top_up(paid=g.notice, at=at(2)), in_the_wallet_once),
    Flow("take money for a deposit", begun_deposit, lambda g: take_top_up(paid=g.notice, at=at(2)), in_the_deposit_once),
    Flow(
        "end a top-up",
        begun,
        lambda g: end_top_up(channel="sandbox", number=g.notice.payment_number, outcome=PaymentState.CLOSED, at=at(40)),
        ended_once,
    ),
    Flow("return unused money", filled, lambda g: send_back(g, g.key), on_its_way_once),
]


def take_twice(ground: Ground) -> tuple[Act, Act]:
    return lambda: take_top_up(paid=ground.notice, at=at(2)), lambda: take_top_up(paid=ground.notice, at=at(2))


def filled_once(ground: Ground, outcome: Outcome) -> None:
    answers = [result.answer.outcome for result in (outcome.first, outcome.second) if isinstance(result.answer, Taken)]
    assert sorted(answers) == ["repeated", "topped_up"], outcome
    assert builders.wallet(ground.buyer) == PRICE


def return_twice(ground: Ground) -> tuple[Act, Act]:
    keys = [builders.a_key(ground.buyer) for _ in range(2)]
    return lambda: send_back(ground, keys[0]), lambda: send_back(ground, keys[1])


def returned_once(ground: Ground, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    on_its_way_once(ground)


def return_and_pay(ground: Ground) -> tuple[Act, Act]:
    order = ground.order
    assert order is not None
    keys = [builders.a_key(ground.buyer) for _ in range(2)]
    return (
        lambda: send_back(ground, keys[0], when=at(2)),
        lambda: pay_from_wallet(actor=ground.buyer, order_number=order.number, request=keys[1], at=at(2)),
    )


def returned_or_spent(ground: Ground, outcome: Outcome) -> None:
    """The same money is sent back or pays, never both."""
    assert outcome.winners == 1, outcome
    assert ground.order is not None
    owed = database.value(OWED, (ground.notice.payment_number,))
    assert (builders.wallet(ground.buyer), owed, ground.order.escrow) == ((0, PRICE, 0) if outcome.first.won else (0, 0, PRICE))


Race = AnyRace[Ground]
_ONCE = ("top-up lock", "top-up taken once", "transaction once", "posting once")
TOP_UP_RACES = [
    Race("one top-up, twice", begun, take_twice, filled_once, _ONCE),
    Race("return ‖ return", filled, return_twice, returned_once, ("wallet lock", "payment refund limit", "escrow floor")),
    Race("return ‖ pay from wallet", about_to_pay, return_and_pay, returned_or_spent, ("escrow floor",)),
]
