"""The API for cookie sessions: the same table, the same answers, through Django, which proves that the request is no forgery."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from anka.api import openapi
from anka.api.authentication import identity_of_header
from anka.api.call import Identity, Language, Route
from anka.api.dispatcher import Dispatcher, written
from anka.api.problems import CsrfFailed
from anka.api.reading import read_raw

SAFE = ("GET", "HEAD")
DocumentView = Callable[[HttpRequest], HttpResponse]


class _Proof(CsrfViewMiddleware):
    """Django's check, which says what is wrong instead of answering a page."""

    def _reject(self, _request: HttpRequest, reason: str) -> str:
        return reason


def _unused(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def require_proof(request: HttpRequest) -> None:
    """Refuse a request that changes something and does not prove that it comes from one of our pages.

    Raises:
        CsrfFailed: the token or the origin is missing or wrong.
    """
    check = _Proof(_unused)
    check.process_request(request)
    # The view itself is exempt, so that this check, and its answer as a problem, is the only one.
    if check.process_view(request, _unused, (), {}) is not None:
        raise CsrfFailed


def view_of(
    dispatcher: Dispatcher, session_of: Callable[[HttpRequest], Identity], renew: Callable[[HttpRequest], None]
) -> Callable[..., HttpResponse]:
    """Return the Django view that serves the dispatcher's routes. `session_of` says whose session it is, `renew` makes it fresh."""

    @csrf_exempt
    def view(request: HttpRequest, **_path: str) -> HttpResponse:
        answer, language = dispatcher.respond(request.META, lambda: _identify(request, session_of), lambda largest: _read(request, largest))
        if answer.is_step_up and "HTTP_AUTHORIZATION" not in request.META:
            renew(request)
        status, headers, body = written(answer, language)
        response = HttpResponse(b"" if request.method == "HEAD" else body, status=int(status[:3]))
        for name, value in headers:
            response[name] = value
        return response

    return view


def _identify(request: HttpRequest, session_of: Callable[[HttpRequest], Identity]) -> Identity:
    if "HTTP_AUTHORIZATION" in request.META:
        return identity_of_header(request.META["HTTP_AUTHORIZATION"])
    identity = session_of(request)
    if identity.person_id and request.method not in SAFE:
        require_proof(request)
    return identity


def _read(request: HttpRequest, largest: int) -> bytes:
    environ: Mapping[str, Any] = {**request.META, "wsgi.input": request}
    return read_raw(environ, largest)


def page_of(routes: tuple[Route, ...], tags: dict[str, tuple[str, str]]) -> DocumentView:
    """Return the Django view of the page for people."""

    @require_safe
    def page(request: HttpRequest) -> HttpResponse:
        language: Language = "en" if (get_language() or "").startswith("en") else "zh"
        return render(request, "docs/api.html", {"operations": openapi.for_people(routes=routes, tags=tags, language=language)})

    return page
