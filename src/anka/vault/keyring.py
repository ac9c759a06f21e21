"""The keyring port: who keeps the key-encryption keys. A file today, a key service tomorrow; never the database.

Wrapping and unwrapping may call out to another machine, so it happens before a transaction, in jobs.
"""

from typing import Protocol

WRAP_PURPOSE = b"anka data key1"


class Keyring(Protocol):
    """Wraps data keys with a key-encryption key and keeps the secret of the blind index."""

    def __hash__(self) -> int:
        """Data keys that were unwrapped are remembered per keyring."""

    @property
    def current(self) -> str:
        """The name of the key-encryption key that wraps new data keys."""

    def wrap(self, *, data_key: bytes, bound_to: bytes) -> bytes:
        """Return the data key encrypted with the current key-encryption key and bound to its place."""

    def unwrap(self, *, wrapped: bytes, wrapped_by: str, bound_to: bytes) -> bytes:
        """Return the data key.

        Raises:
            KeyEncryptionKeyMissing: the keyring has no key of that name.
            DataKeyDidNotOpen: the key of that name does not open it, or it was changed or moved from another shop.
        """

    def blind_index_key(self) -> bytes:
        """Return the 32-byte key of the blind index. It is the same for all shops, so that one key sold in two shops shows."""


class KeyEncryptionKeyMissing(Exception):
    """A data key was wrapped by a key-encryption key that is not in the keyring."""

    code, status = "key_encryption_key_missing", 503


class DataKeyDidNotOpen(Exception):
    """The wrapped data key does not belong to this keyring or this place, or was changed."""

    code, status = "data_key_did_not_open", 503


def bound_place(*, shop_id: int, version: int) -> bytes:
    """Return the bytes a wrapped data key is bound to, so that the data key of one shop cannot be put in the place of another's."""
    return WRAP_PURPOSE + shop_id.to_bytes(8, "big") + version.to_bytes(8, "big")
