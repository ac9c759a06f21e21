"""Wrap one data key by another key-encryption key. The data key stays the same, so every key it sealed stays as it is."""

from anka.core.database import transaction
from anka.vault import writes
from anka.vault.models import WrappedDataKey


def rewrap_data_key(*, before: WrappedDataKey, wrapped: bytes, wrapped_by: str) -> bool:
    """Put the new wrapping in the place of the one that was read; tell whether it did.

    Harmless to repeat: what somebody else has wrapped anew meanwhile, or would be wrapped by a retired key, is left alone.
    """
    with transaction():
        return writes.rewrap_data_key(before=before, wrapped=wrapped, wrapped_by=wrapped_by)
