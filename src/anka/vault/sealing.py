"""Sealing keys: AES-256-GCM with a data key per shop, and the blind index that finds the same key again without opening it.

Pure cryptography: no database, no files. A seal is bound to its row, shop and product, so a ciphertext that was copied into another
row does not open there.
"""

import hmac
import os
import struct
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext_lazy as _

from anka.core.refusals import Refusal
from anka.vault.models import SealedKey, SealedRow

DATA_KEY_BYTES = 32
NONCE_BYTES = 12
BLIND_INDEX_BYTES = 32
_PLACE = struct.Struct(">14sQQQ")
_PURPOSE = b"anka card key1"
# Dashes people and printers put between groups of a key: hyphen-minus, the hyphens and dashes of Unicode, the minus sign.
_DROPPED = {ord(dash): None for dash in "-‐‑‒–—―−"}


class SealBroken(Refusal):
    """A ciphertext did not open: it was changed, moved from another row, or sealed with another data key."""

    code, status = "seal_broken", 500
    says = _("This key could not be opened. Nothing has changed and your money is safe; please tell our support, who can see why.")


class DataKeyMissing(Refusal):
    """A ciphertext names a data key that this opener does not have."""

    code, status = "data_key_missing", 503
    says = _("The keys of this shop are being changed. Nothing was lost; please try again in a few seconds.")


@dataclass(frozen=True, slots=True)
class DataKey:
    """The opened data key of a shop. Lives in memory only."""

    shop_id: int
    version: int
    cipher: AESGCM = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals keys of one shop with its newest data key and marks each with its blind index."""

    data_key: DataKey
    blind_index_key: bytes = field(repr=False)

    def blind_index(self, *, secret: str) -> bytes:
        """Return the mark of a key: equal for equal keys of every shop, meaningless to whoever lacks the keyring."""
        return blind_index(blind_index_key=self.blind_index_key, secret=secret)

    def seal_all(self, *, product_id: int, key_ids: Sequence[int], secrets: Sequence[str]) -> list[SealedRow]:
        """Seal many keys for their rows; `key_ids` and `secrets` go together one by one."""
        shop_id, cipher = self.data_key.shop_id, self.data_key.cipher
        random = os.urandom(NONCE_BYTES * len(secrets))
        sealed = []
        for place, (key_id, secret) in enumerate(zip(key_ids, secrets, strict=True)):
            nonce = random[place * NONCE_BYTES : (place + 1) * NONCE_BYTES]
            bound = additional_data(shop_id=shop_id, product_id=product_id, key_id=key_id)
            ciphertext = cipher.encrypt(nonce, secret.encode(), bound)
            sealed.append(SealedRow(key_id, nonce, ciphertext, self.blind_index(secret=secret)))
        return sealed


def opener(*, data_keys: Sequence[DataKey]) -> Callable[[SealedKey], str]:
    """Return the function that opens keys sealed with one of these data keys.

    It raises SealBroken for a ciphertext that was changed or moved, and DataKeyMissing where none of the data keys is its own.
    """
    known = {(key.shop_id, key.version): key.cipher for key in data_keys}

    def open_sealed(sealed: SealedKey) -> str:
        cipher = known.get((sealed.shop_id, sealed.data_key_version))
        if cipher is None:
            raise DataKeyMissing
        bound = additional_data(shop_id=sealed.shop_id, product_id=sealed.product_id, key_id=sealed.key_id)
        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, bound).decode()
        except InvalidTag as reason:
            raise SealBroken from reason

    return open_sealed


def additional_data(*, shop_id: int, product_id: int, key_id: int) -> bytes:
    """Return the bytes a seal is bound to: what it is for, and the place of its row. Fixed width, so no two places look alike."""
    return _PLACE.pack(_PURPOSE, shop_id, product_id, key_id)


def new_data_key() -> bytes:
    """Return a fresh random data key of 32 bytes."""
    return AESGCM.generate_key(bit_length=256)


def data_key(*, shop_id: int, version: int, key: bytes) -> DataKey:
    """Return a data key ready for use."""
    return DataKey(shop_id=shop_id, version=version, cipher=AESGCM(key))


def normalised(secret: str) -> str:
    """Return the form in which two ways of writing one key are equal.

    Compatibility forms folded (NFKC), capital letters, no white space, no dashes. Empty where nothing else was there.
    """
    if secret.isascii():
        return "".join(secret.split()).replace("-", "").upper()
    folded = "".join(unicodedata.normalize("NFKC", secret).split()).translate(_DROPPED).upper()
    # Capitals may compose in another way than what they came from.
    return unicodedata.normalize("NFKC", folded)


def blind_index(*, blind_index_key: bytes, secret: str) -> bytes:
    """Return the HMAC-SHA256 of the normalised key, 32 bytes."""
    return hmac.digest(blind_index_key, normalised(secret).encode(), "sha256")
