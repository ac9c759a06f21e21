"""Money going back: take an attempt up, ask its channel outside any transaction, apply the answer, decide when to ask again."""

from dataclasses import replace
from datetime import timedelta

from anka.adapters.channels.port import Evidence, EvidenceStatus, RefundRequest
from anka.core import database, outbox
from anka.core.clock import Moment
from anka.domain.refund_plan import HAND, WALLET
from anka.domain.refund_states import NOT_SENT, AttemptState
from anka.flows import record_refund_outcome as outcomes
from anka.flows.doubt_attempt import doubted, paid_beside
from anka.flows.mend_attempt import mend_attempt
from anka.flows.submit_attempt import OPEN, Asking, HeldByDispute, submit_attempt
from anka.jobs.channels import channels
from anka.payments.models import Attempt

# Each minute for 5 minutes, then 5, 10, 20, 30 minutes, then hourly (4-money).
ASK_AGAIN_AFTER = (*[timedelta(minutes=1)] * 5, *(timedelta(minutes=m) for m in (5, 10, 20, 30)), timedelta(hours=1))
# A new number may only go out when the old one is over for certain: some channels close a refund and pay it after all. So a closing
# is believed when it is still being said this much later; so is a success that is taken back.
CLOSED_FOR_CERTAIN = timedelta(minutes=1)
AT_ONCE = timedelta(0)
# What a channel that can be asked only once has to say for a machine to believe it.
CLEAR = frozenset({EvidenceStatus.SUCCEEDED, EvidenceStatus.FAILED, EvidenceStatus.WAITING_FUNDS})
S = AttemptState
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
    try:
        attempt = submit_attempt(number=number, at=at, asking=_asking)
    except HeldByDispute:
        return ASK_AGAIN_AFTER[-1]
    if attempt is None:
        return _look_again(number, at)
    if attempt.channel == HAND:
        by_hand = outcomes.Evidence(status=S.MANUAL, source="answer", observed_at=at.now)
        outcomes.record_refund_outcome(number=number, evidence=by_hand, at=at)
        return None
    evidence = _ask(attempt, at)
    state = apply_evidence(evidence=evidence, channel=attempt.channel, payment_number=attempt.payment_number, at=at)
    if state == S.ABNORMAL and _mends(attempt.channel) and attempt.mended_at is None:
        state = _mend(attempt, at)
    if state not in OPEN:
        return None
    if evidence.status == EvidenceStatus.CLOSED:
        return CLOSED_FOR_CERTAIN
    return ASK_AGAIN_AFTER[min(attempt.asked, len(ASK_AGAIN_AFTER) - 1)]


def apply_evidence(*, evidence: Evidence, channel: str, payment_number: str, at: Moment) -> AttemptState:
    """Apply what a channel said about a refund attempt of one of its payments, and return what the attempt is now.

    The one entrance for answers, notices, polls and lines of bills; a `failed` of the bill after a success means that the money came back.

    Raises:
        NotFound: we never made such an attempt through this channel.
        RefundNoticeDiffers: it was a notice, and it does not fit the attempt.
    """
    provisional = evidence.status == EvidenceStatus.CLOSED and evidence.source != "bill" and not _closed_for_certain(evidence.number, at)
    return _record(evidence, AttemptState(evidence.status.value), (channel, payment_number), at, provisional=provisional)


