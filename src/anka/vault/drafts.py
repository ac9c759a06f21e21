"""Keys between two steps of one person: typed, looked over, sent. They travel encrypted, so that no page ever holds them in plain text."""

import base64
import binascii
import os
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidTag

from anka.vault.sealing import NONCE_BYTES, DataKey

_PURPOSE = b"anka key draft1:"


class DraftBroken(Exception):
    """The draft was changed, belongs to something else, or was made with a data key that is no longer the newest."""

    code, status = "draft_broken", 422


def seal_draft(*, data_key: DataKey, bound_to: str, secrets: Sequence[str]) -> str:
    """Return keys as a text that only this data key opens, and only for what it is bound to (an order and a person)."""
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = data_key.cipher.encrypt(nonce, msgspec.json.encode(list(secrets)), _PURPOSE + bound_to.encode())
    return base64.urlsafe_b64encode(nonce + ciphertext).decode()


def open_draft(*, data_key: DataKey, bound_to: str, draft: str) -> tuple[str, ...]:
    """Return the keys of a draft.

    Raises:
        DraftBroken: as its name says.
    """
    try:
        packed = base64.b64decode(draft.encode(), altchars=b"-_", validate=True)
        plain = data_key.cipher.decrypt(packed[:NONCE_BYTES], packed[NONCE_BYTES:], _PURPOSE + bound_to.encode())
    except (binascii.Error, InvalidTag, ValueError) as reason:
        raise DraftBroken from reason
    return msgspec.json.decode(plain, type=tuple[str, ...])
