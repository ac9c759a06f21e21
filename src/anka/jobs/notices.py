"""Messages from payment channels: check, act once, answer in the channel's own way. What is refused is kept and changes nothing.

A genuine message about money that does not fit (another sum, a payment nobody of ours began) is not believed by itself: it is refused and
kept, and its channel is asked (jobs/questions.py). Only what the channel answers is acted upon.

A message that cannot be taken because of our own state (the order is busy, the database is away) is answered with 503 and not called
refused: the channel sends it again.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from anka.adapters.channels.port import Channel, Evidence, Incoming, Notice, NoticeRefused
from anka.core import database, outbox
from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.payment_states import PaymentState
from anka.flows.end_payment import end_payment
from anka.flows.record_notice import ask_channel, record_doubtful_notice, record_notice
from anka.flows.take_payment import AmountDiffers, PaidNotice, PaymentUnknown, take_payment
from anka.flows.take_top_up import end_top_up, take_top_up
from anka.jobs import disputes, refunds
from anka.jobs.channels import channel as channel_named
from anka.payments.top_ups import is_top_up
from anka.payments.unidentified import taken_as_unidentified

log = logging.getLogger("anka.notices")
Answer = tuple[int, str, bytes]
EXCERPT_BYTES = 500
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
DOUBTFUL = frozenset({AmountDiffers.code, PaymentUnknown.code})
CHANNEL_NUMBER = re.compile(r"[!-~]{1,128}")
OPEN_ATTEMPTS = """
SELECT attempt.shop_id, attempt.number FROM payments_attempt AS attempt
    JOIN payments_leg AS leg ON leg.shop_id = attempt.shop_id AND leg.refund_id = attempt.refund_id AND leg.leg = attempt.leg
    LEFT JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id AND payment.id = leg.payment_id
    LEFT JOIN payments_unidentified AS odd ON odd.shop_id = leg.shop_id AND odd.id = leg.unidentified_id
WHERE attempt.shop_id = coalesce(shop_of_number(%(number)s), 0) AND attempt.channel = %(channel)s
    AND coalesce(payment.number, odd.payment_number) = %(number)s
    AND attempt.status NOT IN ('succeeded', 'closed', 'failed', 'reversed')
"""
ENDS = {"payment.failed": PaymentState.FAILED, "payment.closed": PaymentState.CLOSED}


class NoticeNotBelieved(Refusal):
    """The message is genuine but says something that cannot be: no transaction number, no amount, or numbers nobody would give."""

    code, status = "notice_incomplete", 400


def receive(*, channel: str, message: Incoming, at: Moment) -> Answer:
    """Take one message of a channel and return what to answer: status, content type, body.

    Raises:
        ChannelUnknown: there is no such channel.
    """
    adapter = channel_named(channel)
    # What comes by GET has no body: its query is what was said.
    content = message.body or message.query.encode("utf-8", "replace")
    seen = _Seen(adapter, hashlib.sha256(content).hexdigest(), content, at)
    try:
        notice = adapter.read_notice(message=message, now=at.now)
        _require_plausible(notice)
    except (NoticeRefused, NoticeNotBelieved) as refused:
        return _refused(seen, refused, None)
    try:
        return _carried_out(notice, seen)
    except Refusal as refused:
        if refused.code in DOUBTFUL:
            return _refused(seen, refused, notice.number, keep=_ask_about)
        return _refused(seen, refused, notice.payment_number)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A message as it came in, and the channel it came from."""

    adapter: Channel
    digest: str
    content: bytes
    at: Moment

    @property
    def channel(self) -> str:
        return self.adapter.code


def _carried_out(notice: Notice, seen: _Seen) -> Answer:
    adapter = seen.adapter
    if notice.kind == "payment.paid":
        # Money that is news is written down in the very transaction that takes it.
        news = take(channel=adapter.code, evidence=notice.evidence, digest=seen.digest, at=seen.at) != "repeated"
    else:
        news = _act(adapter, notice, seen.at)
    if notice.kind != "payment.paid" or not news:
        verdict = "taken" if news else "repeated"
        # What tells us nothing may name no payment at all.
        about = (notice.payment_number or None, "")
        record_notice(channel=adapter.code, digest=seen.digest, verdict=verdict, reason=notice.kind, about=about, at=seen.at)
    return adapter.notice_accepted()


def _act(adapter: Channel, notice: Notice, at: Moment) -> bool:
    """Carry out a genuine message that brings no money; tell whether it changed anything."""
    if notice.kind == "nothing":
        return False
    if notice.kind in disputes.SAYS:
        return disputes.apply_notice(channel=adapter.code, notice=notice, at=at)
    if notice.kind == "refund.hint":
        return _ask_about_refunds(adapter.code, notice.payment_number, at)
    if notice.kind in ENDS:
        return end(channel=adapter.code, payment_number=notice.number, outcome=ENDS[notice.kind], at=at)
    return refunds.apply_notice(evidence=notice.evidence, channel=adapter.code, payment_number=notice.payment_number, at=at)


