"""Keep a new data key of a shop: its first, or the next version. It arrives wrapped: the key itself never comes near the database."""

from anka.core.clock import Moment
from anka.core.database import transaction
from anka.vault import writes
from anka.vault.models import WrappedDataKey


def keep_data_key(*, data_key: WrappedDataKey, at: Moment) -> bool:
    """Store a shop's data key; tell whether it was stored, or another one of this version was there first, or its wrapping was retired."""
    with transaction():
        return writes.add_data_key(data_key=data_key, at=at.now)
