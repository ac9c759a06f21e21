"""Money going back: take an attempt up, ask its channel outside any transaction, apply the answer, decide when to ask again."""

from datetime import timedelta

from anka.adapters.channels.port import Channel, Evidence, EvidenceStatus, RefundRequest
from anka.core import database, outbox
from anka.core.clock import Moment
from anka.domain.refund_states import AttemptState
from anka.flows import record_refund_outcome as outcomes
from anka.flows.submit_attempt import OPEN, submit_attempt
from anka.jobs.channels import WALLET, channels
from anka.payments.models import Attempt

# Each minute for 5 minutes, then 5, 10, 20, 30 minutes, then hourly (4-money).
ASK_AGAIN_AFTER = (*[timedelta(minutes=1)] * 5, *(timedelta(minutes=m) for m in (5, 10, 20, 30)), timedelta(hours=1))
# A new number may only go out when the old one is over for certain: some channels close a refund and pay it after all. So a closing
# is believed when it is still being said this much later.
CLOSED_FOR_CERTAIN = timedelta(minutes=1)
CLOSED_SINCE = """
SELECT attempt.shop_id, attempt.status, (SELECT min(said.received_at) FROM payments_evidence AS said
    WHERE said.shop_id = attempt.shop_id AND said.attempt_id = attempt.id AND said.status = 'closed')
FROM payments_attempt AS attempt
WHERE attempt.shop_id = shop_of_number(%(number)s) AND attempt.number = %(number)s
"""


def pursue(*, number: str, at: Moment) -> timedelta | None:
    """Bring one refund attempt further, and return after what time to ask again; None where it is over.

    Raises:
        NotFound: there is no such attempt.
    """
    attempt = submit_attempt(number=number, at=at)
    if attempt is None:
        return None
    evidence = _ask(attempt, at)
    state = apply_evidence(evidence=evidence, channel=attempt.channel, payment_number=attempt.payment_number, at=at)
    if state not in OPEN:
        return None
    if evidence.status == EvidenceStatus.CLOSED:
        return CLOSED_FOR_CERTAIN
    return ASK_AGAIN_AFTER[min(attempt.asked, len(ASK_AGAIN_AFTER) - 1)]


def apply_evidence(*, evidence: Evidence, channel: str, payment_number: str, at: Moment) -> AttemptState:
    """Apply what a channel said about a refund attempt of one of its payments, and return what the attempt is now.

    Raises:
        NotFound: we never made such an attempt through this channel.
        RefundNoticeDiffers: it was a notice, and it does not fit the attempt.
    """
    provisional = evidence.status == EvidenceStatus.CLOSED and not _closed_for_certain(evidence.number, at)
    said = outcomes.Evidence(
        status=AttemptState(evidence.status.value),
        source=evidence.source,
        observed_at=evidence.observed_at,
        channel_number=evidence.channel_number,
        amount_minor=evidence.amount_minor,
        digest=evidence.digest,
        channel=channel,
        payment_number=payment_number,
        currency=evidence.currency,
        provisional=provisional,
    )
    return outcomes.record_refund_outcome(number=evidence.number, evidence=said, at=at)


def _closed_for_certain(number: str, at: Moment) -> bool:
    found = database.rows(CLOSED_SINCE, {"number": number})
    return bool(found) and found[0][2] is not None and at.now >= found[0][2] + CLOSED_FOR_CERTAIN


def apply_notice(*, evidence: Evidence, channel: str, payment_number: str, at: Moment) -> bool:
    """Apply what a channel told us by itself about a refund attempt, and tell whether that changed anything.

    Raises:
        NotFound, RefundNoticeDiffers: as apply_evidence.
    """
    before = _status(evidence.number)
    after = apply_evidence(evidence=evidence, channel=channel, payment_number=payment_number, at=at)
    if evidence.status == EvidenceStatus.CLOSED and after in OPEN:
        _ask_soon(evidence.number, at)
    return before != after


def _status(number: str) -> AttemptState | None:
    found = database.rows(CLOSED_SINCE, {"number": number})
    return AttemptState(found[0][1]) if found else None


def _ask_soon(number: str, at: Moment) -> None:
    for shop_id, _status_now, _since in database.rows(CLOSED_SINCE, {"number": number}):
        outbox.ask(shop_id=shop_id, topic="refund", subject=number, due_at=at.now + CLOSED_FOR_CERTAIN, at=at)


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
    if attempt.status == AttemptState.CREATED:
        return _submit(channel, attempt, at)
    known = channel.query_refund(request=_request(attempt), now=at.now)
    # What the channel never saw is submitted again, with the same number. What it once called abnormal it has seen.
    if known.reason == "refund_not_found" and attempt.status != AttemptState.ABNORMAL:
        return _submit(channel, attempt, at)
    return known


def _submit(channel: Channel, attempt: Attempt, at: Moment) -> Evidence:
    return channel.submit_refund(request=_request(attempt), now=at.now)


def _request(attempt: Attempt) -> RefundRequest:
    return RefundRequest(
        payment_number=attempt.payment_number,
        refund_number=attempt.number,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        payment_amount_minor=attempt.payment_amount_minor,
        payment_channel_number=attempt.transaction_number or "",
    )
