"""Reads of the vault. Nothing here can open a key: what comes back is sealed."""

from collections.abc import Sequence
from datetime import date

from anka.core.database import rows, value
from anka.core.refusals import NotFound
from anka.vault.models import Duplicate, ImportTarget, SealedKey, WrappedDataKey


def sealed_key(*, shop_id: int, key_id: int) -> SealedKey:
    """Return one sealed key. Raises NotFound where the shop has no such key."""
    found = rows("SELECT product_id, nonce, ciphertext, data_key_version FROM vault_key WHERE shop_id = %s AND id = %s", (shop_id, key_id))
    if not found:
        raise NotFound
    product_id, nonce, ciphertext, version = found[0]
    return SealedKey(shop_id, product_id, key_id, bytes(nonce), bytes(ciphertext), version)


def data_keys(*, shop_id: int) -> list[WrappedDataKey]:
    """Return every data key of a shop, the newest last."""
    found = rows("SELECT version, wrapped, wrapped_by FROM vault_data_key WHERE shop_id = %s ORDER BY version", (shop_id,))
    return [WrappedDataKey(shop_id, version, bytes(wrapped), wrapped_by) for version, wrapped, wrapped_by in found]


def wrapped_by_names() -> list[str]:
    """Return the names of all key-encryption keys that some data key still needs."""
    return [name for (name,) in rows("SELECT DISTINCT wrapped_by FROM vault_data_key ORDER BY 1")]


def import_target(*, product_number: str) -> ImportTarget | None:
    """Return the product with this public number, or None."""
    found = rows(
        "SELECT product.shop_id, product.id, product.number, product.kind, product.delivery FROM accounts_shop AS shop"
        " JOIN catalog_product AS product ON product.shop_id = shop.id"
        " WHERE shop.code = split_part(%s, '-', 1) AND product.number = %s",
        (product_number, product_number),
    )
    return ImportTarget(*found[0]) if found else None


def available_keys(*, shop_id: int, product_id: int) -> int:
    """Return how many keys of a product can be sold now."""
    sql = "SELECT count(*) FROM vault_key WHERE shop_id = %s AND product_id = %s AND status = 'available'"
    return int(value(sql, (shop_id, product_id)))


def new_key_ids(*, count: int) -> list[int]:
    """Return fresh row ids for keys to come. They are taken before sealing, because a seal is bound to its row."""
    return [key_id for (key_id,) in rows("SELECT nextval('vault_key_id') FROM generate_series(1, %s)", (count,))]


def key_count(*, shop_id: int, product_id: int) -> int:
    """Return how many keys of a product were ever imported."""
    return int(value("SELECT count(*) FROM vault_key WHERE shop_id = %s AND product_id = %s", (shop_id, product_id)))


# Keys on the shelf: not promised to anybody. What is sold stays sealed as the buyer's key was.
ON_THE_SHELF = "status IN ('available', 'held')"


def shops_with_data_keys() -> list[int]:
    """Return the id of every shop that has a data key, in order."""
    return [shop_id for (shop_id,) in rows("SELECT DISTINCT shop_id FROM vault_data_key ORDER BY shop_id")]


def wrapped_otherwise(*, than: str, after: tuple[int, int], limit: int) -> list[WrappedDataKey]:
    """Return data keys that another key-encryption key than this one wraps: a page, in order, after this shop and version."""
    found = rows(
        "SELECT shop_id, version, wrapped, wrapped_by FROM vault_data_key WHERE wrapped_by <> %s AND (shop_id, version) > (%s, %s)"
        " ORDER BY shop_id, version LIMIT %s",
        (than, *after, limit),
    )
    return [WrappedDataKey(shop_id, version, bytes(wrapped), wrapped_by) for shop_id, version, wrapped, wrapped_by in found]


def count_wrapped_otherwise(*, than: str) -> int:
    """Return how many data keys another key-encryption key than this one wraps."""
    return int(value("SELECT count(*) FROM vault_data_key WHERE wrapped_by <> %s", (than,)))


