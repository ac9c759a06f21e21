"""Changing keys while the market runs: data keys wrapped by a new key-encryption key, stock sealed by a new data key.

Everything here may be interrupted anywhere and repeated: what is done is left alone. Old keys stay readable all the time.
"""

from collections.abc import Iterator

from anka.core.clock import moment
from anka.flows.reseal_keys import MOST_IN_A_BATCH, reseal_keys
from anka.flows.rewrap_data_key import rewrap_data_key
from anka.jobs import keys
from anka.vault import queries
from anka.vault.keyring import Keyring, bound_place
from anka.vault.models import SealedKey, WrappedDataKey
from anka.vault.sealing import Sealer

PAGE = 200


def rewrap_all() -> Iterator[int]:
    """Wrap every data key by the keyring's current key-encryption key, yielding after each page how many were wrapped anew.

    Raises:
        KeyEncryptionKeyMissing, DataKeyDidNotOpen: the keyring lacks a key that is still in use; those before it stay rewrapped.
    """
    ring = keys.keyring()
    after = (0, 0)
    while page := queries.wrapped_otherwise(than=ring.current, after=after, limit=PAGE):
        yield sum(_rewrapped(ring, before) for before in page)
        after = (page[-1].shop_id, page[-1].version)


def _rewrapped(ring: Keyring, before: WrappedDataKey) -> bool:
    place = bound_place(shop_id=before.shop_id, version=before.version)
    plain = ring.unwrap(wrapped=before.wrapped, wrapped_by=before.wrapped_by, bound_to=place)
    wrapped = ring.wrap(data_key=plain, bound_to=place)
    return rewrap_data_key(before=before, wrapped=wrapped, wrapped_by=ring.current)


def next_version(*, shop_id: int) -> int:
    """Make sure that a shop's newest data key is one that seals nothing on the shelf only by an interrupted change; return its version.

    Where keys on the shelf are still sealed by older versions, an earlier change was interrupted and is gone on with.
    """
    newest = queries.data_keys(shop_id=shop_id)[-1].version
    if queries.count_sealed_before(shop_id=shop_id, version=newest):
        return newest
    keys.add_version(shop_id=shop_id, version=newest + 1, at=moment())
    return queries.data_keys(shop_id=shop_id)[-1].version


def reseal_shelf(*, shop_id: int) -> Iterator[int]:
    """Seal what lies on a shop's shelf with its newest data key, yielding after each batch how many keys it read.

    Keys that are being sold meanwhile stay under the data key they have, which is kept for ever.

    Raises:
        SealBroken: a key does not open; those before it are sealed anew.
    """
    newest = keys.sealer_for(shop_id=shop_id, at=moment())
    after = 0
    while page := queries.sealed_before(shop_id=shop_id, version=newest.data_key.version, after=after, limit=MOST_IN_A_BATCH):
        reseal_batch(page=page, sealer=newest)
        yield len(page)
        after = page[-1].key_id


def reseal_batch(*, page: list[SealedKey], sealer: Sealer) -> int:
    """Open and seal one page of keys of a shop, outside of any transaction, and exchange the seals in one; return how many moved."""
    open_sealed = keys.opener_for(shop_id=sealer.data_key.shop_id)
    after = [sealer.seal_all(product_id=sealed.product_id, key_ids=[sealed.key_id], secrets=[open_sealed(sealed)])[0] for sealed in page]
    return reseal_keys(before=page, after=after, version=sealer.data_key.version)
