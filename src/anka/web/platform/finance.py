"""The platform's books for finance staff: what holds, whether payouts flow, each channel's days, differences, and what nobody knows yet."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.core import audits, freezes
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.flows.decide_difference import decide_difference
from anka.flows.thaw_payouts import freeze_payouts, thaw_payouts
from anka.jobs import audit
from anka.jobs.channels import channels
from anka.jobs.outcomes import KINDS, Unknown, UnknownCursor, unknown_outcomes
from anka.payments import bills
from anka.payments.bills import CHINA, DifferenceCursor, DifferenceState
from anka.payments.three_ways import ThreeWays, day_of_channel
from anka.web import words
from anka.web.platform.difference_items import STATES, shown_differences, shown_sum, who_did
from anka.web.platform.invariant_words import INVARIANTS
from anka.web.platform.refunds import STATES as REFUND_STATES
from anka.web.platform.staff import finance_of, names_of, staff_of
from anka.web.requests import PageRequest, key_of, new_key

ADDRESS = "/platform/finance"
ON_A_PAGE = 30
DAYS = 7
FIRST = 5
Shown = dict[str, Any]
OUTCOME_WORDS = {
    "refund": gettext_lazy("Refund"),
    "payment": gettext_lazy("Payment"),
    "question": gettext_lazy("Question to the channel"),
    "withdrawal": gettext_lazy("Withdrawal"),
}
STATUS_WORDS = {
    **REFUND_STATES,
    "pending": gettext_lazy("waits for the payer"),
    "paying": gettext_lazy("being paid at the bank"),
}
DONE = {
    "thawed": gettext_lazy("Payouts flow again."),
    "asked": gettext_lazy("Asked for. Somebody else of the finance staff has to agree."),
    "frozen": gettext_lazy("Payouts are frozen."),
    "proposed": gettext_lazy("Noted. Somebody else of the finance staff has to decide the same."),
    "explained": gettext_lazy("Explained."),
    "corrected": gettext_lazy("Corrected."),
}


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show the board: invariants, payouts, the last days of each channel, and the first of what waits."""
    finance_of(request)
    return _board(request, told=_done(request))


@require_POST
def payouts(request: PageRequest, step: str) -> HttpResponse:
    """Freeze payouts, or let them go again; a refusal is shown on the board."""
    actor = finance_of(request)
    # Each step can be made once only, so nothing has to be remembered under the key; but the form has to be one of ours.
    key_of(request, "reason")
    reason = request.POST.get("reason", "")
    try:
        if step == "freeze":
            freeze_payouts(actor=actor, reason=reason, at=request.at)
            outcome = "frozen"
        elif step == "thaw":
            number = _id(request.POST.get("freeze", ""))
            outcome = thaw_payouts(actor=actor, freeze_id=number, reason=reason, at=request.at)
        else:
            raise NotFound
    except Refusal as refused:
        if refused.status >= 500 or refused.status == NotFound.status:
            raise
        return _board(request, told=[_refused(refused, gettext("Say why, in at most 1,000 characters."))], status=refused.status)
    return HttpResponseRedirect(f"{ADDRESS}?{urlencode({'done': outcome})}")


@require_safe
def differences(request: PageRequest) -> HttpResponse:
    """Show the inbox of differences, newest first."""
    finance_of(request)
    return _inbox(request, told=_done(request))


@require_POST
def decide(request: PageRequest, number: int, decision: str) -> HttpResponse:
    """Explain a difference, or say that it was corrected; a refusal is shown above the inbox."""
    actor = finance_of(request)
    if decision not in (DifferenceState.EXPLAINED, DifferenceState.CORRECTED):
        raise NotFound
    key_of(request, "note")
    note, seen = request.POST.get("note", ""), _seen(request.POST.get("seen_minor", ""))
    try:
        outcome = decide_difference(actor=actor, difference_id=number, decision=decision, note=note, seen_minor=seen, at=request.at)
    except Refusal as refused:
        if refused.status >= 500 or refused.status == NotFound.status:
            raise
        return _inbox(request, told=[_refused(refused, gettext("Write a note, in at most 2,000 characters."))], status=refused.status)
    return HttpResponseRedirect(f"{ADDRESS}/differences?{urlencode({'done': outcome})}")


@require_safe
def outcomes(request: PageRequest) -> HttpResponse:
    """Show what nobody knows the outcome of yet, longest first."""
    finance_of(request)
    tab = request.GET.get("tab", "all")
    if tab not in ("all", *KINDS):
        raise BadInput(fields={"tab": ", ".join(("all", *KINDS))})
    found = unknown_outcomes(kind=None if tab == "all" else tab, after=_after(request), now=request.at.now, limit=ON_A_PAGE + 1)
    page = found[:ON_A_PAGE]
    labels = {"all": STATES["all"], **OUTCOME_WORDS}
    next_url = None
    if len(found) > ON_A_PAGE:
        last = page[-1]
        place = {"tab": tab, "since": last.since.isoformat(), "kind": last.kind, "number": last.number}
        next_url = f"{ADDRESS}/outcomes?{urlencode(place)}"
    shown = {"tabs": _tabs("outcomes", labels, tab), "items": _unknown(page), "next_url": next_url}
    return render(request, "platform/finance_outcomes.html", shown)


