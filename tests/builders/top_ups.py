"""Wallets filled through a channel, by the real flows."""

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.flows.begin_top_up import Wanted, begin_top_up
from anka.flows.take_payment import PaidNotice
from anka.flows.take_top_up import take_top_up
from tests.builders.moments import at
from tests.builders.people import a_key, serial


def a_top_up(buyer: Actor, amount_minor: int, *, channel: str = "sandbox", when: Moment | None = None) -> PaidNotice:
    """A top-up of a wallet that was begun, as its notice will tell of it."""
    wanted = Wanted(amount_minor=amount_minor, channel=channel)
    number = begin_top_up(actor=buyer, wanted=wanted, request=a_key(buyer), at=when or at(1))
    return PaidNotice(
        channel=channel,
        payment_number=number,
        transaction_number=f"TU{serial():010d}",
        amount_minor=amount_minor,
        currency="CNY",
    )


def top_up(buyer: Actor, amount_minor: int, *, channel: str = "sandbox", when: Moment | None = None) -> PaidNotice:
    """Fill a wallet through a channel; returns what the channel said."""
    paid = a_top_up(buyer, amount_minor, channel=channel, when=when)
    take_top_up(paid=paid, at=when or at(2))
    return paid
