"""API tokens: signed, never stored, read without the database. Whether one still counts is asked where it is used (`standing`)."""

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import timedelta
from enum import IntFlag
from functools import lru_cache

import msgspec
from django.conf import settings

PREFIX = "anka_"
LIFETIME = timedelta(days=30)
LONGEST = 120
_PAYLOAD = struct.Struct(">QQH")
_PURPOSE = b"anka api token 1"
_MAC_BYTES = 32
_LARGEST_ID = 2**63 - 1


class Scope(IntFlag):
    """What a token may be used for. A token without a scope cannot do what the scope names, whoever holds it."""

    READ = 1
    ORDER = 2
    PAY = 4
    REFUND = 8
    REVEAL = 16
    SELL = 32
    RULE = 64
    POLICY = 128


EVERYTHING = Scope.READ | Scope.ORDER | Scope.PAY | Scope.REFUND | Scope.REVEAL | Scope.SELL | Scope.RULE | Scope.POLICY
SCOPES: dict[str, Scope] = {scope.name.lower(): scope for scope in Scope if scope.name}


class TokenClaims(msgspec.Struct, frozen=True):
    """What a genuine token says: whose it is, which row of accounts_token it is, and what it may be used for."""

    person_id: int
    token_id: int
    scopes: Scope


@lru_cache(maxsize=1)
def _key() -> bytes:
    return hmac.digest(str(settings.SECRET_KEY).encode(), _PURPOSE, hashlib.sha256)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def seal_token(*, person_id: int, token_id: int, scopes: Scope = EVERYTHING) -> str:
    """Return the text of a token. It is a secret: it is shown once and never logged."""
    payload = _PAYLOAD.pack(person_id, token_id, scopes)
    return f"{PREFIX}{_encoded(payload)}.{_encoded(hmac.digest(_key(), payload, hashlib.sha256))}"


# A token says the same for ever, so it is taken apart once, not in every request; strangers can only push each other out.
@lru_cache(maxsize=4096)
def open_token(*, text: str) -> TokenClaims | None:
    """Return what a token says, or None where it is not one of ours. Expiry and revocation are not known here."""
    if not text.startswith(PREFIX) or len(text) > LONGEST or not text.isascii():
        return None
    payload_text, _, mac_text = text[len(PREFIX) :].partition(".")
    try:
        payload, mac = _decoded(payload_text), _decoded(mac_text)
    except (ValueError, binascii.Error):
        return None
    if len(payload) != _PAYLOAD.size or len(mac) != _MAC_BYTES:
        return None
    if not hmac.compare_digest(mac, hmac.digest(_key(), payload, hashlib.sha256)):
        return None
    person_id, token_id, scopes = _PAYLOAD.unpack(payload)
    if not (0 < person_id <= _LARGEST_ID and 0 < token_id <= _LARGEST_ID):
        return None
    return TokenClaims(person_id, token_id, Scope(scopes) & EVERYTHING)


def _decoded(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    # One token has one spelling: trailing bits that decode to the same bytes are refused.
    if _encoded(raw) != text:
        raise ValueError
    return raw
