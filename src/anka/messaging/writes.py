"""Writes about notices. Only flows may call these, inside their transaction; telling is done by tell(), in SQL."""

from datetime import datetime

from anka.core import database

MOST_AT_ONCE = 5000

# A row somebody else is marking right now is left to them.
READ = """
WITH mine AS (
    (SELECT shop_id, id FROM messaging_notice WHERE audience = 'buyer' AND person_id = %(person)s AND read_at IS NULL AND id <= %(up_to)s
        ORDER BY id LIMIT %(limit)s)
    UNION ALL
    (SELECT notice.shop_id, notice.id FROM accounts_membership AS membership
        JOIN messaging_notice AS notice ON notice.shop_id = membership.shop_id
        WHERE membership.person_id = %(person)s AND notice.audience = 'shop' AND notice.read_at IS NULL AND notice.id <= %(up_to)s
        ORDER BY notice.id LIMIT %(limit)s)
    UNION ALL
    (SELECT shop_id, id FROM messaging_notice WHERE audience = 'platform' AND read_at IS NULL AND id <= %(up_to)s
        AND EXISTS (SELECT FROM accounts_staffrole WHERE person_id = %(person)s) ORDER BY id LIMIT %(limit)s)),
locked AS (
    SELECT notice.shop_id, notice.id FROM messaging_notice AS notice JOIN mine ON mine.shop_id = notice.shop_id AND mine.id = notice.id
    WHERE notice.read_at IS NULL ORDER BY notice.id LIMIT %(limit)s FOR UPDATE OF notice SKIP LOCKED),
marked AS (
    UPDATE messaging_notice AS notice SET read_at = greatest(%(now)s, notice.made_at) FROM locked
    WHERE notice.shop_id = locked.shop_id AND notice.id = locked.id RETURNING 1)
SELECT count(*) FROM marked
"""


def mark_read(*, person_id: int, up_to: int, read_at: datetime) -> int:
    """Mark what a person may read, up to and with this notice, as read; returns how many were unread, at most 5,000 at once."""
    database.require_transaction()
    asked = {"person": person_id, "up_to": up_to, "now": read_at, "limit": MOST_AT_ONCE}
    marked: int = database.value(READ, asked)
    return marked
