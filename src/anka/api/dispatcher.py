"""The small front door: from a WSGI environment to an endpoint of the table and back, without a framework in between.

Bearer tokens, notices and anonymous calls come in here; a cookie session's call comes through Django (django_view.py), which proves that
it is no forgery and then uses the same `respond`. Whatever goes wrong is answered as a problem; nothing a caller sends makes a 500.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from django.utils.translation import activate

from anka.api import limits
from anka.api.authentication import identity_of_header, require_caller
from anka.api.call import Answer, Call, Identity, Language, Route, Who
from anka.api.matching import Matcher
from anka.api.problems import DJANGO_LANGUAGE, InvalidToken, domain_problem, problem, unexpected
from anka.api.reading import language_of, read_body, read_query, read_raw, require_no_files
from anka.core.clock import moment
from anka.core.observation import KEY, Seen
from anka.core.refusals import BadInput, NotFound, NotPermitted, Refusal

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
ASK_AGAIN = (NotFound, NotPermitted)
REASONS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
LANGUAGE_TAG = {"zh": "zh-CN", "en": "en"}
COMMON = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Vary", "Accept-Language, Authorization, Cookie"),
)
_KINDS = {Who.GATEWAY: "gateway"}
_encode = msgspec.json.Encoder().encode


class Dispatcher:
    """Serves one table of routes as a WSGI application."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._matcher = Matcher(routes)

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> list[bytes]:
        """Answer one request of WSGI."""
        answer, language = self.answer(environ)
        status, headers, body = written(answer, language)
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def answer(self, environ: Mapping[str, Any]) -> tuple[Answer, Language]:
        """Return the answer to a request that names its caller by a token, or not at all."""
        return self.respond(
            environ, lambda: identity_of_header(environ.get("HTTP_AUTHORIZATION")), lambda largest: read_raw(environ, largest)
        )

    def respond(
        self, environ: Mapping[str, Any], identify: Callable[[], Identity], read: Callable[[int], bytes]
    ) -> tuple[Answer, Language]:
        """Return the answer to a request and the language it is in. `identify` and `read` are called once, and may refuse."""
        language = language_of(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        activate(DJANGO_LANGUAGE[language])
        call: Call | None = None
        try:
            route, parameters = self._matcher.find(environ["REQUEST_METHOD"], environ["PATH_INFO"])
            require_no_files(route, environ.get("CONTENT_TYPE", ""))
            identity = _noted(environ.get(KEY), route, parameters, identify)
            require_caller(route, identity)
            call = _call(environ, route, parameters, identity, language)
            _read(call, route, environ, read)
            limits.spend(route, call)
            return route.handler(call), language
        except ASK_AGAIN as refusal:
            return problem(_unless_gone(refusal, call)), language
        except Refusal as refusal:
            return problem(refusal), language
        except Exception as error:  # noqa: BLE001 - the edge of the house: what nobody expected is logged here and answered without details
            return domain_problem(error) or unexpected(error), language


def _noted(seen: Seen | None, route: Route, parameters: dict[str, str], identify: Callable[[], Identity]) -> Identity:
    """Return who calls, having noted for the operator what the request is about and what kind of caller it has."""
    if seen is None:
        return identify()
    seen.route, seen.parameters = route.path, parameters
    identity = identify()
    seen.who = "token" if identity.token_id else "session" if identity.person_id else _KINDS.get(route.who, "nobody")
    return identity


def _call(environ: Mapping[str, Any], route: Route, parameters: dict[str, str], identity: Identity, language: Language) -> Call:
    return Call(
        method=route.method,
        path=environ["PATH_INFO"],
        parameters=parameters,
        identity=identity,
        language=language,
        at=moment(),
        headers=environ,
        key=environ.get("HTTP_IDEMPOTENCY_KEY"),
        address=environ.get("REMOTE_ADDR", ""),
        holds_secret=route.holds_secret,
    )


def _read(call: Call, route: Route, environ: Mapping[str, Any], read: Callable[[int], bytes]) -> None:
    query = environ.get("QUERY_STRING", "")
    # The query of a channel's message is the channel's own.
    if (query or route.query is not None) and not route.raw_body:
        call.query = read_query(route, query)
    if route.method != "POST":
        return
    call.raw_body = read(route.largest_body)
    if not route.raw_body:
        call.body = read_body(route, call.raw_body, environ.get("CONTENT_TYPE", ""))
    if call.key is not None:
        _check_key(call)


def _check_key(call: Call) -> None:
    """Refuse a key no flow would take, also where the flow has no use for one."""
    try:
        call.request()
    except BadInput:
        raise BadInput(fields={"Idempotency-Key": call.pick("1–200 个可见 ASCII 字符", "1 to 200 printable ASCII characters")}) from None


def _unless_gone(refusal: Refusal, call: Call | None) -> Refusal:
    """A token that was revoked or has expired makes everything look missing; whoever holds it is told to get a new one instead."""
    if call is None or not call.identity.token_id or call.counts():
        return refusal
    return InvalidToken()


def written(answer: Answer, language: Language) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return an answer as status line, headers and bytes."""
    body = answer.raw if answer.raw is not None else _encode(answer.body)
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(body))),
        ("Content-Language", LANGUAGE_TAG[language]),
        *COMMON,
        *answer.headers,
    ]
    return REASONS[answer.status], headers, body
