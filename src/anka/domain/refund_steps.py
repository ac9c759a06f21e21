"""What happens next with one way of a refund, and who may do what about it: from its states alone, for pages and the API alike."""

from enum import StrEnum

from anka.domain.refund_plan import HAND, WALLET
from anka.domain.refund_states import HAS_GIVEN_UP, OVER_FOR_CERTAIN, AttemptState, RefundState, StuckReason


class NextStep(StrEnum):
    """What is to come: the money, an answer of the channel, funds, a person, or a choice of the buyer."""

    ARRIVED = "arrived"
    ASK_CHANNEL = "ask_channel"
    CHANNEL_PAYS = "channel_pays"
    ASK_AGAIN = "ask_again"
    WAIT_FOR_FUNDS = "wait_for_funds"
    TO_WALLET = "to_wallet"
    PERSON_LOOKS = "person_looks"
    PERSON_TRANSFERS = "person_transfers"
    BUYER_MAY_CHOOSE = "buyer_may_choose"


A = AttemptState
_UNDER_WAY = {
    A.CREATED: NextStep.ASK_CHANNEL,
    A.SUBMITTING: NextStep.ASK_CHANNEL,
    A.PROCESSING: NextStep.CHANNEL_PAYS,
    A.UNKNOWN: NextStep.ASK_AGAIN,
    A.WAITING_FUNDS: NextStep.WAIT_FOR_FUNDS,
    A.CLOSED: NextStep.ASK_CHANNEL,
    A.ABNORMAL: NextStep.ASK_AGAIN,
}


def may_choose_wallet(*, leg: RefundState, attempt: AttemptState, channel: str, reason: StuckReason | None, has_owner: bool) -> bool:
    """Tell whether the buyer may take a leg into the wallet: nothing else can still pay it, or a transfer by hand is nobody's work yet."""
    if leg != RefundState.STUCK or reason in (None, StuckReason.PAID_TWICE):
        return False
    return attempt in HAS_GIVEN_UP or (attempt == A.MANUAL and channel == HAND and not has_owner)


def may_retry(*, leg: RefundState, attempt: AttemptState, reason: StuckReason | None) -> bool:
    """Tell whether finance staff may ask the channel again under a new number: only where the old one is over for certain."""
    return leg == RefundState.STUCK and attempt in OVER_FOR_CERTAIN and reason not in (None, StuckReason.PAID_TWICE)


def next_step(*, leg: RefundState, attempt: AttemptState, channel: str) -> NextStep:
    """Return what happens next with a leg whose newest attempt is this, through this channel, if its buyer chooses nothing."""
    if leg == RefundState.SUCCEEDED:
        return NextStep.ARRIVED
    if leg == RefundState.STUCK:
        return NextStep.PERSON_TRANSFERS if channel == HAND else NextStep.PERSON_LOOKS
    if channel == WALLET:
        return NextStep.TO_WALLET
    return _UNDER_WAY.get(attempt, NextStep.PERSON_LOOKS)
