"""The application granian serves: the API's dispatcher for tokens, notices and anonymous calls; Django for everything else.

granian --interface wsgi anka.config.wsgi:application
"""

import os
from collections.abc import Iterable
from typing import Any

import django
from django.core.wsgi import get_wsgi_application

from anka.api import metrics
from anka.config import api, log
from anka.config.observed import Application, names_of, observed
from anka.config.settings import ENVIRONMENT
from anka.config.wiring import wire
from anka.core.tallies import Tallies

API = "/api/"
NOTICES = "/api/v1/notify/"
OPERATION = ("/livez", "/readyz", "/metrics")
# A page with templates, so Django's.
PAGE_FOR_PEOPLE = "/api/v1/docs"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anka.config.settings")
django.setup()
wire(ENVIRONMENT)
_dispatcher = api.dispatcher(ENVIRONMENT)
_django: Application = get_wsgi_application()
# Needs Django to be set up.
from anka.config import urls  # noqa: E402


def _serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve one request. A cookie without a token may be a session's, which only Django can prove to be no forgery."""
    if ENVIRONMENT.secure:
        tell_who_asks(environ)
    path = environ["PATH_INFO"]
    if path.startswith(API) and path != PAGE_FOR_PEOPLE:
        if "HTTP_AUTHORIZATION" in environ or "HTTP_COOKIE" not in environ or path.startswith(NOTICES):
            return _dispatcher(environ, start_response)
    elif path in OPERATION:
        # Its bearer is the operator's monitor, not a person with a token of ours.
        environ[metrics.BEARER] = environ.pop("HTTP_AUTHORIZATION", "")
        return _dispatcher(environ, start_response)
    return _django(environ, start_response)


_tallies = Tallies(names=names_of(routes=api.routes_of(ENVIRONMENT), pages=urls.urlpatterns), folder=ENVIRONMENT.home / "metrics")
metrics.tallies, metrics.token = _tallies, ENVIRONMENT.metrics_token
application = observed(application=_serve, tallies=_tallies, tell=log.access)


def tell_who_asks(environ: dict[str, Any]) -> None:
    """Put the address that the proxy in front of us saw in place of its own. Only the last hop is its word; anybody can write the rest."""
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded:
        environ["REMOTE_ADDR"] = forwarded.rsplit(",", 1)[-1].strip()[:64]
