"""What tests begin with: each builder runs the real flows. No test relies on what another test has made."""

from tests.builders.goods import Product, a_product, stock_up
from tests.builders.moments import at
from tests.builders.orders import (
    CHANGED_MIND,
    Order,
    a_cancelled_order,
    a_paid_order,
    a_payment,
    a_placed_order,
    a_revealed_order,
    a_sealed_order,
    an_order_paid_from_wallet,
    pay,
)
from tests.builders.people import OPERATOR, Shop, a_buyer, a_key, a_person, a_shop, balance, fill_wallet, post, serial, wallet

__all__ = [
    "CHANGED_MIND",
    "OPERATOR",
    "Order",
    "Product",
    "Shop",
    "a_buyer",
    "a_cancelled_order",
    "a_key",
    "a_paid_order",
    "a_payment",
    "a_person",
    "a_placed_order",
    "a_product",
    "a_revealed_order",
    "a_sealed_order",
    "a_shop",
    "an_order_paid_from_wallet",
    "at",
    "balance",
    "fill_wallet",
    "pay",
    "post",
    "serial",
    "stock_up",
    "wallet",
]
