"""Reads of the ledger."""

from datetime import datetime

import msgspec

from anka.core import database
from anka.domain.chart import PLATFORM_SHOP

BALANCE = "SELECT credits - debits FROM ledger_account WHERE shop_id = %s AND code = %s AND currency = %s"
STATEMENT = """
SELECT transfer.id, journal.posted_at, journal.kind,
       CASE WHEN transfer.credit_id = account.id THEN transfer.amount_minor ELSE -transfer.amount_minor END
FROM ledger_account AS account
JOIN ledger_transfer AS transfer ON transfer.shop_id = account.shop_id AND account.id IN (transfer.debit_id, transfer.credit_id)
JOIN ledger_journal AS journal ON journal.shop_id = transfer.shop_id AND journal.id = transfer.journal_id
WHERE account.shop_id = %s AND account.code = %s AND account.currency = %s AND (%s::bigint IS NULL OR transfer.id < %s::bigint)
ORDER BY transfer.id DESC LIMIT %s
"""
MOST_LINES = 100


class StatementLine(msgspec.Struct, frozen=True):
    """One movement of an account; the amount is negative where money left it."""

    id: int
    at: datetime
    kind: str
    amount_minor: int


def wallet_code(*, person_id: int) -> str:
    """Return the code of a person's wallet in the platform's books."""
    return f"buyer:{person_id}:wallet"


def wallet_balance(*, person_id: int, currency: str) -> int:
    """Return what a person's wallet holds, in minor units; 0 where it was never used."""
    balance: int | None = database.value(BALANCE, (PLATFORM_SHOP, wallet_code(person_id=person_id), currency))
    return balance or 0


def wallet_statement(*, person_id: int, currency: str, before: int | None, limit: int) -> tuple[StatementLine, ...]:
    """Return a wallet's movements, newest first, at most 100; `before` is the id of the last line of the page before."""
    parameters = (PLATFORM_SHOP, wallet_code(person_id=person_id), currency, before, before, max(1, min(limit, MOST_LINES)))
    return tuple(StatementLine(*row) for row in database.rows(STATEMENT, parameters))


# The merchant's own accounts, in the order money goes through them.
MERCHANT_ACCOUNTS = ("pending", "available", "frozen", "deposit", "withdrawing")
BALANCES = """
SELECT code, credits - debits FROM ledger_account WHERE shop_id = %s AND code = ANY (%s) AND currency = %s
"""
# A transfer between two of the merchant's own accounts is one movement, not two.
MOVEMENTS = """
SELECT transfer.id, journal.posted_at, journal.kind, journal.idempotency_key,
       split_part(debit.code, ':', CASE WHEN starts_with(debit.code, 'merchant:') THEN 3 ELSE 1 END),
       split_part(credit.code, ':', CASE WHEN starts_with(credit.code, 'merchant:') THEN 3 ELSE 1 END), transfer.amount_minor
FROM (
    (SELECT id FROM ledger_transfer WHERE shop_id = %(shop)s
        AND debit_id IN (SELECT id FROM ledger_account WHERE shop_id = %(shop)s AND code = ANY (%(codes)s) AND currency = %(currency)s)
        AND (%(before)s::bigint IS NULL OR id < %(before)s::bigint) ORDER BY id DESC LIMIT %(limit)s)
    UNION
    (SELECT id FROM ledger_transfer WHERE shop_id = %(shop)s
        AND credit_id IN (SELECT id FROM ledger_account WHERE shop_id = %(shop)s AND code = ANY (%(codes)s) AND currency = %(currency)s)
        AND (%(before)s::bigint IS NULL OR id < %(before)s::bigint) ORDER BY id DESC LIMIT %(limit)s)
) AS touched
JOIN ledger_transfer AS transfer ON transfer.shop_id = %(shop)s AND transfer.id = touched.id
JOIN ledger_journal AS journal ON journal.shop_id = %(shop)s AND journal.id = transfer.journal_id
JOIN ledger_account AS debit ON debit.shop_id = %(shop)s AND debit.id = transfer.debit_id
JOIN ledger_account AS credit ON credit.shop_id = %(shop)s AND credit.id = transfer.credit_id
ORDER BY transfer.id DESC LIMIT %(limit)s
"""


COMMISSIONS = """
SELECT journal.idempotency_key, sum(CASE WHEN credit.code = 'commission' THEN transfer.amount_minor ELSE -transfer.amount_minor END)::bigint
FROM ledger_journal AS journal
    JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
    JOIN ledger_account AS debit ON debit.shop_id = transfer.shop_id AND debit.id = transfer.debit_id
    JOIN ledger_account AS credit ON credit.shop_id = transfer.shop_id AND credit.id = transfer.credit_id
WHERE journal.shop_id = %s AND journal.idempotency_key = ANY (%s) AND 'commission' IN (debit.code, credit.code)
GROUP BY journal.idempotency_key
"""


class Movement(msgspec.Struct, frozen=True):
    """A movement of a merchant's money.

    `out_of` and `into` are pending, available, frozen, deposit or withdrawing; where it is not the merchant's, what the chart calls the
    account first: order, bank, withdraw_fee, refund_payable.

    `key` is the journal's: it names the order's unit, the case or the refund that moved it.
    """

    id: int
    at: datetime
    kind: str
    key: str
    out_of: str
    into: str
    amount_minor: int


def merchant_balances(*, shop_id: int, currency: str) -> dict[str, int]:
    """Return what a shop's pending, available and frozen accounts hold, in minor units; 0 where one was never used."""
    found: dict[str, int] = dict(database.rows(BALANCES, (shop_id, _merchant_codes(shop_id), currency)))
    return {name: found.get(f"merchant:{shop_id}:{name}", 0) for name in MERCHANT_ACCOUNTS}


def merchant_movements(*, shop_id: int, currency: str, before: int | None, limit: int) -> tuple[Movement, ...]:
    """Return the movements of a shop's money, newest first, at most 100; `before` is the id of the last one of the page before."""
    parameters = {
        "shop": shop_id,
        "codes": _merchant_codes(shop_id),
        "currency": currency,
        "before": before,
        "limit": max(1, min(limit, MOST_LINES)),
    }
    return tuple(Movement(*row) for row in database.rows(MOVEMENTS, parameters))


def commissions(*, shop_id: int, keys: list[str]) -> dict[str, int]:
    """Return what the commission got by each of these journals of a shop, in minor units; less than zero where it gave something back."""
    return dict(database.rows(COMMISSIONS, (shop_id, keys)))


def _merchant_codes(shop_id: int) -> list[str]:
    return [f"merchant:{shop_id}:{name}" for name in MERCHANT_ACCOUNTS]
