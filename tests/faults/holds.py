"""Wallet money set aside for an order: deaths at every statement, and two who meet over it. It pays the order or is back, never both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anka.core.idempotency import RequestKey
from anka.flows.begin_payment import begin_payment
from anka.flows.expire_unpaid import expire_order
from anka.flows.open_case import open_case
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.take_payment import PaidNotice, take_payment
from tests import builders
from tests.builders import Order, at
from tests.builders.mixed import a_held_order
from tests.faults.crash import Flow
from tests.faults.flows import LATE, MIND, PRICE
from tests.faults.interleave import Act, Outcome
from tests.faults.racing import Race as AnyRace

PART, REST = 3_000, 7_000


@dataclass(frozen=True)
class Ground:
    """An order, the key of the request that is about to come, what the channel will say, and another order of the same buyer."""

    order: Order
    key: RequestKey
    paid: PaidNotice | None = None
    other: Order | None = None

    @property
    def notice(self) -> PaidNotice:
        """What the channel says about its part."""
        assert self.paid is not None
        return self.paid


def with_a_wallet() -> Ground:
    """An order whose buyer has a part of the price in the wallet."""
    order = builders.a_placed_order()
    builders.fill_wallet(order.buyer, PART)
    return Ground(order, builders.a_key(order.buyer))


def held() -> Ground:
    """An order for which that part is set aside."""
    order, paid = a_held_order(wallet_minor=PART)
    return Ground(order, builders.a_key(order.buyer), paid)


def held_and_filled() -> Ground:
    """The same, with the rest of the price in the wallet too."""
    ground = held()
    builders.fill_wallet(ground.order.buyer, REST)
    return ground


def two_orders() -> Ground:
    """Two orders of one buyer, whose wallet holds a part of one."""
    ground = with_a_wallet()
    other = builders.a_placed_order(buyer=ground.order.buyer)
    return Ground(ground.order, ground.key, other=other)


def begin(order: Order, key: RequestKey, wallet_minor: int = PART) -> str:
    return begin_payment(actor=order.buyer, order_number=order.number, channel="sandbox", request=key, at=at(2), wallet_minor=wallet_minor)


def hold(order: Order) -> int:
    return order.shop.balance(f"order:{order.state.id}:hold")


def money(order: Order) -> tuple[int, int, int]:
    """What is in the wallet, set aside, and in escrow."""
    return builders.wallet(order.buyer), hold(order), order.escrow


def stands(*expected: int, stage: str = "reserved") -> Callable[[Ground], None]:
    def happened(ground: Ground) -> None:
        assert money(ground.order) == expected
        assert ground.order.stages == [stage]

    return happened


HOLD_FLOWS: list[Flow[Any]] = [
    Flow("set wallet money aside", with_a_wallet, lambda g: begin(g.order, g.key), stands(0, PART, 0)),
    Flow("choose another way", held, lambda g: begin(g.order, g.key, 0), stands(PART, 0, 0)),
    Flow("take the channel's part", held, lambda g: take_payment(paid=g.notice, at=at(3)), stands(0, 0, PRICE, stage="queued")),
    Flow(
        "pay all of it from the wallet after all",
        held_and_filled,
        lambda g: pay_from_wallet(actor=g.order.buyer, order_number=g.order.number, request=g.key, at=at(3)),
        stands(0, 0, PRICE, stage="queued"),
    ),
    Flow(
        "time out with money set aside",
        held,
        lambda g: expire_order(order_number=g.order.number, at=LATE),
        stands(PART, 0, 0, stage="released"),
    ),
    Flow(
        "cancel with money set aside",
        held,
        lambda g: open_case(actor=g.order.buyer, order_number=g.order.number, claim=MIND, request=g.key, at=at(3)),
        stands(PART, 0, 0, stage="released"),
    ),
]


def expire_and_pay(ground: Ground) -> tuple[Act, Act]:
    return lambda: expire_order(order_number=ground.order.number, at=LATE), lambda: take_payment(paid=ground.notice, at=LATE)


def cancel_and_pay(ground: Ground) -> tuple[Act, Act]:
    return ground.order.cancel, lambda: take_payment(paid=ground.notice, at=at(5))


def used_or_back(ground: Ground, outcome: Outcome) -> None:
    """Whoever came first: the order is paid by both parts, or the wallet has its part back and the channel's goes back."""
    order = ground.order
    assert outcome.second.won, outcome
    owed = order.shop.balance("refund_payable:sandbox")
    if order.stages == ["queued"]:
        assert (money(order), owed) == ((0, 0, PRICE), 0)
    else:
        assert order.stages == ["released"]
        assert money(order)[1:] == (0, 0)
        # Paid and then cancelled, both parts are owed; closed first, only the channel's.
        assert owed == REST
        assert money(order)[0] + order.shop.balance("refund_payable:wallet") == PART


def aside_for_both(ground: Ground) -> tuple[Act, Act]:
    other = ground.other
    assert other is not None
    keys = [builders.a_key(other.buyer) for _ in range(2)]
    return lambda: begin(ground.order, keys[0]), lambda: begin(other, keys[1])


def aside_for_one(ground: Ground, outcome: Outcome) -> None:
    """One balance is set aside for one of two orders."""
    assert outcome.winners == 1, outcome
    assert ground.other is not None
    assert (builders.wallet(ground.order.buyer), hold(ground.order) + hold(ground.other)) == (0, PART)


Race = AnyRace[Ground]
_MOVES = ("order lock", "stage read again", "table of moves", "escrow floor", "one clock")
HOLD_RACES = [
    Race("expire ‖ pay with a wallet's part", held, expire_and_pay, used_or_back, _MOVES),
    Race("cancel ‖ pay with a wallet's part", held, cancel_and_pay, used_or_back, _MOVES),
    Race("two orders, one balance", two_orders, aside_for_both, aside_for_one, ("escrow floor",)),
]
