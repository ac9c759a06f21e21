"""Note that a channel has given up on a payment: failed or closed. The order stays as it is; the buyer may pay another way."""

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.domain.payment_states import PaymentState
from anka.flows.steps.change import Change, Event, apply
from anka.flows.take_payment import ORDER_OF, PaymentUnknown
from anka.orders.queries import lock_order


def end_payment(*, channel: str, payment_number: str, outcome: PaymentState, at: Moment) -> bool:
    """Record that a payment failed or was closed at its channel; tell whether that was news. Money that still comes is taken.

    Raises:
        PaymentUnknown: we never began such a payment through this channel.
    """
    actor = gateway(channel)
    with database.transaction():
        number = database.call(ORDER_OF, payment_number)
        if number is None:
            raise PaymentUnknown
        state = lock_order(number=number, actor=actor, request=unrepeated(str(actor)), at=at)
        payment = state.payment(payment_number)
        if payment is None or payment.channel != channel:
            raise PaymentUnknown
        if payment.status not in (PaymentState.CREATED, PaymentState.PENDING):
            return False
        change = Change(events=[Event(what=f"payment_{outcome}", details={"payment": payment_number, "channel": channel})])
        if outcome == PaymentState.CLOSED:
            change.closed_payments = [payment.id]
        else:
            change.failed_payments = [payment.id]
        apply(state=state, change=change, actor=actor, request=unrepeated(str(actor)), at=at)
        return True
