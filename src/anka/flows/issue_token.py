"""Give an API token to somebody who has just proved who they are."""

from anka.accounts import writes
from anka.accounts.tokens import EVERYTHING, LIFETIME, Scope, seal_token
from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import NotPermitted


def issue_token(*, person_id: int, scopes: Scope = EVERYTHING, at: Moment) -> str:
    """Make a token for a person and return its text. It expires after 30 days of real time.

    Raises:
        NotPermitted: the account was closed meanwhile.
    """
    with database.transaction():
        token_id = writes.add_token(person_id=person_id, made_at=at.real, expires_at=at.real + LIFETIME)
        if token_id is None:
            raise NotPermitted
        return seal_token(person_id=person_id, token_id=token_id, scopes=scopes)
