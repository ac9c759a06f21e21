"""What happens next with one way of a refund, as it stands beside its order."""

from datetime import datetime
from typing import NamedTuple

from anka.cases.queries import Leg
from anka.domain.refund_states import AttemptState, RefundState, StuckReason
from anka.domain.refund_steps import NextStep, may_choose_wallet, next_step


class Step(NamedTuple):
    """What comes next, by when (None: it is over), and whether the buyer may take the money into the wallet now."""

    code: NextStep
    by: datetime | None
    can_choose: bool


def step_of(*, leg: Leg) -> Step:
    """Return what happens next with one way of a refund."""
    newest, state = leg.attempts[-1], RefundState(leg.status)
    attempt = AttemptState(newest.status)
    reason = StuckReason(leg.stuck.reason) if leg.stuck else None
    can_choose = may_choose_wallet(
        leg=state, attempt=attempt, channel=newest.channel, reason=reason, has_owner=bool(leg.stuck and leg.stuck.has_owner)
    )
    code = NextStep.BUYER_MAY_CHOOSE if can_choose else next_step(leg=state, attempt=attempt, channel=newest.channel)
    by = leg.stuck.due_at if leg.stuck and state == RefundState.STUCK else leg.arrives_by
    return Step(code, None if state == RefundState.SUCCEEDED else by, can_choose)
