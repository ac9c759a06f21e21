"""Deliver automatic goods: the reserved keys of a paid order are sealed into the buyer's account. Nobody has seen them yet."""

from datetime import timedelta

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.domain.delivery_states import Move, Stage
from anka.flows.steps.case_parts import Notice
from anka.flows.steps.change import Change, Clock, Work, apply, unit_move
from anka.orders.queries import lock_order

DELIVERY = system("delivery")


def deliver_order(*, order_number: str, at: Moment) -> bool:
    """Seal every queued unit of an order with automatic delivery; tell whether there was one. Harmless to repeat.

    Raises:
        NotFound: there is no such order.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=DELIVERY, request=unrepeated("delivery"), at=at)
        queued = [unit.position for unit in state.units if unit.stage == Stage.QUEUED and not unit.under_case]
        if not queued or state.delivery != "auto":
            return False
        move = unit_move(goods=state.kind, positions=queued, stage=Stage.QUEUED, move=Move.SEAL, what="units_sealed")
        window_ends = at.now + timedelta(minutes=state.refund_window_minutes)
        clocks = [Clock(kind="promise", position=0, ends_as="stopped")]
        # A sealed unit is not confirmed before its refund window ends: money that goes back by one click has not been paid out.
        clocks += [Clock(kind="confirm", position=position, due_at=window_ends) for position in queued]
        # Whoever made the keys is asked about them once they are the buyer's, by the worker and not in here.
        work = [Work(topic="issuer", subject=state.number)] if state.issuer else []
        change = Change(moves=[move], clocks=clocks, work=work, notices=[Notice(audience="buyer", kind="order_delivered")])
        apply(state=state, change=change, actor=DELIVERY, request=unrepeated("delivery"), at=at)
        return True
