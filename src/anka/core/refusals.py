"""Refusals: errors that are part of the product. Each is a fact with a code, an HTTP status and one line for people."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Refusal(Exception):
    """Something was asked that cannot be done. Nothing has changed.

    `says` is the sentence shown to people (what happened, that nothing was lost, what to do); it may use the
    keyword arguments given to the exception as %(name)s. `fields` names what in the request is at fault.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    says: ClassVar[Text] = _("This could not be done. Nothing has changed.")

    def __init__(self, *, fields: Mapping[str, str] | None = None, **facts: Any) -> None:
        self.facts = facts
        self.fields = dict(fields or {})
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.says) % self.facts


Refused = TypeVar("Refused", bound=type[Refusal])

# What PostgreSQL said → the refusal it means: an SQLSTATE that our functions raise (class AN), or the name of a constraint.
BY_SIGN: dict[str, type[Refusal]] = {}


def refused_by(sign: str) -> "Any":
    """Register the decorated refusal as the meaning of an SQLSTATE or of a constraint's name."""

    def register(refusal: Refused) -> Refused:
        BY_SIGN[sign] = refusal
        return refusal

    return register


class DatabaseUnavailable(Refusal):
    """PostgreSQL cannot be reached, or went away before it answered. What was not confirmed did not happen, or is safe to repeat."""

    code, status = "database_unavailable", 503
    says = _("The service is restarting. Nothing was lost; please try again in a few seconds.")


@refused_by("40P01")
@refused_by("55P03")
@refused_by("57014")
class Busy(Refusal):
    """Someone else holds the row longer than we wait (3 s), the statement took too long, or PostgreSQL broke a deadlock by ending it."""

    code, status = "busy", 503
    says = _("Another action on this order is still running. Nothing has changed; please try again in a few seconds.")


@refused_by("AN004")
class MovedMeanwhile(Refusal):
    """The row is no longer in the state this action starts from; PostgreSQL refused the move."""

    code, status = "moved_meanwhile", 409
    says = _("This order has moved on meanwhile. Nothing has changed; reload the page to see where it stands.")


class NotFound(Refusal):
    """There is no such thing, or it belongs to somebody else: both look the same."""

    code, status = "not_found", 404
    says = _("There is nothing here under this number.")


class NotPermitted(Refusal):
    """The actor may not do this now: signed out, blocked, or the role was taken away."""

    code, status = "not_permitted", 403
    says = _("You may not do this. If you were signed out, sign in again.")


class BadInput(Refusal):
    """A value in the request is missing or malformed; `fields` says which and why."""

    code, status = "bad_input", 422
    says = _("Something in the request is not right; nothing has changed. See the marked fields.")
