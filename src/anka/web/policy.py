"""The after-sale rules, for anybody to read."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anka.core.refusals import NotFound
from anka.domain.policy.table import default_rules
from anka.web.requests import PageRequest
from anka.web.views_of_rules import groups


@require_safe
def rules(request: PageRequest) -> HttpResponse:
    """Show the rules in force, or those of the version an order was placed under."""
    found = default_rules()
    if request.GET.get("version", found.version) != found.version:
        raise NotFound
    shown = {"rules": {"version": found.version, "in_force_from": None, "versions": []}, "groups": groups(rules=found)}
    return render(request, "policy/rules.html", shown)
