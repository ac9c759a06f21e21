"""The buyer's wallet: what it holds, and what moved it."""

import msgspec

from anka.api import bodies, shapes, statements
from anka.api.call import Answer, Call
from anka.api.parsing import cursor_text, read_cursor
from anka.domain.chart import PLATFORM_SHOP
from anka.ledger import queries
from anka.ledger.statements import Account

CURRENCY = "CNY"


class Before(msgspec.Struct, frozen=True):
    """Where a statement goes on: before this line."""

    id: int


def show(call: Call) -> Answer:
    """Answer with the balance and one page of the statement, newest first."""
    call.require_standing()
    asked: bodies.Page = call.query
    before = read_cursor(asked.cursor, Before)
    found = queries.wallet_statement(
        person_id=call.identity.person_id, currency=CURRENCY, before=before.id if before else None, limit=asked.limit + 1
    )
    page = found[: asked.limit]
    more = cursor_text(Before(page[-1].id)) if len(found) > len(page) else None
    return Answer(
        200,
        shapes.Wallet(
            balance_minor=queries.wallet_balance(person_id=call.identity.person_id, currency=CURRENCY),
            currency=CURRENCY,
            items=[shapes.WalletLine(at=line.at, kind=line.kind, amount_minor=line.amount_minor) for line in page],
            next=more,
        ),
    )


def statement(call: Call) -> Answer:
    """Answer with a page of the wallet's statement for some days, oldest line first, with the balance after each line."""
    call.require_standing()
    return statements.page(call=call, account=_own(call))


def export(call: Call) -> Answer:
    """Answer with the wallet's statement for some days as a CSV file."""
    call.require_standing()
    return statements.as_file(call=call, account=_own(call), name="wallet")


def _own(call: Call) -> Account:
    return Account(PLATFORM_SHOP, queries.wallet_code(person_id=call.identity.person_id), CURRENCY)
