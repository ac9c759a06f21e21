"""Language and appearance: kept in cookies, chosen without JavaScript too. And what search engines may look at."""

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_GET, require_POST

from anka.web.context import THEMES
from anka.web.requests import PageRequest, safe_next

A_YEAR = 31_536_000


@require_POST
def language(request: PageRequest) -> HttpResponse:
    """Speak the chosen language from now on."""
    response = HttpResponseRedirect(safe_next(request.POST.get("next", "")) or "/")
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        _keep(response, settings.LANGUAGE_COOKIE_NAME, chosen)
    return response


@require_POST
def theme(request: PageRequest) -> HttpResponse:
    """Look light, dark, or as the device does, from now on."""
    response = HttpResponseRedirect(safe_next(request.POST.get("next", "")) or "/")
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        _keep(response, "theme", chosen)
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    # The script switches the appearance by itself, so it has to see that cookie.
    secure, hidden = settings.SESSION_COOKIE_SECURE, name != "theme"
    response.set_cookie(name, value, max_age=A_YEAR if value else 0, secure=secure, httponly=hidden, samesite="Lax")


@require_GET
def robots(request: PageRequest) -> HttpResponse:
    """Ask search engines to leave personal pages alone."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in ("/orders", "/refunds", "/wallet", "/sign-in", "/review", "/api/"))]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")
