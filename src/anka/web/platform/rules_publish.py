"""Announcing a draft: from when, with what notice, why so soon; shown with everything that is known of it before it counts."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from anka.core.refusals import BadInput, Refusal
from anka.domain.policy.compare import compare
from anka.domain.policy_states import NOTICE, RunKind, needs_second_person
from anka.flows.publish_policy import publish_policy
from anka.flows.steps.announcing import LONGEST_REASON, READY, NoticeTooShort, OthersComeLater, ReasonNeeded
from anka.orders.policies import rules_in_force
from anka.policies.models import Run
from anka.policies.queries import publications
from anka.web.platform.rules_seen import (
    Seen,
    done,
    form_key,
    head,
    passed_on,
    require_as_seen,
    require_editor,
    rules_of_draft,
    seen_by,
    to_draft,
    told,
)
from anka.web.requests import PageRequest, new_key, pick
from anka.web.views_of_policies import counted, publication_shown

Shown = dict[str, Any]


@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: PageRequest, number: str) -> HttpResponse:
    """Show what announcing the draft needs and means, and announce it."""
    seen = seen_by(request, number)
    if request.method == "POST":
        require_editor(seen)
        return _publish(request, seen)
    return _page(request, seen, errors={}, notices=[])


def _publish(request: PageRequest, seen: Seen) -> HttpResponse:
    key = form_key(request)
    begins = _typed_moment(request.POST.get("day", ""), request.POST.get("time", ""))
    if begins is None:
        return _page(request, seen, errors={"day": gettext("Choose a day and a time.")}, notices=[], status=422)
    actor, number, reason = seen.staff.actor, seen.draft.number, request.POST.get("reason", "")
    try:
        require_as_seen(request, seen)
        done(lambda: publish_policy(actor=actor, number=number, in_force_from=begins, reason=reason, request=key, at=request.at))
    except (NoticeTooShort, OthersComeLater) as refused:
        return _page(request, seen, errors={"day": str(refused)}, notices=[], status=refused.status)
    except ReasonNeeded as refused:
        return _page(request, seen, errors={"reason": str(refused)}, notices=[], status=422)
    except BadInput:
        errors = {"reason": gettext("At most %(most)s characters.") % {"most": LONGEST_REASON}}
        return _page(request, seen, errors=errors, notices=[], status=422)
    except Refusal as refused:
        if passed_on(refused):
            raise
        return _page(request, seen_by(request, number), errors={}, notices=told(str(refused)), status=refused.status)
    two = needs_second_person(now=request.at.now, in_force_from=begins)
    return to_draft(seen, done="submitted" if two else "published")


def _typed_moment(day: str, hour: str) -> datetime | None:
    """Return the moment that was chosen in the zone of the settings, or None where it is none."""
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(day), time.fromisoformat(hour)))
    except ValueError:
        return None


def _usual(now: datetime) -> datetime:
    """Return the first midnight that gives all the notice there has to be, and a day to fill in the form."""
    first = timezone.localtime(now + NOTICE + timedelta(days=1))
    return first.replace(hour=0, minute=0, second=0, microsecond=0)


def _page(request: PageRequest, seen: Seen, *, errors: dict[str, str], notices: list[Shown], status: int = 200) -> HttpResponse:
    draft, now = seen.draft, request.at.now
    current = rules_in_force(at=now)
    found = compare(old=current, new=rules_of_draft(seen))
    needs, usual = _needs(seen, current.version), _usual(now)
    shown = {
        "draft": head(seen),
        "needs": needs,
        "ready": all(need["done"] for need in needs),
        "counted": counted(found),
        "known": _known(draft.check),
        "last": _last(now),
        "typed": {
            "day": request.POST.get("day", usual.date().isoformat()),
            "time": request.POST.get("time", usual.time().isoformat("minutes")),
            "reason": request.POST.get("reason", ""),
        },
        "without_reason_from": now + NOTICE,
        "longest_reason": LONGEST_REASON,
        "errors": errors,
        "notices": notices,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/rules_publish.html", shown, status=status)


def _passed(run: Run | None) -> bool:
    return run is not None and run.status == "done" and bool(run.passed)


def _needs(seen: Seen, in_force: str) -> list[Shown]:
    """Return what has to be so before the draft can be announced, and whether it is."""
    draft = seen.draft
    same = draft.check is not None and draft.check.against == in_force
    return [
        {"label": gettext("Checked as it stands, with nothing found that is not so already"), "done": _passed(draft.check) and same},
        {"label": gettext("Tried on the past as it stands"), "done": _passed(draft.run(RunKind.BACKTEST)) and draft.status in READY},
        {"label": gettext("Something in it is different from the rules in force"), "done": draft.version != in_force},
    ]


def _known(run: Run | None) -> list[str]:
    """Return what the check found that the rules in force have too: it is announced with the rules."""
    if run is None or run.result is None:
        return []
    return [pick(found["zh"], found["en"]) for found in run.result["report"]["findings"]]


def _last(now: datetime) -> Shown | None:
    """Return the rules announced already that come into force last: these have to come later."""
    found = [publication for publication in publications(at=now) if publication.status.value == "announced"]
    return publication_shown(publication=max(found, key=lambda publication: publication.in_force_from)) if found else None
