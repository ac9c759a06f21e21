"""Take a payment into a wallet or a deposit that a channel says it has captured. It is the payer's money: it is never too late."""

from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.domain import postings, postings_merchant
from anka.domain.payment_states import PaymentState
from anka.domain.postings import Posting
from anka.domain.top_ups import Purpose
from anka.flows.steps.change import journals
from anka.flows.take_payment import AmountDiffers, PaidNotice, PaymentUnknown, Taken, TransactionAlreadyTaken
from anka.funds.writes import record_step
from anka.payments.top_ups import TopUp, lock_top_up

TAKE = "SELECT take_top_up($1, $2, $3)"
POST = "SELECT post_journals($1, $2, $3)"
END = """
UPDATE payments_payment SET status = %s
WHERE shop_id = %s AND id = %s AND purpose <> 'order' AND status IN ('created', 'pending')
"""


def take_top_up(*, paid: PaidNotice, at: Moment) -> Taken:
    """Take captured money into the wallet or deposit it was for (`topped_up`); a repeated notice changes nothing (`repeated`).

    Raises:
        PaymentUnknown, AmountDiffers, TransactionAlreadyTaken: refused; nothing has changed. Busy: nothing has changed; ask again.
    """
    with database.transaction():
        found = _locked(channel=paid.channel, number=paid.payment_number)
        if (found.amount_minor, found.currency) != (paid.amount_minor, paid.currency):
            raise AmountDiffers
        if found.status == PaymentState.PAID:
            if found.transaction_number != paid.transaction_number:
                raise TransactionAlreadyTaken
            return Taken("repeated", "")
        taken: dict[str, Any] = {
            "payment_number": found.number,
            "channel": paid.channel,
            "transaction_number": paid.transaction_number,
        }
        if paid.digest:
            taken |= {"digest": paid.digest, "received_at": at.real}
        database.call(TAKE, found.shop_id, at.now, msgspec.json.encode(taken).decode())
        if found.purpose is Purpose.DEPOSIT:
            details = {"amount_minor": found.amount_minor, "channel": found.channel}
            record_step(
                shop_id=found.shop_id, actor=gateway(paid.channel), what="deposit_paid_in", number=found.number, details=details, at=at
            )
        database.call(POST, at.now, found.currency, msgspec.json.encode(journals(_posting(found, paid))).decode())
        return Taken("topped_up", "")


def end_top_up(*, channel: str, number: str, outcome: PaymentState, at: Moment) -> bool:
    """Record that a payment into a wallet or deposit failed or was closed; tell whether that was news. Money that still comes is taken.

    Raises:
        PaymentUnknown: we never began such a payment through this channel. Busy: nothing has changed; ask again.
    """
    with database.transaction():
        found = _locked(channel=channel, number=number)
        if not found.is_open:
            return False
        database.rows(END, (str(outcome), found.shop_id, found.id))
        return True


def _locked(*, channel: str, number: str) -> TopUp:
    found = lock_top_up(number=number)
    if found is None or found.channel != channel:
        raise PaymentUnknown
    return found


def _posting(found: TopUp, paid: PaidNotice) -> Posting:
    if found.purpose is Purpose.DEPOSIT:
        return postings_merchant.deposit_paid_in(
            shop_id=found.shop_id, channel=paid.channel, transaction_id=paid.transaction_number, amount_minor=paid.amount_minor
        )
    return postings.wallet_topped_up(
        buyer_id=found.person_id, channel=paid.channel, transaction_id=paid.transaction_number, amount_minor=paid.amount_minor
    )
