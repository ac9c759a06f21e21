"""Take a payment that a channel says it has captured. Amount and number are compared with ours; money is never refused for being late."""

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.refusals import Refusal, refused_by
from anka.domain.payment_states import PaymentState
from anka.domain.postings_unidentified import Captured
from anka.flows.steps.change import TakenNotice, TakenPayment, apply
from anka.flows.steps.late_money import take_in
from anka.orders.models import OrderState, Payment
from anka.orders.queries import lock_order

ORDER_OF = """
SELECT o.number FROM payments_payment AS payment JOIN orders_order AS o ON o.shop_id = payment.shop_id AND o.id = payment.order_id
WHERE payment.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part($1, '-', 1)) AND payment.number = $1
"""


@refused_by("AN008")
class TransactionAlreadyTaken(Refusal):
    """The channel's transaction number has paid something else already."""

    code, status = "transaction_already_taken", 409
    says = _("This transaction was used for another payment. Nothing has changed.")


class PaymentUnknown(Refusal):
    """We never began a payment with this number through this channel."""

    code, status = "payment_unknown", 404
    says = _("There is no such payment.")


class AmountDiffers(Refusal):
    """The channel speaks of another amount or currency than the payment was begun with."""

    code, status = "amount_differs", 409
    says = _("The amount differs from what was asked for. Nothing has changed; the platform looks into it.")


class PaidNotice(msgspec.Struct, frozen=True):
    """What a channel told us, its signature already checked. `digest` is SHA-256 of the message, "" where we asked for the answer."""

    channel: str
    payment_number: str
    transaction_number: str
    amount_minor: int
    currency: str
    digest: str = ""


class Taken(msgspec.Struct, frozen=True):
    """What became of the money: taken, repeated (nothing done), late_kept, late_refunded, double_refunded, or the name of an oddity."""

    outcome: str
    order_number: str


def take_payment(*, paid: PaidNotice, at: Moment) -> Taken:
    """Take a captured payment into the order's escrow, or the late way; a repeated notice changes nothing.

    Raises:
        PaymentUnknown, AmountDiffers, TransactionAlreadyTaken: refused; nothing has changed.
    """
    actor = gateway(paid.channel)
    with database.transaction():
        number = database.call(ORDER_OF, paid.payment_number)
        if number is None:
            raise PaymentUnknown
        state = lock_order(number=number, actor=actor, request=unrepeated(str(actor)), at=at)
        payment = _matching(state, paid)
        if payment.status == PaymentState.PAID:
            if payment.transaction_number != paid.transaction_number:
                raise TransactionAlreadyTaken
            return Taken("repeated", number)
        money = Captured(
            shop_id=state.shop_id, channel=paid.channel, transaction_number=paid.transaction_number, amount_minor=paid.amount_minor
        )
        outcome, change = take_in(state=state, payment=payment, money=money, at=at)
        change.taken = TakenPayment(payment_number=payment.number, channel=paid.channel, transaction_number=paid.transaction_number)
        if paid.digest:
            change.notice = TakenNotice(channel=paid.channel, digest=paid.digest, payment_number=payment.number, received_at=at.real)
        apply(state=state, change=change, actor=actor, request=unrepeated(str(actor)), at=at)
        return Taken(outcome, number)


def _matching(state: OrderState, paid: PaidNotice) -> Payment:
    payment = state.payment(paid.payment_number)
    if payment is None or payment.channel != paid.channel:
        raise PaymentUnknown
    if payment.amount_minor != paid.amount_minor or state.currency != paid.currency:
        raise AmountDiffers
    return payment
