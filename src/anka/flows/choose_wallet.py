"""The buyer takes a refund that its channel cannot complete into the wallet instead. Nobody else can choose that."""

from anka.accounts.queries import standing
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import NotFound, NotPermitted
from anka.domain.funds_mode import Doing
from anka.domain.refund_plan import WALLET
from anka.domain.refund_states import OVER_FOR_CERTAIN, AttemptState, RefundState, StuckReason
from anka.domain.refund_steps import may_choose_wallet
from anka.flows.steps.refund_progress import another, event, legs_after, write
from anka.flows.steps.stuck_leg import OutcomeStillOpen, fresh_change, given_up, lock_leg, require_stuck
from anka.ledger import mode

S = AttemptState


def choose_wallet(*, actor: Actor, refund_number: str, leg: int, at: Moment) -> str:
    """Send a stuck leg of a refund to its buyer's wallet and return the number of the attempt; choosing it again changes nothing.

    Raises:
        NotFound: there is no such leg of a refund of this buyer. NotPermitted: signed out or blocked.
        NotOursToHold: no wallet of ours may take it.
        RefundNotStuck: it is on its way or has arrived. OutcomeStillOpen: another way is under way, or may still pay.
    """
    mode.require(doing=Doing.REFUND_TO_WALLET)
    with database.transaction():
        if actor.kind is not ActorKind.BUYER:
            raise NotFound
        attempt = lock_leg(refund_number=refund_number, leg=leg)
        if attempt.buyer_id != actor.person_id or attempt.order_id is None:
            raise NotFound
        if not standing(person_id=actor.person_id, token_id=actor.token_id, at=at).active:
            raise NotPermitted
        if attempt.channel == WALLET and attempt.status not in OVER_FOR_CERTAIN:
            return attempt.number
        stuck = require_stuck(attempt)
        if not may_choose_wallet(
            leg=attempt.leg_status,
            attempt=attempt.status,
            channel=attempt.channel,
            reason=StuckReason(stuck.reason),
            has_owner=stuck.owner is not None,
        ):
            raise OutcomeStillOpen
        change = fresh_change(attempt)
        # A transfer by hand that nobody has begun is called off.
        change["attempt"]["status"] = S.FAILED if attempt.status == S.MANUAL else given_up(attempt)
        number = another(change=change, attempt=attempt, channel=WALLET)
        change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.PROCESSING)
        change["events"].append(event(what="refund_to_wallet", attempt=attempt, more={"next": number}))
        write(change=change, attempt=attempt, actor=str(actor), at=at)
        return number
