"""An order as the caller may see it, and as whom."""

from typing import NamedTuple

from anka.api.call import Call
from anka.api.parsing import require_number
from anka.cases.models import CaseState
from anka.cases.queries import Dossier, order_of_case, order_with_dossier
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotFound
from anka.orders.models import OrderState

EVERYBODY = (ActorKind.BUYER, ActorKind.MERCHANT, ActorKind.PLATFORM)
"""Whoever may look at an order, a case or a refund. Who is several of these is the first of them."""
PARTIES = (ActorKind.BUYER, ActorKind.MERCHANT)


class Seen(NamedTuple):
    """An order, what stands beside it, and as whom the caller sees it."""

    state: OrderState
    beside: Dossier
    actor: Actor


def order_seen_by(call: Call, number: str, kinds: tuple[ActorKind, ...] = EVERYBODY) -> Seen:
    """Return an order as the caller may see it, and as whom: its buyer, somebody of its shop, the platform's staff.

    Raises:
        NotFound: there is none, or it is another's.
    """
    actors = [call.acting_as(kind) for kind in kinds]
    return Seen(*order_with_dossier(number=require_number(number), actors=actors, at=call.at))


def case_seen_by(call: Call, number: str, kinds: tuple[ActorKind, ...] = EVERYBODY) -> tuple[Seen, CaseState]:
    """Return a case as the caller may see it, with its order.

    Raises:
        NotFound: there is none, or it is another's.
    """
    order_number = order_of_case(number=require_number(number))
    if order_number is None:
        raise NotFound
    seen = order_seen_by(call, order_number, kinds)
    case = next((case for case in seen.beside.cases if case.number == number), None)
    if case is None:
        raise NotFound
    return seen, case
