"""Begin to pay an order through a channel. Writes down the intent; the buyer's browser then goes to the channel's cashier.

A part may come out of the wallet: it is set aside at once, and pays the order together with the channel's part. Whoever chooses another way
has it back, and what the channel was asked for does not fit any more.
"""

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import Refusal
from anka.domain.delivery_states import Stage
from anka.domain.funds_mode import Doing
from anka.domain.refund_plan import WALLET
from anka.flows.steps.change import Change, Event, NewPayment, apply
from anka.flows.steps.holds import held_minor, put_aside, put_back
from anka.ledger import mode
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


class WalletPartTooLarge(Refusal):
    """What the wallet is to pay leaves nothing for the channel, or is no amount."""

    code, status = "wallet_part_too_large", 422
    says = _("The wallet's part has to be less than the price. Nothing was charged; to pay all of it from the wallet, choose the wallet.")


def begin_payment(*, actor: Actor, order_number: str, channel: str, request: RequestKey, at: Moment, wallet_minor: int = 0) -> str:
    """Begin a payment of the order, less what the wallet pays, and return its number; an open one just like it is returned again.

    Raises:
        NotFound: no such order among the actor's. OrderNotPayable, TooManyPayments, WalletPartTooLarge, BalanceTooLow, NotOursToHold:
            nothing was begun.
        AlreadyDone: this request was carried out before; its reference is the payment's number.
    """
    if wallet_minor:
        mode.require(doing=Doing.PAY_FROM_WALLET)
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_payable(state=state, at=at)
        if not 0 <= wallet_minor < state.amount_minor:
            raise WalletPartTooLarge(fields={"wallet_minor": f"0–{state.amount_minor - 1}"})
        rest, is_held = state.amount_minor - wallet_minor, held_minor(state) == wallet_minor
        for payment in state.live_payments():
            if is_held and (payment.channel, payment.amount_minor) == (channel, rest):
                _remember(state, actor, request, payment.number, at)
                return payment.number
        if sum(payment.channel != WALLET for payment in state.payments) >= MOST_PAYMENTS:
            raise TooManyPayments
        number = new_number(shop_code=state.shop_code, letter="P")
        change = Change(
            new_payment=NewPayment(number=number, channel=channel, amount_minor=rest, expires_at=state.hold_until),
            events=[Event(what="payment_begun", details={"payment": number, "channel": channel, "amount_minor": rest})],
        )
        if not is_held:
            _hold_otherwise(state, change, wallet_minor)
        apply(state=state, change=change, actor=actor, request=request, reference=number, at=at)
        return number


def _hold_otherwise(state: OrderState, change: Change, wallet_minor: int) -> None:
    """Put back what was set aside, close what was begun with it, and set aside what is wanted now."""
    put_back(state=state, change=change)
    fitting = (state.amount_minor, state.amount_minor - wallet_minor)
    others = [one.id for one in state.live_payments() if one.channel != WALLET and one.amount_minor not in fitting]
    change.closed_payments = [*change.closed_payments, *others]
    if wallet_minor:
        put_aside(state=state, change=change, amount_minor=wallet_minor)


def _remember(state: OrderState, actor: Actor, request: RequestKey, number: str, at: Moment) -> None:
    """A key that was answered with an open payment is answered with it for ever, also when that payment has ended."""
    if request.key is not None:
        apply(state=state, change=Change(), actor=actor, request=request, reference=number, at=at)


def require_payable(*, state: OrderState, at: Moment) -> None:
    """Raise OrderNotPayable unless every unit is reserved and the hold still runs."""
    if state.closed_at or state.paid_at or at.now >= state.hold_until or any(unit.stage != Stage.RESERVED for unit in state.units):
        raise OrderNotPayable
