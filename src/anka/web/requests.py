"""What every page asks of its request: when it came, who sent it, under which key, and where to go afterwards."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from anka.accounts.passwords import RECENT
from anka.accounts.queries import PersonRow
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, request_key
from anka.core.numbers import NUMBER
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.policy.wordings import Language


class SignInFirst(Refusal):
    """The page is somebody's own, and nobody is signed in."""

    code, status = "not_signed_in", 401
    says = _("Please sign in first. Nothing has changed.")


class SignInAgain(Refusal):
    """What was asked shows a secret, and the sign-in is too old for that."""

    code, status = "sign_in_again", 401
    says = _("Please sign in again before a key is shown. Nothing has been opened.")


class FormIncomplete(Refusal):
    """A form came without the key that makes it happen once: it was not one of our pages."""

    code, status = "form_incomplete", 422
    says = _("This form is incomplete. Nothing has changed; go back, reload the page and try again.")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in. `signed_in_at` is on real time."""

    person: PersonRow
    signed_in_at: datetime


class PageRequest(HttpRequest):
    """A request after the middleware: `at` is when it came, `visitor` who sent it."""

    at: Moment
    visitor: Visitor | None


def buyer_of(request: PageRequest) -> Actor:
    """Return the visitor as a buyer.

    Raises:
        SignInFirst: nobody is signed in.
    """
    if request.visitor is None:
        raise SignInFirst
    return Actor(kind=ActorKind.BUYER, person_id=request.visitor.person.id)


def require_recent_sign_in(request: PageRequest) -> None:
    """Refuse what shows a secret to somebody who signed in long ago. Runs on real time.

    Raises:
        SignInFirst, SignInAgain: as their names say.
    """
    if request.visitor is None:
        raise SignInFirst
    if request.at.real - request.visitor.signed_in_at > RECENT:
        raise SignInAgain


def key_of(request: PageRequest, *fields: str) -> RequestKey:
    """Return the key of a posted form; `fields` are those that say what is asked for.

    Raises:
        FormIncomplete: the form has no key.
        BadInput: the key is not one.
    """
    key = request.POST.get("idempotency_key", "")
    if not key:
        raise FormIncomplete
    body = msgspec.json.encode({field: request.POST.getlist(field) for field in fields})
    return request_key(caller=caller_of(request), key=key, method="POST", path=request.path, body=body)


def caller_of(request: PageRequest) -> str:
    """Return the name under which a visitor's idempotency keys and budgets are kept; the API uses the same."""
    return f"person:{buyer_of(request).person_id}"


def new_key() -> str:
    """Return a fresh idempotency key for a form about to be shown."""
    return secrets.token_urlsafe(16)


def require_number(number: str) -> str:
    """Return a public number as it came in an address.

    Raises:
        NotFound: it does not look like one.
    """
    if not NUMBER.fullmatch(number):
        raise NotFound
    return number


def whole_number(text: str, *, field: str) -> int:
    """Return a small whole number written in ASCII digits.

    Raises:
        BadInput: it is something else.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise BadInput(fields={field: str(_("a whole number"))})
    return int(text)


def safe_next(text: str) -> str:
    """Return an address of our own to go to, or "" where the text is not one."""
    if not text.startswith("/") or len(text) > 500 or not text.isprintable():
        return ""
    return text if url_has_allowed_host_and_scheme(text, allowed_hosts=None) else ""


def language() -> Language:
    """Return the language texts are shown in: zh or en."""
    return "en" if (get_language() or "").startswith("en") else "zh"


def pick(zh: str, en: str) -> str:
    """Return the text in the reader's language; where that is empty, the other one."""
    return (en or zh) if language() == "en" else (zh or en)
