"""What surrounds every page, from the outside in: headers, language, who is signed in, and refusals told as pages."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from anka.accounts import queries as accounts
from anka.core.clock import moment
from anka.web import session
from anka.web.errors import refusal_page, told_as_refusal
from anka.web.requests import PageRequest, Visitor

Next = Callable[[HttpRequest], HttpResponse]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
TRANSPORT = "max-age=63072000; includeSubDomains"
PUBLIC = ("/products/", "/rules", "/robots.txt")


class SecurityHeaders:
    """Puts the headers on every answer that has none of its own, and keeps personal pages out of every cache."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self._next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.SESSION_COOKIE_SECURE:
            response.headers.setdefault("Strict-Transport-Security", TRANSPORT)
        response.headers.setdefault("Cache-Control", "private, no-cache" if _is_public(request) else "no-store")
        return response


def _is_public(request: HttpRequest) -> bool:
    nobody = settings.SESSION_COOKIE_NAME not in request.COOKIES
    return nobody and request.method in ("GET", "HEAD") and (request.path == "/" or request.path.startswith(PUBLIC))


class Language:
    """Speaks the language of the cookie, else of the browser, else Chinese, for the length of one request."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        chosen = translation.get_language_from_request(request)
        request.LANGUAGE_CODE = chosen
        with translation.override(chosen):
            response = self._next(request)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", "zh-CN" if chosen.startswith("zh") else "en")
        return response


class SignedIn:
    """Reads the clock once, and who is signed in; an account that was closed is nobody."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        page = cast("PageRequest", request)
        page.at = moment()
        page.visitor = None
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            page.visitor = _visitor(page)
        return self._next(page)


def _visitor(request: PageRequest) -> Visitor | None:
    try:
        person_id = session.person_of(request)
    except DatabaseError:
        # The connection died while it was idle; nothing has been done on it, so a new one may be tried once.
        connection.close()
        person_id = session.person_of(request)
    person = accounts.person(person_id=person_id) if person_id else None
    if person is None or not person.is_active:
        return None
    return Visitor(person=person, signed_in_at=datetime.fromtimestamp(session.signed_in_at(request), UTC))


class Refusals:
    """Tells what was refused as a page: what happened, that nothing was lost, what to do."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self._next(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page of a refusal, or None where the exception is none: that is a fault of ours."""
        refusal = told_as_refusal(exception)
        return None if refusal is None else refusal_page(request, refusal)
