"""The API put together for this installation: its routes, its dispatcher, its documents."""

from functools import lru_cache

import msgspec
from django.http import HttpRequest

from anka.api import documents, openapi
from anka.api.call import NOBODY, Identity, Route
from anka.api.dispatcher import Dispatcher
from anka.api.routes import ROUTES, SANDBOX_ROUTES
from anka.config.environment import Environment
from anka.core import clock, rate_limits
from anka.web import session
from anka.web.requests import Visitor


def routes_of(environment: Environment) -> tuple[Route, ...]:
    """Return the table of this installation: a sandbox has routes to play it, nothing else has."""
    return ROUTES + SANDBOX_ROUTES if environment.sandbox else ROUTES


@lru_cache(maxsize=1)
def dispatcher(environment: Environment) -> Dispatcher:
    """Return the dispatcher of this installation, its documents published and its budgets set."""
    routes = routes_of(environment)
    rate_limits.factor = rate_limits.SANDBOX_FACTOR if environment.sandbox else 1
    documents.publish(msgspec.json.encode(openapi.document(routes=routes, base_url=environment.base_url)))
    return Dispatcher(routes)


def renew_session(request: HttpRequest) -> None:
    """Count the session as begun now: its person has just given the password again."""
    session.renew(request, real_now=clock.moment().real)


def session_of(request: HttpRequest) -> Identity:
    """Return who is signed in with this session, and since when; the middleware has looked whether they still count."""
    visitor = getattr(request, "visitor", None)
    return Identity(person_id=visitor.person.id, signed_in_at=visitor.signed_in_at) if isinstance(visitor, Visitor) else NOBODY
