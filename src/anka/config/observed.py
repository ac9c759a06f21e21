"""Watching every request from the outside: its id, its counters, its line in the log. Costs a few microseconds."""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from anka.api.call import Route
from anka.core import observation
from anka.core.observation import KEY, UNKNOWN, Seen, request_id_of
from anka.core.tallies import Tallies

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def observed(*, application: Application, tallies: Tallies, tell: Callable[[Seen], None]) -> Application:
    """Return the application with every request counted, told and given its id, which the answer carries as X-Request-ID."""

    def watched(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began = perf_counter()
        method = environ["REQUEST_METHOD"]
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID"))
        seen = environ[KEY] = Seen(request_id=request_id, method=method if method in METHODS else UNKNOWN)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            seen.status = int(status[:3])
            return start_response(status, [*headers, ("X-Request-ID", request_id)], *error)

        observation.begin(seen=seen)
        try:
            return application(environ, start)
        finally:
            seen.seconds = perf_counter() - began
            tallies.count(name=seen.route, status=seen.status, seconds=seen.seconds)
            tell(seen)
            observation.end()

    return watched


def names_of(*, routes: Iterable[Route], pages: Iterable[object]) -> list[str]:
    """Return every template a request can have, in one order for all processes: the API's, the pages', and what is none of them."""
    templates = {route.path for route in routes}
    templates |= {f"/{page.pattern}" for page in pages if isinstance(page, URLPattern)}
    return [*sorted(templates - {UNKNOWN}), UNKNOWN]


class SeenByDjango:
    """Notes the template of a page's address, and whose session asks for it, once Django knows them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self._next(request)

    def process_view(self, request: HttpRequest, _view: object, _words: object, parameters: dict[str, object]) -> None:
        """Note what the request turned out to be about."""
        seen = request.META.get(KEY)
        found = request.resolver_match
        if isinstance(seen, Seen) and found is not None:
            seen.route, seen.parameters = f"/{found.route}", parameters
            if getattr(request, "visitor", None) is not None:
                seen.who = "session"
