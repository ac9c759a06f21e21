"""Writes of the vault. Called by flows only, inside their transaction."""

from collections.abc import Sequence
from datetime import datetime

from anka.core.database import require_transaction, rows, value
from anka.vault.models import BatchRecord, SealedRow


def add_data_key(*, shop_id: int, wrapped: bytes, wrapped_by: str, at: datetime) -> bool:
    """Store the first data key of a shop; tell whether it was stored (False: somebody was faster, use theirs)."""
    require_transaction()
    made = rows(
        "INSERT INTO vault_data_key (shop_id, version, wrapped, wrapped_by, made_at) VALUES (%s, 1, %s, %s, %s)"
        " ON CONFLICT (shop_id, version) DO NOTHING RETURNING version",
        (shop_id, wrapped, wrapped_by, at),
    )
    return bool(made)


def add_keys(*, batch: BatchRecord, data_key_version: int, sealed: Sequence[SealedRow]) -> set[int]:
    """Store a batch of sealed keys and return the ids that were stored; the others are duplicates within the product.

    One statement for all of them: the arrays travel in binary, and a key the product already has is left out.
    In the order of the blind index, so that two imports of the same keys wait for each other and never crosswise.
    """
    require_transaction()
    batch_id = value(
        "INSERT INTO vault_batch (shop_id, product_id, source, imported_at, imported_by, key_count)"
        " VALUES (%s, %s, %s, %s, %s, 0) RETURNING id",
        (batch.shop_id, batch.product_id, batch.source, batch.imported_at, batch.imported_by),
    )
    stored = rows(
        "INSERT INTO vault_key (shop_id, id, product_id, batch_id, nonce, ciphertext, data_key_version, blind_index)"
        " SELECT %s, id, %s, %s, nonce, ciphertext, %s, blind_index"
        " FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[]) AS new (id, nonce, ciphertext, blind_index)"
        " ORDER BY blind_index"
        " ON CONFLICT ON CONSTRAINT key_once_per_product DO NOTHING RETURNING id",
        (
            batch.shop_id,
            batch.product_id,
            batch_id,
            data_key_version,
            [row.key_id for row in sealed],
            [row.nonce for row in sealed],
            [row.ciphertext for row in sealed],
            [row.blind_index for row in sealed],
        ),
    )
    rows("UPDATE vault_batch SET key_count = %s WHERE shop_id = %s AND id = %s", (len(stored), batch.shop_id, batch_id))
    return {key_id for (key_id,) in stored}
