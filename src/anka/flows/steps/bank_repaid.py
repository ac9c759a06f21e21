"""Let a lost chargeback count as the payment of refunds that were owed and never sent: the payer has that money from the bank."""

from typing import Any

from anka.core import database
from anka.core.clock import Moment
from anka.domain.postings_ladder import done_by_bank
from anka.domain.refund_states import NOT_SENT, AttemptState, RefundState
from anka.flows.steps.change import journals
from anka.flows.steps.refund_progress import another, event, legs_after, tell, write
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

S = AttemptState
# Nothing moved under these numbers, and nothing will: the channel was never asked, or has refused for certain.
NEVER_SENT = (*NOT_SENT, S.FAILED, S.CLOSED)
# What becomes of another way that was opened and not gone.
GIVEN_UP = {S.CREATED: S.CLOSED, S.MANUAL: S.FAILED}
OWED = """
SELECT newest.number, leg.amount_minor FROM payments_leg AS leg CROSS JOIN LATERAL (
    SELECT attempt.number, attempt.status = ANY (%(never_sent)s) OR attempt.status = 'manual' AND attempt.channel = 'hand' AND NOT EXISTS (
            SELECT FROM payments_proof AS proof WHERE proof.shop_id = attempt.shop_id AND proof.attempt_id = attempt.id) AS is_unsent
    FROM payments_attempt AS attempt
    WHERE attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg
    ORDER BY attempt.id DESC LIMIT 1) AS newest
WHERE leg.shop_id = %(shop)s AND leg.payment_id = %(payment)s AND leg.status <> 'succeeded' AND newest.is_unsent
ORDER BY leg.refund_id, leg.leg
"""


def bank_repaid(*, shop_id: int, payment_id: int, amount_minor: int, actor: str, at: Moment) -> int:
    """Count what the bank took as the payment of whole legs that were never sent, as far as it goes; return how much that is.

    A leg that is more than what is left goes on as before. A transfer by hand that was begun and never entered counts as not made: its
    refund has warned of the chargeback since that was opened.
    """
    covered = 0
    named = {"shop": shop_id, "payment": payment_id, "never_sent": [str(state) for state in NEVER_SENT]}
    for number, owed in database.rows(OWED, named):
        if covered + owed <= amount_minor:
            _arrive(lock_attempt(number=number), actor, at)
            covered += owed
    return covered


def _arrive(attempt: Attempt, actor: str, at: Moment) -> None:
    if attempt.channel != attempt.leg_channel:
        attempt = _back_to_its_channel(attempt, actor, at)
    if attempt.status == S.CREATED:
        # What was never sent is given up first; what is over may still turn out to have been paid.
        write(change={"attempt": {"status": S.CLOSED}}, attempt=attempt, actor=actor, at=at)
    change: dict[str, Any] = {"currency": attempt.currency, "attempt": {"status": S.SUCCEEDED}, "events": []}
    change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.SUCCEEDED)
    posting = done_by_bank(
        shop_id=attempt.shop_id,
        leg=(attempt.refund_number, attempt.leg),
        channels=(attempt.leg_channel, attempt.payment_channel),
        amount_minor=attempt.amount_minor,
        reversals=attempt.reversals,
    )
    change["journals"] = journals(posting)
    if attempt.other_legs_open == 0:
        change["money"] = [
            {"positions": [u.position], "money": "refunded" if u.unit_refunded_minor == u.unit_amount_minor else "part_refunded"}
            for u in attempt.units
            if u.money == "refunding"
        ]
    change["events"].append(event(what="refund_by_bank", attempt=attempt, more={}))
    tell(change=change, audience="buyer", kind="refund_arrived", attempt=attempt)
    write(change=change, attempt=attempt, actor=actor, at=at)


def _back_to_its_channel(attempt: Attempt, actor: str, at: Moment) -> Attempt:
    """The payer had it through the channel they paid by, neither in the wallet nor by a transfer: give the other way up."""
    change: dict[str, Any] = {"attempt": {"status": GIVEN_UP.get(attempt.status, attempt.status)}}
    number = another(change=change, attempt=attempt, channel=attempt.leg_channel)
    write(change=change, attempt=attempt, actor=actor, at=at)
    return lock_attempt(number=number)
