"""A transfer made by hand that came back: the account was closed, or the name did not fit. It counts when a second person approves it.

Approved (flows/decide_proof.py), the leg is owed to the buyer again and stands in the queue, with every other way open.
"""

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput, MovedMeanwhile
from anka.domain.deadlines import STUCK_WITHIN
from anka.domain.refund_plan import HAND
from anka.domain.refund_states import AttemptState, StuckReason
from anka.flows.steps.stuck_leg import OutcomeStillOpen, lock_for_finance
from anka.flows.transfer_by_hand import LONGEST, prove

SENT_FROM = "SELECT bank FROM payments_proof WHERE shop_id = %s AND attempt_id = %s AND kind = 'transfer' AND status = 'approved'"
USED = """
SELECT EXISTS (SELECT FROM payments_proof WHERE shop_id = %s AND bank = %s AND reference = %s AND kind = 'returned' AND status <> 'refused')
"""
S = AttemptState


def return_transfer(*, actor: Actor, refund_number: str, leg: int, reference: str, at: Moment) -> str:
    """Write down that the bank has sent a transfer back, whole, under a reference of its own; return the attempt's number.

    The same again changes nothing.

    Raises:
        NotFound, OwnRefund: as take_stuck_refund.
        MovedMeanwhile: the leg was not paid by hand, or its coming back was entered under another reference.
        OutcomeStillOpen: the leg may have been paid twice; a person settles that first.
        BadInput: no reference, a long one, or that of another return.
    """
    if not 0 < len(reference.strip()) <= LONGEST:
        raise BadInput(fields={"reference": f"1 to {LONGEST} characters"})
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        if attempt.channel != HAND or attempt.status != S.SUCCEEDED:
            raise MovedMeanwhile
        if attempt.proof is not None:
            if attempt.proof.reference == reference:
                return attempt.number
            raise MovedMeanwhile
        if attempt.stuck is not None:
            raise OutcomeStillOpen
        bank = database.value(SENT_FROM, (attempt.shop_id, attempt.attempt_id))
        if database.value(USED, (attempt.shop_id, bank, reference)):
            raise BadInput(fields={"reference": "used before"})
        said = ("returned", S.REVERSED, "", bank, reference, attempt.amount_minor)
        looked_after = {"reason": StuckReason.RETURNED, "due_at": at.now + STUCK_WITHIN}
        prove(actor=actor, attempt=attempt, said=said, what="refund_return_entered", stuck=looked_after, at=at)
        return attempt.number
