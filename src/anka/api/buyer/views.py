"""From what the queries return to what the API shows. No decisions here; labels and actions come from where the pages get them."""

import json
from typing import NamedTuple

from anka.adapters.channels.port import Started
from anka.api import shapes
from anka.api.buyer.parsing import require_number
from anka.api.call import Call
from anka.cases.models import Answer, CaseState, Evidence, Offer, Ruling
from anka.cases.queries import CaseLine, Dossier, Refund, order_with_dossier
from anka.catalog.models import Product
from anka.core.actors import Actor, ActorKind
from anka.flows.steps import actions
from anka.flows.steps.case_actions import case_actions
from anka.jobs.payments import cashier
from anka.orders.models import OrderState, Payment
from anka.orders.queries import Line
from anka.orders.views import LABELS, status_of

PARTIES = (ActorKind.BUYER, ActorKind.MERCHANT)


class Seen(NamedTuple):
    """An order, what stands beside it, and as whom the caller sees it."""

    state: OrderState
    beside: Dossier
    actor: Actor


def order_seen_by(call: Call, number: str, kinds: tuple[ActorKind, ...] = PARTIES) -> Seen:
    """Return an order as the caller may see it, and as whom: its buyer, or somebody of its shop.

    Raises:
        NotFound: there is none, or it is another's.
    """
    actors = [call.acting_as(kind) for kind in kinds]
    return Seen(*order_with_dossier(number=require_number(number), actors=actors, at=call.at))


