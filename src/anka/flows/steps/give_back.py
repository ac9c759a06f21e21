"""Carry out what was decided about units of a locked order: money back, goods where they belong, what is left on its way to the shop."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import NamedTuple

from anka.core.clock import Moment
from anka.core.numbers import new_number
from anka.domain import postings
from anka.domain.deadlines import clock_named, due
from anka.domain.delivery_states import Move, Stage, move_for
from anka.domain.liability import Repay
from anka.domain.money import fee, split
from anka.domain.refund_plan import PlannedLeg
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.change import (
    Change,
    Clock,
    MoneyMove,
    OrderChange,
    Refund,
    RefundLeg,
    RefundUnit,
    Share,
    UnitMove,
    journals,
    unit_move,
)
from anka.flows.steps.holds import put_back
from anka.funds.queries import settle_time
from anka.orders.models import OrderState, Unit
from anka.payments.arrangements import expected

WAITING = frozenset({Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING})
# Recalled goods go back to the shelf, or wait until somebody has checked them.
KEY_AFTER_RECALL = {"restock": "available", "hold": "held"}
_WORDS = {Move.RELEASE: "released", Move.RECALL: "recalled", Move.VOID: "voided", Move.ROTATE: "rotated", Move.KEEP: "kept"}


class Grant(NamedTuple):
    """What goes back of which units, in minor units each, and where their goods go."""

    positions: tuple[int, ...]
    refund_each_minor: tuple[int, ...]
    goods_after: str

    @property
    def refund_minor(self) -> int:
        """What goes back in all."""
        return sum(self.refund_each_minor)


def give_back(
    *, state: OrderState, change: Change, case_number: str, grants: Sequence[Grant], legs: tuple[PlannedLeg, ...], at: Moment
) -> None:
    """Add to a change everything that carries out the grants of one case: one refund, postings, moves of the goods, clocks.

    What a partly refunded unit leaves goes to the merchant at once: the argument is over, and so is the unit.
    """
    each = [
        pair for grant in grants for pair in zip(units_at(state=state, positions=grant.positions), grant.refund_each_minor, strict=True)
    ]
    if any(amount for _unit, amount in each):
        _add_refund(state, change, case_number, each, legs, at)
    for grant in grants:
        pairs = list(zip(units_at(state=state, positions=grant.positions), grant.refund_each_minor, strict=True))
        for stage, amount in sorted({(unit.stage, minor) for unit, minor in pairs}):
            alike = [unit.position for unit, minor in pairs if (unit.stage, minor) == (stage, amount)]
            _add_move(change, state, grant.goods_after, alike, amount)
    for unit, amount in each:
        _add_rest(state, change, unit, amount, at)
    stop_waiting(state=state, change=change, positions=tuple(unit.position for unit, _amount in each))


def close_unpaid(*, state: OrderState, change: Change, positions: tuple[int, ...]) -> None:
    """Add to a change the end of an order that nobody has paid: the goods go back on the shelf, wallet money set aside goes back."""
    move = unit_move(goods=state.kind, positions=list(positions), stage=Stage.RESERVED, move=Move.RELEASE, what="order_closed")
    change.moves.append(move)
    change.closed_by = "buyer"
    change.closed_payments = [payment.id for payment in state.live_payments()]
    put_back(state=state, change=change)
    change.clocks.append(Clock(kind="hold", position=0, ends_as="stopped"))


def units_at(*, state: OrderState, positions: Iterable[int]) -> list[Unit]:
    """Return the units at these positions, in order."""
    wanted = frozenset(positions)
    return [unit for unit in state.units if unit.position in wanted]


def stop_waiting(*, state: OrderState, change: Change, positions: tuple[int, ...]) -> None:
    """End the promise of an order where none of its other units still waits to be delivered."""
    others = [unit for unit in state.units if unit.position not in positions]
    if not any(unit.stage in WAITING for unit in others):
        change.clocks.append(Clock(kind="promise", position=0, ends_as="stopped"))


def _add_refund(
    state: OrderState, change: Change, case_number: str, each: list[tuple[Unit, int]], legs: tuple[PlannedLeg, ...], at: Moment
) -> None:
    number, total = new_number(shop_code=state.shop_code, letter="R"), sum(amount for _unit, amount in each)
    change.refunds.append(
        Refund(
            number=number,
            cause="case",
            case_number=case_number,
            amount_minor=total,
            units=[RefundUnit(position=unit.position, amount_minor=amount) for unit, amount in each if amount],
            legs=[_leg(state, index, leg, at) for index, leg in enumerate(legs, start=1)],
        )
    )
    owed = tuple((leg.channel, leg.amount_minor) for leg in legs)
    escrow, own = _sources(each)
    add_sums(change=change, refunded_minor=total, released_minor=escrow - total)
    if escrow == total:
        change.journals += journals(postings.refund_accepted(shop_id=state.shop_id, order_id=state.id, refund_number=number, legs=owed))
        return
    commission = total - escrow - sum(own.values())
    change.claims.append(
        Repay(order_id=state.id, refund_number=number, escrow_minor=escrow, commission_minor=commission, own=own, legs=owed)
    )


def add_sums(*, change: Change, refunded_minor: int = 0, released_minor: int = 0) -> None:
    """Add to what a change adds to the order's sums."""
    sums = change.order or OrderChange()
    change.order = OrderChange(
        paid_minor=sums.paid_minor,
        refunded_minor=sums.refunded_minor + refunded_minor,
        released_minor=sums.released_minor + released_minor,
    )


