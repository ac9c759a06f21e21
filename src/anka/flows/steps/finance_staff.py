"""Who of the platform's staff may decide about money."""

from anka.accounts.queries import standing
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import NotFound

FINANCE = frozenset({"finance", "admin"})


def require_finance(*, actor: Actor, at: Moment) -> None:
    """Refuse everybody but the platform's finance staff; to others what they ask about does not exist. Call it inside the transaction.

    Raises:
        NotFound: the actor is somebody else.
    """
    if actor.kind is not ActorKind.PLATFORM:
        raise NotFound
    who = standing(person_id=actor.person_id, token_id=actor.token_id, at=at)
    if not (who.active and FINANCE & set(who.staff_roles)):
        raise NotFound
