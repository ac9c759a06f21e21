"""Payments, and money on its way back."""

from anka.adapters.channels.port import Started
from anka.api.shapes_of_orders import AttemptView, LegView, PaymentView, RefundView
from anka.cases.queries import Leg, Refund
from anka.cases.refund_steps import step_of
from anka.orders.models import OrderState, Payment


def payment_view(state: OrderState, payment: Payment, started: Started | None) -> PaymentView:
    """Return a payment; while it is open, with the address and the code text where it is paid."""
    return PaymentView(
        number=payment.number,
        order=state.number,
        channel=payment.channel,
        status=payment.status,
        amount_minor=payment.amount_minor,
        currency=state.currency,
        created_at=payment.created_at,
        expires_at=payment.expires_at,
        paid_at=payment.paid_at,
        refunded_minor=payment.refunded_minor,
        cashier_url=(started.cashier_url or None) if started else None,
        qr=(started.qr_text or None) if started else None,
    )


def _leg_view(leg: Leg, *, is_buyer: bool) -> LegView:
    step = step_of(leg=leg)
    return LegView(
        leg=leg.leg,
        channel=leg.channel,
        amount_minor=leg.amount_minor,
        status=leg.status,
        arrives_by=leg.arrives_by,
        ended_at=leg.ended_at,
        channel_number=next((attempt.channel_number for attempt in reversed(leg.attempts) if attempt.channel_number), None),
        next_step=step.code,
        next_by=step.by,
        actions=["choose_wallet"] if step.can_choose and is_buyer else [],
        attempts=[
            AttemptView(
                number=attempt.number,
                channel=attempt.channel,
                status=attempt.status,
                created_at=attempt.created_at,
                submitted_at=attempt.submitted_at,
                ended_at=attempt.ended_at,
                channel_number=attempt.channel_number,
            )
            for attempt in leg.attempts
        ],
    )


def refund_view(state: OrderState, refund: Refund, *, person_id: int = 0) -> RefundView:
    """Return a refund with its legs and their attempts, and what this person may do about it."""
    return RefundView(
        number=refund.number,
        order=state.number,
        case=refund.case_number,
        cause=refund.cause,
        status=refund.status,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        units=[state.unit_number(position) for position in refund.positions],
        intended_at=refund.intended_at,
        ended_at=refund.ended_at,
        legs=[_leg_view(leg, is_buyer=person_id == state.buyer_id) for leg in refund.legs],
    )
