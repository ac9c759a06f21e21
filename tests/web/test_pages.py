"""Every page, with real data, at every point of an order's life, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anka.flows.confirm_order import confirm_order
from anka.flows.expire_unpaid import expire_unpaid
from anka.flows.settle_order import settle_order
from anka.payments.queries import refunds_of_order
from tests.builders import (
    Order,
    a_buyer,
    a_cancelled_order,
    a_key,
    a_paid_order,
    a_placed_order,
    a_product,
    a_revealed_order,
    a_sealed_order,
    an_order_paid_from_wallet,
    at,
)
from tests.web.browser import browser


def a_timed_out_order() -> Order:
    order = a_placed_order(when=at(-60))
    expire_unpaid(at=at(0))
    return order


def a_confirmed_order() -> Order:
    order = a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(5))
    return order


def a_settled_order() -> Order:
    order = a_confirmed_order()
    settle_order(order_number=order.number, at=at(days=3))
    return order


def a_partly_cancelled_order() -> Order:
    order = a_sealed_order(quantity=3)
    order.reveal(2)
    from anka.flows.steps.judge import Claim

    order.cancel(Claim(reason="NO_LONGER_NEEDED", positions=(3,)))
    return order


LIVES: dict[str, Callable[[], Order]] = {
    "placed": a_placed_order,
    "timed out": a_timed_out_order,
    "paid": a_paid_order,
    "sealed": lambda: a_sealed_order(quantity=2),
    "revealed": a_revealed_order,
    "cancelled": a_cancelled_order,
    "partly cancelled": a_partly_cancelled_order,
    "confirmed": a_confirmed_order,
    "settled": a_settled_order,
}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("life", LIVES)
def test_an_order_is_shown_at_every_point_of_its_life(life: str, language: str) -> None:
    order = LIVES[life]()
    visitor = browser(order.buyer)
    answer = visitor.get(f"/orders/{order.number}", accept_language=language)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert order.number in page
    assert ("订单" in page) is (language == "zh-CN")
    for path in ("/orders", f"/orders/{order.number}/cancel"):
        assert visitor.get(path, accept_language=language).status_code in (200, 409)
