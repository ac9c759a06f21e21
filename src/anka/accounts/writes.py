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
