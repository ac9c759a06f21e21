"""An order as its shop sees it, and what the shop does with it: accept, hand over keys, give money back."""

from contextlib import suppress
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.cases.queries import order_with_dossier
from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import NotFound, Refusal
from anka.domain.delivery_states import Stage
from anka.flows.accept_order import accept_order
from anka.orders.policies import rules_of
from anka.web import dispute_words
from anka.web.merchant import order_view
from anka.web.merchant.order_view import OrderSeen
from anka.web.merchant.who import back, merchant_of
from anka.web.requests import PageRequest, key_of, new_key, require_number
from anka.web.views_of_quote import selectable
from anka.web.views_of_receipts import receipts
from anka.web.views_of_units import OPENED

DONE = {
    "accept": gettext_lazy("Accepted. Deliver it before the time is over."),
    "deliver": gettext_lazy("Handed over, sealed. The buyer can open it now."),
    "refund": gettext_lazy("Carried out. The money is on its way back to the buyer."),
}
Told = list[dict[str, Any]]


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show one order of the visitor's shop."""
    done = DONE.get(request.GET.get("done", ""))
    return page(request, seen_by(request, number), told=[{"tone": "ok", "text": done}] if done else [])


def seen_by(request: PageRequest, number: str) -> OrderSeen:
    """Return an order of the visitor's shop.

    Raises:
        NotFound: there is none of this number; another shop's looks the same.
    """
    state, beside, _actor = order_with_dossier(number=require_number(number), actors=[merchant_of(request)], at=request.at)
    return OrderSeen(state=state, beside=beside, at=request.at)


def page(request: PageRequest, seen: OrderSeen, *, told: Told, status: int = 200) -> HttpResponse:
    """Return the page of an order."""
    state = seen.state
    handed_over = any(unit.stage == Stage.SEALED or unit.stage in OPENED for unit in state.units)
    shown = {
        "order": order_view.facts(state),
        "headline": order_view.headline(seen),
        "may_accept": seen.to_accept,
        "may_deliver": seen.by_hand,
        "may_refund": state.paid_at is not None and any(selectable(unit) for unit in state.units),
        "units": order_view.units(seen),
        "disputes": dispute_words.notes(state=state),
        "cases": [order_view.case_link(case, currency=state.currency) for case in reversed(seen.beside.cases)],
        "receipts": receipts(cases=seen.beside.cases, address="/shop/cases/"),
        "recall": order_view.recall_rule(state=state, rules=rules_of(version=state.policy_version)) if handed_over else None,
        "money_lines": order_view.money_lines(seen),
        "timeline": order_view.timeline(state=state, beside=seen.beside),
        "idempotency_key": new_key(),
        "notices": told,
    }
    return render(request, "merchant/order.html", shown, status=status)


@require_POST
def accept(request: PageRequest, number: str) -> HttpResponse:
    """Take up everything of an order that waits; a refusal is shown on the order's page."""
    actor, order_number = merchant_of(request), require_number(number)
    key = key_of(request)
    try:
        with suppress(AlreadyDone):
            once(lambda: accept_order(actor=actor, order_number=order_number, positions=None, request=key, at=request.at))
    except NotFound:
        raise
    except Refusal as refused:
        return refused_page(request, order_number, refused)
    return back(request, otherwise=f"/shop/orders/{order_number}", done="accept")


def refused_page(request: PageRequest, number: str, refused: Refusal) -> HttpResponse:
    """Return the order's page with what was refused above it. What went wrong on our side goes on to be told as such."""
    if refused.status >= 500:
        raise refused
    return page(request, seen_by(request, number), told=[{"tone": "bad", "text": str(refused)}], status=refused.status)


def to_order(number: str, *, done: str) -> HttpResponse:
    """Return to the order, which says what was done."""
    return HttpResponseRedirect(f"/shop/orders/{number}?done={done}")
