"""Set what a shop has to put down, how long its money stays pending, and who bears a channel's fee: the platform's word, from now on."""

import msgspec

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, NotFound
from anka.domain.deadlines import ClockOutOfBounds
from anka.domain.deposits import MOST_FEE_BASIS_POINTS, USUAL_FEE_BASIS_POINTS, FeeBearer, Tier, level, settles_after
from anka.domain.goods import Goods
from anka.domain.money import MAX_MINOR
from anka.flows.decide_withdrawal import require_reason
from anka.flows.steps.finance_staff import FINANCE
from anka.flows.steps.funds_desk import CURRENCY, OwnShop
from anka.funds import writes
from anka.funds.models import Desk, Terms
from anka.funds.queries import lock_desk, position

DEFAULT_SETTLE_MINUTES = 2880


class NewTerms(msgspec.Struct, frozen=True):
    """How well the platform knows the shop, what it sells, after how many minutes its money settles, who bears a channel's fee, and why.

    `required_minor` and `floor_minor` are what tier and goods ask for, unless they are said.
    """

    tier: Tier
    goods: tuple[Goods, ...] = (Goods.CARD_KEY,)
    settle_minutes: int = DEFAULT_SETTLE_MINUTES
    required_minor: int | None = None
    floor_minor: int | None = None
    fee_bearer: FeeBearer = FeeBearer.PLATFORM
    fee_basis_points: int = USUAL_FEE_BASIS_POINTS
    reason: str = ""


def set_funds_terms(*, actor: Actor, shop_id: int, terms: NewTerms, request: RequestKey, at: Moment) -> None:
    """Set a shop's terms and tell it. A deposit below the new floor stops new orders at once, and nothing else.

    Raises:
        NotFound: there is no such shop, or the actor is neither the operator nor of the finance staff. OwnShop: they work for it.
        BadInput: `fields` says which value is out of bounds, or that there is no reason.
        AlreadyDone: this request was carried out before; its reference is the shop's code.
    """
    reason, new = require_reason(text=terms.reason), terms_of(asked=terms)
    with database.transaction():
        desk = lock_desk(shop_id=shop_id, actor=actor, request=request, at=at)
        _require_staff(actor, desk)
        require_new(desk.replay)
        writes.set_terms(shop_id=shop_id, terms=new, currency=CURRENCY, actor=actor, at=at)
        details = {**msgspec.to_builtins(new), "reason": reason}
        writes.record_step(shop_id=shop_id, actor=actor, what="terms_set", number=desk.shop_code, details=details, at=at)
        writes.remember(request=request, reference=desk.shop_code, at=at)
        writes.tell_shop(shop_id=shop_id, kind="funds_terms_set", details={"reason": reason}, at=at)
        if position(shop_id=shop_id, currency=CURRENCY).deposit < new.floor_minor:
            writes.tell_shop(shop_id=shop_id, kind="deposit_low", details={"amount_minor": new.floor_minor, "currency": CURRENCY}, at=at)


def terms_of(*, asked: NewTerms) -> Terms:
    """Return the terms that are asked for, in full.

    Raises:
        BadInput: a value is out of bounds.
    """
    by_tier = level(tier=asked.tier, goods=asked.goods)
    required = by_tier.required_minor if asked.required_minor is None else asked.required_minor
    floor = asked.floor_minor if asked.floor_minor is not None else min(by_tier.floor_minor, required)
    if not 0 <= required <= MAX_MINOR:
        raise BadInput(fields={"required_minor": f"0–{MAX_MINOR}"})
    if not 0 <= floor <= required:
        raise BadInput(fields={"floor_minor": f"0–{required}"})
    if not 0 <= asked.fee_basis_points <= MOST_FEE_BASIS_POINTS:
        raise BadInput(fields={"fee_basis_points": f"0–{MOST_FEE_BASIS_POINTS}"})
    try:
        settles_after(minutes=asked.settle_minutes)
    except (ClockOutOfBounds, OverflowError) as outside:
        raise BadInput(fields={"settle_minutes": str(outside)}) from outside
    return Terms(asked.tier, required, floor, asked.settle_minutes, asked.fee_bearer, asked.fee_basis_points)


def _require_staff(actor: Actor, desk: Desk) -> None:
    if actor.kind is ActorKind.OPERATOR:
        return
    if actor.kind is not ActorKind.PLATFORM or not desk.standing.active or not FINANCE & set(desk.standing.staff_roles):
        raise NotFound
    if desk.standing.shop_role is not None:
        raise OwnShop
