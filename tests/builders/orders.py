"""Orders brought to a point of their life by the real flows."""

from dataclasses import dataclass

import msgspec

from anka.core.actors import Actor, system
from anka.core.clock import Moment
from anka.flows.begin_payment import begin_payment
from anka.flows.deliver_order import deliver_order
from anka.flows.open_case import open_case
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.place_order import Purchase, place_order
from anka.flows.reveal_unit import reveal_unit
from anka.flows.steps.judge import Claim
from anka.flows.take_payment import PaidNotice, Taken, take_payment
from anka.orders.models import OrderState
from anka.orders.queries import read_order
from tests.builders.goods import Product, a_product
from tests.builders.moments import at
from tests.builders.people import Shop, a_buyer, a_key, fill_wallet, serial

OBSERVER = system("observer")
CHANGED_MIND = "NO_LONGER_NEEDED"


@dataclass(frozen=True)
class Order:
    """An order, who bought it, and what."""

    number: str
    buyer: Actor
    product: Product

    @property
    def shop(self) -> Shop:
        """Who sells it."""
        return self.product.shop

    @property
    def state(self) -> OrderState:
        """How it stands now."""
        return read_order(number=self.number, actor=OBSERVER, at=at())

    @property
    def stages(self) -> list[str]:
        """The stage of each unit."""
        return [str(unit.stage) for unit in self.state.units]

    @property
    def moneys(self) -> list[str]:
        """The money of each unit."""
        return [str(unit.money) for unit in self.state.units]

    @property
    def escrow(self) -> int:
        """What its escrow holds."""
        return self.shop.balance(f"order:{self.state.id}:escrow")

    def reveal(self, position: int = 1, *, when: Moment | None = None) -> str:
        """Open a unit as its buyer."""
        return reveal_unit(
            actor=self.buyer, order_number=self.number, position=position, open_secret=self.product.opener(), at=when or at(5)
        )

    def cancel(self, claim: Claim | None = None, *, key: str | None = None, when: Moment | None = None) -> tuple[str, ...]:
        """Ask for the money back as its buyer."""
        claim = msgspec.structs.replace(claim or Claim(reason=CHANGED_MIND), channels_asked=True)
        return open_case(actor=self.buyer, order_number=self.number, claim=claim, request=a_key(self.buyer, key), at=when or at(5))


def a_placed_order(*, quantity: int = 1, product: Product | None = None, buyer: Actor | None = None, when: Moment | None = None) -> Order:
    """An order waiting for its money."""
    product, buyer = product or a_product(stock=quantity), buyer or a_buyer()
    purchase = Purchase(product_number=product.number, quantity=quantity, accept_notice=True, allow_duplicate=True)
    number = place_order(actor=buyer, purchase=purchase, request=a_key(buyer), at=when or at())
    return Order(number=number, buyer=buyer, product=product)


def a_payment(order: Order, *, when: Moment | None = None) -> PaidNotice:
    """A payment begun at the sandbox channel, as its notice will tell of it."""
    number = begin_payment(actor=order.buyer, order_number=order.number, channel="sandbox", request=a_key(order.buyer), at=when or at(1))
    return PaidNotice(
        channel="sandbox",
        payment_number=number,
        transaction_number=f"SB{serial():010d}",
        amount_minor=order.state.amount_minor,
        currency="CNY",
    )


def pay(order: Order, *, when: Moment | None = None) -> Taken:
    """Pay an order through the sandbox channel."""
    return take_payment(paid=a_payment(order), at=when or at(2))


def a_paid_order(*, quantity: int = 1, product: Product | None = None, buyer: Actor | None = None, when: Moment | None = None) -> Order:
    """An order paid through the channel, its goods queued; where `when` is given, all of it at that moment."""
    order = a_placed_order(quantity=quantity, product=product, buyer=buyer, when=when)
    take_payment(paid=a_payment(order, when=when), at=when or at(2))
    return order


def an_order_paid_from_wallet(*, quantity: int = 1, product: Product | None = None) -> Order:
    """An order paid from the wallet, its goods queued."""
    order = a_placed_order(quantity=quantity, product=product)
    fill_wallet(order.buyer, order.state.amount_minor)
    pay_from_wallet(actor=order.buyer, order_number=order.number, request=a_key(order.buyer), at=at(2))
    return order


def a_sealed_order(*, quantity: int = 1, product: Product | None = None, buyer: Actor | None = None, when: Moment | None = None) -> Order:
    """An order delivered sealed; where `when` is given, all of it at that moment."""
    order = a_paid_order(quantity=quantity, product=product, buyer=buyer, when=when)
    deliver_order(order_number=order.number, at=when or at(3))
    return order


def a_revealed_order(*, quantity: int = 1, product: Product | None = None) -> Order:
    """An order of which every unit was opened."""
    order = a_sealed_order(quantity=quantity, product=product)
    for position in range(1, quantity + 1):
        order.reveal(position, when=at(4))
    return order


def a_cancelled_order(*, quantity: int = 1, refund_to: str = "original") -> Order:
    """A sealed order whose money is on its way back."""
    order = a_sealed_order(quantity=quantity)
    order.cancel(Claim(reason=CHANGED_MIND, refund_to=refund_to))
    return order
