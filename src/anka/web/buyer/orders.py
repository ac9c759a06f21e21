"""A buyer's orders: the list, one order, opening a key, confirming delivery."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from anka.cases.queries import dossier
from anka.core import rate_limits
from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import BadInput
from anka.domain.delivery_states import Stage
from anka.flows.confirm_order import confirm_order
from anka.flows.reveal_unit import reveal_unit
from anka.flows.steps import actions
from anka.flows.steps.judge import Claim, judge
from anka.flows.steps.quote import quote
from anka.jobs import issuers
from anka.orders import views as statuses
from anka.orders.models import OrderState
from anka.orders.queries import TABS, Cursor, Line, orders_of_buyer, read_order, tab_counts
from anka.web import words
from anka.web.buyer import look, shop
from anka.web.buyer.bad_keys import ways_out
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, new_key, pick, require_number, require_recent_sign_in
from anka.web.views_of_headline import badge, link
from anka.web.views_of_order import order_page
from anka.web.views_of_units import Seen

ON_A_PAGE = 20
Shown = dict[str, Any]
TAB_LABELS = {
    "all": gettext_lazy("All"),
    "unpaid": gettext_lazy("To pay"),
    "to_deliver": gettext_lazy("To be delivered"),
    "delivered": gettext_lazy("Delivered"),
    "refunds": gettext_lazy("Refunds and after-sale"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: PageRequest) -> HttpResponse:
    """Show the visitor's orders; placing one is posted to the same address."""
    return shop.place(request) if request.method == "POST" else _list(request)


def _list(request: PageRequest) -> HttpResponse:
    buyer = buyer_of(request)
    tab = request.GET.get("tab", "all")
    if tab not in TABS:
        tab = "all"
    after = _read_cursor(request.GET.get("after", ""))
    found = orders_of_buyer(buyer_id=buyer.person_id, tab=tab, after=after, limit=ON_A_PAGE + 1)
    lines = found[:ON_A_PAGE]
    counts = tab_counts(buyer_id=buyer.person_id)
    shown = {
        "tabs": [
            {"label": label, "count": counts[code], "url": "/orders" if code == "all" else f"/orders?tab={code}", "selected": code == tab}
            for code, label in TAB_LABELS.items()
        ],
        "orders": [order_line(line, now=request.at.now) for line in lines],
        "next_url": f"/orders?{urlencode({'tab': tab, 'after': _cursor(lines[-1])})}" if len(found) > ON_A_PAGE else None,
    }
    return render(request, "buyer/orders.html", shown)


def _cursor(line: Line) -> str:
    return f"{line.placed_at.isoformat()}~{line.number}"


def _read_cursor(text: str) -> Cursor | None:
    if not text:
        return None
    placed, _separator, number = text.partition("~")
    try:
        at = datetime.fromisoformat(placed)
        require_number(number)
    except ValueError:
        raise BadInput(fields={"after": gettext("the link to the next page")}) from None
    if at.tzinfo is None:
        raise BadInput(fields={"after": gettext("the link to the next page")})
    return Cursor(placed_at=at, number=number)


def order_line(line: Line, *, now: datetime) -> Shown:
    """Return one order as it stands in the list."""
    status = statuses.status_of(
        is_paid=line.paid_at is not None, is_closed=line.closed_at is not None, stages=line.stages, moneys=line.moneys
    )
    url = f"/orders/{line.number}"
    payable = status == statuses.UNPAID and now < line.hold_until
    ended = status in (statuses.CLOSED, statuses.REFUNDED) or all(money in ("refunding", "refunded") for money in line.moneys)
    return {
        "url": url,
        "title": pick(line.title_zh, line.title_en),
        "quantity": line.quantity,
        "shop": {"code": line.shop_code, "name": pick(line.shop_name_zh, line.shop_name_en)},
        "placed_at": line.placed_at,
        "total_minor": line.amount_minor,
        "currency": line.currency,
        "status_text": _status_text(line, status, now),
        "badge": badge(status),
        "countdown": {"due": line.hold_until, "consequence": gettext("Then it closes and nothing is charged.")} if payable else None,
        "primary": _primary(line, status, now),
        "cancel_url": None if ended else f"{url}/cancel",
    }


