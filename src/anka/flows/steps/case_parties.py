"""Who may do what in a case: each side for itself, as it stands at this moment."""

from django.utils.translation import gettext_lazy as _

from anka.cases.models import CaseState
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotFound, NotPermitted, Refusal
from anka.domain.case_states import CaseStatus
from anka.orders.models import OrderState

RULING_STAFF = frozenset({"arbiter"})


class NotYourTurn(Refusal):
    """The case is not where this could be done: it waits for somebody else, or it is over."""

    code, status = "not_your_turn", 409
    says = _(
        "This case is not waiting for that: it has moved on, or it is over. Nothing has changed; reload the page to see where it stands."
    )


class PartyToTheCase(Refusal):
    """Nobody rules on a case of their own."""

    code, status = "party_to_the_case", 409
    says = _("You are a party to this case, so somebody else has to decide it. Nothing has changed.")


def require_status(*, case: CaseState, allowed: tuple[CaseStatus, ...]) -> None:
    """Raise NotYourTurn unless the case is in one of these statuses."""
    if case.status not in allowed:
        raise NotYourTurn


def require_merchant(*, state: OrderState, actor: Actor) -> None:
    """Raise NotPermitted unless the actor is of the order's shop."""
    if actor.kind is not ActorKind.MERCHANT or state.standing.shop_role is None:
        raise NotPermitted


def require_asker(*, state: OrderState, case: CaseState, actor: Actor) -> None:
    """Raise NotPermitted unless the actor is who asked, or the buyer in whose name somebody asked."""
    if actor.kind is ActorKind.MERCHANT and case.asker_kind == "merchant":
        return
    if actor.kind is not ActorKind.BUYER or actor.person_id != state.buyer_id or case.asker_kind == "merchant":
        raise NotPermitted


def require_buyer(*, state: OrderState, actor: Actor) -> None:
    """Raise NotPermitted unless the actor is the order's buyer."""
    if actor.kind is not ActorKind.BUYER or actor.person_id != state.buyer_id:
        raise NotPermitted


def require_arbiter(*, state: OrderState, actor: Actor) -> None:
    """Raise NotPermitted, or PartyToTheCase, unless the actor may rule on a case of this order.

    Somebody who is no staff at all is told that there is nothing here, as everybody else.
    """
    if actor.kind is not ActorKind.PLATFORM or not state.standing.staff_roles:
        raise NotFound
    if RULING_STAFF.isdisjoint(state.standing.staff_roles):
        raise NotPermitted
    if actor.person_id == state.buyer_id or state.standing.shop_role is not None:
        raise PartyToTheCase


def side_of(actor: Actor) -> str:
    """Return which side an actor is on: buyer, merchant or platform."""
    return str(actor.kind) if actor.kind in (ActorKind.MERCHANT, ActorKind.PLATFORM) else "buyer"
