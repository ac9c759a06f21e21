"""Keys that a merchant hands over: sealed like any other, never twice for one product, and noticed where another shop sold them too."""

import pytest

from anka.core.refusals import BadInput, NotPermitted
from anka.flows.accept_order import NothingToAccept, accept_order
from anka.flows.hand_over_keys import Handover, KeyDeliveredBefore, NothingToDeliver, hand_over_keys
from anka.jobs import keys
from anka.vault.queries import duplicates
from tests.builders import Order, a_key, a_paid_order, a_product, a_sealed_order, at, serial


def by_hand(quantity: int = 1) -> Order:
    """Paid, to be delivered by hand."""
    return a_paid_order(product=a_product(stock=0, delivery="manual"), quantity=quantity)


def hand_over(order: Order, *secrets: str, positions: tuple[int, ...] | None = None) -> None:
    """Deliver these keys as the shop."""
    shop = order.shop.owner
    hand_over_keys(
        actor=shop,
        order_number=order.number,
        handover=Handover(secrets=secrets, positions=positions),
        sealer=keys.sealer_for(shop_id=order.shop.id, at=at(9)),
        request=a_key(shop),
        at=at(10),
    )


def test_each_unit_gets_its_own_key_and_only_its_buyer_reads_it() -> None:
    order = by_hand(quantity=2)
    first, second = f"HAND{serial():08d}", f"HAND{serial():08d}"
    hand_over(order, second, positions=(2,))
    assert order.stages == ["queued", "sealed"]
    hand_over(order, first)
    assert (order.reveal(1, when=at(11)), order.reveal(2, when=at(11))) == (first, second)
    with pytest.raises(NothingToDeliver):
        hand_over(order, first)


@pytest.mark.parametrize("secrets", [(), ("",), ("A1", "B2"), ("x" * 513,), ("a\x00b",)])
def test_what_cannot_be_a_key_or_is_not_one_per_unit_delivers_nothing(secrets: tuple[str, ...]) -> None:
    order = by_hand()
    with pytest.raises(BadInput):
        hand_over(order, *secrets)
    assert order.stages == ["queued"]


def test_no_key_is_sold_twice_for_one_product() -> None:
    order, secret = by_hand(), f"HAND{serial():08d}"
    again = a_paid_order(product=order.product)
    hand_over(order, secret)
    with pytest.raises(KeyDeliveredBefore):
        hand_over(again, secret.lower())
    assert again.stages == ["queued"]


def test_a_key_that_another_shop_has_too_is_noticed_for_the_platform() -> None:
    other = a_sealed_order()
    order = by_hand()
    hand_over(order, other.product.secrets[0])
    assert (order.shop.code, other.shop.code) in {(found.shop, found.other_shop) for found in duplicates(limit=1000)}


def test_goods_that_deliver_themselves_are_not_delivered_by_hand() -> None:
    order = a_paid_order()
    with pytest.raises(NothingToDeliver):
        hand_over(order, f"HAND{serial():08d}")
    with pytest.raises(NothingToAccept):
        accept_order(actor=order.shop.owner, order_number=order.number, positions=None, request=a_key(order.shop.owner), at=at(5))
    with pytest.raises(NotPermitted):
        accept_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(5))
