"""What every page shows whatever it is about."""

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from anka.accounts.queries import standing
from anka.core.clock import Moment, moment
from anka.core.refusals import DatabaseUnavailable
from anka.messaging.queries import unread_count
from anka.web.requests import Visitor

THEMES = ("", "light", "dark")


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of every template; a view's own win over them."""
    visitor: Visitor | None = getattr(request, "visitor", None)
    at = getattr(request, "at", None) or moment()
    chosen = request.COOKIES.get("theme", "")
    theme = chosen if chosen in THEMES else ""
    return {
        "viewer": {
            "name": visitor.person.display_name,
            "works_for_shop": visitor.person.works_for_shop,
            "is_staff": visitor.person.is_staff,
        }
        if visitor
        else None,
        "sandbox": settings.ENVIRONMENT.sandbox,
        "now": at.now,
        "notices": [],
        # Asked once, and only by a page that shows it.
        "unread": cache(partial(_unread, visitor)),
        "staff_roles": cache(partial(_staff_roles, visitor, at)),
        "errors": {},
        "theme": theme,
        "next_theme": THEMES[(THEMES.index(theme) + 1) % len(THEMES)],
    }


def _staff_roles(visitor: Visitor | None, at: Moment) -> tuple[str, ...]:
    """Return what the visitor may do for the platform; only its own pages ask."""
    return standing(person_id=visitor.person.id, token_id=0, at=at).staff_roles if visitor else ()


def _unread(visitor: Visitor | None) -> int:
    """Return how many notices the visitor has not read; a page that tells of a database that is away must not need it."""
    if visitor is None:
        return 0
    try:
        return unread_count(person_id=visitor.person.id)
    except DatabaseUnavailable:
        return 0