def _record(evidence: Evidence, status: AttemptState, about: tuple[str, str], at: Moment, *, provisional: bool = False) -> AttemptState:
    channel, payment_number = about
    unclear = _asking(channel) == Asking.ONCE and evidence.source == "answer" and evidence.status not in CLEAR
    said = outcomes.Evidence(
        status=S.MANUAL if unclear else status,
        source=evidence.source,
        observed_at=evidence.observed_at,
        channel_number=evidence.channel_number,
        amount_minor=evidence.amount_minor,
        digest=evidence.digest,
        channel=channel,
        payment_number=payment_number,
        currency=evidence.currency,
        provisional=provisional and not unclear,
        mendable=_mends(channel),
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
        _ask_soon(evidence.number, at, CLOSED_FOR_CERTAIN)
    if after == S.ABNORMAL and before != after and _mends(channel):
        _ask_soon(evidence.number, at, AT_ONCE)
    if after == S.SUCCEEDED and evidence.status.value in outcomes.BOUNCES:
        # Older news, or the money came back: only the channel itself knows, when it is asked.
        _ask_soon(evidence.number, at, CLOSED_FOR_CERTAIN)
    return before != after


def _status(number: str) -> AttemptState | None:
    found = database.rows(CLOSED_SINCE, {"number": number})
    return AttemptState(found[0][1]) if found else None


def _ask_soon(number: str, at: Moment, after: timedelta) -> None:
    for shop_id, _status_now, _since in database.rows(CLOSED_SINCE, {"number": number}):
        outbox.ask(shop_id=shop_id, topic="refund", subject=number, due_at=at.now + after, at=at)


def _asking(channel: str) -> Asking:
    adapter = channels.get(channel)
    return Asking.ONCE if adapter is not None and not adapter.manners.retries_refunds else Asking.AGAIN


def _mends(channel: str) -> bool:
    adapter = channels.get(channel)
    return adapter is not None and adapter.manners.mends_abnormal


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
    if attempt.status == S.CREATED or (not channel.manners.retries_refunds and attempt.status in NOT_SENT):
        return channel.submit_refund(request=_request(attempt), now=at.now)
    known = channel.query_refund(request=_request(attempt), now=at.now)
    # What the channel never saw is submitted again, with the same number. What it once called abnormal it has seen.
    if known.reason == "refund_not_found" and attempt.status != S.ABNORMAL and not attempt.is_charged_back:
        return channel.submit_refund(request=_request(attempt), now=at.now)
    return known


def _mend(attempt: Attempt, at: Moment) -> AttemptState:
    """Let the channel send an abnormal refund another way, once; what it says then is applied like everything it says."""
    if mend_attempt(number=attempt.number, at=at) is None:
        return S.ABNORMAL
    evidence = channels[attempt.channel].mend_refund(request=_request(attempt), now=at.now)
    return apply_evidence(evidence=evidence, channel=attempt.channel, payment_number=attempt.payment_number, at=at)


def _look_again(number: str, at: Moment) -> timedelta | None:
    """Ask about a success that the channel has contradicted. What it says twice, a minute apart, is believed: the money came back."""
    found = doubted(number=number, at=at)
    if found is None:
        _ask_what_was_paid_beside(number, at)
        return None
    attempt, since = found
    channel = channels.get(attempt.channel)
    if channel is None or not channel.manners.retries_refunds:
        return None
    known = channel.query_refund(request=_request(attempt), now=at.now)
    if known.status == EvidenceStatus.SUCCEEDED:
        return None
    if known.status.value not in outcomes.BOUNCES:
        return ASK_AGAIN_AFTER[-1]
    is_certain = since is not None and at.now >= since + CLOSED_FOR_CERTAIN
    about = (attempt.channel, attempt.payment_number)
    _record(replace(known, source="poll"), S.REVERSED if is_certain else S(known.status.value), about, at, provisional=not is_certain)
    return None if is_certain else CLOSED_FOR_CERTAIN


def _ask_what_was_paid_beside(number: str, at: Moment) -> None:
    """Ask about a number that was given up and paid, they said, where no other way has paid the leg: if it is so, the leg is paid."""
    attempt = paid_beside(number=number)
    channel = channels.get(attempt.channel) if attempt is not None else None
    if attempt is not None and channel is not None and channel.manners.retries_refunds:
        known = channel.query_refund(request=_request(attempt), now=at.now)
        apply_evidence(evidence=known, channel=attempt.channel, payment_number=attempt.payment_number, at=at)


def _request(attempt: Attempt) -> RefundRequest:
    return RefundRequest(
        payment_number=attempt.payment_number,
        refund_number=attempt.number,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        payment_amount_minor=attempt.payment_amount_minor,
        payment_channel_number=attempt.transaction_number or "",
    )
