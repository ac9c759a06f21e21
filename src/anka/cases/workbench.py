"""What waits for a shop: orders to deliver by hand and cases, sorted by when somebody's time is over. Reads only."""

from datetime import datetime

import msgspec

from anka.core import database
from anka.domain.case_states import CaseStatus
from anka.domain.case_turns import turn_of
from anka.domain.deadlines import clock_named

MOST_LINES = 100
COUNTED = 1000
"""Counts say no more than this; who has so much waiting does not need the exact number."""

# Promise clocks run only while something of an order is undelivered, so there are few of them in the whole market.
TO_DELIVER = """
SELECT o.number, product.title_zh, product.title_en, o.quantity, o.currency, coalesce(o.paid_at, o.placed_at), clock.started_at,
       clock.due_at, waiting.queued, waiting.taken_up, waiting.amount_minor
FROM core_clock AS clock
JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE unit.stage = 'queued') AS queued, count(*) FILTER (WHERE unit.stage <> 'queued') AS taken_up,
           sum(unit.amount_minor - unit.refunded_minor)::bigint AS amount_minor
    FROM orders_unit AS unit
    WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.stage IN ('queued', 'accepted', 'working')
      AND NOT EXISTS (SELECT FROM cases_unit AS argued WHERE argued.shop_id = unit.shop_id AND argued.order_id = unit.order_id
                      AND argued.position = unit.position AND argued.open)) AS waiting
WHERE clock.shop_id = %(shop)s AND clock.kind = 'promise' AND clock.state = 'running' AND product.delivery = 'manual'
  AND waiting.queued + waiting.taken_up > 0
  AND (%(due)s::timestamptz IS NULL OR (clock.due_at, o.number COLLATE "C") > (%(due)s::timestamptz, %(number)s))
ORDER BY clock.due_at, o.number COLLATE "C" LIMIT %(limit)s
"""
CASES = """
SELECT argued.number, o.number, product.title_zh, product.title_en, argued.positions, o.currency, argued.status, argued.reason,
       argued.statement, argued.ask_minor, argued.ask_replacement, argued.offered_minor, units.left_minor, argued.opened_at,
       judged.on_silence, clock.started_at, clock.due_at
FROM cases_case AS argued
JOIN orders_order AS o ON o.shop_id = argued.shop_id AND o.id = argued.order_id
JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(unit.amount_minor - unit.refunded_minor), 0)::bigint AS left_minor FROM orders_unit AS unit
    WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.position = ANY (argued.positions)) AS units
LEFT JOIN LATERAL (
    SELECT convert_from(receipt.decision, 'UTF8')::jsonb ->> 'on_silence' AS on_silence FROM cases_receipt AS receipt
    WHERE receipt.shop_id = argued.shop_id AND receipt.case_id = argued.id ORDER BY receipt.sequence DESC LIMIT 1) AS judged ON true
LEFT JOIN LATERAL (
    SELECT running.started_at, running.due_at FROM core_clock AS running
    WHERE running.shop_id = argued.shop_id AND running.order_id = argued.order_id AND running.state = 'running'
      AND running.position = (SELECT min(position) FROM unnest(argued.positions) AS position)
      AND running.kind IN ('answer', 'offer', 'escalate', 'look', 'rule', 'appeal')
    ORDER BY running.due_at LIMIT 1) AS clock ON true
WHERE argued.shop_id = %(shop)s AND argued.closed_at IS NULL AND argued.status = ANY (%(statuses)s)
  AND (%(due)s::timestamptz IS NULL OR (coalesce(clock.due_at, 'infinity'), argued.number COLLATE "C") > (%(due)s::timestamptz, %(number)s))
ORDER BY coalesce(clock.due_at, 'infinity'), argued.number COLLATE "C" LIMIT %(limit)s
"""
COUNTS = """
SELECT (SELECT count(*) FROM (
            SELECT FROM core_clock AS clock
            JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
            JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
            WHERE clock.shop_id = %(shop)s AND clock.kind = 'promise' AND clock.state = 'running' AND product.delivery = 'manual'
              AND EXISTS (SELECT FROM orders_unit AS unit WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id
                          AND unit.stage IN ('queued', 'accepted', 'working')
                          AND NOT EXISTS (SELECT FROM cases_unit AS argued WHERE argued.shop_id = unit.shop_id
                                          AND argued.order_id = unit.order_id AND argued.position = unit.position AND argued.open))
            LIMIT %(most)s) AS counted),
       (SELECT count(*) FROM (SELECT FROM cases_case WHERE shop_id = %(shop)s AND closed_at IS NULL AND status = ANY (%(mine)s)
                              LIMIT %(most)s) AS counted),
       (SELECT count(*) FROM (SELECT FROM cases_case WHERE shop_id = %(shop)s AND closed_at IS NULL LIMIT %(most)s) AS counted),
       (SELECT count(*) FROM (SELECT FROM orders_order WHERE shop_id = %(shop)s LIMIT %(most)s) AS counted)
"""
SETTLING = """
SELECT o.number, clock.position, unit.merchant_minor, o.currency, clock.due_at
FROM core_clock AS clock
JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
JOIN orders_unit AS unit ON unit.shop_id = clock.shop_id AND unit.order_id = clock.order_id AND unit.position = clock.position
WHERE clock.shop_id = %s AND clock.kind = 'settle' AND clock.state = 'running' AND unit.merchant_minor > 0
ORDER BY clock.due_at, o.number, clock.position LIMIT %s
"""
OF_SHOP = (CaseStatus.MERCHANT_TURN,)
OPEN = tuple(status for status in CaseStatus if status != CaseStatus.CLOSED)


