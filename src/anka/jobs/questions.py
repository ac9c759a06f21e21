"""Questions to channels about money that a message spoke of and that does not fit. What the channel itself answers is acted upon.

That money fits is believed at once; that it does not, only when the channel says the same again a minute later: what is taken as another
sum cannot become the right one afterwards, so a slip of the channel must not cost a buyer the order.
"""

import logging
import re
from datetime import datetime, timedelta

from anka.adapters.channels.port import Evidence, EvidenceStatus
from anka.core.clock import Moment
from anka.flows.record_notice import answer_question, note_said
from anka.flows.take_payment import AmountDiffers, PaidNotice, PaymentUnknown, TransactionAlreadyTaken
from anka.flows.take_unidentified import take_unidentified
from anka.jobs import notices
from anka.jobs.channels import channels
from anka.payments.unidentified import question_asked_at

log = logging.getLogger("anka.worker")
# How long after the message, and how often: a channel's books may lag behind its messages.
ASK_AGAIN = (
    (timedelta(minutes=5), timedelta(minutes=1)),
    (timedelta(hours=1), timedelta(minutes=10)),
    (timedelta(days=1), timedelta(hours=1)),
)
SELDOM = timedelta(hours=6)
# A channel that says for so long that it holds no such money is believed: the message was wrong.
BELIEVED_AFTER = timedelta(hours=1)
CURRENCY = re.compile(r"[A-Z]{3}")
NOTHING = frozenset({EvidenceStatus.PROCESSING, EvidenceStatus.CLOSED, EvidenceStatus.FAILED})


def pursue(*, subject: str, at: Moment) -> timedelta | None:
    """Ask a channel about a payment and take what it holds; return after what time to ask again, None where that is answered.

    `subject` is channel, payment number and notice, joined by colons. The channel is asked outside any transaction.

    Raises:
        Busy, DatabaseUnavailable: nothing has changed; ask again.
    """
    channel, payment_number, _notice = subject.split(":")
    asked_at = question_asked_at(channel=channel, payment_number=payment_number)
    if asked_at is None:
        return None
    adapter = channels.get(channel)
    answer = _answer(channel, adapter.query_payment(number=payment_number, now=at.now), asked_at, at) if adapter else None
    if answer is None:
        return _wait(at.now - asked_at)
    settled = answer_question(channel=channel, payment_number=payment_number, asked_at=asked_at, answer=answer, at=at)
    return None if settled else timedelta(0)


def _answer(channel: str, evidence: Evidence, asked_at: datetime, at: Moment) -> str | None:
    """Act on what a channel said and return it as a code, or None where it said nothing certain."""
    if evidence.status == EvidenceStatus.SUCCEEDED:
        return _taken(channel, evidence, at)
    if evidence.status in NOTHING and at.now >= asked_at + BELIEVED_AFTER:
        return "nothing_captured"
    return None


def _taken(channel: str, evidence: Evidence, at: Moment) -> str | None:
    try:
        return notices.take(channel=channel, evidence=evidence, at=at)
    except (PaymentUnknown, AmountDiffers):
        return _odd(notices.paid_of(channel=channel, evidence=evidence), at)
    except notices.NoticeNotBelieved:
        # An answer that cannot be is none.
        return None
    except TransactionAlreadyTaken as refused:
        log.warning("payment %s: %s names a transaction that was taken before", evidence.number, channel)
        return refused.code


def _odd(seen: PaidNotice, at: Moment) -> str | None:
    if not CURRENCY.fullmatch(seen.currency) or not notices.CHANNEL_NUMBER.fullmatch(seen.transaction_number):
        return None
    said = f"{seen.amount_minor} {seen.currency} {seen.transaction_number}"
    if not note_said(channel=seen.channel, payment_number=seen.payment_number, said=said, at=at):
        return None
    try:
        return take_unidentified(seen=seen, at=at).outcome
    except TransactionAlreadyTaken as refused:
        log.warning("payment %s: %s names a transaction that was taken before", seen.payment_number, seen.channel)
        return refused.code


def _wait(since: timedelta) -> timedelta:
    return next((pause for until, pause in ASK_AGAIN if since < until), SELDOM)
