"""Paying: begin a payment, and say where its cashier is. The address is signed anew whenever it is asked for; nobody is called."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from anka.adapters.channels.port import PaymentRequest, Started
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.domain.payment_states import PaymentState
from anka.flows.begin_payment import begin_payment
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.jobs.channels import WALLET
from anka.jobs.channels import channel as channel_named
from anka.orders.models import OrderState, Payment
from anka.orders.queries import read_order


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment that was begun, its order read afterwards, where to pay it (None: it is paid already), and whether it was a repetition."""

    number: str
    state: OrderState
    started: Started | None
    replayed: bool


def begin(*, actor: Actor, order_number: str, channel: str, request: RequestKey, at: Moment) -> Begun:
    """Begin to pay an order through a channel, or pay it from the wallet at once.

    Raises:
        ChannelUnknown, NotFound, OrderNotPayable, TooManyPayments, BalanceTooLow: nothing was charged.
    """
    replayed = False
    if channel != WALLET:
        channel_named(channel)
    try:
        if channel == WALLET:
            number = once(lambda: pay_from_wallet(actor=actor, order_number=order_number, request=request, at=at))
        else:
            number = once(lambda: begin_payment(actor=actor, order_number=order_number, channel=channel, request=request, at=at))
    except AlreadyDone as done:
        number, replayed = done.reference, True
    state = read_order(number=order_number, actor=actor, at=at)
    payment = state.payment(number)
    return Begun(number, state, cashier(state=state, payment=payment, at=at) if payment else None, replayed)


def cashier(*, state: OrderState, payment: Payment, at: Moment) -> Started | None:
    """Return where a payment can be paid, or None where it cannot be paid any more."""
    live = payment.status in (PaymentState.CREATED, PaymentState.PENDING)
    if payment.channel == WALLET or not live or state.closed_at or at.now >= payment.expires_at:
        return None
    return sign(state=state, payment=payment, now=at.now)


def sign(*, state: OrderState, payment: Payment, now: datetime) -> Started:
    """Return the signed address of a payment's cashier, as it was or would have been given out at `now`.

    Raises:
        ChannelUnknown: the channel was taken out of use.
    """
    request = PaymentRequest(
        number=payment.number,
        amount_minor=payment.amount_minor,
        currency=state.currency,
        subject=f"{state.title_zh} × {state.quantity}",
        expires_at=payment.expires_at,
        return_url=f"{settings.ENVIRONMENT.base_url}/orders/{state.number}",
    )
    return channel_named(payment.channel).start(payment=request, now=now)
