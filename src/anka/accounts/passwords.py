"""Passwords: argon2 through Django's hasher, and as much work for a name that does not exist as for one that does."""

import re
import unicodedata
from datetime import timedelta
from functools import lru_cache

from django.contrib.auth.hashers import check_password, make_password
from django.utils.translation import gettext_lazy as _

from anka.accounts import queries
from anka.core.refusals import BadInput, Refusal

USERNAME = re.compile(r"[a-z0-9][a-z0-9_.-]{2,39}", re.ASCII)
SHORTEST, LONGEST = 8, 200

# How long ago somebody may have signed in and still be shown a secret, or move money out. A browser left open yesterday is not enough.
RECENT = timedelta(hours=12)


class WrongCredentials(Refusal):
    """Nobody has this name and password together; which of the two is wrong is not said."""

    code, status = "wrong_credentials", 401
    says = _("The name or the password is not right. Check both and try again.")


def normalised_username(username: str) -> str:
    """Return a name in the one form in which names are compared: NFKC, lower case, no space around it."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def check_new_credentials(*, username: str, password: str) -> None:
    """Refuse a name or a password that cannot be used for a new account.

    Raises:
        BadInput: names the field and what is allowed.
    """
    fields = {}
    if not USERNAME.fullmatch(username):
        fields["username"] = "3–40: a–z, 0–9, _ . -"
    if not SHORTEST <= len(password) <= LONGEST or "\0" in password:
        fields["password"] = f"{SHORTEST}–{LONGEST}"
    if fields:
        raise BadInput(fields=fields)


def hash_password(*, password: str) -> str:
    """Return the argon2 hash of a password. Takes tens of milliseconds: call it outside of transactions."""
    return make_password(password)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return make_password("nobody has this password")


def verify(*, username: str, password: str) -> int:
    """Return the id of the person with this name and password. Call it outside of transactions.

    Raises:
        WrongCredentials: no such name, another password, or the account is closed: all look the same and take the same time.
    """
    # Made before anything is known about the name: its first making takes as long as a check.
    nobodys_hash = _nobodys_hash()
    known = None
    if len(password) <= LONGEST and len(username) <= LONGEST and "\0" not in username:
        known = queries.credentials(username=normalised_username(username))
    matches = check_password(password[:LONGEST], known.password_hash if known else nobodys_hash)
    if known is None or not known.active or not matches:
        raise WrongCredentials
    return known.person_id
