"""What every page shows whatever it is about."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from anka.core.clock import moment
from anka.web.requests import Visitor

THEMES = ("", "light", "dark")


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of every template; a view's own win over them."""
    visitor: Visitor | None = getattr(request, "visitor", None)
    at = getattr(request, "at", None) or moment()
    chosen = request.COOKIES.get("theme", "")
    theme = chosen if chosen in THEMES else ""
    return {
        "viewer": {"name": visitor.person.display_name} if visitor else None,
        "sandbox": settings.ENVIRONMENT.sandbox,
        "now": at.now,
        "notices": [],
        "errors": {},
        "theme": theme,
        "next_theme": THEMES[(THEMES.index(theme) + 1) % len(THEMES)],
    }
