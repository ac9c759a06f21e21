"""What the visitor was told, whoever they are here: buyer, somebody of a shop, somebody of the platform."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.core.refusals import BadInput
from anka.flows.read_notices import read_notices
from anka.messaging import words
from anka.messaging.models import Notice
from anka.messaging.queries import Before, notices_of
from anka.web.requests import PageRequest, buyer_of, pick

ON_A_PAGE = 30
LONGEST = 18
READERS = {
    "buyer": gettext_lazy("My purchases"),
    "shop": gettext_lazy("My shop"),
    "platform": gettext_lazy("The platform"),
}
# What a shop is told of its own money; all of it is explained on one page.
OWN_MONEY = (
    "withdrawal_approved",
    "withdrawal_refused",
    "withdrawal_paid",
    "withdrawal_failed",
    "deposit_low",
    "funds_terms_set",
    "receivable_arose",
    "receivable_collected",
)
ICONS = {
    **dict.fromkeys(OWN_MONEY, "wallet"),
    "clock_warning": "clock",
    "clock_fallen": "clock",
    "order_paid": "wallet",
    "order_delivered": "seal",
    "refund_arrived": "back",
}
# Where a notice leads, the nearest first: the first of these pages that there is.
ADDRESSES = {
    "buyer": ("/cases/{case}", "/orders/{order}"),
    "shop": ("/shop/cases/{case}", "/shop/orders/{order}", "/shop"),
    "platform": ("/platform/cases/{case}", "/platform/orders/{order}", "/platform"),
}
# What is about no order leads where something can be done about it.
ABOUT_NO_ORDER = {"books_violated": "/platform/finance"}


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show one page of notices, newest first. Looking marks nothing as read; that is a button."""
    person_id = buyer_of(request).person_id
    asked = request.GET.get("before", "")
    found = notices_of(person_id=person_id, before=Before(_number(asked, "before")) if asked else None, limit=ON_A_PAGE + 1)
    notices = found[:ON_A_PAGE]
    shown = {
        "lines": [line(notice) for notice in notices],
        "up_to": notices[0].id if any(notice.read_at is None for notice in notices) else None,
        "next_url": f"/notices?{urlencode({'before': notices[-1].id})}" if len(found) > ON_A_PAGE else None,
    }
    return render(request, "notices.html", shown)


@require_POST
def read(request: PageRequest) -> HttpResponse:
    """Mark what was shown as read. Needs no key: doing it twice does it once."""
    read_notices(actor=buyer_of(request), up_to=_number(request.POST.get("up_to", ""), "up_to"), at=request.at)
    return HttpResponseRedirect("/notices")


def line(notice: Notice) -> dict[str, Any]:
    """Return a notice as it stands in the list."""
    return {
        "text": words.sentence(notice=notice),
        "icon": ICONS.get(notice.kind, "info"),
        "is_unread": notice.read_at is None,
        "tone": _tone(notice),
        "reader": READERS.get(notice.audience, ""),
        "made_at": notice.made_at,
        "due_at": words.due_at(notice=notice) if notice.clock_runs else None,
        "shop_name": pick(notice.shop_name_zh, notice.shop_name_en),
        "title": pick(notice.title_zh, notice.title_en),
        "amount_minor": _amount(notice),
        "currency": notice.currency or str(notice.details.get("currency", "")),
        "number": notice.case_number or notice.order_number,
        "url": address(notice),
    }


def _amount(notice: Notice) -> int:
    """Return the money a notice is about, 0 where it is about none."""
    found = notice.details.get("amount_minor", notice.details.get("refund_minor"))
    return found if isinstance(found, int) else 0


def _tone(notice: Notice) -> str:
    if notice.read_at is not None:
        return "mute"
    return "wait" if notice.kind in ("clock_warning", "clock_fallen", "late_delivery", "case_your_turn", "case_offer") else "info"


def address(notice: Notice) -> str | None:
    """Return the page a notice leads to, None where there is none for its reader."""
    if notice.kind in ABOUT_NO_ORDER:
        return ABOUT_NO_ORDER[notice.kind]
    if notice.kind in OWN_MONEY:
        return f"/shop/money?{urlencode({'shop': notice.shop_code})}"
    named = {"case": notice.case_number, "order": notice.order_number}
    for form in ADDRESSES.get(notice.audience, ()):
        if all(number or f"{{{name}}}" not in form for name, number in named.items()):
            path = form.format(**named)
            if _is_a_page(path):
                return path
    return None


def _is_a_page(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _number(text: str, field: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST:
        raise BadInput(fields={field: gettext("a whole number")})
    return int(text)
