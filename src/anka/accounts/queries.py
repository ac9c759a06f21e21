"""Reads about people and shops."""

from datetime import datetime

import msgspec

from anka.core import database
from anka.core.clock import Moment

CREDENTIALS = "SELECT id, password, is_active FROM accounts_person WHERE username = %s"
SHOPS_OF = """
SELECT shop.id, shop.code, membership.role, shop.name_zh, shop.name_en
FROM accounts_membership AS membership JOIN accounts_shop AS shop ON shop.id = membership.shop_id
WHERE membership.person_id = %s ORDER BY shop.code LIMIT 50
"""
PERSON = """
SELECT person.id, person.username, person.display_name, person.language, person.is_active,
       EXISTS (SELECT FROM accounts_membership AS membership WHERE membership.person_id = person.id),
       EXISTS (SELECT FROM accounts_staffrole AS role WHERE role.person_id = person.id)
FROM accounts_person AS person WHERE person.id = %s
"""
STANDING = "SELECT standing(%s, %s, 0, %s)::text"
TOKENS = """
SELECT id, made_at, expires_at, revoked_at FROM accounts_token WHERE person_id = %s ORDER BY id DESC LIMIT 100
"""


class Credentials(msgspec.Struct, frozen=True):
    """What signing in is checked against."""

    person_id: int
    password_hash: str
    active: bool


class PersonRow(msgspec.Struct, frozen=True):
    """Somebody who can sign in, as pages show them; whether they work for a shop, or for the platform."""

    id: int
    username: str
    display_name: str
    language: str
    is_active: bool
    works_for_shop: bool
    is_staff: bool


class ShopRole(msgspec.Struct, frozen=True):
    """A shop somebody works for, and as what (owner, staff)."""

    shop_id: int
    shop_code: str
    role: str
    name_zh: str = ""
    name_en: str = ""


class PersonStanding(msgspec.Struct, frozen=True):
    """Whether somebody, and the token used, still counts; their roles on the platform."""

    active: bool
    staff_roles: tuple[str, ...]


class TokenRow(msgspec.Struct, frozen=True):
    """An API token of somebody, as listed to them."""

    id: int
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def credentials(*, username: str) -> Credentials | None:
    """Return what signing in with this name is checked against, or None."""
    found = database.rows(CREDENTIALS, (username,))
    return Credentials(*found[0]) if found else None


def person(*, person_id: int) -> PersonRow | None:
    """Return a person, or None."""
    found = database.rows(PERSON, (person_id,))
    return PersonRow(*found[0]) if found else None


def standing(*, person_id: int, token_id: int, at: Moment) -> PersonStanding:
    """Return whether a person (and, where not 0, their token) counts at this moment. Runs on real time."""
    return msgspec.json.decode(database.value(STANDING, (person_id, token_id, at.real)), type=PersonStanding)


def shops_of(*, person_id: int) -> tuple[ShopRole, ...]:
    """Return the shops a person works for, at most 50, by code."""
    return tuple(ShopRole(*row) for row in database.rows(SHOPS_OF, (person_id,)))


def tokens_of(*, person_id: int) -> tuple[TokenRow, ...]:
    """Return a person's tokens, newest first, at most 100."""
    return tuple(TokenRow(*row) for row in database.rows(TOKENS, (person_id,)))
