"""Begin to pay an order through a channel. Writes down the intent; the buyer's browser then goes to the channel's cashier."""

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import Refusal
from anka.domain.delivery_states import Stage
from anka.flows.steps.change import Change, Event, NewPayment, apply
from anka.orders.models import OrderState
from anka.orders.queries import lock_order

# A buyer may change the channel or lose a page, but not pile up payments.
MOST_PAYMENTS = 10


class OrderNotPayable(Refusal):
    """The order is paid, closed, or its hold has run out."""

    code, status = "order_not_payable", 409
    says = _("This order can no longer be paid: it is paid already, closed, or its time has run out. Nothing was charged.")


class TooManyPayments(Refusal):
    """Too many payments were begun for one order."""

    code, status = "too_many_payments", 409
    says = _("Too many payments were begun for this order. Nothing was charged; use one that is open, or place a new order.")


def begin_payment(*, actor: Actor, order_number: str, channel: str, request: RequestKey, at: Moment) -> str:
    """Begin a payment of the whole order and return the payment's number; an open one of the same channel is returned again.

    Raises:
        NotFound: no such order among the actor's. OrderNotPayable, TooManyPayments: nothing was begun.
        AlreadyDone: this request was carried out before; its reference is the payment's number.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_payable(state=state, at=at)
        for payment in state.live_payments():
            if payment.channel == channel:
                _remember(state, actor, request, payment.number, at)
                return payment.number
        if len(state.payments) >= MOST_PAYMENTS:
            raise TooManyPayments
        number = new_number(shop_code=state.shop_code, letter="P")
        change = Change(
            new_payment=NewPayment(number=number, channel=channel, amount_minor=state.amount_minor, expires_at=state.hold_until),
            events=[Event(what="payment_begun", details={"payment": number, "channel": channel, "amount_minor": state.amount_minor})],
        )
        apply(state=state, change=change, actor=actor, request=request, reference=number, at=at)
        return number


def _remember(state: OrderState, actor: Actor, request: RequestKey, number: str, at: Moment) -> None:
    """A key that was answered with an open payment is answered with it for ever, also when that payment has ended."""
    if request.key is not None:
        apply(state=state, change=Change(), actor=actor, request=request, reference=number, at=at)


def require_payable(*, state: OrderState, at: Moment) -> None:
    """Raise OrderNotPayable unless every unit is reserved and the hold still runs."""
    if state.closed_at or state.paid_at or at.now >= state.hold_until or any(unit.stage != Stage.RESERVED for unit in state.units):
        raise OrderNotPayable
