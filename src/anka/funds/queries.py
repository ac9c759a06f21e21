"""Reads of a merchant's own money."""

from datetime import timedelta

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.refusals import NotFound
from anka.domain.deadlines import clock_named
from anka.domain.deposits import Tier
from anka.domain.liability import Position
from anka.domain.withdrawals import WithdrawalState
from anka.funds.models import Desk, Step, Terms, Withdrawal

LOCK = "SELECT lock_merchant_position(%s, %s)::text"
READ = "SELECT merchant_position(%s, %s)::text"
DESK = "SELECT lock_funds(%s, %s, %s, %s, %s::jsonb)"
TERMS = """
SELECT tier, required_minor, floor_minor, settle_minutes, fee_bearer, fee_basis_points FROM funds_terms WHERE shop_id = %s
"""
STEPS = "SELECT at, actor, what, number, details::text FROM funds_step WHERE shop_id = %s ORDER BY id DESC LIMIT %s"
STEPS_OF = "SELECT at, actor, what, number, details::text FROM funds_step WHERE shop_id = %s AND what = %s ORDER BY id DESC LIMIT %s"
COLUMNS = """
SELECT taken.shop_id, shop.code, taken.number, taken.status, taken.amount_minor, taken.fee_minor, taken.currency, taken.account,
       taken.asked_by, taken.asked_at, taken.first_by, taken.decided_by, taken.decided_at, taken.paid_by, taken.bank_reference,
       taken.ended_at, taken.reason
FROM funds_withdrawal AS taken JOIN accounts_shop AS shop ON shop.id = taken.shop_id
"""
ONE = COLUMNS + "WHERE taken.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%s, '-', 1)) AND taken.number = %s"
OF_SHOP = COLUMNS + "WHERE taken.shop_id = %s ORDER BY taken.id DESC LIMIT %s"
OPEN = COLUMNS + "WHERE taken.status IN ('asked', 'approved', 'paying') ORDER BY taken.asked_at, taken.number LIMIT %s"
ENDED = COLUMNS + "WHERE taken.status IN ('paid', 'failed', 'refused') ORDER BY taken.ended_at DESC, taken.number LIMIT %s"
UNASKED = Terms(
    tier=Tier.OPEN, required_minor=0, floor_minor=0, settle_minutes=int(clock_named(name="settle").default / timedelta(minutes=1))
)
MOST = 100
_position = msgspec.json.Decoder(Position)


def lock_position(*, shop_id: int, currency: str) -> Position:
    """Lock all balances of a shop until the transaction ends, and return them. Call it after every other lock."""
    database.require_transaction()
    return _position.decode(database.value(LOCK, (shop_id, currency)))


def position(*, shop_id: int, currency: str) -> Position:
    """Return what a shop has and owes, for pages: it may be out of date at once."""
    return _position.decode(database.value(READ, (shop_id, currency)))


def lock_desk(*, shop_id: int, actor: Actor, request: RequestKey, at: Moment) -> Desk:
    """Wait until nobody else changes this shop's funds, and return what a step is decided on.

    Raises:
        NotFound: there is no such shop. IdempotencyConflict: as its name says.
    """
    database.require_transaction()
    asked = msgspec.json.encode(request.as_json()).decode()
    found = database.value(DESK, (shop_id, actor.person_id, actor.token_id, at.real, asked))
    if found is None:
        raise NotFound
    return msgspec.json.decode(found, type=Desk)


def terms(*, shop_id: int) -> Terms:
    """Return what holds for a shop; where nothing was set, nothing is required and the market's default settles."""
    found = database.rows(TERMS, (shop_id,))
    return msgspec.convert(dict(zip(Terms.__struct_fields__, found[0], strict=True)), Terms) if found else UNASKED


def steps(*, shop_id: int, what: str = "", limit: int = MOST) -> tuple[Step, ...]:
    """Return the steps on a shop's funds, or those of one kind, newest first, at most 100."""
    most = min(limit, MOST)
    found = database.rows(STEPS_OF, (shop_id, what, most)) if what else database.rows(STEPS, (shop_id, most))
    return tuple(Step(at, actor, done, number, msgspec.json.decode(details)) for at, actor, done, number, details in found)


def settle_time(*, shop_id: int) -> timedelta:
    """Return how long this shop's money stays pending after a confirmation."""
    return timedelta(minutes=terms(shop_id=shop_id).settle_minutes)


def withdrawal(*, number: str) -> Withdrawal:
    """Return the withdrawal of this number.

    Raises:
        NotFound: there is none.
    """
    found = _withdrawals(ONE, (number, number))
    if not found:
        raise NotFound
    return found[0]


def withdrawals_of(*, shop_id: int, limit: int = MOST) -> tuple[Withdrawal, ...]:
    """Return a shop's withdrawals, newest first, at most 100."""
    return _withdrawals(OF_SHOP, (shop_id, min(limit, MOST)))


def open_withdrawals(*, limit: int = MOST) -> tuple[Withdrawal, ...]:
    """Return what waits for the finance staff in all shops, oldest first, at most 100."""
    return _withdrawals(OPEN, (min(limit, MOST),))


def ended_withdrawals(*, limit: int = MOST) -> tuple[Withdrawal, ...]:
    """Return what was paid, failed or was refused in all shops, newest first, at most 100."""
    return _withdrawals(ENDED, (min(limit, MOST),))


def _withdrawals(sql: str, parameters: tuple[object, ...]) -> tuple[Withdrawal, ...]:
    return tuple(_withdrawal(row) for row in database.rows(sql, parameters))


def _withdrawal(row: database.Row) -> Withdrawal:
    named = dict(zip(Withdrawal.__struct_fields__, row, strict=True))
    return Withdrawal(**{**named, "status": WithdrawalState(named["status"])})
