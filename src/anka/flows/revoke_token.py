"""Take an API token out of use, at once and everywhere: every flow asks inside its own transaction whether the token counts."""

from anka.accounts import writes
from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import NotFound


def revoke_token(*, person_id: int, token_id: int, at: Moment) -> None:
    """Revoke a person's own token.

    Raises:
        NotFound: the person has no such token, or it no longer counts.
    """
    with database.transaction():
        if not writes.revoke_token(person_id=person_id, token_id=token_id, revoked_at=at.real):
            raise NotFound
