"""Writes about people and tokens. Only flows may call these, inside their transaction."""

from datetime import datetime

from anka.core import database

ADD_PERSON = """
INSERT INTO accounts_person (username, display_name, language, password, is_active, joined_at, last_login)
VALUES (%s, %s, %s, %s, true, %s, NULL) ON CONFLICT (username) DO NOTHING RETURNING id
"""
ADD_ROW = """
INSERT INTO accounts_token (person_id, made_at, expires_at, revoked_at)
SELECT id, %s, %s, NULL FROM accounts_person WHERE id = %s AND is_active RETURNING id
"""
END_ROW = "UPDATE accounts_token SET revoked_at = %s WHERE id = %s AND person_id = %s AND revoked_at IS NULL RETURNING id"
ADD_SHOP = """
INSERT INTO accounts_shop (code, name_zh, name_en, owner_id, commission_basis_points, opened_at, is_open)
VALUES (%s, %s, %s, %s, %s, %s, true) ON CONFLICT (code) DO NOTHING RETURNING id
"""
ADD_MEMBER = "INSERT INTO accounts_membership (shop_id, person_id, role) VALUES (%s, %s, %s)"
ADD_STAFF_ROLE = "INSERT INTO accounts_staffrole (person_id, role) VALUES (%s, %s) ON CONFLICT (person_id, role) DO NOTHING RETURNING id"


def add_person(*, username: str, display_name: str, language: str, password_hash: str, joined_at: datetime) -> int | None:
    """Add a person and return their id, or None where the name is taken."""
    database.require_transaction()
    found: int | None = database.value(ADD_PERSON, (username, display_name, language, password_hash, joined_at))
    return found


def add_token(*, person_id: int, made_at: datetime, expires_at: datetime) -> int | None:
    """Add a token's row and return its id, or None where the person does not count (any more)."""
    database.require_transaction()
    found: int | None = database.value(ADD_ROW, (made_at, expires_at, person_id))
    return found


def revoke_token(*, person_id: int, token_id: int, revoked_at: datetime) -> bool:
    """Revoke a person's token; returns whether there was one that counted."""
    database.require_transaction()
    return database.value(END_ROW, (revoked_at, token_id, person_id)) is not None


def add_shop(*, code: str, name_zh: str, name_en: str, owner_id: int, commission_basis_points: int, opened_at: datetime) -> int | None:
    """Open a shop with its owner as first member; return its id, or None where the code is taken."""
    database.require_transaction()
    shop_id: int | None = database.value(ADD_SHOP, (code, name_zh, name_en, owner_id, commission_basis_points, opened_at))
    if shop_id is not None:
        database.rows(ADD_MEMBER, (shop_id, owner_id, "owner"))
    return shop_id


def add_staff_role(*, person_id: int, role: str) -> bool:
    """Let a person work for the platform as agent, arbiter, finance or admin; returns whether that is new."""
    database.require_transaction()
    return database.value(ADD_STAFF_ROLE, (person_id, role)) is not None