def order_view(call: Call, seen: Seen) -> shapes.OrderView:
    """Return an order with everything about it."""
    state, beside, actor = seen
    status = _status(state)
    return shapes.OrderView(
        number=state.number,
        shop=state.shop_code,
        shop_name=call.pick(state.shop_name_zh, state.shop_name_en),
        product=shapes.ProductRef(
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
        warnings=[],
        actions=action_views(state, actor, call),
    )


def action_views(state: OrderState, actor: Actor, call: Call) -> list[shapes.Action]:
    """Return what may be done with an order now, each allowed or with the reason why not."""
    return [_action_view(state, action) for action in actions.actions_for(state=state, actor=actor, at=call.at)]


def _action_view(state: OrderState, action: actions.Action) -> shapes.Action:
    return shapes.Action(
        name=action.name,
        method=action.method,
        path=action.path,
        label=action.label,
        allowed=action.allowed,
        why_not=action.why_not,
        unit=None if action.position is None else state.unit_number(action.position),
    )


def _status(state: OrderState) -> str:
    return status_of(
        is_paid=state.paid_at is not None,
        is_closed=state.closed_at is not None,
        stages=[unit.stage for unit in state.units],
        moneys=[unit.money for unit in state.units],
    )


def _units(state: OrderState) -> list[shapes.UnitView]:
    return [
        shapes.UnitView(
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
        )
        for unit in state.units
    ]


def _cashier(call: Call, state: OrderState, payment: Payment) -> Started | None:
    """Return where a payment is paid. Only its buyer is told."""
    mine = state.buyer_id == call.identity.person_id
    return cashier(state=state, payment=payment, at=call.at) if mine else None


def payment_view(state: OrderState, payment: Payment, started: Started | None) -> shapes.PaymentView:
    """Return a payment; while it is open, with the address and the code text where it is paid."""
    return shapes.PaymentView(
        number=payment.number,
        order=state.number,
        channel=payment.channel,
        status=payment.status,
        amount_minor=payment.amount_minor,
        currency=state.currency,
        created_at=payment.created_at,
        expires_at=payment.expires_at,
        paid_at=payment.paid_at,
        refunded_minor=payment.refunded_minor,
        cashier_url=started.cashier_url if started else None,
        qr=started.qr_text if started else None,
    )


def refund_view(state: OrderState, refund: Refund) -> shapes.RefundView:
    """Return a refund with its legs and their attempts."""
    return shapes.RefundView(
        number=refund.number,
        order=state.number,
        case=refund.case_number,
        cause=refund.cause,
        status=refund.status,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        units=[state.unit_number(position) for position in refund.positions],
        intended_at=refund.intended_at,
        ended_at=refund.ended_at,
        legs=[
            shapes.LegView(
                channel=leg.channel,
                amount_minor=leg.amount_minor,
                status=leg.status,
                arrives_by=leg.arrives_by,
                ended_at=leg.ended_at,
                attempts=[
                    shapes.AttemptView(
                        number=attempt.number,
                        status=attempt.status,
                        created_at=attempt.created_at,
                        submitted_at=attempt.submitted_at,
                        ended_at=attempt.ended_at,
                        channel_number=attempt.channel_number,
                    )
                    for attempt in leg.attempts
                ],
            )
            for leg in refund.legs
        ],
    )


def _timeline(state: OrderState, beside: Dossier) -> list[shapes.EventView]:
    return [
        shapes.EventView(
            at=event.at,
            actor=_without_person(event.actor),
            what=event.what,
            units=[state.unit_number(position) for position in event.positions],
            details=event.details,
            proof=event.proof,
        )
        for event in beside.timeline
    ]


def _without_person(actor: str) -> str:
    """Return who acted without saying which person: "buyer", "merchant", but "system:expiry"."""
    kind, _, name = actor.partition(":")
    return kind if name.isdigit() or not name else actor


def case_view(seen: Seen, case: CaseState, call: Call) -> shapes.CaseView:
    """Return a case as one of its parties sees it: whose turn, by when, what follows, what was said, judged and ruled."""
    state, beside, actor = seen
    receipt, turn = case.last_receipt, case.turn
    return shapes.CaseView(
        number=case.number,
        order=state.number,
        kind=case.kind,
        status=case.status,
        units=[state.unit_number(position) for position in case.positions],
        asker=_without_person(case.asker),
        reason=case.reason,
        statement=case.statement,
        turn=turn.side,
        due_at=case.due_at,
        if_silent=turn.if_silent,
        ask_minor=case.ask_minor,
        ask_replacement=case.ask_replacement,
        offered_minor=case.offered_minor,
        merchant_answer=case.merchant_answer,
        fault=case.fault,
        decision=case.decision_json,
        facts=json.loads(receipt.facts) if receipt else None,
        words={"zh": receipt.because_zh, "en": receipt.because_en} if receipt else None,
        policy_version=receipt.policy_version if receipt else None,
        refund_minor=case.refund_minor,
        currency=state.currency,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        answers=[_answer_view(said) for said in case.answers],
        offers=[_offer_view(offer) for offer in case.offers],
        evidence=[_evidence_view(item) for item in case.evidence],
        ruling=_ruling_view(case.given_ruling),
        proposed_ruling=_ruling_view(case.proposed_ruling) if actor.kind is ActorKind.PLATFORM else None,
        outcome=case.outcome,
        refunds=[refund.number for refund in beside.refunds if refund.case_number == case.number],
        actions=[_action_view(state, action) for action in case_actions(state=state, case=case, actor=actor, at=call.at)],
    )


def _answer_view(said: Answer) -> dict[str, object]:
    return {"at": said.at, "by": said.by_side, "what": said.what, "reason": said.code, "text": said.text}


def _offer_view(offer: Offer) -> dict[str, object]:
    return {
        "id": offer.id,
        "by": offer.by_side,
        "refund_minor": offer.refund_minor,
        "replacement": offer.replacement,
        "text": offer.text,
        "status": offer.status,
        "made_at": offer.made_at,
        "expires_at": offer.expires_at,
    }


def _evidence_view(item: Evidence) -> dict[str, object]:
    return {"id": item.id, "kind": item.kind, "by": item.by_side, "at": item.at, "text": item.text, "sha256": item.sha256}


def _ruling_view(ruling: Ruling | None) -> dict[str, object] | None:
    if ruling is None:
        return None
    return {
        "instance": ruling.instance,
        "fault": ruling.fault,
        "remedy": ruling.remedy,
        "refund_minor": ruling.refund_minor,
        "reasons": list(ruling.reasons),
        "text": ruling.text,
        "made_at": ruling.made_at,
        "approved_at": ruling.approved_at,
    }


def case_line(case: CaseLine) -> shapes.CaseLine:
    """Return a case as it stands in a list."""
    return shapes.CaseLine(
        number=case.number,
        order=case.order_number,
        kind=case.kind,
        status=case.status,
        units=[f"{case.order_number}-{position}" for position in case.positions],
        reason=case.reason,
        turn="none",
        due_at=None,
        refund_minor=case.refund_minor,
        currency=case.currency,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        outcome=case.outcome,
    )


def order_line(call: Call, line: Line) -> shapes.OrderLine:
    """Return an order as it stands in a list."""
    status = status_of(is_paid=line.paid_at is not None, is_closed=line.closed_at is not None, stages=line.stages, moneys=line.moneys)
    return shapes.OrderLine(
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
        units=[
            shapes.UnitLine(id=f"{line.number}-{index}", stage=stage, money=money)
            for index, (stage, money) in enumerate(zip(line.stages, line.moneys, strict=True), start=1)
        ],
    )


def product_view(call: Call, product: Product) -> shapes.ProductView:
    """Return a product with its terms, its notice and its merchant, in the language asked for."""
    terms = product.terms
    return shapes.ProductView(
        id=product.number,
        name=call.pick(product.title_zh, product.title_en),
        description=call.pick(product.description_zh, product.description_en),
        kind=product.kind,
        delivery=product.delivery,
        face_value=product.face_value,
        region=product.region,
        price_minor=product.price_minor,
        currency=product.currency,
        on_sale=product.on_sale,
        available=product.available,
        shop=shapes.ShopView(
            code=product.shop.code, name=call.pick(product.shop.name_zh, product.shop.name_en), opened_at=product.shop.opened_at
        ),
        terms=shapes.TermsView(
            version=product.terms_version,
            refund_window_minutes=terms.refund_window_minutes,
            warranty_minutes=terms.warranty_minutes,
            promise_minutes=terms.promise_minutes,
            hold_minutes=terms.hold_minutes,
            maximum_quantity=terms.maximum_quantity,
        ),
        notice=call.pick(terms.notice_zh, terms.notice_en),
        listed_at=product.listed_at,
    )
