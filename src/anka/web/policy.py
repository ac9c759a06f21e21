"""The after-sale rules, for anybody to read: those in force, and every version that ever was."""

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anka.core.refusals import DatabaseUnavailable
from anka.orders.policies import rules_in_force, rules_of, versions
from anka.web.requests import PageRequest
from anka.web.views_of_rules import groups


def _published() -> dict[str, datetime]:
    """Return every version and when it was published; none of it while the database is away: the rules in force can still be read."""
    try:
        return dict(versions())
    except DatabaseUnavailable:
        return {}


@require_safe
def rules(request: PageRequest) -> HttpResponse:
    """Show the rules in force, or those of the version an order was placed under."""
    asked = request.GET.get("version")
    found = rules_of(version=asked) if asked else rules_in_force(at=request.at.now)
    published = _published()
    others = [{"version": version, "url": f"/rules?version={version}"} for version in published if version != found.version]
    shown = {"version": found.version, "in_force_from": published.get(found.version), "versions": others}
    return render(request, "policy/rules.html", {"rules": shown, "groups": groups(rules=found)})
