"""Writes about a merchant's own money. Only flows may call these, inside their transaction."""

from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.domain.withdrawals import WithdrawalState
from anka.funds.models import Terms, Withdrawal

ADD = """
INSERT INTO funds_withdrawal (shop_id, number, status, amount_minor, fee_minor, currency, account, asked_by, asked_at)
VALUES (%(shop_id)s, %(number)s, 'asked', %(amount_minor)s, %(fee_minor)s, %(currency)s, %(account)s, %(asked_by)s, %(at)s)
"""
FIRST = "UPDATE funds_withdrawal SET first_by = %s, first_at = %s WHERE shop_id = %s AND number = %s AND status = 'asked'"
MOVE = """
UPDATE funds_withdrawal SET status = %(status)s,
    decided_by = CASE WHEN decided_at IS NULL THEN %(person)s ELSE decided_by END, decided_at = coalesce(decided_at, %(at)s),
    paid_by = CASE WHEN %(status)s = 'paying' THEN %(person)s ELSE paid_by END,
    ended_at = CASE WHEN %(status)s IN ('paid', 'failed', 'refused') THEN %(at)s END,
    bank_reference = CASE WHEN %(status)s = 'paid' THEN %(text)s END,
    reason = CASE WHEN %(status)s IN ('failed', 'refused') THEN %(text)s ELSE reason END
WHERE shop_id = %(shop_id)s AND number = %(number)s
"""
STEP = "SELECT record_funds_step(%s, %s, %s, %s, %s, %s::jsonb)"
TELL = "SELECT tell_shop(%s, %s, %s::jsonb, %s)"
REMEMBER = "SELECT remember_request(%s, %s, %s, %s, %s)"
SET_TERMS = """
INSERT INTO funds_terms (shop_id, tier, required_minor, floor_minor, currency, settle_minutes, fee_bearer, fee_basis_points, set_by, set_at)
VALUES (%(shop_id)s, %(tier)s, %(required)s, %(floor)s, %(currency)s, %(minutes)s, %(bearer)s, %(fee)s, %(by)s, %(at)s)
ON CONFLICT (shop_id) DO UPDATE SET tier = %(tier)s, required_minor = %(required)s, floor_minor = %(floor)s, currency = %(currency)s,
    settle_minutes = %(minutes)s, fee_bearer = %(bearer)s, fee_basis_points = %(fee)s, set_by = %(by)s, set_at = %(at)s
"""


def add_withdrawal(*, withdrawal: dict[str, Any], at: Moment) -> None:
    """Write down a withdrawal as it was asked for: shop_id, number, amount_minor, fee_minor, currency, account (masked), asked_by."""
    database.require_transaction()
    database.rows(ADD, {**withdrawal, "at": at.now})


def approve_first(*, withdrawal: Withdrawal, person_id: int, at: Moment) -> None:
    """Write down the first of two approvals."""
    database.require_transaction()
    database.rows(FIRST, (person_id, at.now, withdrawal.shop_id, withdrawal.number))


def move_withdrawal(*, withdrawal: Withdrawal, status: WithdrawalState, person_id: int, text: str = "", at: Moment) -> None:
    """Write down the next status; `text` is the bank's reference where it was paid, the reason where it was refused or failed.

    Raises:
        MovedMeanwhile: the table of moves has no such move.
    """
    database.require_transaction()
    named = {"status": str(status), "person": person_id, "text": text, "shop_id": withdrawal.shop_id, "number": withdrawal.number}
    database.rows(MOVE, {**named, "at": at.now})


def record_step(*, shop_id: int, actor: Actor, what: str, number: str, details: dict[str, Any], at: Moment) -> None:
    """Append what happened to the chain of this shop's funds, for good.

    Raises:
        LockNotFree: somebody else changes this shop's funds for more than 3 s.
    """
    database.require_transaction()
    database.rows(STEP, (shop_id, at.now, str(actor), what, number, msgspec.json.encode(details).decode()))


def tell_shop(*, shop_id: int, kind: str, details: dict[str, Any], at: Moment) -> None:
    """Tell whoever works for a shop; `kind` names the sentence in messaging/words.py, `amount_minor` in `details` is shown beside it."""
    database.require_transaction()
    database.rows(TELL, (shop_id, kind, msgspec.json.encode(details).decode(), at.now))


def remember(*, request: RequestKey, reference: str, at: Moment) -> None:
    """Remember a request, so that a repeated one is answered with its reference.

    Raises:
        TwinWon: the same request was just carried out.
    """
    database.require_transaction()
    database.rows(REMEMBER, (request.caller, request.key, request.fingerprint, reference, at.real))


def set_terms(*, shop_id: int, terms: Terms, currency: str, actor: Actor, at: Moment) -> None:
    """Write down what holds for a shop from now on."""
    database.require_transaction()
    named = {"shop_id": shop_id, "tier": str(terms.tier), "required": terms.required_minor, "floor": terms.floor_minor}
    named |= {"minutes": terms.settle_minutes, "bearer": str(terms.fee_bearer), "fee": terms.fee_basis_points}
    database.rows(SET_TERMS, {**named, "currency": currency, "by": str(actor), "at": at.now})
