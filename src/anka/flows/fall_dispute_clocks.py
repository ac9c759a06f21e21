"""The channel's time for our answer is over: that is an alarm for the platform and decides nothing, for the channel decides."""

from anka.core import database
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.flows.steps.case_parts import Notice
from anka.flows.steps.change import Change, Clock, Event, apply
from anka.flows.steps.dispute_parts import CLOCKS, DISPUTES
from anka.orders.queries import lock_order

FALLEN = """
SELECT position, kind FROM core_clock WHERE shop_id = %s AND order_id = %s AND kind = ANY (%s) AND state = 'running' AND due_at <= %s
ORDER BY position, kind
"""


def fall_dispute_clocks(*, order_number: str, at: Moment) -> bool:
    """Raise the alarm for the clocks of an order's disputes that have fallen; tell whether there was one. Harmless to repeat."""
    with database.transaction():
        state = lock_order(number=order_number, actor=DISPUTES, request=unrepeated(str(DISPUTES)), at=at)
        fallen = database.rows(FALLEN, (state.shop_id, state.id, list(CLOCKS), at.now))
        if not fallen:
            return False
        change = Change(clocks=[Clock(kind=kind, position=position, ends_as="fallen") for position, kind in fallen])
        change.events = [Event(what=f"{kind}_overdue", positions=[position]) for position, kind in fallen]
        kinds = sorted({kind for _position, kind in fallen})
        change.notices = [Notice(audience="platform", kind=f"{kind}_overdue") for kind in kinds]
        apply(state=state, change=change, actor=DISPUTES, request=unrepeated(str(DISPUTES)), at=at)
        return True
