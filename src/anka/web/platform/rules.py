"""The rules for those who look after them: which are in force, which are announced, and what is being drafted."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import BadInput, NotPermitted, Refusal
from anka.flows.draft_policy import LONGEST_TITLE, draft_policy
from anka.flows.publish_policy import withdraw_policy
from anka.policies.models import DraftRow, Publication
from anka.policies.queries import drafts, publications
from anka.web.platform import rules_words
from anka.web.platform.rules_seen import done, is_admin, no_admin, passed_on, told
from anka.web.platform.staff import Staff, names_of, staff_of
from anka.web.requests import PageRequest, key_of, new_key
from anka.web.views_of_policies import publication_shown

Shown = dict[str, Any]
ADDRESS = "/platform/rules"
DONE = {"withdrawn": gettext_lazy("Withdrawn. The rules in force stay as they are.")}


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: PageRequest) -> HttpResponse:
    """List versions and drafts; begin a draft."""
    staff = staff_of(request)
    if request.method == "POST":
        return _begin(request, staff)
    said = DONE.get(request.GET.get("done", ""))
    return _page(request, staff, notices=[{"tone": "ok", "text": said}] if said else [])


@require_http_methods(["POST"])
def withdraw(request: PageRequest, version: str) -> HttpResponse:
    """Take announced rules back before they come into force."""
    staff = staff_of(request)
    key, reason = key_of(request, "reason"), request.POST.get("reason", "")
    try:
        done(lambda: withdraw_policy(actor=staff.actor, version=version, reason=reason, request=key, at=request.at))
    except BadInput:
        errors = {f"withdraw-{version}": gettext("Say in a few words why these rules are withdrawn; everybody can read it.")}
        return _page(request, staff, errors=errors, status=422)
    except Refusal as refused:
        if passed_on(refused):
            raise
        return _page(request, staff, notices=told(str(refused)), status=refused.status)
    return HttpResponseRedirect(f"{ADDRESS}?done=withdrawn")


def _begin(request: PageRequest, staff: Staff) -> HttpResponse:
    if not is_admin(staff):
        raise NotPermitted
    key, title, base = key_of(request, "title", "base"), request.POST.get("title", ""), request.POST.get("base") or None
    try:
        number = once(lambda: draft_policy(actor=staff.actor, title=title, base=base, texts=None, request=key, at=request.at))
    except AlreadyDone as before:
        number = before.reference
    except BadInput as refused:
        said = {
            "title": gettext("Give it a title of at most %(most)s characters.") % {"most": LONGEST_TITLE},
            "base": gettext("Choose a version that was announced."),
        }
        errors = {field: said[field] for field in refused.fields if field in said} or {"title": str(refused)}
        return _page(request, staff, errors=errors, status=422)
    return HttpResponseRedirect(f"{ADDRESS}/{number}")


def _page(
    request: PageRequest, staff: Staff, *, notices: list[Shown] | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    announced = publications(at=request.at.now)
    drafted = drafts()
    names = names_of({draft.changed_by for draft in drafted} | {found.by_person for found in announced})
    shown = {
        "publications": [_publication(found, names) for found in announced],
        "bases": _bases(announced),
        "drafts": [_draft(draft, names) for draft in drafted],
        "may_edit": is_admin(staff),
        "why_not": "" if is_admin(staff) else no_admin(),
        "typed": request.POST,
        "errors": errors or {},
        "notices": notices or [],
        "idempotency_key": new_key(),
        "longest_title": LONGEST_TITLE,
    }
    return render(request, "platform/rules.html", shown, status=status)


def _publication(found: Publication, names: dict[int, str]) -> Shown:
    return {**publication_shown(publication=found), "by": names.get(found.by_person, ""), "draft": found.draft_number}


def _bases(announced: list[Publication]) -> list[Shown]:
    """Return the versions a draft can begin from, each once, the one in force first."""
    first = sorted(announced, key=lambda found: found.status.value != "in_force")
    versions = {found.version: rules_words.PUBLICATIONS[found.status][0] for found in reversed(first)}
    return [{"version": version, "label": label} for version, label in reversed(versions.items())]


def _draft(draft: DraftRow, names: dict[int, str]) -> Shown:
    label, tone = rules_words.DRAFTS[draft.status]
    return {
        "url": f"{ADDRESS}/{draft.number}",
        "title": draft.title,
        "number": draft.number,
        "label": label,
        "tone": tone,
        "base": draft.base_version,
        "changed_by": names.get(draft.changed_by, ""),
        "changed_at": draft.changed_at,
    }
