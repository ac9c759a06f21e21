"""The statements of a shop's own money, place by place, for its owners."""

from typing import Literal

from anka.accounts.tokens import Scope
from anka.api import statements
from anka.api.call import V1, Answer, Call, Route, Who
from anka.api.merchant.funds import ShopCode, own_shop
from anka.core.refusals import NotPermitted
from anka.domain.postings_merchant import account
from anka.flows.steps.funds_desk import CURRENCY
from anka.ledger.statements import Account

Place = Literal["pending", "available", "frozen", "deposit", "withdrawing", "receivable"]


class FundsPage(statements.StatementQuery):
    """Which place of which shop (yours, by its code; your first where it is left out), which days, and where the list goes on."""

    shop: ShopCode | None = None
    place: Place = "available"


class FundsFile(statements.Days):
    """Which place of which shop, and which days."""

    shop: ShopCode | None = None
    place: Place = "available"


def statement(call: Call) -> Answer:
    """Answer with a page of the statement of one place of a shop's money, oldest line first, with the balance after each line."""
    account_of, _name = _own(call)
    return statements.page(call=call, account=account_of)


def export(call: Call) -> Answer:
    """Answer with the statement of one place of a shop's money as a CSV file."""
    account_of, name = _own(call)
    return statements.as_file(call=call, account=account_of, name=name)


def _own(call: Call) -> tuple[Account, str]:
    shop = own_shop(call, call.query.shop)
    if shop.role != "owner":
        raise NotPermitted
    place: str = call.query.place
    return Account(shop.shop_id, account(shop_id=shop.shop_id, place=place), CURRENCY), f"{shop.shop_code}-{place}"


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=f"{V1}/funds/statement",
        handler=statement,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.READ,
        query=FundsPage,
        answer=statements.StatementAnswer,
        refusals=(403, 404),
        zh="店铺资金对账单（限店主）：期初、逐笔及余额、期末，按待结算、可提现、冻结、保证金、提现中、欠款分列",
        en="The statement of one place of a shop's money, for its owners: opening balance, lines with balances, closing balance",
    ),
    Route(
        method="GET",
        path=f"{V1}/funds/statement.csv",
        handler=export,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.READ,
        query=FundsFile,
        answer=None,
        refusals=(403, 404, 422),
        zh="店铺资金对账单 CSV 文件，最多一万行（限店主）",
        en="The statement of one place of a shop's money as a CSV file of at most ten thousand lines, for its owners",
    ),
)
