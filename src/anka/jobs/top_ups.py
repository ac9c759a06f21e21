"""Filling a wallet or a deposit: begin it, say where its cashier is, and end it when its time is over."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from anka.adapters.channels.port import Evidence, PaymentRequest, Started
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import NotFound, Refusal
from anka.domain.payment_states import PaymentState
from anka.domain.top_ups import ASKED_FOR, Purpose
from anka.flows.begin_top_up import Wanted, begin_deposit_top_up, begin_top_up
from anka.jobs import notices
from anka.jobs.channels import ChannelUnknown, channels
from anka.jobs.channels import channel as channel_named
from anka.jobs.payments import DESK, Payable, Seat, opened, seen
from anka.payments.top_ups import TopUp, top_up

TOPIC = "top_up"
# What payers see on their channel's pages; those are Chinese.
SUBJECTS = {Purpose.WALLET: "钱包充值", Purpose.DEPOSIT: "缴纳保证金"}
AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class BegunTopUp:
    """A payment into a wallet or deposit, where to pay it (None: not any more), and whether the request was a repetition."""

    payment: TopUp
    started: Started | None
    replayed: bool


def begin(*, actor: Actor, wanted: Wanted, request: RequestKey, at: Moment, seat: Seat = DESK, shop_id: int | None = None) -> BegunTopUp:
    """Begin to fill the actor's wallet, or the deposit of the shop they own.

    Raises:
        ChannelUnknown and what flows.begin_top_up raises: nothing was charged.
        CashierNotOpened: nothing was charged, and asking again is safe.
    """
    channel_named(wanted.channel)
    replayed = False
    try:
        if shop_id is None:
            number = once(lambda: begin_top_up(actor=actor, wanted=wanted, request=request, at=at))
        else:
            number = once(lambda: begin_deposit_top_up(actor=actor, shop_id=shop_id, wanted=wanted, request=request, at=at))
    except AlreadyDone as done:
        number, replayed = done.reference, True
    found = top_up(number=number)
    return BegunTopUp(found, opened(payable=_payable(found, seat), at=at) if _can_be_paid(found, at) else None, replayed)


def mine(*, number: str, person_id: int) -> TopUp:
    """Return the payment of this number where this person began it.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = top_up(number=number)
    if found.person_id != person_id:
        raise NotFound
    return found


def cashier(*, payment: TopUp, at: Moment, seat: Seat = DESK) -> Started | None:
    """Return where it can be paid without asking its channel again, or None where it cannot be paid any more."""
    if not _can_be_paid(payment, at):
        return None
    try:
        return seen(payable=_payable(payment, seat), at=at)
    except ChannelUnknown:
        return None


def sign(*, payment: TopUp, at: Moment) -> Started:
    """Return where it is paid, signed as it was given out at `at`, or asked for.

    Raises:
        ChannelUnknown: the channel was taken out of use. PaymentNotStarted: it was asked and did not open a cashier.
    """
    return channel_named(payment.channel).start(payment=_payable(payment, DESK).request, now=at.now)


def pursue(*, number: str, at: Moment) -> timedelta | None:
    """End one whose time is over: its channel is asked to take no more money. Return after what time to ask again, None where it ended.

    A channel that says nothing certain is asked for a day. Money that was faster is taken, and so is money that comes later.

    Raises:
        NotFound: there is no such payment. Busy, DatabaseUnavailable: nothing has changed; ask again.
    """
    found = top_up(number=number)
    if not found.is_open:
        return None
    if at.now < found.expires_at:
        return found.expires_at - at.now
    adapter = channels.get(found.channel)
    answer = adapter.close(number=number, now=at.now) if adapter else None
    if answer is not None and answer.status == "paid":
        _take(found, answer.evidence, at)
    if answer is not None and answer.status == "unknown" and at.now < found.expires_at + ASKED_FOR:
        return AGAIN
    notices.end(channel=found.channel, payment_number=number, outcome=PaymentState.CLOSED, at=at)
    return None


def _take(found: TopUp, evidence: Evidence, at: Moment) -> None:
    """Take what its channel holds. What does not fit, another amount say, lies in the queue or is a question to the channel by now."""
    try:
        notices.take(channel=found.channel, evidence=evidence, at=at)
    except Refusal as refused:
        if refused.status >= 500:
            raise


def _can_be_paid(payment: TopUp, at: Moment) -> bool:
    return payment.is_open and at.now < payment.expires_at


def _payable(payment: TopUp, seat: Seat) -> Payable:
    request = PaymentRequest(
        number=payment.number,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        subject=SUBJECTS[payment.purpose],
        expires_at=payment.expires_at,
        return_url=f"{settings.ENVIRONMENT.base_url}/top-ups/{payment.number}",
        device=seat.device,
        payer_address=seat.address,
    )
    return Payable(shop_id=payment.shop_id, payment_id=payment.id, channel=payment.channel, request=request)
