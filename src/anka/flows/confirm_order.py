"""Confirm delivery: what escrow holds for a unit goes to the merchant, less the commission. Never ends a quality claim."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor, system
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new, unrepeated
from anka.core.refusals import BadInput, Refusal
from anka.domain import postings
from anka.domain.deadlines import clock_named, due
from anka.domain.delivery_states import Stage
from anka.domain.money import fee
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.change import Change, Clock, Event, MoneyMove, OrderChange, Share, apply, journals
from anka.funds.queries import settle_time
from anka.orders.models import OrderState, Unit
from anka.orders.queries import lock_order

CONFIRMABLE = frozenset({Stage.REVEALED, Stage.DELIVERED, Stage.USED})
AUTO_CONFIRM = system("auto-confirm")


class NothingToConfirm(Refusal):
    """None of these units was delivered and opened, or they are confirmed already."""

    code, status = "nothing_to_confirm", 409
    says = _("There is nothing to confirm: these items are not delivered, or confirmed already. Nothing has changed.")


class SealedNotConfirmable(Refusal):
    """A sealed unit can still be refunded with one click, so its money stays where it is until the refund window ends."""

    code, status = "sealed_not_confirmable", 409
    says = _("A sealed item cannot be confirmed while it can still be refunded. Nothing has changed; open it first, or wait.")


class UnitUnderCaseNotConfirmable(Refusal):
    """A case is open on a unit; its money waits for the outcome."""

    code, status = "unit_under_case", 409
    says = _("A case is open on this item. Nothing has changed; the case decides what happens to the money.")


def confirm_order(*, actor: Actor, order_number: str, positions: tuple[int, ...] | None, request: RequestKey, at: Moment) -> None:
    """Confirm units (all that can be, where `positions` is None): their money leaves escrow for the merchant.

    Raises:
        NotFound, BadInput, NothingToConfirm, SealedNotConfirmable, UnitUnderCaseNotConfirmable: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the order's number.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        units = [unit for unit in state.units if positions is None or unit.position in positions]
        if positions is not None and len(units) < len(set(positions)):
            raise BadInput(fields={"units": ", ".join(state.unit_number(unit.position) for unit in state.units)})
        ready = _ready(state, units, at, explicit=positions is not None)
        apply(
            state=state, change=confirmation(state=state, units=ready, at=at), actor=actor, request=request, reference=state.number, at=at
        )


def auto_confirm_order(*, order_number: str, at: Moment) -> bool:
    """Confirm the units whose confirm clock has fallen; tell whether there was one. Harmless to repeat."""
    with database.transaction():
        state = lock_order(number=order_number, actor=AUTO_CONFIRM, request=unrepeated("auto-confirm"), at=at)
        fallen = {row[0] for row in database.rows(FALLEN, (state.shop_id, state.id, at.now))}
        units = [u for u in state.units if u.position in fallen and u.money == UnitMoney.HELD and not u.under_case and u.stage in MAY_FALL]
        if not units:
            return False
        change = confirmation(state=state, units=units, at=at)
        change.clocks = [c for c in change.clocks if c.kind != "confirm"]
        change.clocks += [Clock(kind="confirm", position=unit.position, ends_as="fallen") for unit in units]
        apply(state=state, change=change, actor=AUTO_CONFIRM, request=unrepeated("auto-confirm"), at=at)
        return True


MAY_FALL = CONFIRMABLE | {Stage.SEALED}
FALLEN = """
SELECT position FROM core_clock WHERE shop_id = %s AND order_id = %s AND kind = 'confirm' AND state = 'running' AND due_at <= %s
"""


def _ready(state: OrderState, units: list[Unit], at: Moment, *, explicit: bool) -> list[Unit]:
    ready = []
    for unit in units:
        window_ends = unit.delivered_at + timedelta(minutes=state.refund_window_minutes) if unit.delivered_at else None
        sealed = unit.stage == Stage.SEALED and window_ends is not None and at.now <= window_ends
        if unit.under_case and explicit:
            raise UnitUnderCaseNotConfirmable
        if sealed and explicit:
            raise SealedNotConfirmable
        if unit.stage in MAY_FALL and unit.money == UnitMoney.HELD and not sealed and not unit.under_case:
            ready.append(unit)
        elif explicit:
            raise NothingToConfirm
    if not ready:
        raise SealedNotConfirmable if any(unit.stage == Stage.SEALED for unit in units) else NothingToConfirm
    return ready


def confirmation(*, state: OrderState, units: Iterable[Unit], at: Moment) -> Change:
    """Return the change that confirms these units: escrow to the merchant and the commission, settle clocks started."""
    change = Change(order=OrderChange())
    settles_at = due(clock=clock_named(name="settle"), started_at=at.now, runs=settle_time(shop_id=state.shop_id))
    released, confirmed = 0, []
    for unit in units:
        released += unit.left_minor
        confirmed.append(unit.position)
        commission = fee(amount_minor=unit.left_minor, basis_points=state.commission_basis_points)
        change.shares.append(Share(unit.position, unit.left_minor - commission, confirmed=True))
        change.journals += journals(
            postings.confirmed(
                shop_id=state.shop_id,
                order_id=state.id,
                unit=f"{state.id}-{unit.position}",
                amount_minor=unit.left_minor,
                commission_basis_points=state.commission_basis_points,
            )
        )
        window_ends = (unit.delivered_at or at.now) + timedelta(minutes=state.refund_window_minutes)
        # Never before an instant-refund right ends.
        settle_due = max(settles_at, window_ends) if unit.stage == Stage.SEALED else settles_at
        change.clocks += [
            Clock(kind="confirm", position=unit.position, ends_as="stopped"),
            Clock(kind="settle", position=unit.position, due_at=settle_due),
        ]
    change.money = [MoneyMove(positions=confirmed, money=UnitMoney.RELEASED)]
    change.order = OrderChange(released_minor=released)
    change.events = [Event(what="delivery_confirmed", positions=confirmed, details={"amount_minor": released})]
    return change
