"""Payments that fill a wallet or a deposit, and refunds of unused balance: read under lock, and for pages."""

from datetime import datetime

import msgspec

from anka.core import database
from anka.core.idempotency import RequestKey
from anka.core.refusals import NotFound
from anka.domain.chart import PLATFORM_SHOP
from anka.domain.payment_states import PaymentState
from anka.domain.refund_plan import Paid
from anka.domain.top_ups import Purpose

PLATFORM_CODE = "00"
"""What public numbers of the platform's own books begin with."""
LOCK_WALLET = "SELECT lock_wallet($1, $2)"
LOCK = "SELECT lock_top_up($1)"
READ = """
SELECT top_up_json(payment)::text FROM payments_payment AS payment
WHERE payment.shop_id = shop_of_number(%(number)s) AND payment.number = %(number)s AND payment.purpose <> 'order'
"""
OPEN_OF = "SELECT top_ups_of(%s, %s)::text"
LATEST = """
SELECT json_agg(top_up_json(payment) ORDER BY payment.id DESC)::text FROM (
    SELECT * FROM payments_payment WHERE shop_id = %s AND person_id = %s AND purpose = %s ORDER BY id DESC LIMIT %s) AS payment
"""
RETURNS = """
SELECT refund.number, refund.amount_minor, refund.currency, refund.status, refund.intended_at, refund.ended_at,
    (SELECT json_agg(json_build_object('channel', leg.channel, 'amount_minor', leg.amount_minor, 'status', leg.status,
        'arrives_by', leg.arrives_by, 'ended_at', leg.ended_at) ORDER BY leg.leg)::text
     FROM payments_leg AS leg WHERE leg.shop_id = refund.shop_id AND leg.refund_id = refund.id)
FROM payments_refund AS refund WHERE refund.shop_id = 0 AND refund.person_id = %s ORDER BY refund.id DESC LIMIT %s
"""
HELD = """
SELECT coalesce(sum(payment.amount_minor), 0)::bigint FROM payments_payment AS payment
    JOIN orders_order AS o ON o.shop_id = payment.shop_id AND o.id = payment.order_id
WHERE o.buyer_id = %s AND o.currency = %s AND payment.channel = 'wallet' AND payment.status IN ('created', 'pending')
"""
MOST = 100


class TopUp(msgspec.Struct, frozen=True):
    """A payment that pays for no order, whatever became of it, and who began it."""

    shop_id: int
    id: int
    number: str
    purpose: Purpose
    person_id: int
    channel: str
    status: PaymentState
    amount_minor: int
    currency: str
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    transaction_number: str | None
    refunded_minor: int
    refunds_made: int
    last_refund_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether its channel may still turn it into money."""
        return self.status in (PaymentState.CREATED, PaymentState.PENDING)


class WalletDesk(msgspec.Struct, frozen=True):
    """What a step with a wallet is decided on: whether it was taken before, and the payments that are open or did not go back."""

    replay: str | None
    payments: tuple[TopUp, ...]


class ReturnLeg(msgspec.Struct, frozen=True):
    """One way unused balance goes back."""

    channel: str
    amount_minor: int
    status: str
    arrives_by: datetime
    ended_at: datetime | None


class Return(msgspec.Struct, frozen=True):
    """Unused balance on its way back."""

    number: str
    amount_minor: int
    currency: str
    status: str
    intended_at: datetime
    ended_at: datetime | None
    legs: list[ReturnLeg]


_one = msgspec.json.Decoder(TopUp)
_many = msgspec.json.Decoder(tuple[TopUp, ...])
_desk = msgspec.json.Decoder(WalletDesk)
_legs = msgspec.json.Decoder(list[ReturnLeg])


def lock_wallet(*, person_id: int, request: RequestKey) -> WalletDesk:
    """Wait until nobody else begins a top-up or return for this person, and return what one is decided on.

    Raises:
        IdempotencyConflict: as its name says.
    """
    found = database.call(LOCK_WALLET, person_id, msgspec.json.encode(request.as_json()).decode())
    return _desk.decode(found or "{}")


def lock_top_up(*, number: str) -> TopUp | None:
    """Lock a payment that pays for no order until the transaction ends, and return it; None where there is none.

    Raises:
        Busy: somebody else held it for more than 3 s.
    """
    found = database.call(LOCK, number)
    return _one.decode(found) if found else None


def top_up(*, number: str) -> TopUp:
    """Return a payment that pays for no order. Whether the asker may see it is the caller's question.

    Raises:
        NotFound: there is none under this number.
    """
    found = database.value(READ, {"number": number})
    if found is None:
        raise NotFound
    return _one.decode(found)


def is_top_up(*, number: str) -> bool:
    """Tell whether this is the number of a payment of ours that pays for no order."""
    return database.value(READ, {"number": number}) is not None


def open_top_ups(*, shop_id: int, person_id: int) -> tuple[TopUp, ...]:
    """Return a person's payments into some books that are open or have money left that did not go back, newest first."""
    return _many.decode(database.value(OPEN_OF, (shop_id, person_id)))


def latest_top_ups(*, shop_id: int, person_id: int, purpose: Purpose, limit: int) -> tuple[TopUp, ...]:
    """Return the newest payments of one purpose that a person has begun, at most 100, whatever became of them."""
    found = database.value(LATEST, (shop_id, person_id, str(purpose), max(1, min(limit, MOST))))
    return _many.decode(found) if found else ()


def returns_of(*, person_id: int, limit: int) -> list[Return]:
    """Return what of a person's unused balance goes or went back, newest first, at most 100."""
    found = database.rows(RETURNS, (person_id, max(1, min(limit, MOST))))
    return [Return(*[*row[:-1], _legs.decode(row[-1])]) for row in found]


def held_of(*, person_id: int, currency: str) -> int:
    """Return what of a person's wallet is set aside for orders that wait for the rest of their money, in minor units."""
    return int(database.value(HELD, (person_id, currency)))


def sources(*, payments: tuple[TopUp, ...]) -> list[Paid]:
    """Return those that filled the wallet and have not wholly gone back, as a refund plans with them."""
    return [
        Paid(
            payment_id=one.id,
            channel=one.channel,
            refundable_minor=one.amount_minor - one.refunded_minor,
            paid_at=one.paid_at,
            refunds_made=one.refunds_made,
            last_refund_at=one.last_refund_at,
        )
        for one in payments
        if one.status == PaymentState.PAID and one.shop_id == PLATFORM_SHOP
    ]
