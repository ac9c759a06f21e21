"""Who of the platform's staff looks. To everybody else its pages do not exist."""

from dataclasses import dataclass

from anka.accounts.queries import person, standing
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotFound
from anka.flows.steps.finance_staff import FINANCE
from anka.web.requests import PageRequest, buyer_of


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody of the staff: the actor they are here, and their roles."""

    actor: Actor
    roles: frozenset[str]


def staff_of(request: PageRequest) -> Staff:
    """Return the visitor as somebody of the staff.

    Raises:
        SignInFirst: nobody is signed in. NotFound: they are no staff.
    """
    person_id = buyer_of(request).person_id
    who = standing(person_id=person_id, token_id=0, at=request.at)
    if not who.active or not who.staff_roles:
        raise NotFound
    return Staff(actor=Actor(kind=ActorKind.PLATFORM, person_id=person_id), roles=frozenset(who.staff_roles))


def finance_of(request: PageRequest) -> Actor:
    """Return the visitor as finance staff. To everybody else these pages do not exist.

    Raises:
        SignInFirst: nobody is signed in. NotFound: they are not of the finance staff.
    """
    staff = staff_of(request)
    if not FINANCE & staff.roles:
        raise NotFound
    return staff.actor


def names_of(person_ids: set[int]) -> dict[int, str]:
    """Return what a few people are called, as staff see them."""
    found = {person_id: person(person_id=person_id) for person_id in person_ids if person_id}
    return {person_id: who.display_name for person_id, who in found.items() if who is not None}
