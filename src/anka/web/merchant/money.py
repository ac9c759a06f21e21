"""A shop's money: what is pending, available and frozen, what settles when, and what moved it. Looking changes nothing."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from anka.cases.workbench import settling
from anka.core.refusals import BadInput
from anka.ledger.queries import Movement, commissions, merchant_movements
from anka.web.merchant import funds
from anka.web.merchant.who import Workplace, workplace
from anka.web.requests import PageRequest

CURRENCY = "CNY"
ON_A_PAGE = 15
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
    "channel_fee_borne": gettext_lazy("The channel's fee for a refund that was the shop's fault"),
    "chargeback_held": gettext_lazy("Frozen while the payer's bank argues"),
    "chargeback_freed": gettext_lazy("The bank's argument is over, free again"),
    "chargeback_lost": gettext_lazy("Taken back by the payer's bank"),
}
OWED = gettext_lazy("Owed to the platform")
WITHDRAWAL_FEE = gettext_lazy("Fee of a withdrawal")
PLACES = {
    "pending": gettext_lazy("Pending"),
    "available": gettext_lazy("Available"),
    "frozen": gettext_lazy("Frozen"),
    "deposit": gettext_lazy("Deposit"),
    "withdrawing": gettext_lazy("On its way out"),
}

# The other end, where it is not the shop's own.
ELSEWHERE = {
    "order": gettext_lazy("held for orders"),
    "bank": gettext_lazy("your bank account"),
    "withdraw_fee": gettext_lazy("fee of the withdrawal"),
    "penalty": gettext_lazy("the platform"),
    "recv": gettext_lazy("the platform"),
    "psp": gettext_lazy("the channel"),
    "dispute": gettext_lazy("the payer's bank"),
    "refund_payable": gettext_lazy("the buyer"),
    "bridge": gettext_lazy("the buyer's wallet"),
    "psp_fee": gettext_lazy("the channel's fee"),
}


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show the balances, what settles next, and one page of movements."""
    here = workplace(request)
    shop_id = here.shop.shop_id
    found = merchant_movements(shop_id=shop_id, currency=CURRENCY, before=_before(request), limit=ON_A_PAGE + 1)
    lines = found[:ON_A_PAGE]
    kept = commissions(shop_id=shop_id, keys=list({movement.key for movement in lines}))
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
        "lines": [line(movement, commission_minor=kept.pop(movement.key, 0)) for movement in lines],
        "files": files(here),
        "next_url": here.url("/shop/money", before=str(lines[-1].id)) if len(found) > ON_A_PAGE else None,
    }
    return render(request, "merchant/money.html", shown)


def line(movement: Movement, *, commission_minor: int = 0) -> Shown:
    """Return a movement in words: what it was, from where to where, which page tells more, and what the commission got or gave by it."""
    out_of, into = PLACES.get(movement.out_of), PLACES.get(movement.into)
    outside = ELSEWHERE.get(movement.into if out_of else movement.out_of, gettext("Anka"))
    fee = movement.into == "withdraw_fee"
    return {
        "at": movement.at,
        "what": WITHDRAWAL_FEE if fee else MOVED.get(movement.kind, gettext("Booking")),
        "where": f"{out_of or outside} → {into or outside}",
        "amount_minor": movement.amount_minor if into is not None else -movement.amount_minor,
        # Between two of the shop's own places nothing is won or lost.
        "inside": out_of is not None and into is not None,
        "commission_minor": max(commission_minor, 0),
        "commission_back_minor": max(-commission_minor, 0),
        "url": _url(movement),
    }


def files(here: Workplace) -> list[Shown]:
    """Return where an owner gets the statement of each place as a file; nobody else gets one."""
    if here.shop.role != "owner":
        return []
    named = [(label, urlencode({"shop": here.shop.shop_code, "place": place})) for place, label in (*PLACES.items(), ("receivable", OWED))]
    return [{"label": label, "url": f"/api/v1/funds/statement.csv?{query}"} for label, query in named]


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
