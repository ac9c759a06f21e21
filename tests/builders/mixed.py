"""Orders that are paid partly from the wallet and partly through a channel, by the real flows."""

from anka.core.clock import Moment
from anka.flows.begin_payment import begin_payment
from anka.flows.take_payment import PaidNotice
from tests.builders.moments import at
from tests.builders.orders import Order, a_placed_order
from tests.builders.people import a_key, fill_wallet, serial

WALLET_PART = 3_000


def a_part(order: Order, *, wallet_minor: int = WALLET_PART, channel: str = "sandbox", when: Moment | None = None) -> PaidNotice:
    """A payment of what the wallet does not pay, begun with so much set aside, as its notice will tell of it."""
    number = begin_payment(
        actor=order.buyer,
        order_number=order.number,
        channel=channel,
        request=a_key(order.buyer),
        at=when or at(1),
        wallet_minor=wallet_minor,
    )
    return PaidNotice(
        channel=channel,
        payment_number=number,
        transaction_number=f"MX{serial():010d}",
        amount_minor=order.state.amount_minor - wallet_minor,
        currency="CNY",
    )


def a_held_order(*, wallet_minor: int = WALLET_PART) -> tuple[Order, PaidNotice]:
    """An order of 100.00 for which all of a wallet is set aside, and the notice of the rest."""
    order = a_placed_order()
    fill_wallet(order.buyer, wallet_minor)
    return order, a_part(order, wallet_minor=wallet_minor)
