"""Keep the first data key of a shop. It arrives wrapped: the key itself never comes near the database."""

from anka.core.clock import Moment
from anka.core.database import transaction
from anka.vault import writes


def keep_data_key(*, shop_id: int, wrapped: bytes, wrapped_by: str, at: Moment) -> bool:
    """Store a shop's first data key; tell whether it was stored, or another one was there first."""
    with transaction():
        return writes.add_data_key(shop_id=shop_id, wrapped=wrapped, wrapped_by=wrapped_by, at=at.now)
