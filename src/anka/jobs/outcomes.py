"""Whose outcome nobody knows yet: payments, refund attempts, withdrawals, questions; since when, when asked next, and who looks."""

from datetime import datetime, timedelta

import msgspec

from anka.core import database

# What is simply under way belongs here when it has been so for this long.
UNDER_WAY = timedelta(days=1)
# How long after its end a payment may wait for its channel's word before it stands here.
AFTER_EXPIRY = timedelta(minutes=5)
MOST = 100
UNKNOWN = """
WITH waits AS (
    SELECT 'refund' AS kind, attempt.number, attempt.channel, attempt.shop_id, attempt.amount_minor, refund.currency::text AS currency,
        attempt.status, coalesce(attempt.submitted_at, attempt.created_at) AS since, stuck.owner,
        (SELECT min(work.due_at) FROM core_outbox AS work WHERE work.shop_id = attempt.shop_id AND work.topic = 'refund'
            AND work.subject = attempt.number AND work.done_at IS NULL) AS next_at
    FROM payments_attempt AS attempt
        JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
        LEFT JOIN payments_stuck AS stuck ON stuck.shop_id = attempt.shop_id AND stuck.refund_id = attempt.refund_id
            AND stuck.leg = attempt.leg AND stuck.ended_at IS NULL
    WHERE attempt.status IN ('submitting', 'unknown', 'waiting_funds', 'abnormal', 'manual')
        OR attempt.status IN ('created', 'processing') AND coalesce(attempt.submitted_at, attempt.created_at) < %(long_ago)s
    UNION ALL
    SELECT 'payment', payment.number, payment.channel, payment.shop_id, payment.amount_minor, payment.currency::text, payment.status,
        payment.expires_at, NULL,
        (SELECT min(work.due_at) FROM core_outbox AS work
                LEFT JOIN orders_order AS o ON o.shop_id = work.shop_id AND o.number = work.subject
            WHERE work.shop_id = payment.shop_id AND work.done_at IS NULL
                AND (work.topic = 'expire' AND o.id = payment.order_id OR work.topic = 'top_up' AND work.subject = payment.number))
    FROM payments_payment AS payment
    WHERE payment.status IN ('created', 'pending') AND payment.channel <> 'wallet' AND payment.expires_at < %(expired)s
    UNION ALL
    SELECT 'question', question.payment_number, question.channel, 0, NULL, NULL, coalesce(question.said, ''), question.asked_at, NULL,
        (SELECT min(work.due_at) FROM core_outbox AS work WHERE work.shop_id = 0 AND work.topic = 'question' AND work.done_at IS NULL
            AND starts_with(work.subject, format('%%s:%%s:', question.channel, question.payment_number)))
    FROM payments_question AS question WHERE question.answered_at IS NULL
    UNION ALL
    -- A bank answers nobody but people: whoever has ordered the transfer looks.
    SELECT 'withdrawal', taken.number, 'bank', taken.shop_id, taken.amount_minor, taken.currency::text, taken.status, taken.decided_at,
        taken.paid_by, NULL
    FROM funds_withdrawal AS taken WHERE taken.status = 'paying')
SELECT kind, number, channel, shop_id, amount_minor, currency, status, since, next_at, owner FROM waits
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(since)s::timestamptz IS NULL OR (since, kind, number) > (%(since)s::timestamptz, %(after_kind)s, %(after_number)s))
ORDER BY since, kind, number LIMIT %(limit)s
"""
KINDS = ("refund", "payment", "question", "withdrawal")


class Unknown(msgspec.Struct, frozen=True):
    """Something whose outcome is not known.

    `next_at` is when a machine asks next, None where none does; `owner` the person who has taken it up, None where nobody has. A question
    has no amount of its own: `status` is then what the channel has said so far.
    """

    kind: str
    number: str
    channel: str
    shop_id: int
    amount_minor: int | None
    currency: str | None
    status: str
    since: datetime
    next_at: datetime | None
    owner: int | None


class UnknownCursor(msgspec.Struct, frozen=True):
    """Where the list goes on: after this one."""

    since: datetime
    kind: str
    number: str


def unknown_outcomes(*, kind: str | None, after: UnknownCursor | None, now: datetime, limit: int) -> list[Unknown]:
    """Return what nobody knows the outcome of at `now` (the market's time), longest first, of one kind or of all."""
    asked = {
        "kind": kind,
        "long_ago": now - UNDER_WAY,
        "expired": now - AFTER_EXPIRY,
        "since": after.since if after else None,
        "after_kind": after.kind if after else "",
        "after_number": after.number if after else "",
        "limit": max(1, min(limit, MOST + 1)),
    }
    return [Unknown(*row) for row in database.rows(UNKNOWN, asked)]
