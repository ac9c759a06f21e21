"""Noticing that somebody has just ordered the same thing, so that a second order is asked about first."""

from datetime import datetime, timedelta

import msgspec

from anka.core import database
from anka.core.clock import Moment

# The same span as read_for_purchase() refuses by.
SPAN = timedelta(minutes=10)
EARLIER = """
SELECT earlier.number, earlier.placed_at FROM orders_order AS earlier
JOIN catalog_product AS product ON product.shop_id = earlier.shop_id AND product.id = earlier.product_id
WHERE earlier.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%(product)s, '-', 1))
  AND earlier.buyer_id = %(buyer)s AND product.number = %(product)s AND earlier.closed_at IS NULL
  AND earlier.placed_at > %(since)s AND earlier.placed_at <= %(now)s
ORDER BY earlier.placed_at DESC LIMIT 1
"""


class RecentOrder(msgspec.Struct, frozen=True):
    """An order placed a moment ago."""

    number: str
    placed_at: datetime


def recent_order(*, buyer_id: int, product_number: str, at: Moment) -> RecentOrder | None:
    """Return the buyer's newest order of this product within the last ten minutes that is not closed, or None."""
    parameters = {"buyer": buyer_id, "product": product_number, "since": at.now - SPAN, "now": at.now}
    found = database.rows(EARLIER, parameters)
    return RecentOrder(*found[0]) if found else None
