"""What finance staff do about a refund that is stuck: take it up, write down what they found, send it again, or close a look into it."""

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput
from anka.domain.refund_plan import HAND
from anka.domain.refund_states import OVER_FOR_CERTAIN, RefundState, StuckReason
from anka.flows.steps.refund_progress import another, event, legs_after, write
from anka.flows.steps.stuck_leg import (
    OutcomeStillOpen,
    RefundNotStuck,
    fresh_change,
    lock_for_finance,
    reason_of,
    require_stuck,
    take_up,
)

NOTE = "INSERT INTO payments_stuck_note (shop_id, stuck_id, at, by_person, text) VALUES (%s, %s, %s, %s, %s)"
REASON = "UPDATE payments_stuck SET reason = %s WHERE shop_id = %s AND id = %s"
LONGEST_NOTE = 1000


def take_stuck_refund(*, actor: Actor, refund_number: str, leg: int, at: Moment) -> None:
    """Become the one who looks after a leg of a refund that is stuck, late or paid twice; taking it again changes nothing.

    Raises:
        NotFound: there is no such leg, or the actor is not of the finance staff. OwnRefund: the money is the actor's own.
        RefundNotStuck: nobody has to look after it. SomebodyElseHasIt: somebody does.
    """
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        if attempt.stuck is None:
            raise RefundNotStuck
        if attempt.stuck.owner == actor.person_id:
            return
        take_up(attempt=attempt, stuck=attempt.stuck, actor=actor, at=at)
        change = fresh_change(attempt)
        change["events"].append(event(what="refund_taken_up", attempt=attempt, more={"reason": attempt.stuck.reason}))
        write(change=change, attempt=attempt, actor=str(actor), at=at)


def note_stuck_refund(*, actor: Actor, refund_number: str, leg: int, text: str, at: Moment) -> None:
    """Write down what was found out about a leg somebody looks after.

    Raises:
        NotFound, OwnRefund, RefundNotStuck: as take_stuck_refund. BadInput: the note is empty or longer than 1,000 characters.
    """
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        if attempt.stuck is None:
            raise RefundNotStuck
        _note(attempt.shop_id, attempt.stuck.id, actor, text, at)


def retry_refund(*, actor: Actor, refund_number: str, leg: int, at: Moment) -> str:
    """Ask the channel once more, under a new number, and return it. Only where the old number is over for certain.

    Raises:
        NotFound, OwnRefund, RefundNotStuck, SomebodyElseHasIt: as take_stuck_refund.
        OutcomeStillOpen: the channel may still pay under the old number.
    """
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        stuck = require_stuck(attempt)
        if attempt.status not in OVER_FOR_CERTAIN or attempt.leg_channel == HAND:
            raise OutcomeStillOpen
        take_up(attempt=attempt, stuck=stuck, actor=actor, at=at)
        change = fresh_change(attempt)
        number = another(change=change, attempt=attempt, channel=attempt.leg_channel)
        change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.PROCESSING)
        change["events"].append(event(what="refund_sent_again", attempt=attempt, more={"next": number}))
        write(change=change, attempt=attempt, actor=str(actor), at=at)
        return number


def close_look(*, actor: Actor, refund_number: str, leg: int, text: str, at: Moment) -> None:
    """Close the look into a leg that was late or paid twice, with what was found. A leg that is stuck as well stays in the queue.

    Raises:
        NotFound, OwnRefund, RefundNotStuck, SomebodyElseHasIt: as take_stuck_refund. BadInput: the note is empty or too long.
    """
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        if attempt.stuck is None or attempt.stuck.reason not in (StuckReason.LATE, StuckReason.PAID_TWICE):
            raise RefundNotStuck
        take_up(attempt=attempt, stuck=attempt.stuck, actor=actor, at=at)
        _note(attempt.shop_id, attempt.stuck.id, actor, text, at)
        change = fresh_change(attempt)
        change["events"].append(event(what="refund_looked_into", attempt=attempt, more={"reason": attempt.stuck.reason}))
        if attempt.leg_status == RefundState.STUCK:
            database.rows(REASON, (reason_of(attempt), attempt.shop_id, attempt.stuck.id))
        else:
            change["attempt"]["unstuck"] = "looked_into"
        write(change=change, attempt=attempt, actor=str(actor), at=at)


def _note(shop_id: int, stuck_id: int, actor: Actor, text: str, at: Moment) -> None:
    said = text.strip()
    if not 0 < len(said) <= LONGEST_NOTE:
        raise BadInput(fields={"text": f"1 to {LONGEST_NOTE} characters"})
    database.rows(NOTE, (shop_id, stuck_id, at.now, actor.person_id, said))
