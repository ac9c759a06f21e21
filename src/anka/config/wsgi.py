"""The application granian serves: the API's dispatcher for tokens, notices and anonymous calls; Django for everything else.

granian --interface wsgi anka.config.wsgi:application
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.core.wsgi import get_wsgi_application

from anka.config import api
from anka.config.settings import ENVIRONMENT
from anka.config.wiring import wire

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

API = "/api/"
NOTICES = "/api/v1/notify/"
HEALTH = ("/livez", "/readyz")
# A page with templates, so Django's.
PAGE_FOR_PEOPLE = "/api/v1/docs"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anka.config.settings")
django.setup()
wire(ENVIRONMENT)
_dispatcher = api.dispatcher(ENVIRONMENT)
_django: Application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve one request. A cookie without a token may be a session's, which only Django can prove to be no forgery."""
    if ENVIRONMENT.secure:
        tell_who_asks(environ)
    path = environ["PATH_INFO"]
    if path.startswith(API) and path != PAGE_FOR_PEOPLE:
        if "HTTP_AUTHORIZATION" in environ or "HTTP_COOKIE" not in environ or path.startswith(NOTICES):
            return _dispatcher(environ, start_response)
    elif path in HEALTH:
        return _dispatcher(environ, start_response)
    return _django(environ, start_response)


def tell_who_asks(environ: dict[str, Any]) -> None:
    """Put the address that the proxy in front of us saw in place of its own. Only the last hop is its word; anybody can write the rest."""
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded:
        environ["REMOTE_ADDR"] = forwarded.rsplit(",", 1)[-1].strip()[:64]