def _ask_about_refunds(channel: str, payment_number: str, at: Moment) -> bool:
    """Have the channel asked now about every refund of a payment that is on its way; tell whether there is one."""
    found = database.rows(OPEN_ATTEMPTS, {"number": payment_number, "channel": channel})
    for shop_id, number in found:
        outbox.ask(shop_id=shop_id, topic="refund", subject=number, due_at=at.now, at=at)
    return bool(found)


def _require_plausible(notice: Notice) -> None:
    """Refuse numbers that neither we nor a channel would give; PostgreSQL would not even look for some of them."""
    if notice.kind == "nothing" and not notice.number and not notice.payment_number:
        return
    named = NUMBER.fullmatch(notice.number) and NUMBER.fullmatch(notice.payment_number)
    transaction = notice.evidence.channel_number
    if not named or (transaction is not None and not CHANNEL_NUMBER.fullmatch(transaction)):
        raise NoticeNotBelieved


def _keep(seen: _Seen, reason: str, about: tuple[str | None, str]) -> None:
    record_notice(channel=seen.channel, digest=seen.digest, verdict="refused", reason=reason, about=about, at=seen.at)


def _ask_about(seen: _Seen, reason: str, about: tuple[str | None, str]) -> None:
    record_doubtful_notice(channel=seen.channel, digest=seen.digest, reason=reason, about=(about[0] or "", about[1]), at=seen.at)


def _refused(
    seen: _Seen,
    refused: Refusal | NoticeRefused,
    payment_number: str | None,
    keep: Callable[[_Seen, str, tuple[str | None, str]], None] = _keep,
) -> Answer:
    if refused.status >= 500:
        log.warning("a notice of %s waits to be sent again: %s", seen.channel, refused.code)
        return seen.adapter.notice_refused(status=refused.status)
    about = (payment_number, seen.content[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\0", ""))
    try:
        keep(seen, refused.code, about)
    except Refusal as trouble:
        # What could not be kept is not refused for good: it comes again.
        log.warning("a refused notice of %s could not be kept: %s", seen.channel, trouble.code)
        return seen.adapter.notice_refused(status=trouble.status)
    return seen.adapter.notice_refused(status=refused.status)


def take(*, channel: str, evidence: Evidence, digest: str = "", at: Moment) -> str:
    """Take a payment that a channel says it has captured, and return the outcome: taken, repeated, late_kept, late_refunded, …

    Raises:
        NoticeNotBelieved: amount, currency or transaction number are missing.
        PaymentUnknown, AmountDiffers, TransactionAlreadyTaken: nothing has changed. Where the channel did not say it in a message but in
            answer to something else, it is asked again; see jobs/questions.py.
    """
    paid = paid_of(channel=channel, evidence=evidence, digest=digest)
    try:
        flow = take_top_up if is_top_up(number=paid.payment_number) else take_payment
        return flow(paid=paid, at=at).outcome
    except (PaymentUnknown, AmountDiffers):
        if _is_in_the_queue(paid):
            return "repeated"
        if evidence.source == "answer":
            ask_channel(channel=channel, payment_number=paid.payment_number, at=at)
        raise


def end(*, channel: str, payment_number: str, outcome: PaymentState, at: Moment) -> bool:
    """Record that a channel has given up on a payment, whatever it was for; tell whether that was news.

    Raises:
        PaymentUnknown: we never began such a payment through this channel.
    """
    if is_top_up(number=payment_number):
        return end_top_up(channel=channel, number=payment_number, outcome=outcome, at=at)
    return end_payment(channel=channel, payment_number=payment_number, outcome=outcome, at=at)


def paid_of(*, channel: str, evidence: Evidence, digest: str = "") -> PaidNotice:
    """Return captured money as flows take it.

    Raises:
        NoticeNotBelieved: amount, currency or transaction number are missing.
    """
    if evidence.channel_number is None or evidence.amount_minor is None or evidence.currency is None:
        raise NoticeNotBelieved
    return PaidNotice(
        channel=channel,
        payment_number=evidence.number,
        transaction_number=evidence.channel_number,
        amount_minor=evidence.amount_minor,
        currency=evidence.currency,
        digest=digest,
    )


def _is_in_the_queue(paid: PaidNotice) -> bool:
    _is_taken, odd = taken_as_unidentified(channel=paid.channel, transaction_number=paid.transaction_number)
    return odd == (paid.payment_number, paid.amount_minor, paid.currency)