def _leg(state: OrderState, index: int, leg: PlannedLeg, at: Moment) -> RefundLeg:
    return RefundLeg(
        leg=index,
        payment_id=leg.payment_id,
        channel=leg.channel,
        amount_minor=leg.amount_minor,
        arrives_by=expected(channel=leg.channel, accepted_at=leg.not_before or at.now).latest_at.astimezone(UTC),
        attempt=new_number(shop_code=state.shop_code, letter="T"),
        not_before=leg.not_before,
    )


def merchant_part(*, unit: Unit, amount_minor: int) -> int:
    """Return how much of an amount of a confirmed unit the merchant has; the platform's commission bears the rest."""
    return split(amount_minor=amount_minor, weights=[unit.merchant_minor, unit.commission_minor])[0] if amount_minor else 0


def account_of(unit: Unit) -> str:
    """Return which of the merchant's balances holds the money of a confirmed unit."""
    return "available" if unit.money == UnitMoney.SETTLED else "pending"


def _sources(each: list[tuple[Unit, int]]) -> tuple[int, dict[str, int]]:
    """Return what comes out of escrow, and what the merchant got of the rest, by the balance it went to; commission is what remains."""
    escrow, own = 0, {"pending": 0, "available": 0}
    for unit, amount in each:
        if unit.confirmed_at is None:
            escrow += amount
        else:
            own[account_of(unit)] += merchant_part(unit=unit, amount_minor=amount)
    return escrow, own


def _add_move(change: Change, state: OrderState, goods_after: str, positions: list[int], amount_minor: int) -> None:
    """Move units that are in the same stage and get the same amount."""
    stage = next(unit.stage for unit in state.units if unit.position == positions[0])
    move = move_for(goods=state.kind, stage=stage, goods_after=goods_after)
    if move is None:
        change.money.append(MoneyMove(positions=positions, money=UnitMoney.REFUNDING, refund_each_minor=amount_minor))
        return
    step: UnitMove = unit_move(goods=state.kind, positions=positions, stage=stage, move=move, what=f"units_{_WORDS[move]}")
    step.money = UnitMoney.REFUNDING if amount_minor else None
    step.refund_each_minor = amount_minor
    if move == Move.RECALL:
        step.key_status = KEY_AFTER_RECALL[goods_after]
    change.moves.append(step)


def _add_rest(state: OrderState, change: Change, unit: Unit, amount_minor: int, at: Moment) -> None:
    """Say what becomes of the part that does not go back, and of the clocks that ran for the unit."""
    rest = unit.left_minor - amount_minor
    change.clocks.append(Clock(kind="confirm", position=unit.position, ends_as="stopped"))
    if unit.confirmed_at is not None:
        change.shares.append(
            Share(unit.position, unit.merchant_minor - merchant_part(unit=unit, amount_minor=amount_minor), confirmed=False)
        )
        goes_on = rest > 0 and unit.money == UnitMoney.RELEASED
        change.clocks.append(Clock(kind="settle", position=unit.position, ends_as="resumed" if goes_on else "stopped"))
        return
    if rest == 0 or unit.money != UnitMoney.HELD:
        return
    posting = postings.confirmed(
        shop_id=state.shop_id,
        order_id=state.id,
        unit=f"{state.id}-{unit.position}",
        amount_minor=rest,
        commission_basis_points=state.commission_basis_points,
    )
    change.journals += journals(posting)
    commission = fee(amount_minor=rest, basis_points=state.commission_basis_points)
    change.shares.append(Share(unit.position, rest - commission, confirmed=True))
    add_sums(change=change, released_minor=rest)
    settles_at = due(clock=clock_named(name="settle"), started_at=at.now, runs=settle_time(shop_id=state.shop_id))
    change.clocks.append(Clock(kind="settle", position=unit.position, due_at=settles_at))
