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
