"""An order as the platform's staff read it: pieces, payments, refunds, cases, what happened. Only its channels can be asked again here."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from anka.accounts.queries import person
from anka.cases.queries import Dossier, Event, Refund, dossier
from anka.core import rate_limits
from anka.jobs.look_again import look_again
from anka.orders import views as statuses
from anka.orders.models import OrderState, Payment, Unit
from anka.orders.queries import read_order
from anka.web import case_words, dispute_words, views_of_refund, words
from anka.web.buyer.look import can_be_asked
from anka.web.platform import by_hand
from anka.web.platform.staff import names_of, staff_of
from anka.web.requests import PageRequest, caller_of, key_of, new_key, pick, require_number
from anka.web.views_of_headline import badge
from anka.web.views_of_order import order_facts, status
from anka.web.views_of_receipts import receipts
from anka.web.views_of_rules import fact_value

Shown = dict[str, Any]


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show any order to staff, read-only."""
    staff = staff_of(request)
    state = read_order(number=require_number(number), actor=staff.actor, at=request.at)
    beside = dossier(state=state)
    buyer = person(person_id=state.buyer_id)
    shown = {
        "order": {
            **order_facts(state),
            "paid_at": state.paid_at,
            "closed_at": state.closed_at,
            "notice": fact_value("notice", state.notice),
        },
        "buyer": buyer.display_name if buyer else "",
        "badge": badge(status(state)) if status(state) in statuses.LABELS else None,
        "units": [_unit(state, unit) for unit in state.units],
        "payments": [_payment(payment) for payment in state.payments],
        "refunds": [_refund(refund) for refund in beside.refunds],
        "cases": _cases(beside),
        "disputes": dispute_words.notes(state=state),
        "receipts": receipts(cases=beside.cases, address="/platform/cases/"),
        "timeline": timeline(state, beside),
        "notices": by_hand.told(request),
        "can_be_asked": can_be_asked(state),
        "idempotency_key": new_key(),
    }
    return render(request, "platform/order.html", shown)


@require_POST
def look(request: PageRequest, number: str) -> HttpResponse:
    """Have the channels of an order's payments asked at once: its buyer says that they have paid."""
    staff = staff_of(request)
    # Asking twice does nothing twice; but the form has to be one of ours.
    key_of(request)
    rate_limits.spend(name="look_again", caller=caller_of(request), at=request.at)
    outcome = look_again(actor=staff.actor, order_number=require_number(number), at=request.at)
    return HttpResponseRedirect(f"/platform/orders/{number}?{urlencode({'done': outcome})}")


def _unit(state: OrderState, unit: Unit) -> Shown:
    return {
        "position": unit.position,
        "number": state.unit_number(unit.position),
        "stage": words.stage(unit.stage),
        "money": money_word(unit),
        "amount_minor": unit.amount_minor,
        "refunded_minor": unit.refunded_minor,
        "shop_minor": unit.merchant_minor,
        "frozen_minor": unit.frozen_minor,
        "currency": state.currency,
        "delivered_at": unit.delivered_at,
        "opened_at": unit.revealed_at,
        "use_check": fact_value("use_check", unit.use_check),
        "asked_at": unit.issuer_asked_at,
        "replaces": unit.replaces,
    }


def money_word(unit: Unit) -> str:
    """Return where the money of a unit is, for staff."""
    said = {
        "none": gettext("no money"),
        "held": gettext("held by Anka"),
        "released": gettext("with the shop, to be settled"),
        "settled": gettext("settled with the shop"),
        "refunding": gettext("on its way back"),
        "refunded": gettext("back with the buyer"),
        "part_refunded": gettext("partly back with the buyer"),
    }
    return said.get(unit.money, str(unit.money))


def _payment(payment: Payment) -> Shown:
    said = {
        "created": gettext("begun"),
        "pending": gettext("waits for the payer"),
        "paid": gettext("paid"),
        "closed": gettext("closed unpaid"),
        "failed": gettext("failed"),
    }
    return {
        "number": payment.number,
        "channel": words.channel(payment.channel),
        "status": said.get(payment.status, str(payment.status)),
        "tone": "ok" if payment.paid_at else "mute",
        "amount_minor": payment.amount_minor,
        "refunded_minor": payment.refunded_minor,
        "at": payment.paid_at or payment.created_at,
        "transaction_number": payment.transaction_number or "",
    }


def _refund(refund: Refund) -> Shown:
    told = views_of_refund.headline(refund)
    return {
        "number": refund.number,
        "tone": told["tone"],
        "badge": told["badge"],
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "pieces": words.pieces(refund.positions) if refund.positions else gettext("Money that was never this order's"),
        "case_url": f"/platform/cases/{refund.case_number}" if refund.case_number else "",
        "legs": views_of_refund.tracker(refund=refund, order_number="")["legs"],
    }


def _cases(beside: Dossier) -> list[Shown]:
    return [
        {
            "url": f"/platform/cases/{case.number}",
            "pieces": words.pieces(case.positions),
            "reason": words.reason(case.reason),
            "at": case.closed_at or case.opened_at,
            "status": case_words.outcome(case.outcome or "") if case.closed_at else case_words.status(case.status),
            "tone": case_words.outcome_tone(case.outcome or "") if case.closed_at else "wait",
        }
        for case in reversed(beside.cases)
    ]


def _what(event: Event, currency: str) -> str:
    """Return what happened; where two of the staff vouch for money, with both names."""
    told = words.event(what=event.what, positions=event.positions, details=event.details, currency=currency)
    first, second = (event.details.get(part) for part in ("entered_by", "approved_by"))
    if not isinstance(first, int) or not isinstance(second, int):
        return told
    named = names_of({first, second})
    told_by = gettext("entered by %(first)s, approved by %(second)s") % {"first": named.get(first, ""), "second": named.get(second, "")}
    return f"{told} · {told_by} · {event.details.get('transaction', '')}"


def timeline(state: OrderState, beside: Dossier) -> list[Shown]:
    """Return what happened, newest first, with everybody called by their part."""
    shop = pick(state.shop_name_zh, state.shop_name_en)
    return [
        {
            "at": event.at,
            "actor": gettext("The buyer") if event.actor.startswith("buyer:") else words.actor(event.actor, shop=shop),
            "what": _what(event, state.currency),
            "tone": words.event_tone(event.what),
            "now": False,
        }
        for event in reversed(beside.timeline)
    ]
