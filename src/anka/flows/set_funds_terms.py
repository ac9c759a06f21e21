"""Set what a shop has to put down and how long its money stays pending: the platform's word, from now on."""

import msgspec

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.refusals import NotPermitted
from anka.domain.deposits import Tier, level, settles_after
from anka.domain.goods import Goods
from anka.flows.steps.funds_desk import CURRENCY
from anka.funds import writes
from anka.funds.models import Terms
from anka.funds.queries import lock_desk

DEFAULT_SETTLE_MINUTES = 2880


class NewTerms(msgspec.Struct, frozen=True):
    """How well the platform knows the shop, what it sells, and after how many minutes its money settles."""

    tier: Tier
    goods: tuple[Goods, ...] = (Goods.CARD_KEY,)
    settle_minutes: int = DEFAULT_SETTLE_MINUTES


def set_funds_terms(*, actor: Actor, shop_id: int, terms: NewTerms, at: Moment) -> None:
    """Set a shop's terms. A deposit below the new floor stops new orders at once, and nothing else.

    Raises:
        NotPermitted: the actor is neither the operator nor an administrator who does not work for the shop.
        ClockOutOfBounds: the money may not settle that early or that late. NotFound: there is no such shop.
    """
    settles_after(minutes=terms.settle_minutes)
    with database.transaction():
        desk = lock_desk(shop_id=shop_id, actor=actor, request=unrepeated(str(actor)), at=at)
        staff = actor.kind is ActorKind.PLATFORM and desk.standing.active and desk.standing.shop_role is None
        if actor.kind is not ActorKind.OPERATOR and not (staff and "admin" in desk.standing.staff_roles):
            raise NotPermitted
        found = level(tier=terms.tier, goods=terms.goods)
        level_now = Terms(terms.tier, found.required_minor, found.floor_minor, terms.settle_minutes)
        writes.set_terms(shop_id=shop_id, terms=level_now, currency=CURRENCY, actor=actor, at=at)
        details: dict[str, object] = {"tier": str(terms.tier), "required_minor": found.required_minor, "floor_minor": found.floor_minor}
        details["settle_minutes"] = terms.settle_minutes
        writes.record_step(shop_id=shop_id, actor=actor, what="terms_set", number=desk.shop_code, details=details, at=at)
