"""Disputes as channels tell of them, and their clocks."""

from anka.adapters.channels.port import Notice
from anka.core import database
from anka.core.clock import Moment
from anka.domain.dispute_states import DisputeState
from anka.flows.record_dispute import record_dispute
from anka.flows.steps.dispute_notice import DisputeNotice

SAYS = {"dispute.opened": DisputeState.OPEN, "dispute.won": DisputeState.WON, "dispute.lost": DisputeState.LOST}
FALLEN = """
SELECT DISTINCT o.shop_id, o.number FROM core_clock AS clock JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
WHERE clock.kind IN ('external_reply', 'external_done') AND clock.state = 'running' AND clock.due_at <= %(now)s
  AND NOT EXISTS (SELECT FROM core_outbox AS work WHERE work.shop_id = o.shop_id AND work.topic = 'dispute_clock'
                  AND work.subject = o.number AND work.done_at IS NULL)
LIMIT %(limit)s
"""


def apply_notice(*, channel: str, notice: Notice, at: Moment) -> bool:
    """Apply a channel's message about a dispute; tell whether it was news.

    Raises:
        DisputePaymentUnknown, DisputeDiffers: nothing has changed. Busy: it comes again.
    """
    told = notice.evidence
    said = DisputeNotice(
        said=SAYS[notice.kind],
        channel=channel,
        payment_number=notice.payment_number,
        channel_number=told.channel_number or notice.event_id,
        amount_minor=told.amount_minor,
        currency=told.currency,
        reason=told.reason,
        digest=told.digest,
    )
    return record_dispute(notice=said, at=at).is_news


def fallen(*, at: Moment, limit: int) -> list[tuple[int, str]]:
    """Return orders about which the channel should have heard from us by now: shop and number."""
    return [(shop, number) for shop, number in database.rows(FALLEN, {"now": at.now, "limit": limit})]
