"""Orders: the whole order, and the line of a list."""

from anka.adapters.channels.port import Started
from anka.api.call import Call
from anka.api.shapes_of_orders import (
    Action,
    EventView,
    OrderLine,
    OrderView,
    ProductRef,
    UnitLine,
    UnitView,
)
from anka.api.views.money import payment_view, refund_view
from anka.api.views.seen import Seen
from anka.api.views.warnings import warnings_of
from anka.cases.queries import Dossier
from anka.core.actors import Actor
from anka.flows.steps import actions
from anka.jobs.payments import cashier
from anka.orders.models import OrderState, Payment
from anka.orders.queries import Line
from anka.orders.views import LABELS, status_of


def order_view(call: Call, seen: Seen) -> OrderView:
    """Return an order with everything about it."""
    state, beside, actor = seen
    status = _status(state)
    return OrderView(
        number=state.number,
        shop=state.shop_code,
        shop_name=call.pick(state.shop_name_zh, state.shop_name_en),
        product=ProductRef(
            id=state.product_number,
            name=call.pick(state.title_zh, state.title_en),
            kind=state.kind,
            face_value=state.face_value,
            region=state.region,
        ),
        quantity=state.quantity,
        amount_minor=state.amount_minor,
        currency=state.currency,
        label=str(LABELS[status]),
        status=status,
        placed_at=state.placed_at,
        hold_until=state.hold_until,
        paid_at=state.paid_at,
        closed_at=state.closed_at,
        closed_by=state.closed_by,
        paid_minor=state.paid_minor,
        refunded_minor=state.refunded_minor,
        notice=state.notice,
        policy_version=state.policy_version,
        units=_units(state),
        payments=[payment_view(state, payment, _cashier(call, state, payment)) for payment in state.payments],
        refunds=[refund_view(state, refund) for refund in beside.refunds],
        cases=[case.number for case in beside.cases],
        timeline=_timeline(state, beside),
        warnings=warnings_of(state=state, beside=beside, now=call.at.now),
        actions=action_views(state, actor, call),
    )


def action_views(state: OrderState, actor: Actor, call: Call) -> list[Action]:
    """Return what may be done with an order now, each allowed or with the reason why not."""
    return [action_view(state, action) for action in actions.actions_for(state=state, actor=actor, at=call.at)]


def action_view(state: OrderState, action: actions.Action) -> Action:
    """Return one thing that may, or may not, be done now."""
    return Action(
        name=action.name,
        method=action.method,
        path=action.path,
        label=action.label,
        allowed=action.allowed,
        why_not=action.why_not,
        unit=None if action.position is None else state.unit_number(action.position),
        needs=list(action.needs),
    )


def _status(state: OrderState) -> str:
    return status_of(
        is_paid=state.paid_at is not None,
        is_closed=state.closed_at is not None,
        stages=[unit.stage for unit in state.units],
        moneys=[unit.money for unit in state.units],
    )


def _units(state: OrderState) -> list[UnitView]:
    return [
        UnitView(
            id=state.unit_number(unit.position),
            position=unit.position,
            stage=unit.stage,
            money=unit.money,
            since=unit.since,
            delivered_at=unit.delivered_at,
            revealed_at=unit.revealed_at,
            confirmed_at=unit.confirmed_at,
            amount_minor=unit.amount_minor,
            refunded_minor=unit.refunded_minor,
            frozen_minor=unit.frozen_minor,
            use_check=unit.use_check,
            used_by=unit.used_by,
            voidable=unit.voidable,
            matches_order=unit.matches_order,
            replaces=None if unit.replaces is None else state.unit_number(unit.replaces),
        )
        for unit in state.units
    ]


def _cashier(call: Call, state: OrderState, payment: Payment) -> Started | None:
    """Return where a payment is paid. Only its buyer is told."""
    mine = state.buyer_id == call.identity.person_id
    return cashier(state=state, payment=payment, at=call.at) if mine else None


def _timeline(state: OrderState, beside: Dossier) -> list[EventView]:
    return [
        EventView(
            at=event.at,
            actor=without_person(event.actor),
            what=event.what,
            units=[state.unit_number(position) for position in event.positions],
            details=event.details,
            proof=event.proof,
        )
        for event in beside.timeline
    ]


def without_person(actor: str) -> str:
    """Return who acted without saying which person: "buyer", "merchant", but "system:expiry"."""
    kind, _, name = actor.partition(":")
    return kind if name.isdigit() or not name else actor


def order_line(call: Call, line: Line) -> OrderLine:
    """Return an order as it stands in a list."""
    status = status_of(is_paid=line.paid_at is not None, is_closed=line.closed_at is not None, stages=line.stages, moneys=line.moneys)
    return OrderLine(
        number=line.number,
        shop=line.shop_code,
        shop_name=call.pick(line.shop_name_zh, line.shop_name_en),
        name=call.pick(line.title_zh, line.title_en),
        kind=line.kind,
        face_value=line.face_value,
        quantity=line.quantity,
        amount_minor=line.amount_minor,
        currency=line.currency,
        label=str(LABELS[status]),
        status=status,
        placed_at=line.placed_at,
        hold_until=line.hold_until,
        paid_at=line.paid_at,
        closed_at=line.closed_at,
        refunded_minor=line.refunded_minor,
        due_at=line.due_at,
        units=[
            UnitLine(id=f"{line.number}-{index}", stage=stage, money=money)
            for index, (stage, money) in enumerate(zip(line.stages, line.moneys, strict=True), start=1)
        ],
    )
