"""Every flow that moves money or goods survives the end of its process at every statement, and after the commit before the answer."""

from typing import Any

import pytest

from anka.core.idempotency import unrepeated
from anka.flows.deliver_order import deliver_order
from anka.flows.place_order import Purchase, place_order
from tests import builders
from tests.builders import at
from tests.faults.crash import Flow, crash_points, dies_at, places
from tests.faults.every_flow import EVERY_FLOW
from tests.faults.flows import Ground, Shelf, a_paid, stands


@pytest.mark.parametrize("flow", EVERY_FLOW, ids=str)
def test_exactly_once_whatever_the_moment_of_death(flow: Flow[Any]) -> None:
    assert crash_points(flow) >= 4


def test_a_request_without_a_key_is_seen_to_happen_twice() -> None:
    """The negative control: what is not remembered is done again, and the tool says so."""
    unremembered: Flow[Shelf] = Flow(
        "place without a key",
        a_full_shelf,
        lambda shelf: place_order(actor=shelf.buyer, purchase=shelf.order, request=unrepeated(str(shelf.buyer)), at=at()),
        one_is_gone,
    )
    last = len(places(unremembered)) - 1
    with pytest.raises(AssertionError):
        dies_at(unremembered, last)


def a_full_shelf() -> Shelf:
    """A product with keys enough for every repeat, and a buyer who wants one."""
    product, buyer = builders.a_product(stock=5), builders.a_buyer()
    purchase = Purchase(product_number=product.number, quantity=1, accept_notice=True, allow_duplicate=True)
    return Shelf(product=product, order=purchase, key=builders.a_key(buyer), buyer=buyer)


def one_is_gone(shelf: Shelf) -> None:
    assert shelf.product.available == 4


def test_the_places_of_death_are_those_the_flow_has() -> None:
    deliver: Flow[Ground] = Flow(
        "deliver", a_paid, lambda g: deliver_order(order_number=g.order.number, at=at(3)), stands("sealed", "held", escrow=10000)
    )
    found = places(deliver)
    assert [place.partition(" ")[0] for place in found] == ["begin", "statement", "statement", "commit", "committed"]
    assert "lock_order" in found[1]
    assert "change_order" in found[2]
