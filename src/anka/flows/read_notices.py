"""Mark notices as read: one's own, those of the shops one works for, the platform's where one works for it."""

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import NotPermitted
from anka.messaging import writes
from anka.orders.models import Standing


def read_notices(*, actor: Actor, up_to: int, at: Moment) -> int:
    """Mark everything told to a person up to and with this notice as read, and return how many were unread (at most 5,000 at once).

    Doing it again does nothing. A number that is nobody's or another's reaches no further than what the person may read.

    Raises:
        NotPermitted: the account was closed, or the token counts no more.
    """
    with database.transaction():
        found = database.value("SELECT standing(%s, %s, 0, %s)::text", (actor.person_id, actor.token_id, at.real))
        if not msgspec.json.decode(found, type=Standing).active:
            raise NotPermitted
        return writes.mark_read(person_id=actor.person_id, up_to=up_to, read_at=at.now)
