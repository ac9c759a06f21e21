"""The second person: approves or refuses what somebody says about money that no machine can see. Never the one who said it."""

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import MovedMeanwhile
from anka.domain.refund_states import AttemptState
from anka.flows.steps.refund_progress import event, follow, write
from anka.flows.steps.stuck_leg import SecondPersonNeeded, fresh_change, lock_for_finance, require_stuck
from anka.payments.models import Attempt, Proof

DECIDE = "UPDATE payments_proof SET status = %s, decided_by = %s, decided_at = %s WHERE shop_id = %s AND id = %s AND status = 'open'"
LAST = """
SELECT reference, decided_by FROM payments_proof WHERE shop_id = %s AND attempt_id = %s AND status = 'approved'
"""
RETURNED = "returned"
APPROVED = {"transfer": "refund_transfer_approved", "console": "refund_outcome_approved", RETURNED: "refund_return_approved"}
S = AttemptState


def approve_proof(*, actor: Actor, refund_number: str, leg: int, reference: str, at: Moment) -> AttemptState:
    """Approve a transfer that was made, or what a channel's console says, and return what the attempt is then.

    The reference is named again, so that nobody approves another one than they saw. Approving again changes nothing.

    Raises:
        NotFound: there is no such leg, or the actor is not of the finance staff. OwnRefund: the money is the actor's own.
        SecondPersonNeeded: it was the actor who said it. MovedMeanwhile: another reference waits, or none.
        RefundNotStuck, OutcomeStillOpen: the money has arrived, or went out, another way meanwhile; a person settles that first.
    """
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        if attempt.proof is None and (reference, actor.person_id) in database.rows(LAST, (attempt.shop_id, attempt.attempt_id)):
            return attempt.status
        proof = _proof(attempt, actor, reference)
        if proof.kind != RETURNED:
            require_stuck(attempt)
        target = S(proof.says)
        database.rows(DECIDE, ("approved", actor.person_id, at.now, attempt.shop_id, proof.id))
        change = fresh_change(attempt)
        change["attempt"]["status"] = target
        change["attempt"]["channel_number"] = proof.reference
        change["events"].append(event(what=APPROVED[proof.kind], attempt=attempt, more={"says": proof.says, "reference": proof.reference}))
        follow(change=change, attempt=attempt, target=target, channel_number=proof.reference, at=at)
        write(change=change, attempt=attempt, actor=str(actor), at=at)
        return target


def refuse_proof(*, actor: Actor, refund_number: str, leg: int, reference: str, at: Moment) -> None:
    """Refuse what somebody says about money: the leg stays in their hands, and they may say something else.

    Raises:
        NotFound, OwnRefund, SecondPersonNeeded, MovedMeanwhile: as approve_proof.
    """
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        proof = _proof(attempt, actor, reference)
        database.rows(DECIDE, ("refused", actor.person_id, at.now, attempt.shop_id, proof.id))
        change = fresh_change(attempt)
        if proof.kind == RETURNED:
            change["attempt"]["unstuck"] = "looked_into"
        change["events"].append(event(what="refund_proof_refused", attempt=attempt, more={"reference": proof.reference}))
        write(change=change, attempt=attempt, actor=str(actor), at=at)


def _proof(attempt: Attempt, actor: Actor, reference: str) -> Proof:
    if attempt.proof is None or attempt.proof.reference != reference:
        raise MovedMeanwhile
    if attempt.proof.made_by == actor.person_id:
        raise SecondPersonNeeded
    return attempt.proof
