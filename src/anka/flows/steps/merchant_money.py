"""Post what is claimed of a merchant's money: under the lock of its balances, as the last thing a transaction does.

Ledger accounts are locked after everything else, a shop's own in the order of their ids, all of them at once; so two flows that claim the
money of one shop wait for each other and never crosswise.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from anka.core import database
from anka.core.clock import Moment
from anka.domain.chart import PLATFORM_SHOP
from anka.domain.liability import Claim, Free, Held, Position, Taken, resolve
from anka.domain.postings import Posting
from anka.funds.queries import lock_position, terms
from anka.funds.writes import tell_shop

POST = "SELECT post_journals(%s, %s, %s::jsonb)"
SET_ASIDE = """
SELECT split_part(source.code, ':', 3), transfer.amount_minor
FROM ledger_journal AS journal
    JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
    JOIN ledger_account AS source ON source.shop_id = transfer.shop_id AND source.id = transfer.debit_id
WHERE journal.shop_id = %s AND journal.idempotency_key = %s AND journal.kind = 'case_held' ORDER BY transfer.id
"""


class Due(NamedTuple):
    """What one change of an order claims of its shop's money, and the journals that are posted with it."""

    shop_id: int
    currency: str
    claims: tuple[Claim, ...]
    journals: tuple[dict[str, Any], ...] = ()


def post_dues(*, dues: tuple[Due, ...], at: Moment) -> None:
    """Lock the balances of each shop, decide who bears what, and post it; shops in order, the platform's books last.

    Raises:
        LockNotFree: somebody else holds the balances for more than 3 s; nothing was posted.
    """
    database.require_transaction()
    later: list[tuple[str, list[dict[str, Any]]]] = []
    for shop_id, currency in sorted({(due.shop_id, due.currency) for due in dues}):
        position = lock_position(shop_id=shop_id, currency=currency)
        before = position
        for due in dues:
            if (due.shop_id, due.currency) != (shop_id, currency):
                continue
            if due.journals:
                # What the same change brings the shop is there to be claimed: read what it has after that.
                post(journals=_in_books(due.journals, shop_id), currency=currency, at=at.now)
                position = lock_position(shop_id=shop_id, currency=currency)
            posting, position = _resolved(due, position)
            post(journals=_in_books(built(posting=posting), shop_id), currency=currency, at=at.now)
            later.append((currency, _in_books((*due.journals, *built(posting=posting)), PLATFORM_SHOP)))
        tell_changes(shop_id=shop_id, currency=currency, before=before, after=position, at=at)
    for currency, found in later:
        post(journals=found, currency=currency, at=at.now)


def tell_changes(*, shop_id: int, currency: str, before: Position, after: Position, at: Moment) -> None:
    """Tell a shop when it begins to owe or pays back, and when its deposit falls below what new orders need."""
    owes = after.receivable - before.receivable
    if owes:
        kind = "receivable_arose" if owes > 0 else "receivable_collected"
        tell_shop(shop_id=shop_id, kind=kind, details={"amount_minor": abs(owes), "currency": currency}, at=at)
    if after.deposit < before.deposit:
        floor = terms(shop_id=shop_id).floor_minor
        if after.deposit < floor <= before.deposit:
            tell_shop(shop_id=shop_id, kind="deposit_low", details={"amount_minor": floor, "currency": currency}, at=at)


def post(*, journals: list[dict[str, Any]], currency: str, at: datetime) -> None:
    """Post journals in the order given; none is nothing."""
    if journals:
        database.rows(POST, (at, currency, msgspec.json.encode(journals).decode()))


def built(*, posting: Posting) -> list[dict[str, Any]]:
    """Return a posting in the shape post_journals() takes."""
    found: list[dict[str, Any]] = msgspec.to_builtins(posting)
    return found


def _in_books(journals: Iterable[dict[str, Any]], shop_id: int) -> list[dict[str, Any]]:
    return [one for one in journals if one["shop_id"] == shop_id]


def _resolved(due: Due, position: Position) -> tuple[Posting, Position]:
    held: Held = {
        (claim.case_number, claim.unit): _set_aside(due.shop_id, claim.case_number, claim.unit)
        for claim in due.claims
        if isinstance(claim, Free)
    }
    return resolve(shop_id=due.shop_id, claims=due.claims, position=position, held=held)


def _set_aside(shop_id: int, case_number: str, unit: str) -> Taken:
    return tuple(database.rows(SET_ASIDE, (shop_id, f"case:{case_number}:{unit}:hold")))
