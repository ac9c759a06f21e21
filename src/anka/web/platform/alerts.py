"""Keys that two merchants have brought: whoever sold one of them sold something that was not theirs alone."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anka.vault.queries import duplicates
from anka.web.platform.staff import staff_of
from anka.web.requests import PageRequest

MOST_SHOWN = 100


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show the newest findings. No key is shown, nor any part of one."""
    staff_of(request)
    return render(request, "platform/alerts.html", {"alerts": duplicates(limit=MOST_SHOWN), "most": MOST_SHOWN})
