"""Money going back: take an attempt up, ask its channel outside any transaction, apply the answer, decide when to ask again."""

from datetime import timedelta

from anka.adapters.channels.port import Evidence, EvidenceStatus, RefundRequest
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState
from anka.flows.submit_attempt import submit_attempt
from anka.jobs import notices
from anka.jobs.channels import WALLET, channels
from anka.payments.models import Attempt

# Each minute for 5 minutes, then 5, 10, 20, 30 minutes, then hourly (4-money).
ASK_AGAIN_AFTER = (*[timedelta(minutes=1)] * 5, *(timedelta(minutes=m) for m in (5, 10, 20, 30)), timedelta(hours=1))
OVER = frozenset({AttemptState.SUCCEEDED, AttemptState.CLOSED, AttemptState.FAILED, AttemptState.ABNORMAL, AttemptState.MANUAL})


def pursue(*, number: str, at: Moment) -> timedelta | None:
    """Bring one refund attempt further, and return after what time to ask again; None where it is over.

    Raises:
        NotFound: there is no such attempt.
    """
    attempt = submit_attempt(number=number, at=at)
    if attempt is None:
        return None
    evidence = _ask(attempt, at)
    if notices.apply_evidence(evidence=evidence, at=at) in OVER:
        return None
    return ASK_AGAIN_AFTER[min(attempt.asked, len(ASK_AGAIN_AFTER) - 1)]


def _ask(attempt: Attempt, at: Moment) -> Evidence:
    if attempt.channel == WALLET:
        # Our own books are the wallet: what the ledger accepts has arrived.
        return Evidence(
            status=EvidenceStatus.SUCCEEDED,
            number=attempt.number,
            source="answer",
            observed_at=at.now,
            channel_number=attempt.number,
            amount_minor=attempt.amount_minor,
        )
    channel = channels.get(attempt.channel)
    if channel is None:
        return Evidence(status=EvidenceStatus.UNKNOWN, number=attempt.number, source="poll", observed_at=at.now, reason="channel_off")
    if attempt.status != AttemptState.CREATED:
        known = channel.query_refund(number=attempt.number, now=at.now)
        if known.reason != "refund_not_found":
            return known
    request = RefundRequest(
        payment_number=attempt.payment_number,
        refund_number=attempt.number,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
    )
    return channel.submit_refund(request=request, now=at.now)
