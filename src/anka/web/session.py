"""The cookie session: whose it is and since when. It holds nothing else."""

from datetime import datetime

from django.http import HttpRequest
from django.middleware.csrf import rotate_token

PERSON = "person_id"
SINCE = "signed_in_at"


def begin(request: HttpRequest, *, person_id: int, real_now: datetime) -> None:
    """Sign somebody in: a new session under a new key, and a new proof for forms, so that nothing planted before is of use."""
    request.session.flush()
    request.session[PERSON] = person_id
    request.session[SINCE] = int(real_now.timestamp())
    rotate_token(request)


def renew(request: HttpRequest, *, real_now: datetime) -> None:
    """Count a session as begun now, under a new key."""
    request.session.cycle_key()
    request.session[SINCE] = int(real_now.timestamp())


def end(request: HttpRequest) -> None:
    """Sign whoever is signed in out, on the server too."""
    request.session.flush()
    rotate_token(request)


def person_of(request: HttpRequest) -> int:
    """Return the id of the person who is signed in, 0 for nobody."""
    found = request.session.get(PERSON, 0)
    return found if isinstance(found, int) else 0


def signed_in_at(request: HttpRequest) -> int:
    """Return when they signed in, in seconds of Unix time; 0 where it is not known."""
    found = request.session.get(SINCE, 0)
    return found if isinstance(found, int) else 0
