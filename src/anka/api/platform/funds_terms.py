"""What holds for a shop's money: read by its people and by finance, set by finance with a reason."""

from datetime import datetime
from typing import Annotated

import msgspec

from anka.accounts.tokens import Scope
from anka.api.bodies import Input
from anka.api.call import V1, Answer, Call, Route, Who
from anka.api.doing import carry_out
from anka.api.merchant.funds import OfShop, ShopCode, Words, own_shop
from anka.api.platform.staff import is_finance
from anka.catalog.queries import shop_id_of
from anka.core.actors import ActorKind
from anka.core.refusals import NotFound
from anka.domain.deposits import MOST_FEE_BASIS_POINTS, USUAL_FEE_BASIS_POINTS, FeeBearer, Tier
from anka.domain.goods import Goods
from anka.flows.set_funds_terms import DEFAULT_SETTLE_MINUTES, NewTerms, set_funds_terms
from anka.funds import queries

MOST_CHANGES = 20
LONGEST_MINUTES = 43_200


class SetTerms(Input):
    """The shop, and everything that is to hold from now on. Deposit and floor are what tier and goods ask for, unless they are said."""

    shop: ShopCode
    tier: Tier
    reason: Words
    goods: Annotated[list[Goods], msgspec.Meta(min_length=1, max_length=5)] = msgspec.field(default_factory=lambda: [Goods.CARD_KEY])
    required_minor: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    floor_minor: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    settle_minutes: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MINUTES)] = DEFAULT_SETTLE_MINUTES
    fee_bearer: FeeBearer = FeeBearer.PLATFORM
    fee_basis_points: Annotated[int, msgspec.Meta(ge=0, le=MOST_FEE_BASIS_POINTS)] = USUAL_FEE_BASIS_POINTS


class TermsChange(msgspec.Struct):
    """When terms were set, and why."""

    at: datetime
    reason: str


class TermsView(msgspec.Struct):
    """What holds for a shop: deposit and floor (minor units), after how long its money settles, who bears a channel's fee for a refund
    that was the shop's fault, at which rate (hundredths of a percent); and the last changes, newest first."""

    shop: str
    tier: Tier
    required_minor: int
    floor_minor: int
    settle_minutes: int
    fee_bearer: FeeBearer
    fee_basis_points: int
    changes: list[TermsChange]


def show(call: Call) -> Answer:
    """Answer with the terms of a shop."""
    code = call.query.shop
    if code is not None and is_finance(call):
        return Answer(200, _view(_shop_named(code), code))
    shop = own_shop(call, code)
    return Answer(200, _view(shop.shop_id, shop.shop_code))


def change(call: Call) -> Answer:
    """Set the terms of a shop and answer with them."""
    asked: SetTerms = call.body
    call.require_standing()
    actor, shop_id = call.acting_as(ActorKind.PLATFORM), _shop_named(asked.shop)
    terms = NewTerms(
        tier=asked.tier,
        goods=tuple(asked.goods),
        settle_minutes=asked.settle_minutes,
        required_minor=asked.required_minor,
        floor_minor=asked.floor_minor,
        fee_bearer=asked.fee_bearer,
        fee_basis_points=asked.fee_basis_points,
        reason=asked.reason,
    )

    def run() -> str:
        set_funds_terms(actor=actor, shop_id=shop_id, terms=terms, request=call.request(), at=call.at)
        return asked.shop

    _code, replayed = carry_out(call, run)
    return Answer(200, _view(shop_id, asked.shop), replayed)


def _shop_named(code: str) -> int:
    found = shop_id_of(code=code)
    if found is None:
        raise NotFound
    return found


def _view(shop_id: int, code: str) -> TermsView:
    held = queries.terms(shop_id=shop_id)
    changes = queries.steps(shop_id=shop_id, what="terms_set", limit=MOST_CHANGES)
    return TermsView(
        shop=code,
        tier=held.tier,
        required_minor=held.required_minor,
        floor_minor=held.floor_minor,
        settle_minutes=held.settle_minutes,
        fee_bearer=held.fee_bearer,
        fee_basis_points=held.fee_basis_points,
        changes=[TermsChange(at=step.at, reason=str(step.details.get("reason", ""))) for step in changes],
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=f"{V1}/funds/terms",
        handler=show,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.READ,
        query=OfShop,
        answer=TermsView,
        refusals=(404,),
        zh="店铺资金条款及变更记录：保证金、下限、结算周期、退款手续费由谁承担",
        en="What holds for a shop's money and its last changes: deposit, floor, settlement, who bears a channel's fee for refunds",
    ),
    Route(
        method="POST",
        path=f"{V1}/funds/terms",
        handler=change,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.PAY,
        body=SetTerms,
        answer=TermsView,
        refusals=(403, 404, 409),
        zh="设定店铺资金条款（限财务与管理员），须写明原因",
        en="Set what holds for a shop's money, as finance staff, with a reason",
    ),
)