@require_safe
def day(request: PageRequest, channel: str, day: str) -> HttpResponse:
    """Show one day of a channel three ways, and what differs on it."""
    finance_of(request)
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise NotFound from None
    if channel not in channels and bills.current_bill(channel=channel, day=wanted) is None:
        raise NotFound
    found = bills.inbox(status=None, channel=channel, day=wanted, after=None, limit=ON_A_PAGE)
    seen = day_of_channel(channel=channel, day=wanted)
    shown = {
        "channel": words.channel(channel),
        "day": wanted,
        "seen": seen,
        "rows": [_row(row) for row in seen.rows],
        "charges": [
            {"fee": shown_sum(one.fee_minor, one.currency), "settled": shown_sum(one.settled_minor, one.currency)} for one in seen.charges
        ],
        "items": shown_differences(found=found, person_id=0),
        "before_url": f"{ADDRESS}/days/{channel}/{wanted - timedelta(days=1)}" if wanted > date(2000, 1, 1) else None,
        "after_url": f"{ADDRESS}/days/{channel}/{wanted + timedelta(days=1)}" if wanted < date(2100, 1, 1) else None,
    }
    return render(request, "platform/finance_day.html", shown)


def _id(text: str) -> int:
    """Return the number of a row in an address or a form; whatever is none names nothing."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound
    return int(text)


def _seen(text: str) -> int:
    """Return what the form said that a correction posts, signed, in minor units."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise BadInput(fields={"seen_minor": "an amount in minor units"})
    return int(text)


def _done(request: PageRequest) -> list[Shown]:
    done = DONE.get(request.GET.get("done", ""))
    return [{"tone": "ok", "text": done}] if done else []


def _refused(refused: Refusal, missing: str) -> Shown:
    return {"tone": "bad", "text": missing if isinstance(refused, BadInput) else str(refused)}


def _board(request: PageRequest, *, told: list[Shown], status: int = 200) -> HttpResponse:
    standing = audits.standing_findings()
    last, whole = audits.last_run(), audits.last_run(scope="whole")
    freeze = freezes.standing_freeze()
    found = bills.inbox(status=DifferenceState.OPEN, after=None, limit=FIRST)
    unknown = unknown_outcomes(kind=None, after=None, now=request.at.now, limit=FIRST)
    shown = {
        "notices": told,
        "freeze": freeze,
        "frozen_by": who_did(freeze.frozen.actor) if freeze else "",
        "asked_by": who_did(freeze.asked.actor) if freeze and freeze.asked else "",
        "last": last,
        "whole": whole,
        "invariants": [
            {"name": name, "text": INVARIANTS.get(name, ""), "violations": [one for one in standing if one.invariant == name]}
            for name in audit.names()
        ],
        "violated": len(standing),
        "days": _days(request),
        "differences": shown_differences(found=found, person_id=0),
        "waiting": bills.waiting(),
        "unknown": _unknown(unknown),
        "idempotency_key": new_key(),
    }
    return render(request, "platform/finance.html", shown, status=status)


def _days(request: PageRequest) -> list[Shown]:
    """Return the last days of every channel that has bills: read, compared, what waits."""
    yesterday = request.at.now.astimezone(CHINA).date() - timedelta(days=1)
    days: list[Shown] = []
    for back in range(DAYS):
        day = yesterday - timedelta(days=back)
        for code in sorted(code for code, channel in channels.items() if channel.manners.has_bills):
            bill = bills.current_bill(channel=code, day=day)
            counted = bills.counts(channel=code, day=day) if bill else {}
            # Days before there was anything to compare are not listed.
            if bill is not None or back == 0:
                days.append({"channel": words.channel(code), "code": code, "day": day, "bill": bill, "open": counted.get("open", 0)})
    return days


def _inbox(request: PageRequest, *, told: list[Shown], status: int = 200) -> HttpResponse:
    tab = request.GET.get("tab", "open")
    if tab not in STATES:
        raise BadInput(fields={"tab": ", ".join(STATES)})
    after = request.GET.get("after", "")
    mark = bills.difference(difference_id=_id(after)) if after else None
    found = bills.inbox(
        status=None if tab == "all" else DifferenceState(tab),
        after=DifferenceCursor(mark.found_at, mark.id) if mark else None,
        limit=ON_A_PAGE + 1,
    )
    page, person_id = found[:ON_A_PAGE], staff_of(request).actor.person_id
    shown = {
        "notices": told,
        "waiting": bills.waiting(),
        "tabs": _tabs("differences", STATES, tab),
        "items": shown_differences(found=page, person_id=person_id),
        "next_url": f"{ADDRESS}/differences?{urlencode({'tab': tab, 'after': str(page[-1].id)})}" if len(found) > ON_A_PAGE else None,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/finance_differences.html", shown, status=status)


def _tabs(page: str, labels: Shown, chosen: str) -> list[Shown]:
    return [{"label": label, "url": f"{ADDRESS}/{page}?tab={code}", "selected": code == chosen} for code, label in labels.items()]


def _row(row: ThreeWays) -> Shown:
    sums = {"billed": row.billed_minor, "ours": row.ours_minor, "booked": row.booked_minor}
    return {"row": row, "what": OUTCOME_WORDS[row.what], **{name: shown_sum(minor, row.currency) for name, minor in sums.items()}}


def _unknown(found: list[Unknown]) -> list[Shown]:
    named = names_of({one.owner for one in found if one.owner})
    return [
        {
            "one": one,
            "kind": OUTCOME_WORDS[one.kind],
            "status": STATUS_WORDS.get(one.status, one.status),
            "channel": words.channel(one.channel) if one.channel != "bank" else gettext("Bank"),
            "who": named.get(one.owner or 0) or (gettext("The worker") if one.next_at else gettext("Nobody yet")),
        }
        for one in found
    ]


def _after(request: PageRequest) -> UnknownCursor | None:
    since, kind, number = (request.GET.get(name, "") for name in ("since", "kind", "number"))
    if not since:
        return None
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(fields={"since": "ISO 8601"})
    return UnknownCursor(since=moment, kind=kind[:20], number=number[:100].replace("\0", ""))