class ToDeliver(msgspec.Struct, frozen=True):
    """An order that waits for the shop's hands. `due_at` is when the promise falls, the amount what the waiting units are worth."""

    number: str
    title_zh: str
    title_en: str
    quantity: int
    currency: str
    paid_at: datetime
    started_at: datetime
    due_at: datetime
    queued: int
    taken_up: int
    amount_minor: int

    @property
    def given_back_at(self) -> datetime | None:
        """When the money goes back by itself if nobody takes the order up; None where somebody has."""
        return max(self.due_at, self.started_at + clock_named(name="untouched").default) if self.queued else None


class CaseWaiting(msgspec.Struct, frozen=True):
    """An open case in a shop's list. `due_at` is when the clock of its turn falls, None where none runs."""

    number: str
    order_number: str
    title_zh: str
    title_en: str
    positions: list[int]
    currency: str
    status: str
    reason: str
    statement: str
    ask_minor: int | None
    ask_replacement: bool
    offered_minor: int | None
    left_minor: int
    opened_at: datetime
    on_silence: str | None
    started_at: datetime | None
    due_at: datetime | None

    @property
    def if_silent(self) -> str | None:
        """What follows when the clock falls; see domain.case_turns."""
        return turn_of(status=CaseStatus(self.status), on_silence=self.on_silence).if_silent

    @property
    def side(self) -> str:
        """Whose turn it is."""
        return turn_of(status=CaseStatus(self.status), on_silence=self.on_silence).side


class Counts(msgspec.Struct, frozen=True):
    """How much there is for a shop, each at most 1,000."""

    to_deliver: int
    to_answer: int
    open_cases: int
    orders: int


class Settling(msgspec.Struct, frozen=True):
    """A confirmed unit whose money becomes available when its clock falls."""

    order_number: str
    position: int
    amount_minor: int
    currency: str
    due_at: datetime


class After(msgspec.Struct, frozen=True):
    """Where a list goes on: after the line that is due then and has this number."""

    due_at: datetime
    number: str


def to_deliver(*, shop_id: int, after: After | None, limit: int) -> tuple[ToDeliver, ...]:
    """Return the orders a shop has to deliver by hand, the nearest promise first, at most 100."""
    return tuple(ToDeliver(*row) for row in database.rows(TO_DELIVER, _place(shop_id, after, limit)))


def to_answer(*, shop_id: int, after: After | None, limit: int) -> tuple[CaseWaiting, ...]:
    """Return the cases that wait for a shop's answer, the nearest clock first, at most 100."""
    return _cases(OF_SHOP, shop_id, after, limit)


def open_cases(*, shop_id: int, after: After | None, limit: int) -> tuple[CaseWaiting, ...]:
    """Return all open cases of a shop, whoever has to move, the nearest clock first, at most 100."""
    return _cases(OPEN, shop_id, after, limit)


def counts(*, shop_id: int) -> Counts:
    """Return how much there is for a shop."""
    found = database.rows(COUNTS, {"shop": shop_id, "mine": [str(status) for status in OF_SHOP], "most": COUNTED})
    return Counts(*found[0])


def settling(*, shop_id: int, limit: int) -> tuple[Settling, ...]:
    """Return what settles next for a shop, the nearest first, at most 100."""
    return tuple(Settling(*row) for row in database.rows(SETTLING, (shop_id, max(1, min(limit, MOST_LINES)))))


def _cases(statuses: tuple[CaseStatus, ...], shop_id: int, after: After | None, limit: int) -> tuple[CaseWaiting, ...]:
    parameters = {**_place(shop_id, after, limit), "statuses": [str(status) for status in statuses]}
    return tuple(CaseWaiting(*row) for row in database.rows(CASES, parameters))


def _place(shop_id: int, after: After | None, limit: int) -> dict[str, object]:
    return {
        "shop": shop_id,
        "due": after.due_at if after else None,
        "number": after.number if after else "",
        "limit": max(1, min(limit, MOST_LINES)),
    }
