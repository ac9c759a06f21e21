"""Take money that does not fit: another sum or currency than a payment asked for, or a payment number nobody of ours ever began.

Only the channel's own answer to a question brings it here, never a message alone. What came for a payment of ours goes back by itself; what
came for nobody waits in the queue for finance staff. It lies in the books of the shop whose payment it came under; a number nobody began
proves nothing, whatever shop's code it begins with, so such money lies in the platform's own books.
"""

from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.numbers import new_number
from anka.core.refusals import Refusal
from anka.domain import postings_unidentified as postings
from anka.domain.chart import PLATFORM_SHOP
from anka.domain.postings import Posting
from anka.domain.unidentified import Oddity, oddity
from anka.flows.steps.change import journals
from anka.flows.take_payment import ORDER_OF, PaidNotice, Taken, TransactionAlreadyTaken
from anka.orders.models import OrderState, Payment
from anka.orders.queries import lock_order
from anka.payments.arrangements import expected
from anka.payments.unidentified import taken_as_unidentified

PLATFORM_CODE = "00"
HOLD = "SELECT lock_transaction($1, $2)"
TAKE = "SELECT take_unidentified($1, $2, $3)"
POST = "SELECT post_journals($1, $2, $3)"
RETURN = "SELECT return_unidentified($1, $2, $3, $4, $5)"
RECORD = "SELECT record_event($1, $2, $3, $4, $5, '{}', NULL, NULL, $6)"


class NothingOdd(Refusal):
    """The money is exactly what was asked for: it pays its order and has no business here."""

    code, status = "nothing_odd", 409


def take_unidentified(*, seen: PaidNotice, at: Moment) -> Taken:
    """Take captured money that does not fit, once per transaction of the channel; a repeated answer changes nothing.

    The outcome is `repeated` or the name of the oddity; the order's number is "" where nobody knows one.

    Raises:
        NothingOdd: it fits a payment of ours.
        TransactionAlreadyTaken: this transaction was taken as something else.
    """
    actor = gateway(seen.channel)
    with database.transaction():
        number = database.call(ORDER_OF, seen.payment_number)
        state = lock_order(number=number, actor=actor, request=unrepeated(str(actor)), at=at) if number else None
        payment = state.payment(seen.payment_number) if state else None
        if payment is None or payment.channel != seen.channel:
            state, payment = None, None
        database.call(HOLD, seen.channel, seen.transaction_number)
        is_taken, before = taken_as_unidentified(channel=seen.channel, transaction_number=seen.transaction_number)
        if before == (seen.payment_number, seen.amount_minor, seen.currency):
            return Taken("repeated", state.number if state else "")
        if is_taken:
            raise TransactionAlreadyTaken
        if state is None or payment is None:
            _keep(seen, at)
            return Taken(Oddity.UNKNOWN_PAYMENT, "")
        return Taken(_send_back(state, payment, seen, at), state.number)


def _keep(seen: PaidNotice, at: Moment) -> None:
    found = {"number": new_number(shop_code=PLATFORM_CODE, letter="U"), "reason": Oddity.UNKNOWN_PAYMENT}
    _take(PLATFORM_SHOP, found, seen, at)


def _send_back(state: OrderState, payment: Payment, seen: PaidNotice, at: Moment) -> Oddity:
    reason = oddity(
        asked_minor=payment.amount_minor, asked_currency=state.currency, captured_minor=seen.amount_minor, captured_currency=seen.currency
    )
    if reason is None:
        raise NothingOdd
    number = new_number(shop_code=state.shop_code, letter="U")
    found = {"number": number, "reason": reason, "order_id": state.id, "expected_minor": payment.amount_minor}
    unidentified_id = _take(state.shop_id, found, seen, at)
    actor = str(gateway(seen.channel))
    refund = intended(
        shop_code=state.shop_code, unidentified_id=unidentified_id, channel=seen.channel, amount_minor=seen.amount_minor, at=at
    )
    send_back(shop_id=state.shop_id, unidentified_id=unidentified_id, actor=actor, refund=refund, currency=seen.currency, at=at)
    details = {
        "payment": payment.number,
        "refund": refund["number"],
        "reason": reason,
        "amount_minor": seen.amount_minor,
        "currency": seen.currency,
        "asked_minor": payment.amount_minor,
        "asked_currency": state.currency,
    }
    database.call(RECORD, state.shop_id, state.id, at.now, actor, "odd_payment_refunded", _json(details))
    return reason


def _take(shop_id: int, found: dict[str, Any], seen: PaidNotice, at: Moment) -> int:
    came = {name: getattr(seen, name) for name in ("channel", "transaction_number", "payment_number", "amount_minor", "currency")}
    taken = database.call(TAKE, shop_id, at.now, _json(found | came))
    _post(
        postings.unidentified(
            shop_id=shop_id, channel=seen.channel, transaction_number=seen.transaction_number, amount_minor=seen.amount_minor
        ),
        seen.currency,
        at,
    )
    return int(taken or 0)


def intended(*, shop_code: str, unidentified_id: int, channel: str, amount_minor: int, at: Moment) -> dict[str, Any]:
    """Return the refund that sends all of a piece of unidentified money back through its channel, in the shape SQL takes."""
    leg = {
        "leg": 1,
        "unidentified_id": unidentified_id,
        "channel": channel,
        "amount_minor": amount_minor,
        "arrives_by": expected(channel=channel, accepted_at=at.now).latest_at,
        "attempt": new_number(shop_code=shop_code, letter="T"),
    }
    number = new_number(shop_code=shop_code, letter="R")
    return {"number": number, "cause": "odd_payment", "case_number": None, "amount_minor": amount_minor, "units": [], "legs": [leg]}


def send_back(*, shop_id: int, unidentified_id: int, actor: str, refund: dict[str, Any], currency: str, at: Moment) -> None:
    """Decide that unidentified money goes back: the refund, its job and its posting.

    Raises:
        MovedMeanwhile: somebody else has decided about it.
    """
    database.call(RETURN, shop_id, unidentified_id, at.now, actor, _json(refund))
    (leg,) = refund["legs"]
    owed = postings.returned(shop_id=shop_id, channel=leg["channel"], refund_number=refund["number"], amount_minor=refund["amount_minor"])
    _post(owed, currency, at)


def _post(posting: Posting, currency: str, at: Moment) -> None:
    database.call(POST, at.now, currency, _json(journals(posting)))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
