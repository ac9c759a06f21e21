"""The workbench: everything that waits for a shop, sorted by when its time is over, and what happens when nobody moves."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from anka.cases.queries import CaseCursor, cases_of
from anka.cases.workbench import After, Counts, counts, open_cases, to_answer, to_deliver
from anka.core.refusals import BadInput, NotFound
from anka.orders.queries import Cursor, orders_of_shop
from anka.web.merchant.lines import case_line, closed_case, order_line, to_deliver_line
from anka.web.merchant.who import Workplace, workplace
from anka.web.requests import PageRequest, new_key, require_number

ON_A_PAGE = 20
LOOK_AGAIN_SECONDS = 30
Shown = dict[str, Any]
TABS = {
    "waiting": gettext_lazy("Waiting for you"),
    "deliver": gettext_lazy("To deliver"),
    "cases": gettext_lazy("After-sale"),
    "closed": gettext_lazy("Closed cases"),
    "orders": gettext_lazy("All orders"),
}
DONE = {
    "accept": gettext_lazy("Accepted. Deliver it before the time is over."),
    "agree": gettext_lazy("Agreed. It is carried out now."),
    "deliver": gettext_lazy("Handed over, sealed. The buyer can open it now."),
}


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show what waits for the shop, or one of the other lists."""
    here = workplace(request)
    tab = request.GET.get("tab", "waiting")
    if tab not in TABS:
        raise BadInput(fields={"tab": ", ".join(TABS)})
    found = counts(shop_id=here.shop.shop_id)
    lines, following = _LISTS[tab](request, here)
    done = DONE.get(request.GET.get("done", ""))
    shown = {
        "shop": here.shown("/shop"),
        "tab": tab,
        "tabs": _tabs(here, tab, found),
        "headline": _headline(found, lines) if tab == "waiting" else TABS[tab],
        "lines": lines,
        "next_url": here.url("/shop", tab=tab, after=following) if following else None,
        "here_url": here.url("/shop", tab=tab) if tab != "waiting" else here.url("/shop"),
        "notices": [{"tone": "ok", "text": done}] if done else [],
        "refresh_seconds": LOOK_AGAIN_SECONDS if tab in ("waiting", "deliver") else None,
    }
    return render(request, "merchant/workbench.html", shown)


def _tabs(here: Workplace, selected: str, found: Counts) -> list[Shown]:
    numbers = {
        "waiting": found.to_deliver + found.to_answer,
        "deliver": found.to_deliver,
        "cases": found.open_cases,
        "orders": found.orders,
    }
    return [
        {
            "label": label,
            "count": numbers.get(code),
            "url": here.url("/shop") if code == "waiting" else here.url("/shop", tab=code),
            "selected": code == selected,
        }
        for code, label in TABS.items()
    ]


def _headline(found: Counts, lines: list[Shown]) -> str:
    waiting = found.to_deliver + found.to_answer
    if not waiting:
        return gettext("Nothing waits for you")
    urgent = sum(line["urgent"] for line in lines)
    if urgent:
        return gettext("First these %(count)s: due within the hour, or late already") % {"count": urgent}
    return gettext("%(count)s waiting, the most urgent first") % {"count": waiting}


def _waiting(request: PageRequest, here: Workplace) -> tuple[list[Shown], str]:
    after, limit, now = _after(request), ON_A_PAGE + 1, request.at.now
    orders = [to_deliver_line(line, now=now, key=new_key()) for line in to_deliver(shop_id=here.shop.shop_id, after=after, limit=limit)]
    cases = [case_line(line, now=now, key=new_key()) for line in to_answer(shop_id=here.shop.shop_id, after=after, limit=limit)]
    return _page(sorted([*orders, *cases], key=lambda line: (line["due"], line["number"])))


def _to_deliver(request: PageRequest, here: Workplace) -> tuple[list[Shown], str]:
    found = to_deliver(shop_id=here.shop.shop_id, after=_after(request), limit=ON_A_PAGE + 1)
    return _page([to_deliver_line(line, now=request.at.now, key=new_key()) for line in found])


def _open_cases(request: PageRequest, here: Workplace) -> tuple[list[Shown], str]:
    found = open_cases(shop_id=here.shop.shop_id, after=_after(request), limit=ON_A_PAGE + 1)
    return _page([case_line(line, now=request.at.now, key=new_key()) for line in found])


def _page(lines: list[Shown]) -> tuple[list[Shown], str]:
    """Return a page of lines that are due, and where the next one begins."""
    if len(lines) <= ON_A_PAGE:
        return lines, ""
    last = lines[ON_A_PAGE - 1]
    return lines[:ON_A_PAGE], f"{last['due'].isoformat()}~{last['number']}"


def _closed(request: PageRequest, here: Workplace) -> tuple[list[Shown], str]:
    place = _after(request)
    after = CaseCursor(place.due_at, place.number) if place else None
    found = cases_of(buyer_id=0, shop_ids=(here.shop.shop_id,), after=after, limit=ON_A_PAGE + 1)
    page = found[:ON_A_PAGE]
    following = f"{page[-1].opened_at.isoformat()}~{page[-1].number}" if len(found) > ON_A_PAGE else ""
    return [closed_case(line) for line in page if line.closed_at is not None], following


def _all_orders(request: PageRequest, here: Workplace) -> tuple[list[Shown], str]:
    place = _after(request)
    after = Cursor(placed_at=place.due_at, number=place.number) if place else None
    found = orders_of_shop(shop_id=here.shop.shop_id, tab="all", after=after, limit=ON_A_PAGE + 1)
    page = found[:ON_A_PAGE]
    following = f"{page[-1].placed_at.isoformat()}~{page[-1].number}" if len(found) > ON_A_PAGE else ""
    return [order_line(line) for line in page], following


_LISTS = {"waiting": _waiting, "deliver": _to_deliver, "cases": _open_cases, "closed": _closed, "orders": _all_orders}


def _after(request: PageRequest) -> After | None:
    text = request.GET.get("after", "")
    if not text:
        return None
    instant, _separator, number = text.partition("~")
    try:
        return After(due_at=_aware(datetime.fromisoformat(instant)), number=require_number(number))
    except (ValueError, NotFound):
        raise BadInput(fields={"after": gettext("the link to the next page")}) from None


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(at)
    return at