def sealed_before(*, shop_id: int, version: int, after: int, limit: int) -> list[SealedKey]:
    """Return keys on the shelf that an older data key than this version seals: a page, in order, after this row id."""
    found = rows(
        "SELECT product_id, id, nonce, ciphertext, data_key_version FROM vault_key WHERE shop_id = %s AND id > %s"
        f" AND data_key_version < %s AND {ON_THE_SHELF} ORDER BY id LIMIT %s",
        (shop_id, after, version, limit),
    )
    return [SealedKey(shop_id, product, key_id, bytes(nonce), bytes(sealed), of) for product, key_id, nonce, sealed, of in found]


def count_sealed_before(*, shop_id: int, version: int) -> int:
    """Return how many keys on the shelf an older data key than this version seals."""
    sql = f"SELECT count(*) FROM vault_key WHERE shop_id = %s AND data_key_version < %s AND {ON_THE_SHELF}"
    return int(value(sql, (shop_id, version)))


def sealed_keys(*, shop_id: int, key_ids: Sequence[int]) -> dict[int, SealedKey]:
    """Return sealed keys of a shop by their ids; those the shop does not have are left out."""
    found = rows(
        "SELECT product_id, id, nonce, ciphertext, data_key_version FROM vault_key WHERE shop_id = %s AND id = ANY (%s)",
        (shop_id, list(key_ids)),
    )
    return {
        key_id: SealedKey(shop_id, product_id, key_id, bytes(nonce), bytes(ciphertext), version)
        for product_id, key_id, nonce, ciphertext, version in found
    }


def void_receipt(*, shop_id: int, order_id: int, position: int) -> str | None:
    """Return the receipt an issuer gave for voiding the key of this unit, None where there is none."""
    sql = (
        "SELECT receipt FROM vault_issuer_answer WHERE shop_id = %s AND order_id = %s AND position = %s AND receipt IS NOT NULL"
        " ORDER BY id LIMIT 1"
    )
    receipt: str | None = value(sql, (shop_id, order_id, position))
    return receipt


def key_checks_on(*, shop_id: int, order_id: int, position: int, day: date) -> int:
    """Return how often the beginning of this unit's key was tried on a day of market time."""
    sql = "SELECT count(*) FROM vault_key_check WHERE shop_id = %s AND order_id = %s AND position = %s AND day = %s"
    return int(value(sql, (shop_id, order_id, position, day)))


def proved_positions(*, shop_id: int, order_id: int) -> frozenset[int]:
    """Return the units of which a key check has matched: evidence KEY_PREFIX. It proves possession, not that a key is unused."""
    sql = "SELECT DISTINCT position FROM vault_key_check WHERE shop_id = %s AND order_id = %s AND matched"
    return frozenset(position for (position,) in rows(sql, (shop_id, order_id)))


def duplicates(*, limit: int = 100) -> list[Duplicate]:
    """Return keys that two merchants have brought, the newest finding first, at most 1,000. For the platform's own eyes."""
    found = rows(
        "SELECT found.found_at, shop.code, product.number, found.key_id, other_shop.code, other_product.number, found.other_key_id"
        " FROM vault_duplicate AS found"
        " JOIN accounts_shop AS shop ON shop.id = found.shop_id JOIN accounts_shop AS other_shop ON other_shop.id = found.other_shop_id"
        " JOIN vault_key AS key ON key.shop_id = found.shop_id AND key.id = found.key_id"
        " JOIN vault_key AS other ON other.shop_id = found.other_shop_id AND other.id = found.other_key_id"
        " JOIN catalog_product AS product ON product.shop_id = key.shop_id AND product.id = key.product_id"
        " JOIN catalog_product AS other_product ON other_product.shop_id = other.shop_id AND other_product.id = other.product_id"
        " ORDER BY found.found_at DESC, found.shop_id, found.key_id, found.other_shop_id LIMIT %s",
        (max(1, min(limit, 1000)),),
    )
    return [Duplicate(*row) for row in found]
