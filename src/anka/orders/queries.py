"""Reads about orders. `lock_order` is the one locking read: every flow that touches an order begins with it."""

from datetime import datetime

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.refusals import NotFound
from anka.orders.models import OrderState, decoder

LOCK = "SELECT lock_order($1, $2, $3, $4, $5, $6, $7)"
READ = "SELECT read_order($1, $2, $3, $4)"


def lock_order(*, number: str, actor: Actor, request: RequestKey, at: Moment) -> OrderState:
    """Lock an order until the transaction ends and return everything about it, read after the lock was had.

    Raises:
        NotFound: there is no such order for this actor (another's order looks the same).
        IdempotencyConflict: the request's key was used for something else.
        Busy: somebody else held the order for more than 3 s.
        TransactionRequired: called outside a flow.
    """
    found = database.call(LOCK, number, actor.person_id, actor.token_id, at.real, request.caller, request.key, request.fingerprint)
    return _visible(found, actor)


def read_order(*, number: str, actor: Actor, at: Moment) -> OrderState:
    """Return everything about an order without locking it, for pages and quotes.

    Raises:
        NotFound: there is no such order for this actor.
    """
    found = database.ask(READ, number, actor.person_id, actor.token_id, at.real)
    return _visible(found[0] if found else None, actor)


def _visible(found: str | None, actor: Actor) -> OrderState:
    if found is None:
        raise NotFound
    state = decoder.decode(found)
    if not state.sees(actor):
        raise NotFound
    return state


class Event(msgspec.Struct, frozen=True):
    """One event of an order's chain, as shown in its timeline. `proof` is the hash that chains it, in hex."""

    at: datetime
    actor: str
    what: str
    positions: list[int]
    details: dict[str, object]
    proof: str


TIMELINE = """
SELECT at, actor, what, positions, convert_from(body, 'UTF8')::jsonb -> 'details', encode(hash, 'hex')
FROM core_event WHERE shop_id = %s AND order_id = %s ORDER BY sequence DESC LIMIT 200
"""


def timeline(*, state: OrderState) -> list[Event]:
    """Return the order's events, newest first, at most 200."""
    return [Event(*row) for row in database.rows(TIMELINE, (state.shop_id, state.id))]


class Line(msgspec.Struct, frozen=True):
    """One order in a list."""

    number: str
    shop_code: str
    shop_name_zh: str
    shop_name_en: str
    title_zh: str
    title_en: str
    face_value: str
    kind: str
    quantity: int
    amount_minor: int
    currency: str
    placed_at: datetime
    hold_until: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    refunded_minor: int
    stages: list[str]
    moneys: list[str]
    due_at: datetime | None


LINES = """
SELECT o.number, shop.code, shop.name_zh, shop.name_en, product.title_zh, product.title_en, product.face_value, product.kind, o.quantity,
       o.amount_minor, o.currency, o.placed_at, o.hold_until, o.paid_at, o.closed_at, o.refunded_minor,
       units.stages, units.moneys, promise.due_at
FROM orders_order AS o
LEFT JOIN core_clock AS promise ON promise.shop_id = o.shop_id AND promise.order_id = o.id AND promise.position = 0
    AND promise.kind = 'promise' AND promise.state IN ('running', 'paused')
JOIN accounts_shop AS shop ON shop.id = o.shop_id
JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
CROSS JOIN LATERAL (SELECT array_agg(unit.stage ORDER BY unit.position) AS stages, array_agg(unit.money ORDER BY unit.position) AS moneys
                    FROM orders_unit AS unit WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id) AS units
WHERE
"""
NEWEST = """{owner} AND {tab}
  AND (%(before)s::timestamptz IS NULL OR (o.placed_at, o.number) < (%(before)s::timestamptz, %(before_number)s))
ORDER BY o.placed_at DESC, o.number DESC LIMIT %(limit)s
"""
# The clock of the promise runs from the payment until nothing is left to deliver, also past its time.
TO_DELIVER = """o.shop_id = ANY (%(shops)s::bigint[]) AND promise.state IS NOT NULL AND {tab}
  AND (%(after)s::timestamptz IS NULL OR (promise.due_at, o.number) > (%(after)s::timestamptz, %(after_number)s))
ORDER BY promise.due_at, o.number LIMIT %(limit)s
"""

# The tabs of 我的订单 are views over facts, nothing stored.
TABS = {
    "all": "true",
    "unpaid": "o.paid_at IS NULL AND o.closed_at IS NULL",
    "to_deliver": "units.stages && ARRAY['queued', 'accepted', 'working']",
    "delivered": "units.stages && ARRAY['sealed', 'revealed', 'delivered', 'used']",
    "refunds": "(o.refunded_minor > 0 OR units.moneys && ARRAY['refunding', 'refunded', 'part_refunded'])",
}


class Cursor(msgspec.Struct, frozen=True):
    """Where a list goes on: after this order."""

    placed_at: datetime
    number: str


class PromiseCursor(msgspec.Struct, frozen=True):
    """Where a list of promises goes on: after this order."""

    due_at: datetime
    number: str


def orders_of_buyer(*, buyer_id: int, tab: str, after: Cursor | None, limit: int) -> list[Line]:
    """Return a buyer's orders of one tab (a key of TABS), newest first."""
    return _lines("o.buyer_id = %(owner)s", buyer_id, tab, after, limit)


def orders_of_shop(*, shop_id: int, tab: str, after: Cursor | None, limit: int) -> list[Line]:
    """Return a shop's orders of one tab, newest first."""
    return _lines("o.shop_id = %(owner)s", shop_id, tab, after, limit)


def _lines(owner: str, owner_id: int, tab: str, after: Cursor | None, limit: int) -> list[Line]:
    parameters = {
        "owner": owner_id,
        "before": after.placed_at if after else None,
        "before_number": after.number if after else "",
        "limit": max(1, min(limit, 100)),
    }
    return [Line(*row) for row in database.rows(LINES + NEWEST.format(owner=owner, tab=TABS[tab]), parameters)]


def orders_to_deliver(*, shop_ids: tuple[int, ...], after: PromiseCursor | None, limit: int) -> list[Line]:
    """Return the orders of these shops that wait for their goods, the promise that breaks soonest (or broke first) first."""
    parameters = {
        "shops": list(shop_ids),
        "after": after.due_at if after else None,
        "after_number": after.number if after else "",
        "limit": max(1, min(limit, 100)),
    }
    return [Line(*row) for row in database.rows(LINES + TO_DELIVER.format(tab=TABS["to_deliver"]), parameters)]


def tab_counts(*, buyer_id: int) -> dict[str, int]:
    """Return how many orders each tab of a buyer holds, counting at most 1,000 of the newest."""
    columns = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in TABS.values())
    counted = f"""
        SELECT {columns} FROM (SELECT * FROM orders_order WHERE buyer_id = %s ORDER BY placed_at DESC LIMIT 1000) AS o
        CROSS JOIN LATERAL (SELECT array_agg(unit.stage) AS stages, array_agg(unit.money) AS moneys
                            FROM orders_unit AS unit WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id) AS units
    """
    return dict(zip(TABS, database.rows(counted, (buyer_id,))[0], strict=True))
