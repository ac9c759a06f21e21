"""The queue of cases that reached the platform, by the time that is left; and the way to any case or order by its number."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from anka.cases.platform_queue import QueueFilter, QueueLine, QueuePlace, queue, queue_counts
from anka.cases.queries import order_of_case, order_of_refund
from anka.core.numbers import NUMBER
from anka.core.refusals import BadInput
from anka.web import case_words, words
from anka.web.platform.staff import staff_of
from anka.web.requests import PageRequest, pick, require_number

Shown = dict[str, Any]
ON_A_PAGE = 30
LONGEST_NUMBER = 40
ADDRESS = "/platform"
TABS = {
    QueueFilter.MINE: gettext_lazy("Waiting for me"),
    QueueFilter.APPROVAL: gettext_lazy("Waiting for approval"),
    QueueFilter.APPEALS: gettext_lazy("Appeals"),
    QueueFilter.ALL: gettext_lazy("All"),
}
SOON = timedelta(hours=2)


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show what waits for the platform, the case that is due first on top."""
    staff = staff_of(request)
    first = QueueFilter.MINE if "arbiter" in staff.roles else QueueFilter.ALL
    tab = _tab(request.GET.get("tab", str(first)))
    found = queue(person_id=staff.actor.person_id, which=tab, after=_place(request.GET.get("after", "")), limit=ON_A_PAGE + 1)
    lines = found[:ON_A_PAGE]
    counts = queue_counts()
    numbers = {QueueFilter.APPEALS: counts.appeals, QueueFilter.ALL: counts.total}
    shown = {
        "waiting": counts.waiting,
        "tabs": [
            {"label": label, "count": numbers.get(code), "url": f"{ADDRESS}?tab={code}", "selected": code == tab}
            for code, label in TABS.items()
        ],
        "lines": [_line(line, now=request.at.now, me=staff.actor.person_id) for line in lines],
        "next_url": f"{ADDRESS}?{urlencode({'tab': tab, 'after': _mark(lines[-1])})}" if len(found) > ON_A_PAGE else None,
        "missing": request.GET.get("missing", "")[:LONGEST_NUMBER],
    }
    return render(request, "platform/queue.html", shown)


def _tab(text: str) -> QueueFilter:
    try:
        return QueueFilter(text)
    except ValueError:
        raise BadInput(fields={"tab": ", ".join(QueueFilter)}) from None


def _mark(line: QueueLine) -> str:
    return f"{line.due_at.isoformat()}~{line.number}"


def _place(text: str) -> QueuePlace | None:
    if not text:
        return None
    due, _separator, number = text.partition("~")
    try:
        at = datetime.fromisoformat(due)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not NUMBER.fullmatch(number):
        raise BadInput(fields={"after": gettext("the link to the next page")})
    return QueuePlace(due_at=at, number=number)


def _line(line: QueueLine, *, now: datetime, me: int) -> Shown:
    overdue = line.clock_kind is not None and line.due_at <= now
    return {
        "url": f"/platform/cases/{line.number}",
        "number": line.number,
        "title": f"{pick(line.title_zh, line.title_en)} · {words.pieces(line.positions)}",
        "reason": words.sentence_case(words.reason(line.reason)),
        "shop": pick(line.shop_name_zh, line.shop_name_en) or line.shop_code,
        "status": case_words.status(line.status),
        "asked_minor": line.ask_minor,
        "asked_replacement": line.ask_replacement,
        "currency": line.currency,
        "since": line.platform_since or line.opened_at,
        "clock": case_words.clock(line.clock_kind) if line.clock_kind else "",
        "due": line.due_at,
        "overdue": gettext("Overdue by %(span)s") % {"span": span(now - line.due_at)} if overdue else "",
        "tone": "bad" if overdue else "wait" if line.clock_kind and line.due_at - now <= SOON else "info",
        "proposed_minor": line.proposed_minor,
        "proposed_by_me": line.proposed_by == me,
    }


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units: 2 d 3 h, 5 h 10 min, 7 min."""
    minutes = max(0, int(length.total_seconds()) // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return gettext("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
    if hours:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes % 60}
    return gettext("%(minutes)s min") % {"minutes": minutes}


@require_safe
def find(request: PageRequest) -> HttpResponse:
    """Go to the case, order, refund or piece with this number; back to the queue where there is none."""
    staff_of(request)
    number = request.GET.get("number", "").strip().upper()[:LONGEST_NUMBER]
    plain = number if NUMBER.fullmatch(number) else number.rpartition("-")[0]
    if not NUMBER.fullmatch(plain):
        return HttpResponseRedirect(f"{ADDRESS}?{urlencode({'tab': 'all', 'missing': number})}")
    require_number(plain)
    if order_of_case(number=plain):
        return HttpResponseRedirect(f"/platform/cases/{plain}")
    return HttpResponseRedirect(f"/platform/orders/{order_of_refund(number=plain) or plain}")
