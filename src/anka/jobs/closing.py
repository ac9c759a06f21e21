"""Closing unpaid orders: a channel that may still take the money is asked to stop first, for two seconds; silence releases anyway."""

import logging

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.refusals import Refusal
from anka.domain.deadlines import clock_named
from anka.domain.delivery_states import Stage
from anka.domain.payment_states import PaymentState
from anka.flows.end_payment import end_payment
from anka.flows.expire_unpaid import BATCH, EXPIRY, expire_order, expire_unpaid
from anka.flows.open_case import open_case
from anka.flows.steps.judge import Claim
from anka.jobs import notices
from anka.jobs.channels import channels
from anka.orders.models import OrderState, Payment
from anka.orders.queries import read_order

log = logging.getLogger("anka.worker")

# Orders whose hold ran out, longest ago first; those that made trouble wait in the outbox.
OVERDUE = """
SELECT o.shop_id, o.number FROM core_clock AS clock JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
WHERE clock.kind = 'hold' AND clock.state = 'running' AND clock.due_at <= %(now)s AND o.closed_at IS NULL AND o.paid_at IS NULL {and_held}
  AND NOT EXISTS (SELECT FROM core_outbox AS work WHERE work.shop_id = o.shop_id AND work.topic = 'expire' AND work.subject = o.number
                  AND work.done_at IS NULL)
ORDER BY clock.due_at LIMIT %(limit)s
"""
AND_HELD = """AND EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id
              AND payment.status IN ('created', 'pending'))"""


def ask_channels_to_stop(*, state: OrderState, at: Moment) -> None:
    """Ask the channels of an unpaid order's live payments to take no more money; money that was faster is taken.

    Raises:
        Busy, DatabaseUnavailable: somebody else holds the order; ask again.
    """
    if state.paid_at is not None or state.closed_at is not None:
        return
    for payment in state.live_payments():
        adapter = channels.get(payment.channel)
        if adapter is None:
            continue
        answer = adapter.close(number=payment.number, now=at.now)
        try:
            if answer.status == "paid":
                notices.take(channel=payment.channel, evidence=answer.evidence, at=at)
            elif answer.status == "closed":
                _note_closed(payment, at)
        except Refusal as refused:
            if refused.status >= 500:
                raise
            # What the channel says cannot be (another amount, say): it is not taken, and must not keep the goods from others.
            log.warning("payment %s: the channel's answer to closing it was refused (%s)", payment.number, refused.code)


def _note_closed(payment: Payment, at: Moment) -> None:
    """Remember that the cashier is shut, so that whoever decides to pay after all gets a new payment."""
    end_payment(channel=payment.channel, payment_number=payment.number, outcome=PaymentState.CLOSED, at=at)


def close_expired(*, at: Moment) -> int:
    """Close every unpaid order whose hold has run out and that no channel holds open, a batch at a time; return how many. Bounded."""
    closed = 0
    for _batch in range(10):
        batch = expire_unpaid(at=at)
        closed += batch
        if batch < BATCH:
            break
    return closed


def held_open(*, at: Moment, limit: int) -> list[tuple[int, str]]:
    """Return orders whose hold has run out while a channel may still take their money: shop and number."""
    return _overdue(AND_HELD, at, limit)


def overdue(*, at: Moment, limit: int) -> list[tuple[int, str]]:
    """Return orders whose hold has run out, whether a channel holds them open or not: shop and number."""
    return _overdue("", at, limit)


# Paid goods that nobody has touched for so long although it was tried: the money goes back by itself (2-domain, clock `promise`).
UNTOUCHED = """
SELECT o.shop_id, o.number FROM core_clock AS clock JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
WHERE clock.kind = 'promise' AND clock.state = 'running' AND clock.due_at <= %(now)s AND clock.started_at <= %(since)s
  AND EXISTS (SELECT FROM orders_unit AS unit WHERE unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.stage = 'queued')
  AND NOT EXISTS (SELECT FROM core_outbox AS work WHERE work.shop_id = o.shop_id AND work.subject = o.number AND work.done_at IS NULL
                  AND (work.topic = 'untouched' OR work.topic = 'deliver' AND work.tries = 0))
ORDER BY clock.started_at LIMIT %(limit)s
"""
PROMISE = system("promise")


def untouched(*, at: Moment, limit: int) -> list[tuple[int, str]]:
    """Return paid orders whose goods nobody has touched for 48 hours: shop and number. Delivery that was never tried is tried first."""
    since = at.now - clock_named(name="untouched").default
    return [(shop, number) for shop, number in database.rows(UNTOUCHED, {"now": at.now, "since": since, "limit": limit})]


def give_back(*, order_number: str, at: Moment) -> bool:
    """Cancel what of an order nobody has touched, as its buyer could; tell whether there was anything.

    Raises:
        Refusal: the rules want somebody's answer first; see flows.open_case.
    """
    state = read_order(number=order_number, actor=PROMISE, at=at)
    queued = tuple(unit.position for unit in state.units if unit.stage == Stage.QUEUED and not unit.under_case)
    if not queued:
        return False
    claim = Claim(reason="LATE_DELIVERY", positions=queued, issuer_asked=True)
    open_case(actor=PROMISE, order_number=order_number, claim=claim, request=unrepeated(str(PROMISE)), at=at)
    return True


def _overdue(and_held: str, at: Moment, limit: int) -> list[tuple[int, str]]:
    return [(shop, number) for shop, number in database.rows(OVERDUE.format(and_held=and_held), {"now": at.now, "limit": limit})]


def close_one(*, order_number: str, at: Moment) -> bool:
    """Ask the channels of one order to stop, then close it if it was not paid meanwhile; tell whether it was closed."""
    ask_channels_to_stop(state=read_order(number=order_number, actor=EXPIRY, at=at), at=at)
    return expire_order(order_number=order_number, at=at)
