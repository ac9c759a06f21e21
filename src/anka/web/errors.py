"""Errors as pages: what happened, that nothing was lost, what to do. Never a stack trace, never another's data."""

import logging
import sys
import traceback
import uuid
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.csrf import requires_csrf_token

from anka.core.refusals import BadInput, DatabaseUnavailable, NotFound, Refusal
from anka.web.requests import SignInAgain, SignInFirst, require_number, safe_next

log = logging.getLogger("anka.web")
TITLES = {
    403: gettext_lazy("You may not do this"),
    409: gettext_lazy("That is no longer possible"),
    422: gettext_lazy("Something is not right yet"),
    429: gettext_lazy("A moment, please"),
    503: gettext_lazy("Back in a moment"),
}
ADVICE = {
    409: gettext_lazy("Look at the order to see where it stands now."),
    429: gettext_lazy("Wait a moment and try again; what you see on the other pages is still right."),
}
GONE = (OperationalError, InterfaceError)


class BadFacts(Refusal):
    """The domain refused what it was asked to judge."""

    code, status = "bad_facts", 422


def told_as_refusal(exception: Exception) -> Refusal | None:
    """Return the refusal an exception is, or means; None where it is a fault of ours."""
    if isinstance(exception, Refusal):
        return exception
    if isinstance(exception, GONE):
        return DatabaseUnavailable()
    status = getattr(exception, "status", None)
    return BadFacts() if isinstance(status, int) and 400 <= status < 500 else None


def refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the page that tells a refusal, with its status; whoever is not signed in is sent to sign in, and back."""
    if isinstance(refusal, SignInFirst | SignInAgain):
        return HttpResponseRedirect(f"/sign-in?{urlencode({'next': _way_back(request)})}")
    if isinstance(refusal, NotFound) or refusal.status == 404:
        return render(request, "errors/not_found.html", status=404)
    if refusal.status == 503:
        response = render(request, "errors/unavailable.html", status=503)
        response["Retry-After"] = "3"
        return response
    response = render(request, "errors/problem.html", {"problem": problem_of(request, refusal)}, status=refusal.status)
    if refusal.status == 429:
        response["Retry-After"] = str(refusal.facts.get("seconds", 1))
    return response


def problem_of(request: HttpRequest, refusal: Refusal) -> dict[str, Any]:
    """Return a refusal in the shape of the problem page."""
    fields = [f"{name}: {text}" for name, text in refusal.fields.items()] if isinstance(refusal, BadInput) else []
    return {
        "title": TITLES.get(refusal.status, gettext("This could not be done")),
        "what": str(refusal),
        "advice": ADVICE.get(refusal.status, "") if not fields else "; ".join(fields),
        "tone": "bad" if refusal.status in (403, 422) else "wait",
        "actions": _actions(request),
    }


def _actions(request: HttpRequest) -> list[dict[str, str]]:
    order = _order_in(request.path)
    found = [{"label": gettext("Back to the order"), "href": f"/orders/{order}"}] if order else []
    return [*found, {"label": gettext("To the start page"), "href": "/"}]


def _order_in(path: str) -> str:
    parts = path.split("/")
    if len(parts) > 2 and parts[1] == "orders":
        try:
            return require_number(parts[2])
        except NotFound:
            return ""
    return ""


def _way_back(request: HttpRequest) -> str:
    """Return where to go after signing in: the page itself, or the order a form was about."""
    if request.method in ("GET", "HEAD"):
        return safe_next(request.get_full_path()) or "/"
    if request.path == "/review":
        asked = {name: request.POST[name] for name in ("product", "quantity") if name in request.POST}
        return safe_next(f"/review?{urlencode(asked)}") or "/"
    order = _order_in(request.path)
    return f"/orders/{order}" if order else "/"


@requires_csrf_token
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that does not prove that it comes from one of our pages."""
    log.info("a form without proof was refused: %s", reason)
    return _problem(
        request,
        403,
        title=gettext("This form has expired"),
        what=gettext(
            "The form does not prove that it comes from one of our pages: perhaps you signed in or out meanwhile, or cookies are off."
        ),
        advice=gettext("Nothing has changed. Go back, reload the page and send it again."),
    )


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that does not exist."""
    return refusal_page(request, NotFound())


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that cannot be read."""
    return _problem(request, 400, title=gettext("This request cannot be read"), what=gettext("Nothing has changed."))


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not allowed."""
    return _problem(request, 403, title=gettext("You may not do this"), what=gettext("Nothing has changed."))


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours, with a reference that finds it in the log. Values are not logged: they may be secrets."""
    error = sys.exc_info()[1]
    refusal = told_as_refusal(error) if isinstance(error, Exception) else None
    if refusal is not None:
        return refusal_page(request, refusal)
    reference = str(uuid.uuid4())
    frames = traceback.extract_tb(error.__traceback__) if error else []
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    log.error("a page failed reference=%s error=%s at %s", reference, type(error).__name__, where)
    return _problem(
        request,
        500,
        title=gettext("Something failed on our side"),
        what=gettext("Your last step was either recorded completely or not at all. Nothing is charged twice, nothing is lost."),
        advice=gettext("Look at your orders before you repeat it; repeating the step is safe."),
        reference=reference,
    )


def _problem(request: HttpRequest, status: int, **problem: Any) -> HttpResponse:
    return render(request, "errors/problem.html", {"problem": {"actions": _actions(request), **problem}}, status=status)
