"""Seal keys on the shelf anew, under a newer data key. Keys that are being sold at this moment stay as they are."""

from collections.abc import Sequence

from anka.core.database import transaction
from anka.vault import writes
from anka.vault.models import SealedKey, SealedRow

MOST_IN_A_BATCH = 500


def reseal_keys(*, before: Sequence[SealedKey], after: Sequence[SealedRow], version: int) -> int:
    """Put new seals in the place of those that were read and return how many keys that moved; `before` and `after` go together.

    All keys are of one shop; at most 500. Opening and sealing happened before, without any lock; here each row changes only if it is
    still sealed as it was read and still on the shelf. Harmless to repeat.
    """
    if len(before) != len(after) or len(before) > MOST_IN_A_BATCH:
        raise ValueError(f"{len(before)} keys with {len(after)} seals")
    with transaction():
        return writes.reseal_keys(before=before, after=after, version=version) if before else 0
