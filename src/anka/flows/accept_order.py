"""The merchant takes up an order that it delivers by hand: from now on it is being worked on, and the buyer sees so."""

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, Refusal
from anka.domain.delivery_states import Move, Stage
from anka.flows.steps.case_parties import require_merchant
from anka.flows.steps.change import Change, apply, unit_move
from anka.orders.models import OrderState, Unit
from anka.orders.queries import lock_order


class NothingToAccept(Refusal):
    """None of these units waits to be taken up: not paid, taken up already, cancelled, or delivered by itself."""

    code, status = "nothing_to_accept", 409
    says = _("There is nothing here to take up: it is not paid, taken up already, cancelled, or delivered by itself. Nothing has changed.")


def accept_order(*, actor: Actor, order_number: str, positions: tuple[int, ...] | None, request: RequestKey, at: Moment) -> str:
    """Take up units of an order (all that wait, where `positions` is None) and return the order's number.

    Raises:
        NotFound, NotPermitted, BadInput, NothingToAccept: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the order's number.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_merchant(state=state, actor=actor)
        chosen = chosen_units(state=state, positions=positions)
        waiting = [unit.position for unit in chosen if unit.stage == Stage.QUEUED and not unit.under_case]
        if state.delivery != "manual" or not waiting or (positions is not None and len(waiting) < len(chosen)):
            raise NothingToAccept
        move = unit_move(goods=state.kind, positions=waiting, stage=Stage.QUEUED, move=Move.OPEN, what="units_accepted")
        apply(state=state, change=Change(moves=[move]), actor=actor, request=request, reference=state.number, at=at)
        return state.number


def chosen_units(*, state: OrderState, positions: tuple[int, ...] | None) -> list[Unit]:
    """Return the units at these positions, or all where None.

    Raises:
        BadInput: the order has no unit at one of them.
    """
    chosen = [unit for unit in state.units if positions is None or unit.position in positions]
    if positions is not None and len(chosen) < len(set(positions)):
        raise BadInput(fields={"units": ", ".join(state.unit_number(unit.position) for unit in state.units)})
    return chosen
