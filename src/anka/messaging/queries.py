"""Reads of notices. Whose shops somebody works for, and whether for the platform, is read in the same statement, as it stands now."""

import msgspec

from anka.core import database
from anka.messaging.models import Notice

MOST_NOTICES = 101
MOST_COUNTED = 100

# The three places a person's notices lie in, each cut to its newest before they are put together.
NOTICES = """
WITH mine AS (
    (SELECT * FROM messaging_notice WHERE audience = 'buyer' AND person_id = %(person)s AND id < %(before)s
        ORDER BY id DESC LIMIT %(limit)s)
    UNION ALL
    SELECT of_shop.* FROM accounts_membership AS membership CROSS JOIN LATERAL (SELECT * FROM messaging_notice AS notice
        WHERE notice.audience = 'shop' AND notice.shop_id = membership.shop_id AND notice.id < %(before)s
        ORDER BY notice.id DESC LIMIT %(limit)s) AS of_shop WHERE membership.person_id = %(person)s
    UNION ALL
    (SELECT * FROM messaging_notice WHERE audience = 'platform' AND id < %(before)s
        AND EXISTS (SELECT FROM accounts_staffrole WHERE person_id = %(person)s) ORDER BY id DESC LIMIT %(limit)s)),
newest AS (SELECT * FROM mine ORDER BY id DESC LIMIT %(limit)s)
SELECT newest.id, newest.audience, newest.kind, newest.details::text, newest.made_at, newest.read_at, newest.order_number,
    newest.case_number, coalesce(shop.code, ''), coalesce(shop.name_zh, ''), coalesce(shop.name_en, ''), coalesce(product.title_zh, ''),
    coalesce(product.title_en, ''), coalesce(o.currency, ''), coalesce(clock.state = 'running', false)
FROM newest LEFT JOIN accounts_shop AS shop ON shop.id = newest.shop_id
    LEFT JOIN orders_order AS o ON o.shop_id = newest.shop_id AND o.id = newest.order_id
    LEFT JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
    LEFT JOIN core_clock AS clock ON clock.shop_id = newest.shop_id AND clock.id = CASE WHEN newest.kind = 'clock_warning'
        AND newest.details ->> 'clock_id' ~ '^[0-9]{1,18}$' THEN (newest.details ->> 'clock_id')::bigint END
ORDER BY newest.id DESC
"""
UNREAD = """
SELECT count(*) FROM (
    (SELECT FROM messaging_notice WHERE audience = 'buyer' AND person_id = %(person)s AND read_at IS NULL LIMIT %(limit)s)
    UNION ALL
    (SELECT FROM accounts_membership AS membership JOIN messaging_notice AS notice ON notice.shop_id = membership.shop_id
        WHERE membership.person_id = %(person)s AND notice.audience = 'shop' AND notice.read_at IS NULL LIMIT %(limit)s)
    UNION ALL
    (SELECT FROM messaging_notice WHERE audience = 'platform' AND read_at IS NULL
        AND EXISTS (SELECT FROM accounts_staffrole WHERE person_id = %(person)s) LIMIT %(limit)s)
    LIMIT %(limit)s) AS unread
"""
NEWEST = 2**63 - 1


class Before(msgspec.Struct, frozen=True):
    """Where a list of notices goes on: before this one."""

    id: int


def notices_of(*, person_id: int, before: Before | None, limit: int) -> tuple[Notice, ...]:
    """Return what a person was told: as a buyer, as somebody of a shop, as somebody of the platform; newest first, at most 101."""
    asked = {"person": person_id, "before": before.id if before else NEWEST, "limit": min(limit, MOST_NOTICES)}
    return tuple(_notice(row) for row in database.rows(NOTICES, asked))


def _notice(row: database.Row) -> Notice:
    number, audience, kind, details, *rest = row
    return Notice(number, audience, kind, msgspec.json.decode(details), *rest)


def unread_count(*, person_id: int) -> int:
    """Return how many notices a person has not read yet, counted up to 100."""
    unread: int = database.value(UNREAD, {"person": person_id, "limit": MOST_COUNTED})
    return unread
