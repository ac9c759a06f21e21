"""Who may change a shop's goods: its own people as they stand at this moment, and the operator at the machine."""

import msgspec

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import NotPermitted
from anka.orders.models import Standing


def require_shop_authority(*, actor: Actor, shop_id: int, at: Moment) -> None:
    """Go on only where the actor may act for the shop. Read inside the transaction that acts, so a role just taken away counts no more.

    Raises:
        NotPermitted: the actor is not of this shop, or no longer.
    """
    database.require_transaction()
    if actor.kind is ActorKind.OPERATOR:
        return
    found = database.value("SELECT standing(%s, %s, %s, %s)::text", (actor.person_id, actor.token_id, shop_id, at.real))
    standing = msgspec.json.decode(found, type=Standing)
    if actor.kind is not ActorKind.MERCHANT or not standing.active or standing.shop_role is None:
        raise NotPermitted
