"""The platform's queue: every case that reached it and is not over, the one whose clock falls first on top."""

from datetime import datetime
from enum import StrEnum

import msgspec

from anka.core import database

MOST_LINES = 101

# The clock of a case stands at its first unit. Where none runs, whatever waits longest comes first.
QUEUE = """
WITH at_platform AS (
    SELECT argued.shop_id, argued.id, argued.number, argued.order_id, argued.status, argued.reason, argued.positions, argued.ask_minor,
        argued.ask_replacement, argued.opened_at, argued.platform_since, proposed.by_person AS proposed_by,
        proposed.refund_minor AS proposed,
        clock.kind AS clock_kind, coalesce(clock.due_at, argued.platform_since, argued.opened_at) AS due_at,
        EXISTS (SELECT FROM cases_ruling AS given WHERE given.shop_id = argued.shop_id AND given.case_id = argued.id
            AND given.status = 'given' AND %(person)s IN (given.by_person, given.approved_by)) AS ruled_by_me
    FROM cases_case AS argued
        LEFT JOIN cases_ruling AS proposed ON proposed.shop_id = argued.shop_id AND proposed.case_id = argued.id
            AND proposed.status = 'proposed'
        LEFT JOIN core_clock AS clock ON clock.shop_id = argued.shop_id AND clock.order_id = argued.order_id
            AND clock.position = (SELECT min(position) FROM unnest(argued.positions) AS position)
            AND clock.state IN ('running', 'paused')
            AND clock.kind = CASE argued.status WHEN 'evidence' THEN 'look' WHEN 'decided' THEN 'appeal' ELSE 'rule' END
    WHERE argued.closed_at IS NULL AND argued.status IN ('evidence', 'review', 'decided', 'appeal'))
SELECT at_platform.number, o.number, shop.name_zh, shop.name_en, shop.code, product.title_zh, product.title_en, at_platform.status,
    at_platform.reason, at_platform.positions, at_platform.ask_minor, at_platform.ask_replacement, o.currency, at_platform.opened_at,
    at_platform.platform_since, at_platform.clock_kind, at_platform.due_at, at_platform.proposed, at_platform.proposed_by
FROM at_platform JOIN orders_order AS o ON o.shop_id = at_platform.shop_id AND o.id = at_platform.order_id
    JOIN accounts_shop AS shop ON shop.id = at_platform.shop_id
    JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
WHERE (%(after)s::timestamptz IS NULL OR (at_platform.due_at, at_platform.number) > (%(after)s::timestamptz, %(after_number)s))
  AND CASE %(filter)s
    WHEN 'mine' THEN at_platform.status <> 'decided' AND o.buyer_id <> %(person)s
        AND NOT EXISTS (SELECT FROM accounts_membership AS mine WHERE mine.shop_id = o.shop_id AND mine.person_id = %(person)s)
        AND at_platform.proposed_by IS DISTINCT FROM %(person)s AND NOT (at_platform.status = 'appeal' AND at_platform.ruled_by_me)
    WHEN 'approval' THEN at_platform.proposed_by IS NOT NULL
    WHEN 'appeals' THEN at_platform.status = 'appeal'
    ELSE true END
ORDER BY at_platform.due_at, at_platform.number LIMIT %(limit)s
"""
COUNTS = """
SELECT count(*) FILTER (WHERE status <> 'decided'), count(*) FILTER (WHERE status = 'appeal'), count(*)
FROM cases_case WHERE closed_at IS NULL AND status IN ('evidence', 'review', 'decided', 'appeal')
"""


class QueueFilter(StrEnum):
    """Which cases: those this person may work on, those that wait for a second person, appeals, or all."""

    MINE = "mine"
    APPROVAL = "approval"
    APPEALS = "appeals"
    ALL = "all"


class QueueLine(msgspec.Struct, frozen=True):
    """A case in the platform's queue. `due_at` is when the clock of its turn falls (`clock_kind`; None where none runs)."""

    number: str
    order_number: str
    shop_name_zh: str
    shop_name_en: str
    shop_code: str
    title_zh: str
    title_en: str
    status: str
    reason: str
    positions: list[int]
    ask_minor: int | None
    ask_replacement: bool
    currency: str
    opened_at: datetime
    platform_since: datetime | None
    clock_kind: str | None
    due_at: datetime
    proposed_minor: int | None
    proposed_by: int | None


class QueuePlace(msgspec.Struct, frozen=True):
    """Where the queue goes on: after the case with this due time and number."""

    due_at: datetime
    number: str


class QueueCounts(msgspec.Struct, frozen=True):
    """How many cases wait for the platform, how many of them are appeals, and how many it has in all."""

    waiting: int
    appeals: int
    total: int


def queue(*, person_id: int, which: QueueFilter, after: QueuePlace | None, limit: int) -> tuple[QueueLine, ...]:
    """Return the cases at the platform, the one that is due first on top, at most 101. `person_id` is who asks for their own work."""
    asked = {
        "person": person_id,
        "filter": str(which),
        "after": after.due_at if after else None,
        "after_number": after.number if after else "",
        "limit": max(1, min(limit, MOST_LINES)),
    }
    return tuple(QueueLine(*row) for row in database.rows(QUEUE, asked))


def queue_counts() -> QueueCounts:
    """Return how much there is to do."""
    return QueueCounts(*database.rows(COUNTS)[0])
