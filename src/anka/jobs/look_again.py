"""Somebody says that they have paid and nothing has come: ask the channel at once, and take what it says as if it had told us itself.

Where the channel says nothing, because it is away or was taken out of use, finance staff may take the payment by hand. Where it says that
it holds no such money, nobody may: a forged screenshot must not be worth more than the channel's word.
"""

import logging

from django.utils.translation import gettext_lazy as _

from anka.adapters.channels.port import Evidence, EvidenceStatus
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import NotFound, Refusal
from anka.domain.payment_states import PaymentState
from anka.flows.record_notice import ask_channel
from anka.flows.steps.finance_staff import require_finance
from anka.flows.take_by_hand import Statement, take_by_hand
from anka.flows.take_payment import AmountDiffers, PaymentUnknown, TransactionAlreadyTaken
from anka.jobs import notices
from anka.jobs.channels import WALLET, channels
from anka.orders.queries import read_order
from anka.payments.by_hand import desk_payment

log = logging.getLogger("anka.worker")
# The newest payments of one order that are asked about at once; each may take two seconds.
MOST_PAYMENTS = 3
NOT_PAID = frozenset({EvidenceStatus.PROCESSING, EvidenceStatus.CLOSED, EvidenceStatus.FAILED})
# What is worth telling of several payments, the most telling first.
CAME = ("taken", "late_kept", "late_refunded", "double_refunded", "repeated")
TELLING = (*CAME, "differs", "no_answer", "channel_off", "not_paid", "nothing")


class ChannelSaysOtherwise(Refusal):
    """The channel can be asked, and says that it holds no such money, or another sum."""

    code, status = "channel_says_otherwise", 409
    says = _("The channel was asked just now and did not confirm this payment. Nothing has changed; ask it again later.")


def look_again(*, actor: Actor, order_number: str, at: Moment) -> str:
    """Ask the channels of an order's unpaid payments whether money has come, outside any transaction, and return what is known now.

    `taken`, `late_kept`, `late_refunded`, `double_refunded`, `repeated`: it has come. `not_paid`: the channel says it has not. `no_answer`,
    `channel_off`: the channel could not be asked. `differs`: something else came than was asked for; it is looked into. `nothing`: no
    payment was begun.

    Raises:
        NotFound: there is no such order for this actor.
        Busy, DatabaseUnavailable: nothing has changed; ask again.
    """
    state = read_order(number=order_number, actor=actor, at=at)
    asked = [payment for payment in state.payments if payment.channel != WALLET and payment.status != PaymentState.PAID]
    # Oldest first, so that what came first pays, and the rest goes back.
    heard = [_ask(payment.channel, payment.number, at) for payment in asked[-MOST_PAYMENTS:]]
    if not heard and state.paid_at is not None:
        return "repeated"
    return next((outcome for outcome in TELLING if outcome in heard), "nothing")


def look_at_payment(*, actor: Actor, payment_number: str, at: Moment) -> str:
    """Ask the channel of one payment, for somebody of the finance staff; the outcomes are those of look_again.

    Raises:
        NotFound: there is no such payment, or the actor is not of the finance staff.
    """
    with database.transaction():
        require_finance(actor=actor, at=at)
    payment = desk_payment(number=payment_number)
    if payment is None:
        raise NotFound
    return "repeated" if payment.status == PaymentState.PAID else _ask(payment.channel, payment.number, at)


def take(*, actor: Actor, said: Statement, at: Moment) -> str:
    """Take a payment by hand, its channel having been asked once more; return what became of it, as take_by_hand does.

    Where the channel answers that it holds the money, that is taken, and what was said is not needed.

    Raises:
        ChannelSaysOtherwise: it holds no such money. All others: as take_by_hand.
    """
    found = look_at_payment(actor=actor, payment_number=said.payment_number, at=at)
    if found in ("not_paid", "differs"):
        raise ChannelSaysOtherwise
    # One that has come is looked at again by the flow: it knows whether it came under the transaction that was named.
    return take_by_hand(actor=actor, said=said, at=at) if found in ("no_answer", "channel_off", "repeated") else found


def _ask(channel: str, payment_number: str, at: Moment) -> str:
    adapter = channels.get(channel)
    if adapter is None:
        return "channel_off"
    evidence = adapter.query_payment(number=payment_number, now=at.now)
    if evidence.status == EvidenceStatus.SUCCEEDED:
        return _take(channel, evidence, at)
    return "not_paid" if evidence.status in NOT_PAID else "no_answer"


def _take(channel: str, evidence: Evidence, at: Moment) -> str:
    try:
        return notices.take(channel=channel, evidence=evidence, at=at)
    except (PaymentUnknown, AmountDiffers):
        # What does not fit is asked about for as long as it takes; see jobs/questions.py.
        ask_channel(channel=channel, payment_number=evidence.number, at=at)
        return "differs"
    except notices.NoticeNotBelieved:
        return "no_answer"
    except TransactionAlreadyTaken as refused:
        log.warning("payment %s: %s names a transaction that was taken before (%s)", evidence.number, channel, refused.code)
        return "differs"
