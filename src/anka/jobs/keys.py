"""Getting a shop's data keys ready before a transaction: unwrapping may ask a key service, so no flow does it.

An edge calls `opener_for` and hands the result to the reveal flow; the import calls `sealer_for`. What data keys there are is read from
the database each time, and the keyring's adapter notices by itself when the keyring has changed, so that new keys need no restart.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from anka.core.clock import Moment
from anka.flows.keep_data_key import keep_data_key
from anka.vault import queries
from anka.vault.keyring import KeyEncryptionKeyMissing, Keyring, bound_place
from anka.vault.models import SealedKey, WrappedDataKey
from anka.vault.sealing import DataKey, Sealer, data_key, new_data_key, opener


class KeyringNotWired(RuntimeError):
    """Nobody told this process where its keyring is; the composition root does."""


def _not_wired() -> Keyring:
    raise KeyringNotWired


# The composition root plugs the keyring in here. It is a function so that commands that need no key read none; it returns the same
# object as long as the keyring has not changed.
keyring: Callable[[], Keyring] = _not_wired


def opener_for(*, shop_id: int) -> Callable[[SealedKey], str]:
    """Return the function that opens keys of this shop.

    Raises:
        KeyEncryptionKeyMissing, DataKeyDidNotOpen: the keyring is not the one these keys were sealed with.
    """
    return opener_of(wrapped=queries.data_keys(shop_id=shop_id))


def opener_of(*, wrapped: Sequence[WrappedDataKey]) -> Callable[[SealedKey], str]:
    """Return the function that opens keys sealed with one of these data keys. Raises as `opener_for`."""
    ring = keyring()
    return opener(data_keys=[opened(ring=ring, wrapped=one) for one in wrapped])


def sealer_for(*, shop_id: int, at: Moment) -> Sealer:
    """Return what seals keys for this shop with its newest data key; its first data key is made here.

    Raises:
        KeyEncryptionKeyMissing, DataKeyDidNotOpen: the keyring is not the one the shop's data key was wrapped with.
    """
    ring = keyring()
    known = queries.data_keys(shop_id=shop_id)
    if not known:
        add_version(shop_id=shop_id, version=1, at=at)
        # Read back: where two imports began at once, both use the one that was stored.
        known = queries.data_keys(shop_id=shop_id)
    if not known:
        raise KeyEncryptionKeyMissing(
            f"The key {ring.current!r} of this process's keyring was retired; nothing was lost. Put the present keyring in its place."
        )
    return Sealer(data_key=opened(ring=ring, wrapped=known[-1]), blind_index_key=ring.blind_index_key())


def add_version(*, shop_id: int, version: int, at: Moment) -> bool:
    """Make a data key of this version for a shop, from now on its newest; tell whether it was made here."""
    ring = keyring()
    wrapped = ring.wrap(data_key=new_data_key(), bound_to=bound_place(shop_id=shop_id, version=version))
    return keep_data_key(data_key=WrappedDataKey(shop_id, version, wrapped, ring.current), at=at)


@lru_cache(maxsize=4096)
def opened(*, ring: Keyring, wrapped: WrappedDataKey) -> DataKey:
    """Return a data key ready for use, remembered per keyring and wrapping.

    Raises:
        KeyEncryptionKeyMissing, DataKeyDidNotOpen: this keyring does not open it.
    """
    place = bound_place(shop_id=wrapped.shop_id, version=wrapped.version)
    key = ring.unwrap(wrapped=wrapped.wrapped, wrapped_by=wrapped.wrapped_by, bound_to=place)
    return data_key(shop_id=wrapped.shop_id, version=wrapped.version, key=key)
