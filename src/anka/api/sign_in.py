"""Signing in over the API: a name and a password for a token."""

from anka.accounts import passwords
from anka.accounts.queries import person
from anka.accounts.tokens import EVERYTHING, LIFETIME, SCOPES, Scope
from anka.api import bodies, shapes
from anka.api.call import Answer, Call
from anka.api.problems import InvalidToken
from anka.core import rate_limits
from anka.flows.issue_token import issue_token


def sign_in(call: Call) -> Answer:
    """Answer with a new token. A repeated request gives another token: nothing secret is remembered."""
    asked: bodies.SignIn = call.body
    rate_limits.spend(name="sign_in_address", caller=f"address:{call.address}", at=call.at)
    rate_limits.spend(name="sign_in_name", caller=f"name:{passwords.normalised_username(asked.username)[:80]}", at=call.at)
    person_id = passwords.verify(username=asked.username, password=asked.password)
    scopes = EVERYTHING if asked.scopes is None else _scopes(asked.scopes)
    token = issue_token(person_id=person_id, scopes=scopes, at=call.at)
    return Answer(
        200,
        shapes.TokenAnswer(
            token=token,
            token_type="Bearer",  # noqa: S106 - the name of the scheme, not a password
            expires_at=call.at.real + LIFETIME,
            scopes=[name for name, scope in SCOPES.items() if scope in scopes],
        ),
    )


def step_up(call: Call) -> Answer:
    """Answer that a session is fresh again, once its person has given the password again."""
    asked: bodies.StepUp = call.body
    if not call.counts():
        raise InvalidToken
    rate_limits.spend(name="sign_in_name", caller=f"person:{call.identity.person_id}", at=call.at)
    known = person(person_id=call.identity.person_id)
    if known is None or passwords.verify(username=known.username, password=asked.password) != known.id:
        raise passwords.WrongCredentials
    return Answer(200, shapes.StepUpAnswer(fresh_until=call.at.real + passwords.RECENT), is_step_up=True)


def _scopes(names: list[bodies.ScopeName]) -> Scope:
    found = Scope(0)
    for name in names:
        found |= SCOPES[name]
    return found
