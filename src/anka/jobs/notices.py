"""Messages from payment channels: check, act once, answer in the channel's own way. What is refused is kept and changes nothing."""

import hashlib
from collections.abc import Mapping

from anka.adapters.channels.port import Channel, Evidence, EvidenceStatus, Notice, NoticeRefused
from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.payment_states import PaymentState
from anka.domain.refund_states import AttemptState
from anka.flows import record_refund_outcome as outcomes
from anka.flows.end_payment import end_payment
from anka.flows.record_notice import record_notice
from anka.flows.take_payment import PaidNotice, take_payment
from anka.jobs.channels import channel as channel_named

Answer = tuple[int, str, bytes]
REFUSED_BODY = b'{"ok":false}'
JSON = "application/json"


class NoticeNotBelieved(Refusal):
    """The message is genuine but says something that cannot be: no transaction number, or no amount."""

    code, status = "notice_incomplete", 400


def receive(*, channel: str, headers: Mapping[str, str], body: bytes, at: Moment) -> Answer:
    """Take one message of a channel and return what to answer: status, content type, body.

    Raises:
        ChannelUnknown: there is no such channel.
    """
    adapter = channel_named(channel)
    digest = hashlib.sha256(body).hexdigest()
    try:
        notice = adapter.read_notice(headers=headers, body=body, now=at.now)
    except NoticeRefused as refused:
        excerpt = body[:500].decode("utf-8", "replace").replace("\0", "")
        record_notice(channel=channel, digest=digest, verdict="refused", reason=refused.code, about=(None, excerpt), at=at)
        return refused.status, JSON, REFUSED_BODY
    try:
        news = _act(adapter, notice, digest, at)
    except Refusal as refused:
        record_notice(channel=channel, digest=digest, verdict="refused", reason=refused.code, about=(notice.payment_number, ""), at=at)
        return refused.status, JSON, REFUSED_BODY
    if not news:
        record_notice(channel=channel, digest=digest, verdict="repeated", reason=notice.kind, about=(notice.payment_number, ""), at=at)
    return adapter.notice_accepted()


def _act(adapter: Channel, notice: Notice, digest: str, at: Moment) -> bool:
    """Carry a genuine message out; tell whether it was news that left a row of its own."""
    if notice.kind == "payment.paid":
        return take(channel=adapter.code, evidence=notice.evidence, digest=digest, at=at) != "repeated"
    if notice.kind in ("payment.failed", "payment.closed"):
        outcome = PaymentState.FAILED if notice.kind == "payment.failed" else PaymentState.CLOSED
        return end_payment(channel=adapter.code, payment_number=notice.number, outcome=outcome, at=at) and False
    apply_evidence(evidence=notice.evidence, at=at)
    return False


def take(*, channel: str, evidence: Evidence, digest: str = "", at: Moment) -> str:
    """Take a payment that a channel says it has captured, and return the outcome: taken, repeated, late_kept, late_refunded, …

    Raises:
        NoticeNotBelieved: amount, currency or transaction number are missing.
        PaymentUnknown, AmountDiffers, TransactionAlreadyTaken: nothing has changed.
    """
    if evidence.channel_number is None or evidence.amount_minor is None or evidence.currency is None:
        raise NoticeNotBelieved
    paid = PaidNotice(
        channel=channel,
        payment_number=evidence.number,
        transaction_number=evidence.channel_number,
        amount_minor=evidence.amount_minor,
        currency=evidence.currency,
        digest=digest,
    )
    return take_payment(paid=paid, at=at).outcome


def apply_evidence(*, evidence: Evidence, at: Moment) -> AttemptState:
    """Apply what a channel said about a refund attempt.

    Raises:
        NotFound: we never made such an attempt.
    """
    said = outcomes.Evidence(
        status=AttemptState(EvidenceStatus(evidence.status).value),
        source=evidence.source,
        observed_at=evidence.observed_at,
        channel_number=evidence.channel_number,
        amount_minor=evidence.amount_minor,
        digest=evidence.digest,
    )
    return outcomes.record_refund_outcome(number=evidence.number, evidence=said, at=at)
