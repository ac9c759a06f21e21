"""Who calls: a bearer token read without the database, or the person of a cookie session."""

from anka.accounts.tokens import Scope, open_token
from anka.api.call import NOBODY, Identity, NotSignedIn, Route, Who
from anka.api.problems import InsufficientScope, InvalidToken


def identity_of_header(header: str | None) -> Identity:
    """Return whom an Authorization header names, nobody where there is none.

    Raises:
        InvalidToken: it holds something, but not a token of ours.
    """
    if header is None:
        return NOBODY
    scheme, _, text = header.partition(" ")
    claims = open_token(text=text.strip()) if scheme.lower() == "bearer" else None
    if claims is None:
        raise InvalidToken
    return Identity(person_id=claims.person_id, token_id=claims.token_id, scopes=claims.scopes)


def require_caller(route: Route, identity: Identity) -> None:
    """Refuse a caller the route is not for. Whether their account and token still count is asked where they are used.

    Raises:
        NotSignedIn: the route is for people who are signed in.
        InsufficientScope: the token was not made for this.
    """
    if route.who is Who.SIGNED_IN and not identity.person_id:
        raise NotSignedIn
    if identity.token_id and route.scope is not None and not identity.scopes & route.scope:
        raise InsufficientScope(scope=_name(route.scope))


def _name(scope: Scope) -> str:
    return (scope.name or "").lower()
