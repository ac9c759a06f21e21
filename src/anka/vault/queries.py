"""Reads of the vault. Nothing here can open a key: what comes back is sealed."""

from anka.core.database import rows, value
from anka.core.refusals import NotFound
from anka.vault.models import ImportTarget, SealedKey, WrappedDataKey


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
