"""Close unpaid orders when their hold clock falls. An unpaid order closes; it is never to be delivered."""

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.domain.delivery_states import Move, Stage
from anka.flows.steps.change import Change, Clock, apply, unit_move
from anka.flows.steps.holds import put_back
from anka.orders.queries import lock_order

EXPIRY = system("expiry")
BATCH = 1000


def expire_unpaid(*, at: Moment, limit: int = BATCH) -> int:
    """Close a batch of orders whose hold ran out and that no channel holds open, in one set-based statement; return how many."""
    with database.transaction():
        closed: int = database.value("SELECT expire_unpaid(%s, %s, %s)", (at.now, str(EXPIRY), limit))
        return closed


def expire_order(*, order_number: str, at: Moment) -> bool:
    """Close one order whose hold ran out after its channels were asked to close their payments; tell whether it was closed.

    Whatever a channel answered, or did not, the goods go back on the shelf: money that comes later goes the late way.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=EXPIRY, request=unrepeated("expiry"), at=at)
        reserved = [unit.position for unit in state.units if unit.stage == Stage.RESERVED]
        if state.closed_at or state.paid_at or at.now < state.hold_until or not reserved:
            return False
        move = unit_move(goods=state.kind, positions=reserved, stage=Stage.RESERVED, move=Move.RELEASE, what="order_timed_out")
        change = Change(
            moves=[move],
            closed_by="timeout",
            closed_payments=[payment.id for payment in state.live_payments()],
            clocks=[Clock(kind="hold", position=0, ends_as="fallen")],
        )
        put_back(state=state, change=change)
        apply(state=state, change=change, actor=EXPIRY, request=unrepeated("expiry"), at=at)
        return True
