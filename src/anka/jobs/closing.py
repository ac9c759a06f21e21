"""Closing unpaid orders: a channel that may still take the money is asked to stop first, for two seconds; silence releases anyway."""

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, once
from anka.flows.expire_unpaid import BATCH, EXPIRY, expire_order, expire_unpaid
from anka.flows.open_case import open_case
from anka.flows.steps.judge import Claim
from anka.jobs import notices
from anka.jobs.channels import channels
from anka.orders.models import OrderState
from anka.orders.queries import read_order

# Orders whose hold ran out while a channel may still take the money.
HELD_OPEN = """
SELECT o.number FROM core_clock AS clock JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
WHERE clock.kind = 'hold' AND clock.state = 'running' AND clock.due_at <= %s AND o.closed_at IS NULL AND o.paid_at IS NULL
  AND EXISTS (SELECT FROM payments_payment AS payment WHERE payment.shop_id = o.shop_id AND payment.order_id = o.id
              AND payment.status IN ('created', 'pending'))
ORDER BY clock.due_at LIMIT %s
"""


def ask_channels_to_stop(*, state: OrderState, at: Moment) -> None:
    """Ask the channels of an unpaid order's live payments to take no more money; money that was faster is taken."""
    if state.paid_at is not None or state.closed_at is not None:
        return
    for payment in state.live_payments():
        adapter = channels.get(payment.channel)
        if adapter is None:
            continue
        answer = adapter.close(number=payment.number, now=at.now)
        if answer.status == "paid":
            notices.take(channel=payment.channel, evidence=answer.evidence, at=at)


def cancel(*, actor: Actor, order_number: str, claim: Claim, request: RequestKey, at: Moment) -> tuple[str, ...]:
    """Get out of an order; see flows.open_case, whose errors are ours. Channels are asked before its transaction."""
    ask_channels_to_stop(state=read_order(number=order_number, actor=actor, at=at), at=at)
    return once(lambda: open_case(actor=actor, order_number=order_number, claim=claim, request=request, at=at))


def close_expired(*, at: Moment) -> int:
    """Close every unpaid order whose hold has run out, a batch at a time, and return how many. Bounded; the next sweep goes on."""
    closed = 0
    for _batch in range(100):
        batch = expire_unpaid(at=at)
        closed += batch
        if batch < BATCH:
            break
    for (number,) in database.rows(HELD_OPEN, (at.now, 200)):
        ask_channels_to_stop(state=read_order(number=number, actor=EXPIRY, at=at), at=at)
        closed += expire_order(order_number=number, at=at)
    return closed
