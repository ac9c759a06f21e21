"""What happens to an order when its money comes in time: units are queued, escrow is filled, delivery is asked for."""

from datetime import timedelta

from anka.core.clock import Moment
from anka.domain.delivery_states import Move, Stage
from anka.domain.postings import Posting
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.case_parts import Notice
from anka.flows.steps.change import Change, Clock, OrderChange, Work, journals, unit_move
from anka.orders.models import OrderState


def pay_units(*, state: OrderState, positions: list[int], amount_minor: int, posting: Posting, at: Moment) -> Change:
    """Return the change that pays these reserved units: nothing but a captured payment leads out of reserved to queued."""
    move = unit_move(goods=state.kind, positions=positions, stage=Stage.RESERVED, move=Move.PAY, what="order_paid")
    move.money = UnitMoney.HELD
    move.details = {"amount_minor": amount_minor}
    clocks = [Clock(kind="promise", position=0, due_at=at.now + timedelta(minutes=state.promise_minutes))]
    if state.closed_at is None:
        clocks.append(Clock(kind="hold", position=0, ends_as="stopped"))
    return Change(
        moves=[move],
        order=OrderChange(paid_minor=amount_minor),
        journals=journals(posting),
        clocks=clocks,
        work=[Work(topic="deliver", subject=state.number)] if state.delivery == "auto" else [],
        # Whoever delivers by hand is told that there is something to deliver.
        notices=[] if state.delivery == "auto" else [Notice(audience="shop", kind="order_paid", details={"amount_minor": amount_minor})],
    )
