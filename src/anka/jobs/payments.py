"""Paying: begin a payment, and say where its cashier is.

A channel that has to be asked for its cashier is asked after the payment was committed and outside any transaction, when somebody begins to
pay; its answer is kept. Looking asks nobody: an address of the other channels is signed anew each time, that of these is the one kept.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from anka.adapters.channels.port import Device, PaymentNotStarted, PaymentRequest, Started
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import Refusal
from anka.domain.payment_states import PaymentState
from anka.flows.begin_payment import WalletPartTooLarge, begin_payment
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.record_cashier import record_cashier
from anka.jobs.channels import WALLET
from anka.jobs.channels import channel as channel_named
from anka.orders.models import OrderState, Payment
from anka.orders.queries import read_order
from anka.payments.cashiers import Cashier, kept_cashier

# A page for a phone's browser lives five minutes at WeChat Pay, the shortest of all; codes and other pages live as long as the payment.
MOBILE_PAGE_LASTS = timedelta(minutes=4)
# What a buyer's browser may be sent to: pages, and the channels' own apps. A gateway is not trusted with anything else.
ADDRESS = re.compile(r"(https?|weixin|alipays?)://[!-~]+")


class CashierNotOpened(Refusal):
    """The channel did not open a cashier. The payment stands, so the same can be tried again, or another channel."""

    code, status = PaymentNotStarted.code, PaymentNotStarted.status
    says = _("This way to pay did not open just now. Nothing was charged; try again, or choose another one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where the buyer sits: in front of what, and at which network address."""

    device: Device = "desktop"
    address: str = ""


DESK = Seat()


@dataclass(frozen=True, slots=True)
class Way:
    """How an order is to be paid: through a channel or from the wallet, and how much of it the wallet pays beside a channel."""

    channel: str
    wallet_minor: int = 0


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment that was begun, its order read afterwards, where to pay it (None: it is paid already), and whether it was a repetition."""

    number: str
    state: OrderState
    started: Started | None
    replayed: bool


def begin(*, actor: Actor, order_number: str, channel: str | Way, request: RequestKey, at: Moment, seat: Seat = DESK) -> Begun:
    """Begin to pay an order through a channel, or pay it from the wallet at once, or partly so.

    Raises:
        ChannelUnknown, NotFound, OrderNotPayable, TooManyPayments, WalletPartTooLarge, BalanceTooLow: nothing was charged.
        CashierNotOpened: nothing was charged, and asking again is safe.
    """
    way = Way(channel) if isinstance(channel, str) else channel
    number, replayed = _begin(actor, order_number, way, request, at)
    state = read_order(number=order_number, actor=actor, at=at)
    payment = state.payment(number)
    return Begun(number, state, _opened(state, payment, at, seat) if payment else None, replayed)


def _begin(actor: Actor, order_number: str, way: Way, request: RequestKey, at: Moment) -> tuple[str, bool]:
    """Return the payment's number, and whether the request was a repetition."""
    if way.channel != WALLET:
        channel_named(way.channel)
    elif way.wallet_minor:
        raise WalletPartTooLarge(fields={"wallet_minor": "0"})

    def run() -> str:
        if way.channel == WALLET:
            return pay_from_wallet(actor=actor, order_number=order_number, request=request, at=at)
        return begin_payment(
            actor=actor, order_number=order_number, channel=way.channel, request=request, at=at, wallet_minor=way.wallet_minor
        )

    try:
        return once(run), False
    except AlreadyDone as done:
        return done.reference, True


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """A payment that can be paid now: which, and how its channel is asked for its cashier."""

    shop_id: int
    payment_id: int
    channel: str
    request: PaymentRequest


def cashier(*, state: OrderState, payment: Payment, at: Moment, seat: Seat = DESK) -> Started | None:
    """Return where a payment can be paid, or None where it cannot be paid any more or its channel has to be asked (again).

    Raises:
        ChannelUnknown: the channel was taken out of use.
    """
    return seen(payable=_payable(state, payment, seat), at=at) if _can_be_paid(state, payment, at) else None


