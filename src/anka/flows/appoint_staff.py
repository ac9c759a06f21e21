"""Let a person work for the platform. Only the operator does this so far."""

from anka.accounts import writes
from anka.core.actors import Actor, ActorKind
from anka.core.database import transaction
from anka.core.refusals import BadInput, NotPermitted

ROLES = ("agent", "arbiter", "finance", "admin")


def appoint_staff(*, actor: Actor, person_id: int, role: str) -> bool:
    """Give a person a role on the platform; tell whether it is new to them.

    Raises:
        NotPermitted: the actor is not the operator.
        BadInput: there is no such role.
    """
    if actor.kind is not ActorKind.OPERATOR:
        raise NotPermitted
    if role not in ROLES:
        raise BadInput(fields={"role": f"one of {', '.join(ROLES)}"})
    with transaction():
        return writes.add_staff_role(person_id=person_id, role=role)
