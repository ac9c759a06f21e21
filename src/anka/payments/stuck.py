"""The queue of refunds that a person has to look after, and of those that wait for funds or for an answer."""

from datetime import datetime

import msgspec

from anka.core import database

MOST = 100
# Every view is one page: whoever works on it takes from the top.
COLUMNS = """
SELECT refund.number, leg.leg, leg.status, leg.channel, leg.amount_minor, refund.currency, refund.intended_at, o.number, o.buyer_id,
       newest.number, newest.status, newest.channel, newest.channel_number, newest.asked, stuck.reason, stuck.since, stuck.due_at,
       stuck.owner, person.display_name, proof.kind, proof.says, proof.payee, proof.bank, proof.reference, proof.made_by, proof.made_at,
       coalesce(payment.number, odd.payment_number), leg.alarmed_at,
       (SELECT dispute.status FROM payments_dispute AS dispute WHERE dispute.shop_id = leg.shop_id
             AND dispute.payment_id = leg.payment_id AND dispute.kind = 'chargeback' AND dispute.status <> 'won'
             ORDER BY dispute.status <> 'open', dispute.id DESC LIMIT 1),
       ARRAY(SELECT note.text FROM payments_stuck_note AS note WHERE note.shop_id = stuck.shop_id AND note.stuck_id = stuck.id
             ORDER BY note.id DESC LIMIT 5)
"""
JOINS = """
    JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
    LEFT JOIN orders_order AS o ON o.shop_id = refund.shop_id AND o.id = refund.order_id
    LEFT JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id AND payment.id = leg.payment_id
    LEFT JOIN payments_unidentified AS odd ON odd.shop_id = leg.shop_id AND odd.id = leg.unidentified_id
    CROSS JOIN LATERAL (SELECT * FROM payments_attempt AS attempt WHERE attempt.shop_id = leg.shop_id
        AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg ORDER BY attempt.id DESC LIMIT 1) AS newest
"""
BESIDE = """
    LEFT JOIN accounts_person AS person ON person.id = stuck.owner
    LEFT JOIN payments_proof AS proof ON proof.shop_id = newest.shop_id AND proof.attempt_id = newest.id AND proof.status = 'open'
"""
STUCK = (
    COLUMNS
    + "FROM payments_stuck AS stuck JOIN payments_leg AS leg ON leg.shop_id = stuck.shop_id AND leg.refund_id = stuck.refund_id"
    + " AND leg.leg = stuck.leg"
    + JOINS
    + BESIDE
    + "WHERE stuck.ended_at IS NULL {which} ORDER BY stuck.due_at, stuck.id LIMIT %(limit)s"
)
WAITING = (
    COLUMNS
    + "FROM payments_attempt AS waits JOIN payments_leg AS leg ON leg.shop_id = waits.shop_id AND leg.refund_id = waits.refund_id"
    + " AND leg.leg = waits.leg"
    + JOINS
    + "    LEFT JOIN payments_stuck AS stuck ON stuck.shop_id = leg.shop_id AND stuck.refund_id = leg.refund_id AND stuck.leg = leg.leg"
    + " AND stuck.ended_at IS NULL"
    + BESIDE
    + "WHERE waits.status = ANY (%(statuses)s) AND waits.created_at <= %(before)s ORDER BY waits.created_at, waits.id LIMIT %(limit)s"
)
# Newest first: what comes back comes back within days.
BY_HAND = (
    COLUMNS
    + "FROM payments_attempt AS sent JOIN payments_leg AS leg ON leg.shop_id = sent.shop_id AND leg.refund_id = sent.refund_id"
    + " AND leg.leg = sent.leg"
    + JOINS
    + "    LEFT JOIN payments_stuck AS stuck ON stuck.shop_id = leg.shop_id AND stuck.refund_id = leg.refund_id AND stuck.leg = leg.leg"
    + " AND stuck.ended_at IS NULL"
    + BESIDE
    + "WHERE sent.channel = 'hand' AND sent.status = 'succeeded' ORDER BY sent.ended_at DESC, sent.id DESC LIMIT %(limit)s"
)
ONE = "AND refund.number = %(number)s AND leg.leg = %(leg)s"
COUNT = "SELECT count(*) FROM (SELECT FROM payments_stuck WHERE ended_at IS NULL LIMIT 1000) AS waiting"


class StuckLine(msgspec.Struct, frozen=True):
    """One way of a refund with its newest attempt, why a person looks after it, and what somebody says that needs a second one.

    `chargeback` says how it stands where the payer's bank took the payment back and we have not won: it may have repaid this already.
    """

    refund: str
    leg: int
    leg_status: str
    leg_channel: str
    amount_minor: int
    currency: str
    intended_at: datetime
    order: str | None
    buyer_id: int | None
    attempt: str
    status: str
    channel: str
    channel_number: str | None
    asked: int
    reason: str | None
    since: datetime | None
    due_at: datetime | None
    owner: int | None
    owner_name: str | None
    proof_kind: str | None
    proof_says: str | None
    payee: str | None
    bank: str | None
    reference: str | None
    proof_by: int | None
    proof_at: datetime | None
    payment: str | None
    alarmed_at: datetime | None
    chargeback: str | None
    notes: list[str]


def stuck_refunds(*, limit: int) -> list[StuckLine]:
    """Return what a person has to look after, soonest due first, at most 100."""
    return _lines(STUCK.format(which=""), {"limit": min(limit, MOST)})


def stuck_refund(*, refund_number: str, leg: int) -> StuckLine | None:
    """Return one way of a refund as it stands in the queue, None where nobody has to look after it."""
    found = _lines(STUCK.format(which=ONE), {"limit": 1, "number": refund_number, "leg": leg})
    return found[0] if found else None


def waiting_refunds(*, statuses: tuple[str, ...], before: datetime, limit: int) -> list[StuckLine]:
    """Return ways whose attempt has had one of these states since before that moment, oldest first, at most 100."""
    return _lines(WAITING, {"statuses": list(statuses), "before": before, "limit": min(limit, MOST)})


def hand_refunds(*, limit: int) -> list[StuckLine]:
    """Return the ways that were paid by hand and did not come back, newest first, at most 100."""
    return _lines(BY_HAND, {"limit": min(limit, MOST)})


def stuck_count() -> int:
    """Return how many ways of refunds a person has to look after, counting at most 1,000."""
    return int(database.value(COUNT))


def _lines(statement: str, parameters: dict[str, object]) -> list[StuckLine]:
    return [StuckLine(*row) for row in database.rows(statement, parameters)]
