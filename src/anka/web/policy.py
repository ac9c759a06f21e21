"""The after-sale rules, for anybody to read: those in force, those announced, and every version that ever was, with what changed."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anka.core.refusals import DatabaseUnavailable, NotFound
from anka.domain.policy.compare import Change, compare
from anka.domain.policy.table import RuleSet
from anka.domain.policy_states import PublicationStatus
from anka.orders.policies import rules_in_force, rules_of
from anka.policies.models import Publication
from anka.policies.queries import publications
from anka.web.requests import PageRequest
from anka.web.views_of_policies import changes_shown, counted, predecessor_of, publication_shown
from anka.web.views_of_rules import groups

Shown = dict[str, Any]
LONGEST_VERSION = 64


@require_safe
def rules(request: PageRequest) -> HttpResponse:
    """Show the rules in force with what is announced and every earlier version; or those of the version an order was placed under."""
    asked = request.GET.get("version")
    if asked:
        return _version(request, asked)
    found = rules_in_force(at=request.at.now)
    every = publications(at=request.at.now)
    shown = {
        "rules": {"version": found.version},
        "current": _one(_newest(every, found.version)),
        "announced": [_announced(one, every) for one in reversed(every) if one.status is PublicationStatus.ANNOUNCED],
        "archive": [publication_shown(publication=one) for one in every],
        "groups": groups(rules=found),
    }
    return render(request, "policy/rules.html", shown)


@require_safe
def version(request: PageRequest, version: str) -> HttpResponse:
    """Show one version: when it counted, what it changed, what was known of it, and all its rules."""
    return _version(request, version)


def _version(request: PageRequest, asked: str) -> HttpResponse:
    if len(asked) > LONGEST_VERSION or not asked.isprintable():
        raise NotFound
    found = rules_of(version=asked)
    every = _published(request)
    newest = _newest(every, asked)
    before = predecessor_of(publication=newest, publications=every) if newest else None
    differences = _differences(before, found)
    shown = {
        "rules": {"version": found.version},
        "current": _one(newest),
        "before": before.version if before else "",
        "changes": changes_shown(changes=differences, version=""),
        "counted": counted(differences),
        "groups": groups(rules=found),
    }
    return render(request, "policy/version.html", shown)


def _published(request: PageRequest) -> list[Publication]:
    """Return what was ever announced; nothing while the database is away: what a version says can still be read, if not when it counts."""
    try:
        return publications(at=request.at.now)
    except DatabaseUnavailable:
        return []


def _newest(every: list[Publication], version: str) -> Publication | None:
    return next((one for one in every if one.version == version), None)


def _one(publication: Publication | None) -> Shown | None:
    return publication_shown(publication=publication) if publication else None


def _differences(before: Publication | None, new: RuleSet) -> tuple[Change, ...]:
    return compare(old=rules_of(version=before.version), new=new) if before else ()


def _announced(publication: Publication, every: list[Publication]) -> Shown:
    """Return announced rules with what they will change."""
    before = predecessor_of(publication=publication, publications=every)
    differences = _differences(before, rules_of(version=publication.version))
    shown = {"changes": changes_shown(changes=differences, version=publication.version), "counted": counted(differences)}
    return {**publication_shown(publication=publication), **shown}