def sign(*, state: OrderState, payment: Payment, at: Moment, seat: Seat = DESK) -> Started:
    """Return where a payment is paid, from its channel: signed as it was or would have been given out at `at`, or asked for.

    Raises:
        ChannelUnknown: the channel was taken out of use. PaymentNotStarted: the channel was asked and did not open a cashier.
    """
    return channel_named(payment.channel).start(payment=_payable(state, payment, seat).request, now=at.now)


def seen(*, payable: Payable, at: Moment) -> Started | None:
    """Return where a payment is paid without asking anybody: signed anew, or as it was kept; None where nothing is kept.

    Raises:
        ChannelUnknown: the channel was taken out of use.
    """
    adapter = channel_named(payable.channel)
    if not adapter.manners.asks_to_start:
        return adapter.start(payment=payable.request, now=at.now)
    kept = _kept(payable, at)
    return Started(cashier_url=kept.cashier_url, qr_text=kept.qr_text) if kept else None


def opened(*, payable: Payable, at: Moment) -> Started:
    """Return where to pay a payment that was just begun; its channel is asked where nothing fitting is kept.

    Raises:
        ChannelUnknown: the channel was taken out of use. CashierNotOpened: nothing was charged, and asking again is safe.
    """
    adapter = channel_named(payable.channel)
    if not adapter.manners.asks_to_start:
        return adapter.start(payment=payable.request, now=at.now)
    kept = _kept(payable, at)
    if kept is None or kept.device != payable.request.device:
        kept = _asked(payable, at, kept)
    return Started(cashier_url=kept.cashier_url, qr_text=kept.qr_text)


def _payable(state: OrderState, payment: Payment, seat: Seat) -> Payable:
    request = PaymentRequest(
        number=payment.number,
        amount_minor=payment.amount_minor,
        currency=state.currency,
        subject=f"{state.title_zh} × {state.quantity}",
        expires_at=payment.expires_at,
        return_url=f"{settings.ENVIRONMENT.base_url}/orders/{state.number}",
        device=seat.device,
        payer_address=seat.address,
    )
    return Payable(shop_id=state.shop_id, payment_id=payment.id, channel=payment.channel, request=request)


def _can_be_paid(state: OrderState, payment: Payment, at: Moment) -> bool:
    live = payment.status in (PaymentState.CREATED, PaymentState.PENDING)
    return payment.channel != WALLET and live and not state.closed_at and at.now < payment.expires_at


def _opened(state: OrderState, payment: Payment, at: Moment, seat: Seat) -> Started | None:
    return opened(payable=_payable(state, payment, seat), at=at) if _can_be_paid(state, payment, at) else None


def _kept(payable: Payable, at: Moment) -> Cashier | None:
    return kept_cashier(shop_id=payable.shop_id, payment_id=payable.payment_id, device=payable.request.device, now=at.now)


def _asked(payable: Payable, at: Moment, other: Cashier | None) -> Cashier:
    """Ask the channel and keep what it says; where it does not want to open a second cashier, one for another device does too."""
    request = payable.request
    try:
        started = _somewhere(channel_named(payable.channel).start(payment=request, now=at.now))
    except PaymentNotStarted as refused:
        if other is not None:
            return other
        raise CashierNotOpened(fields={"channel": payable.channel}) from refused
    cashier = Cashier(device=request.device, cashier_url=started.cashier_url, qr_text=started.qr_text)
    lasts = min(request.expires_at, at.now + MOBILE_PAGE_LASTS) if request.device == "mobile" else request.expires_at
    return record_cashier(payment_number=request.number, cashier=cashier, valid_until=lasts, at=at)


def _somewhere(started: Started) -> Started:
    """Return where to pay if that is a place a browser may go to, or a code."""
    if (started.cashier_url or not started.qr_text) and not ADDRESS.fullmatch(started.cashier_url):
        raise PaymentNotStarted("the channel named no place where anybody could pay")
    return started