def _status_text(line: Line, status: str, now: datetime) -> str:
    if status == statuses.UNPAID:
        return gettext("Held for you until you pay.") if now < line.hold_until else gettext("The time to pay is over; it is closing.")
    if status == statuses.CLOSED:
        returned = line.refunded_minor > 0
        return gettext("Closed; what came in late was returned.") if returned else gettext("Closed; nothing was charged.")
    if status in (statuses.REFUNDING, statuses.REFUNDED):
        amount = words.amount(line.refunded_minor, line.currency)
        form = gettext("%(amount)s is on its way to you.") if status == statuses.REFUNDING else gettext("%(amount)s is back with you.")
        return form % {"amount": amount}
    if status == statuses.TO_DELIVER:
        return gettext("Paid; it is being delivered into the order.")
    if status == statuses.COMPLETED:
        return gettext("Confirmed; the shop is paid.")
    if Stage.SEALED in line.stages:
        return gettext("Delivered sealed; not opened means not used.")
    return gettext("Opened; confirm it if it works.")


def _primary(line: Line, status: str, now: datetime) -> Shown:
    url = f"/orders/{line.number}"
    if status == statuses.UNPAID and now < line.hold_until:
        return link(gettext("Pay"), f"{url}/pay", amount_minor=line.amount_minor, currency=line.currency)
    labels = {
        statuses.DELIVERED: gettext("Open the order"),
        statuses.REFUNDING: gettext("Follow the refund"),
    }
    return link(labels.get(status, gettext("See the order")), url)


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show one order."""
    state = read_order(number=require_number(number), actor=buyer_of(request), at=request.at)
    page = order_page(seen=seen_by(request, state))
    page["notices"] = [*look.told(request), *page["notices"]]
    return render(request, "buyer/order.html", {**page, "can_be_asked": look.can_be_asked(state), "idempotency_key": new_key()})


def seen_by(request: PageRequest, state: OrderState, *, check: Shown | None = None) -> Seen:
    """Return everything the order's page is made of; `check` is what a key check has just shown."""
    may = actions.actions_for(state=state, actor=buyer_of(request), at=request.at)
    return Seen(
        state=state,
        beside=dossier(state=state),
        actions=may,
        quotes={action.position: _unit_quote(request, state, action.position) for action in may if _is_unit_cancel(action)},  # type: ignore[misc]
        at=request.at,
        new_key=new_key,
        ways_out=ways_out(state=state, actor=buyer_of(request), at=request.at),
        check=check,
    )


def _is_unit_cancel(action: actions.Action) -> bool:
    return action.name == "cancel" and action.allowed and action.position is not None


def _unit_quote(request: PageRequest, state: OrderState, position: int | None) -> dict[str, Any]:
    # What the issuer said last is good enough for a glance; whoever asks for the money has the issuer asked anew.
    claim = Claim(reason=actions.PLAIN_REASON, positions=None if position is None else (position,), issuer_asked=True)
    found = judge(state=state, claim=claim, actor=buyer_of(request), at=request.at)
    return quote(state=state, claim=claim, verdicts=found, at=request.at)


@require_POST
def reveal(request: PageRequest, number: str, position: int) -> HttpResponse:
    """Open a key and show it. The answer is the page itself, kept nowhere: a key never stands in an address."""
    require_recent_sign_in(request)
    buyer = buyer_of(request)
    rate_limits.spend(name="reveal", caller=caller_of(request), at=request.at)
    state = read_order(number=require_number(number), actor=buyer, at=request.at)
    opener = issuers.opener_before_reveal(actor=buyer, shop_id=state.shop_id, order_number=state.number, position=position, at=request.at)
    secret = reveal_unit(actor=buyer, order_number=state.number, position=position, open_secret=opener, at=request.at)
    after = read_order(number=state.number, actor=buyer, at=request.at)
    return render(request, "buyer/order.html", order_page(seen=seen_by(request, after), secret=(position, secret)))


@require_POST
def confirm(request: PageRequest, number: str) -> HttpResponse:
    """Accept delivery of everything that can be accepted."""
    buyer = buyer_of(request)
    order_number = require_number(number)
    key = key_of(request)
    with suppress(AlreadyDone):
        once(lambda: confirm_order(actor=buyer, order_number=order_number, positions=None, request=key, at=request.at))
    return HttpResponseRedirect(f"/orders/{order_number}")
