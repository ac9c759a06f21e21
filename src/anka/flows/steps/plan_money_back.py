"""How the money of a verdict goes back: over which payments, to where, by when."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from anka.core.clock import Moment
from anka.core.refusals import BadInput, Refusal
from anka.domain.deadlines import arrival
from anka.domain.payment_states import PaymentState
from anka.domain.refund_plan import Destination, Paid, PlannedLeg, RefundNotCoverable, plan
from anka.orders.models import OrderState


class MoneyCannotGoBackThisWay(Refusal):
    """The payments of this order cannot bear the refund within their channels' limits."""

    code, status = "refund_not_coverable", 409
    says = _("The money cannot go back the way it came. Nothing has changed; choose the wallet, or ask the platform.")


def refundable(state: OrderState) -> list[Paid]:
    """Return the captured payments of an order with what of each has not gone back."""
    return [
        Paid(payment_id=p.id, channel=p.channel, refundable_minor=p.amount_minor - p.refunded_minor, paid_at=p.paid_at)
        for p in state.payments
        if p.status == PaymentState.PAID and p.amount_minor > p.refunded_minor
    ]


def plan_legs(*, state: OrderState, amounts: Sequence[int], refund_to: str, at: Moment) -> list[tuple[PlannedLeg, ...]]:
    """Return the legs of each of these amounts, in order; what one takes is no longer there for the next. Nothing has no legs.

    Raises:
        BadInput: the destination is neither original nor wallet.
        MoneyCannotGoBackThisWay: the payments cannot bear it.
    """
    try:
        destination = Destination(refund_to)
    except ValueError:
        raise BadInput(fields={"refund_to": "original, wallet"}) from None
    left = refundable(state)
    planned: list[tuple[PlannedLeg, ...]] = []
    for amount in amounts:
        if amount == 0:
            planned.append(())
            continue
        try:
            legs = plan(refund_minor=amount, payments=left, now=at.now, destination=destination)
        except RefundNotCoverable as error:
            raise MoneyCannotGoBackThisWay from error
        taken = {leg.payment_id: leg.amount_minor for leg in legs}
        left = [_less(payment, taken.get(payment.payment_id, 0)) for payment in left]
        planned.append(legs)
    return planned


def _less(payment: Paid, amount_minor: int) -> Paid:
    return Paid(
        payment_id=payment.payment_id,
        channel=payment.channel,
        refundable_minor=payment.refundable_minor - amount_minor,
        paid_at=payment.paid_at,
    )


def shown(*, legs: tuple[PlannedLeg, ...], at: Moment) -> list[dict[str, object]]:
    """Return legs as a quote shows them."""
    return [
        {
            "channel": leg.channel,
            "amount_minor": leg.amount_minor,
            "arrives_by": arrival(channel=leg.channel, accepted_at=leg.not_before or at.now).latest_at,
        }
        for leg in legs
    ]
