"""Reads about payments and refunds."""

import msgspec

from anka.core import database
from anka.core.refusals import NotFound
from anka.payments.models import Attempt, LegView, RefundView, attempt_decoder


def lock_attempt(*, number: str) -> Attempt:
    """Lock the order a refund attempt belongs to, and return everything about the attempt, read after the lock was had.

    Raises:
        NotFound: there is no such attempt.
        Busy: somebody else held the order for more than 3 s.
    """
    found = database.call("SELECT lock_attempt($1)", number)
    if found is None:
        raise NotFound
    return attempt_decoder.decode(found)


REFUNDS = """
SELECT refund.number, o.number, o.buyer_id, refund.shop_id, refund.cause, refund.case_number, refund.amount_minor, refund.currency,
       refund.status, refund.intended_at, refund.ended_at,
       ARRAY(SELECT position FROM payments_refund_unit AS repaid WHERE repaid.shop_id = refund.shop_id AND repaid.refund_id = refund.id
             ORDER BY position),
       (SELECT json_agg(json_build_object('channel', leg.channel, 'amount_minor', leg.amount_minor, 'status', leg.status,
               'arrives_by', leg.arrives_by, 'ended_at', leg.ended_at, 'attempts', latest.attempts,
               'channel_number', latest.channel_number, 'submitted_at', latest.submitted_at) ORDER BY leg.leg)::text
        FROM payments_leg AS leg CROSS JOIN LATERAL (
            SELECT count(*) AS attempts, min(attempt.submitted_at) AS submitted_at,
                   (array_agg(attempt.channel_number ORDER BY attempt.id DESC))[1] AS channel_number
            FROM payments_attempt AS attempt
            WHERE attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg) AS latest
        WHERE leg.shop_id = refund.shop_id AND leg.refund_id = refund.id)
FROM payments_refund AS refund JOIN orders_order AS o ON o.shop_id = refund.shop_id AND o.id = refund.order_id
WHERE {which} ORDER BY refund.id
"""
_legs = msgspec.json.Decoder(list[LegView])


def _views(which: str, parameters: tuple[object, ...]) -> list[RefundView]:
    rows = database.rows(REFUNDS.format(which=which), parameters)
    return [RefundView(*[*row[:-1], _legs.decode(row[-1])]) for row in rows]


def refunds_of_order(*, shop_id: int, order_id: int) -> list[RefundView]:
    """Return an order's refunds, oldest first."""
    return _views("refund.shop_id = %s AND refund.order_id = %s", (shop_id, order_id))


def refund(*, number: str) -> RefundView:
    """Return one refund. Whether the asker may see it is the caller's question.

    Raises:
        NotFound: there is none under this number.
    """
    found = _views(
        "refund.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%s, '-', 1)) AND refund.number = %s", (number, number)
    )
    if not found:
        raise NotFound
    return found[0]
