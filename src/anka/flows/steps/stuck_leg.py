"""A leg of a refund that goes no further by itself, under lock, and the rules everybody who opens another way for it keeps."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import MovedMeanwhile, NotFound, NotPermitted, Refusal
from anka.domain.refund_plan import HAND
from anka.domain.refund_states import AttemptState, RefundState, StuckReason
from anka.flows.steps.finance_staff import require_finance
from anka.flows.steps.refund_progress import STOPS
from anka.payments.models import Attempt, Stuck
from anka.payments.queries import lock_attempt

NEWEST = """
SELECT attempt.number FROM payments_refund AS refund
    JOIN payments_attempt AS attempt ON attempt.shop_id = refund.shop_id AND attempt.refund_id = refund.id AND attempt.leg = %(leg)s
WHERE refund.shop_id = shop_of_number(%(number)s) AND refund.number = %(number)s ORDER BY attempt.id DESC LIMIT 1
"""
OWN = "UPDATE payments_stuck SET owner = %s, taken_at = %s WHERE shop_id = %s AND id = %s AND ended_at IS NULL"
S = AttemptState


class RefundNotStuck(Refusal):
    """The leg is on its way, or has arrived: there is nothing to open another way for."""

    code, status = "refund_not_stuck", 409
    says = _("This refund is not stuck: it is on its way, or has arrived. Nothing has changed; reload the page.")


class OutcomeStillOpen(Refusal):
    """The channel may still pay under the old number, so that another way could pay twice."""

    code, status = "outcome_still_open", 409
    says = _("The channel may still pay this refund, so another way could pay it twice. Nothing has changed; find out what became of it.")


class SomebodyElseHasIt(Refusal):
    """Another person of the finance staff looks after this refund, and their time is not over."""

    code, status = "somebody_else_has_it", 409
    says = _("Somebody else of the finance staff looks after this refund. Nothing has changed; ask them, or wait until their time is over.")


class OwnRefund(NotPermitted):
    """Nobody decides about a refund to themselves."""

    code = "own_refund"
    says = _("This refund is yours, so somebody else has to decide. Nothing has changed.")


class SecondPersonNeeded(Refusal):
    """What one person says about money needs another one's approval."""

    code, status = "second_person_needed", 409
    says = _("Somebody else of the finance staff has to approve this. Nothing has changed.")


def lock_leg(*, refund_number: str, leg: int) -> Attempt:
    """Lock a leg of a refund with its newest attempt until the transaction ends, and return that attempt.

    Raises:
        NotFound: there is no such refund or leg. MovedMeanwhile: it got another attempt at this moment.
    """
    number = database.value(NEWEST, {"number": refund_number, "leg": leg})
    if number is None:
        raise NotFound
    attempt = lock_attempt(number=number)
    if not attempt.is_latest:
        raise MovedMeanwhile
    return attempt


def lock_for_finance(*, actor: Actor, refund_number: str, leg: int, at: Moment) -> Attempt:
    """Lock a leg for somebody of the finance staff.

    Raises:
        NotFound: there is no such leg, or the actor is not of the finance staff.
        OwnRefund: the money is the actor's own. MovedMeanwhile: as lock_leg.
    """
    require_finance(actor=actor, at=at)
    attempt = lock_leg(refund_number=refund_number, leg=leg)
    if attempt.buyer_id == actor.person_id:
        raise OwnRefund
    return attempt


def require_stuck(attempt: Attempt) -> Stuck:
    """Return why a leg is stuck.

    Raises:
        RefundNotStuck: it is not. OutcomeStillOpen: the channel paid under a number that was given up; a person settles that first.
    """
    if attempt.leg_status != RefundState.STUCK or attempt.stuck is None:
        raise RefundNotStuck
    if attempt.stuck.reason == StuckReason.PAID_TWICE:
        raise OutcomeStillOpen
    return attempt.stuck


def take_up(*, attempt: Attempt, stuck: Stuck, actor: Actor, at: Moment) -> None:
    """Make an actor the one who looks after a stuck leg.

    Raises:
        SomebodyElseHasIt: another one does, and their time is not over.
    """
    if stuck.owner == actor.person_id:
        return
    if stuck.owner is not None and at.now < stuck.due_at:
        raise SomebodyElseHasIt
    database.rows(OWN, (actor.person_id, at.now, attempt.shop_id, stuck.id))


def reason_of(attempt: Attempt) -> StuckReason:
    """Return why the leg of an attempt is stuck, from what the attempt is."""
    if attempt.status == S.MANUAL and attempt.channel == HAND:
        return StuckReason.BY_HAND
    return STOPS.get(attempt.status, StuckReason.CLOSED)


def given_up(attempt: Attempt) -> AttemptState:
    """Return what an attempt becomes when another way is taken: what the channel could not do is closed by us, the rest is over already."""
    return S.CLOSED if attempt.status == S.ABNORMAL else attempt.status


def fresh_change(attempt: Attempt) -> dict[str, Any]:
    """Return a change that leaves everything as it is, to be added to."""
    return {"currency": attempt.currency, "attempt": {"status": attempt.status}, "events": []}
