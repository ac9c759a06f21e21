"""Settle confirmed units: the merchant's part becomes available to be withdrawn, T+N after the confirmation.

What a shop owes the platform is paid first, out of what becomes available: here its money comes from, so nobody has to remember it.
"""

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.domain.liability import Settle
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.change import Change, Clock, Event, MoneyMove, apply
from anka.orders.queries import lock_order

SETTLEMENT = system("settlement")
# What is left of a partly refunded unit settles once the other part has arrived.
SETTLEABLE = frozenset({UnitMoney.RELEASED, UnitMoney.PART_REFUNDED})
FALLEN = """
SELECT position FROM core_clock WHERE shop_id = %s AND order_id = %s AND kind = 'settle' AND state = 'running' AND due_at <= %s
"""


def settle_order(*, order_number: str, at: Moment) -> bool:
    """Settle the units of an order whose settle clock has fallen; tell whether there was one. Harmless to repeat."""
    with database.transaction():
        state = lock_order(number=order_number, actor=SETTLEMENT, request=unrepeated("settlement"), at=at)
        fallen = {row[0] for row in database.rows(FALLEN, (state.shop_id, state.id, at.now))}
        units = [u for u in state.units if u.position in fallen and u.money in SETTLEABLE and not u.under_case]
        if not units:
            return False
        change = Change(money=[MoneyMove(positions=[unit.position for unit in units], money=UnitMoney.SETTLED)])
        for unit in units:
            change.claims.append(Settle(unit=f"{state.id}-{unit.position}", amount_minor=unit.merchant_minor))
            change.clocks.append(Clock(kind="settle", position=unit.position, ends_as="fallen"))
        change.events = [Event(what="units_settled", positions=[unit.position for unit in units])]
        apply(state=state, change=change, actor=SETTLEMENT, request=unrepeated("settlement"), at=at)
        return True
