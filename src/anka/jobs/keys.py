"""Getting a shop's data keys ready before a transaction: unwrapping may ask a key service, so no flow does it.

An edge calls `opener_for` and hands the result to the reveal flow; the import calls `sealer_for`.
"""

from collections.abc import Callable
from functools import lru_cache

from anka.core.clock import Moment
from anka.flows.keep_data_key import keep_data_key
from anka.vault import queries
from anka.vault.keyring import Keyring, bound_place
from anka.vault.models import SealedKey, WrappedDataKey
from anka.vault.sealing import DataKey, Sealer, data_key, new_data_key, opener


class KeyringNotWired(RuntimeError):
    """Nobody told this process where its keyring is; the composition root does."""


def _not_wired() -> Keyring:
    raise KeyringNotWired


# The composition root plugs the keyring in here. It is a function so that commands that need no key read none.
keyring: Callable[[], Keyring] = _not_wired


def opener_for(*, shop_id: int) -> Callable[[SealedKey], str]:
    """Return the function that opens keys of this shop.

    Raises:
        KeyEncryptionKeyMissing, DataKeyDidNotOpen: the keyring is not the one these keys were sealed with.
    """
    ring = _read(keyring)
    return opener(data_keys=[_opened(ring, wrapped) for wrapped in queries.data_keys(shop_id=shop_id)])


def sealer_for(*, shop_id: int, at: Moment) -> Sealer:
    """Return what seals keys for this shop with its newest data key; its first data key is made here.

    Raises:
        KeyEncryptionKeyMissing, DataKeyDidNotOpen: the keyring is not the one the shop's data key was wrapped with.
    """
    ring = _read(keyring)
    known = queries.data_keys(shop_id=shop_id)
    if not known:
        wrapped = ring.wrap(data_key=new_data_key(), bound_to=bound_place(shop_id=shop_id, version=1))
        keep_data_key(shop_id=shop_id, wrapped=wrapped, wrapped_by=ring.current, at=at)
        # Read back: where two imports began at once, both use the one that was stored.
        known = queries.data_keys(shop_id=shop_id)
    return Sealer(data_key=_opened(ring, known[-1]), blind_index_key=ring.blind_index_key())


@lru_cache(maxsize=4)
def _read(where: Callable[[], Keyring]) -> Keyring:
    """Read a keyring once per process: a reveal should neither wait for its file nor fail because it was moved away."""
    return where()


@lru_cache(maxsize=4096)
def _opened(ring: Keyring, wrapped: WrappedDataKey) -> DataKey:
    place = bound_place(shop_id=wrapped.shop_id, version=wrapped.version)
    key = ring.unwrap(wrapped=wrapped.wrapped, wrapped_by=wrapped.wrapped_by, bound_to=place)
    return data_key(shop_id=wrapped.shop_id, version=wrapped.version, key=key)
