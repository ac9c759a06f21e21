"""Errors as RFC 9457 wants them: application/problem+json with a stable code, in the language asked for."""

import logging
import re
import traceback
import uuid
from http import HTTPStatus

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.api.call import Answer
from anka.core.refusals import Refusal

log = logging.getLogger("anka.api")
DJANGO_LANGUAGE = {"zh": "zh-hans", "en": "en"}
CONTENT_TYPE = "application/problem+json"
MALFORMED = re.compile(r"^(?P<why>.*?)(?: - at `(?P<at>[^`]*)`)?$", re.DOTALL)
NAMED = re.compile(r"(?:missing required field|contains unknown field) `(?P<name>[^`]*)`")


class Problem(msgspec.Struct, omit_defaults=True):
    """One refusal or error. `fields` names what in the request is at fault and what is allowed."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    fields: dict[str, str] | None = None
    instance: str | None = None


class UnknownPath(Refusal):
    """Nothing is served at this address; a thing that is not there, or not the caller's, answers the same."""

    code, status = "not_found", 404
    says = _("There is nothing here under this number.")


class MethodNotAllowed(Refusal):
    """The address exists, but not for this method."""

    code, status = "method_not_allowed", 405
    says = _("This address is not served with this method; the Allow header names those that are. Nothing has changed.")


class BodyTooLarge(Refusal):
    """The body is longer than this route takes."""

    code, status = "body_too_large", 413
    says = _("The request is too large; at most %(bytes)s bytes are taken here. Nothing has changed.")


class UnsupportedMediaType(Refusal):
    """The body is not declared as JSON in UTF-8."""

    code, status = "unsupported_media_type", 415
    says = _("Send the body as application/json in UTF-8. Nothing has changed.")


class FilesNotTakenYet(Refusal):
    """Files were sent where a later version will take them."""

    code, status = "files_not_taken_yet", 415
    says = _("Files cannot be sent here yet. Nothing was kept; describe in `text` what they show, as application/json in UTF-8.")


class MalformedBody(Refusal):
    """The body is not JSON, not UTF-8, or says the same key twice."""

    code, status = "malformed_body", 400
    says = _("The body is not well-formed JSON in UTF-8. Nothing has changed.")


class InsufficientScope(Refusal):
    """The token was made without the scope this route needs."""

    code, status = "insufficient_scope", 403
    says = _("This token may not be used for this: it lacks the scope %(scope)s. Nothing has changed.")


class InvalidToken(Refusal):
    """The Authorization header holds no token of ours, or one that no longer counts."""

    code, status = "invalid_token", 401
    says = _("This token is not valid, has expired or was revoked. Get a new one; nothing has changed.")


class CsrfFailed(Refusal):
    """A cookie session's request without the proof that it comes from one of our pages."""

    code, status = "csrf_failed", 403
    says = _("This request does not prove that it comes from one of our pages. Nothing has changed; reload the page and try again.")


class FailedUnexpectedly(Refusal):
    """A fault of ours. The reference finds it in the log."""

    code, status = "internal_error", 500
    says = _("Something failed on our side, and what was asked was either done completely or not at all. Repeat it with the same key.")


class MalformedValue(Exception):
    """A body or query that does not fit its struct; `fields` says where and why."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("malformed")
        self.fields = fields


def fields_of(error: msgspec.ValidationError) -> dict[str, str]:
    """Return which field is at fault, and why, as msgspec says it."""
    found = MALFORMED.match(str(error))
    why, at = (found["why"], found["at"] or "") if found else (str(error), "")
    name = at.removeprefix("$").lstrip(".")
    named = NAMED.search(why)
    if named:
        name = f"{name}.{named['name']}" if name else named["name"]
        why = "required" if "missing" in why else "unknown field"
    return {name or "body": why.replace("`", "")}


def problem(refusal: Refusal, *, instance: str | None = None) -> Answer:
    """Return the answer that says what was refused, in the language that is active."""
    return _answer(refusal.status, refusal.code, str(refusal), refusal.fields, _headers(refusal), instance)


def domain_problem(error: Exception) -> Answer | None:
    """Return the answer for a fact the domain refused (it carries code and status), or None where the error is none of those."""
    code, status = getattr(error, "code", None), getattr(error, "status", None)
    if not isinstance(code, str) or not isinstance(status, int) or not 400 <= status < 500:
        return None
    return _answer(status, code, str(error), {}, (), None)


def unexpected(error: Exception) -> Answer:
    """Log a fault of ours under a fresh reference and return the answer that names it. Values are not logged: they may be secrets."""
    reference = str(uuid.uuid4())
    frames = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    log.error(
        "request failed reference=%s error=%s sqlstate=%s at %s", reference, type(error).__name__, getattr(error, "sqlstate", "-"), frames
    )
    return problem(FailedUnexpectedly(), instance=f"urn:uuid:{reference}")


def _headers(refusal: Refusal) -> tuple[tuple[str, str], ...]:
    if refusal.status == 401:
        proof = 'Bearer realm="anka", error="invalid_token"' if isinstance(refusal, InvalidToken) else 'Bearer realm="anka"'
        return (("WWW-Authenticate", proof),)
    if refusal.status == 429:
        return (("Retry-After", str(refusal.facts.get("seconds", 1))),)
    if refusal.status == 503:
        return (("Retry-After", "3"),)
    if isinstance(refusal, MethodNotAllowed):
        return (("Allow", refusal.facts["allow"]),)
    if isinstance(refusal, InsufficientScope):
        return (("WWW-Authenticate", f'Bearer realm="anka", error="insufficient_scope", scope="{refusal.facts["scope"]}"'),)
    return ()


def _answer(
    status: int, code: str, detail: str, fields: dict[str, str], headers: tuple[tuple[str, str], ...], instance: str | None
) -> Answer:
    body = Problem(
        type=f"urn:anka:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        fields=fields or None,
        instance=instance,
    )
    return Answer(status=status, body=body, headers=headers, content_type=CONTENT_TYPE)
