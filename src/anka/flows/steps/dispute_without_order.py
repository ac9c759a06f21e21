"""Disputes about payments that filled a wallet or a deposit: no order bears them, so the platform does, and a person collects it."""

from anka.core import database
from anka.core.clock import Moment
from anka.domain.dispute_states import DisputeState
from anka.domain.postings import Posting
from anka.domain.postings_channel import chargeback_lost, chargeback_won
from anka.flows.steps.change import journals
from anka.flows.steps.dispute_notice import as_json
from anka.payments.disputes import Dispute, DisputedPayment

POST = "SELECT post_journals(%s, %s, %s::jsonb)"
TELL = "SELECT tell_platform(%s, %s::jsonb, %s)"


def ended_without_order(*, known: Dispute, said: DisputeState, unborne: int) -> Posting:
    """Return how a chargeback of such a payment ends in the books."""
    shop_id, channel, dispute = known.shop_id, known.channel, known.number
    if said == DisputeState.WON:
        return chargeback_won(shop_id=shop_id, channel=channel, dispute=dispute, amount_minor=known.amount_minor)
    return chargeback_lost(shop_id=shop_id, order_id=0, channel=channel, dispute=dispute, sources={"bad_debt": unborne})


def without_order(*, payment: DisputedPayment, posting: Posting, kind: str, number: str, at: Moment) -> None:
    """Post it, and tell the platform."""
    if posting:
        database.rows(POST, (at.now, payment.currency, as_json(journals(posting))))
    database.rows(TELL, (kind, as_json({"dispute": number, "payment": payment.number}), at.now))
