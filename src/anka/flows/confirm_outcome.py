"""What became of a refund that no machine can ask about: a person looks at the channel's own pages, and a second one approves."""

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput, MovedMeanwhile
from anka.domain.refund_plan import HAND
from anka.domain.refund_states import AttemptState
from anka.flows.steps.stuck_leg import lock_for_finance, require_stuck, take_up
from anka.flows.transfer_by_hand import LONGEST, prove

S = AttemptState
OUTCOMES = (S.SUCCEEDED, S.FAILED)


def confirm_outcome(*, actor: Actor, refund_number: str, leg: int, says: AttemptState, reference: str, at: Moment) -> str:
    """Write down what the channel's console says about an attempt whose outcome is unknown, for a second person to approve.

    `reference` is what the console calls it, or where it was seen. The same again changes nothing. Returns the attempt's number.

    Raises:
        NotFound, OwnRefund, RefundNotStuck, SomebodyElseHasIt: as take_stuck_refund.
        MovedMeanwhile: its outcome is known, or another proof waits. BadInput: neither succeeded nor failed, or no reference.
    """
    if says not in OUTCOMES or not 0 < len(reference.strip()) <= LONGEST:
        raise BadInput(fields={"says": "succeeded, failed", "reference": f"1 to {LONGEST} characters"})
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        stuck = require_stuck(attempt)
        take_up(attempt=attempt, stuck=stuck, actor=actor, at=at)
        if attempt.status != S.MANUAL or attempt.channel == HAND:
            raise MovedMeanwhile
        if attempt.proof is not None:
            if (attempt.proof.says, attempt.proof.reference) == (says, reference):
                return attempt.number
            raise MovedMeanwhile
        said = ("console", says, "", "", reference, attempt.amount_minor)
        prove(actor=actor, attempt=attempt, said=said, what="refund_outcome_entered", at=at)
        return attempt.number
