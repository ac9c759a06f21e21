"""How the money of a verdict goes back: over which payments, to where, by when."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from anka.core.clock import Moment
from anka.core.refusals import BadInput, Refusal
from anka.domain.funds_mode import Doing
from anka.domain.payment_states import PaymentState
from anka.domain.refund_plan import ChannelLimitReached, Destination, Paid, PlannedLeg, RefundNotCoverable, plan
from anka.ledger import mode
from anka.orders.models import OrderState
from anka.payments.arrangements import expected, limits


class MoneyCannotGoBackThisWay(Refusal):
    """The payments of this order cannot bear the refund within their channels' limits."""

    code, status = "refund_not_coverable", 409
    says = _("The money cannot go back the way it came. Nothing has changed; choose the wallet, or ask the platform.")


class RefundWindowOver(MoneyCannotGoBackThisWay):
    """The money is there, but its channel no longer takes it back: the time for it is over, or it was asked too often."""

    code = "refund_window_over"
    says = _("The channel no longer takes this money back. Nothing has changed; choose the wallet, or a transfer that we make by hand.")


class PaymentDisputed(MoneyCannotGoBackThisWay):
    """The payer's bank may have taken the payment back already; paying it back as well could pay it twice."""

    code = "payment_disputed"
    says = _(
        "The payer disputes this payment with the bank or the payment channel, so nothing is paid back beside it. Nothing has changed; "
        "the channel decides, and then this goes on."
    )


class HandsNotNeeded(MoneyCannotGoBackThisWay):
    """A channel takes the money back by itself, so nobody has to make a transfer."""

    code = "hands_not_needed"
    says = _("The money can go back the way it came, so nobody has to transfer it by hand. Nothing has changed; choose the way it came.")


def refundable(state: OrderState) -> list[Paid]:
    """Return the captured payments of an order with what of each has not gone back."""
    return [
        Paid(
            payment_id=p.id,
            channel=p.channel,
            refundable_minor=p.amount_minor - p.refunded_minor,
            paid_at=p.paid_at,
            refunds_made=p.refunds_made,
            last_refund_at=p.last_refund_at,
        )
        for p in state.payments
        if p.status == PaymentState.PAID and p.amount_minor > p.refunded_minor and p.id not in state.charged_back
    ]


def plan_legs(*, state: OrderState, amounts: Sequence[int], refund_to: str, at: Moment) -> list[tuple[PlannedLeg, ...]]:
    """Return the legs of each of these amounts, in order; what one takes is no longer there for the next. Nothing has no legs.

    Raises:
        BadInput: the destination is neither original nor wallet nor hand.
        NotOursToHold: no wallet of ours may take it.
        MoneyCannotGoBackThisWay: the payments cannot bear it; RefundWindowOver where only their channels will not, PaymentDisputed where
            a payment may have been taken back by the payer's bank.
    """
    try:
        destination = Destination(refund_to)
    except ValueError:
        raise BadInput(fields={"refund_to": "original, wallet, hand"}) from None
    if destination is Destination.WALLET:
        mode.require(doing=Doing.REFUND_TO_WALLET)
    left = refundable(state)
    if destination == Destination.HAND:
        _require_no_channel(sum(amounts), left, at)
    planned: list[tuple[PlannedLeg, ...]] = []
    for amount in amounts:
        if amount == 0:
            planned.append(())
            continue
        try:
            legs = plan(refund_minor=amount, payments=left, now=at.now, destination=destination, limits=limits())
        except RefundNotCoverable as error:
            raise _why_not(state, error) from error
        taken = {leg.payment_id: leg for leg in legs}
        left = [_after(payment, taken.get(payment.payment_id), at) for payment in left]
        planned.append(legs)
    return planned


def _why_not(state: OrderState, error: RefundNotCoverable) -> MoneyCannotGoBackThisWay:
    if isinstance(error, ChannelLimitReached):
        return RefundWindowOver()
    return PaymentDisputed() if state.charged_back else MoneyCannotGoBackThisWay()


def _require_no_channel(amount_minor: int, payments: Sequence[Paid], at: Moment) -> None:
    with suppress(RefundNotCoverable):
        if amount_minor == 0 or plan(refund_minor=amount_minor, payments=payments, now=at.now, limits=limits()):
            raise HandsNotNeeded


def _after(payment: Paid, leg: PlannedLeg | None, at: Moment) -> Paid:
    """Return what a payment is to the next refund planned in the same moment; the wallet and our own hands count for no channel."""
    if leg is None:
        return payment
    left = replace(payment, refundable_minor=payment.refundable_minor - leg.amount_minor)
    if leg.channel != payment.channel:
        return left
    return replace(left, refunds_made=payment.refunds_made + 1, last_refund_at=leg.not_before or at.now)


def shown(*, legs: tuple[PlannedLeg, ...], at: Moment) -> list[dict[str, object]]:
    """Return legs as a quote shows them."""
    return [
        {
            "channel": leg.channel,
            "amount_minor": leg.amount_minor,
            "arrives_by": expected(channel=leg.channel, accepted_at=leg.not_before or at.now).latest_at,
        }
        for leg in legs
    ]
