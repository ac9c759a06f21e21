"""A shop's money: what is pending, available and frozen, what settles when, and what moved it. Looking changes nothing."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from anka.cases.workbench import settling
from anka.core.refusals import BadInput
from anka.ledger.queries import Movement, merchant_movements
from anka.web.merchant import funds
from anka.web.merchant.who import workplace
from anka.web.requests import PageRequest

CURRENCY = "CNY"
ON_A_PAGE = 30
NEXT_TO_SETTLE = 10
LONGEST_ID = 18
Shown = dict[str, Any]
MOVED = {
    "confirmed": gettext_lazy("Sold and confirmed, commission taken off"),
    "settled": gettext_lazy("Settled: you can have it now"),
    "case_held": gettext_lazy("Frozen for a case"),
    "case_freed": gettext_lazy("The case is over, free again"),
    "refund_accepted": gettext_lazy("Back to the buyer"),
    "compensated": gettext_lazy("Compensation to the buyer"),
    "penalised": gettext_lazy("Penalty"),
    "receivable_collected": gettext_lazy("What was owed to the platform, paid back"),
    "deposit_paid_in": gettext_lazy("Deposit paid in"),
    "deposit_from_balance": gettext_lazy("Into the deposit"),
    "deposit_released": gettext_lazy("The deposit, given back"),
    "withdrawal_asked": gettext_lazy("Set aside for a withdrawal"),
    "withdrawal_paid": gettext_lazy("Withdrawn to the bank"),
    "withdrawal_failed": gettext_lazy("A withdrawal that was not paid, available again"),
    "channel_fee_borne": gettext_lazy("A channel's fee"),
}
PLACES = {
    "pending": gettext_lazy("Pending"),
    "available": gettext_lazy("Available"),
    "frozen": gettext_lazy("Frozen"),
    "deposit": gettext_lazy("Deposit"),
    "withdrawing": gettext_lazy("On its way out"),
}


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show the balances, what settles next, and one page of movements."""
    here = workplace(request)
    shop_id = here.shop.shop_id
    found = merchant_movements(shop_id=shop_id, currency=CURRENCY, before=_before(request), limit=ON_A_PAGE + 1)
    lines = found[:ON_A_PAGE]
    shown = {
        "shop": here.shown("/shop/money"),
        "currency": CURRENCY,
        **funds.shown_on(here),
        "notices": funds.done(request),
        "settling": [
            {
                "url": f"/shop/orders/{one.order_number}",
                "number": one.order_number,
                "position": one.position,
                "amount_minor": one.amount_minor,
                "due_at": one.due_at,
            }
            for one in settling(shop_id=shop_id, limit=NEXT_TO_SETTLE)
        ],
        "lines": [line(movement) for movement in lines],
        "next_url": here.url("/shop/money", before=str(lines[-1].id)) if len(found) > ON_A_PAGE else None,
    }
    return render(request, "merchant/money.html", shown)


def line(movement: Movement) -> Shown:
    """Return a movement in words: what it was, from where to where, and which page tells more."""
    out_of, into = PLACES.get(movement.out_of), PLACES.get(movement.into)
    # Between two of the shop's own places nothing is won or lost.
    inside = out_of is not None and into is not None
    return {
        "at": movement.at,
        "what": MOVED.get(movement.kind, gettext("Booking")),
        "where": f"{out_of or gettext('Anka')} → {into or gettext('the buyer')}" if inside or out_of else f"→ {into}",
        "amount_minor": movement.amount_minor if into is not None else -movement.amount_minor,
        "inside": inside,
        "url": _url(movement),
    }


def _url(movement: Movement) -> str:
    what, _separator, rest = movement.key.partition(":")
    return f"/shop/cases/{rest.partition(':')[0]}" if what == "case" else ""


def _before(request: PageRequest) -> int | None:
    text = request.GET.get("before", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_ID:
        raise BadInput(fields={"before": gettext("the link to the next page")})
    return int(text)
