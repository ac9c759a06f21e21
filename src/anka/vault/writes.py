"""Writes of the vault. Called by flows only, inside their transaction."""

from collections.abc import Sequence
from datetime import date, datetime

from anka.core.database import require_transaction, rows, value
from anka.vault.models import BatchRecord, IssuerAnswer, SealedKey, SealedRow, WrappedDataKey


def add_data_key(*, data_key: WrappedDataKey, at: datetime) -> bool:
    """Store a data key of a shop; tell whether it was stored (False: somebody was faster, or its wrapping key was retired meanwhile)."""
    require_transaction()
    made = rows(
        "INSERT INTO vault_data_key (shop_id, version, wrapped, wrapped_by, made_at) SELECT %s, %s, %s, %s, %s"
        " WHERE NOT EXISTS (SELECT FROM core_retired_key WHERE name = %s)"
        " ON CONFLICT (shop_id, version) DO NOTHING RETURNING version",
        (data_key.shop_id, data_key.version, data_key.wrapped, data_key.wrapped_by, at, data_key.wrapped_by),
    )
    return bool(made)


def rewrap_data_key(*, before: WrappedDataKey, wrapped: bytes, wrapped_by: str) -> bool:
    """Put another wrapping in the place of the one that was read; tell whether it was still that one."""
    require_transaction()
    return bool(value("SELECT rewrap_data_key(%s, %s, %s, %s, %s)", (before.shop_id, before.version, before.wrapped, wrapped, wrapped_by)))


def reseal_keys(*, before: Sequence[SealedKey], after: Sequence[SealedRow], version: int) -> int:
    """Put other seals in the place of those that were read, and return how many were still those; `before` and `after` go together."""
    require_transaction()
    columns = (
        [row.key_id for row in after],
        [key.nonce for key in before],
        [row.nonce for row in after],
        [row.ciphertext for row in after],
    )
    shop_id = before[0].shop_id
    return int(value("SELECT reseal_keys(%s, %s, %b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[])", (shop_id, version, *columns)))


def retire_key_encryption_key(*, name: str, at: datetime) -> bool:
    """Note that nothing may be wrapped by this key any more; tell whether it is so (False: some data key still is)."""
    require_transaction()
    return bool(value("SELECT retire_key(%s, %s)", (name, at)))


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


def note_duplicates(*, shop_id: int, keys: Sequence[SealedRow], at: datetime) -> int:
    """Write down which of these new keys another shop has too; return how many pairs that made.

    Imports of different shops come through here one at a time: of two that bring the same key at once, the later one sees the other's.
    The keys themselves are stored before, so nobody waits for them here.
    """
    require_transaction()
    if not keys:
        return 0
    columns = ([row.key_id for row in keys], [row.blind_index for row in keys])
    return int(value("SELECT note_duplicates(%s, %b::bigint[], %b::bytea[], %s)", (shop_id, *columns, at)))


def add_issuer_answers(*, shop_id: int, order_id: int, answers: Sequence[IssuerAnswer]) -> set[int]:
    """Write down what an issuer said about units of an order, and return the positions of which it was not written down before."""
    require_transaction()
    stored = rows(
        "INSERT INTO vault_issuer_answer (shop_id, order_id, position, issuer, occasion, asked_at, use_check, used_by, voidable,"
        " matches_order, delivered_percent, receipt, reason, digest)"
        " SELECT %s, %s, said.* FROM unnest(%s::integer[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[],"
        " %s::boolean[], %s::text[], %s::integer[], %s::text[], %s::text[], %s::bytea[]) AS said"
        " ON CONFLICT DO NOTHING RETURNING position",
        (shop_id, order_id, *([getattr(answer, name) for answer in answers] for name in IssuerAnswer.__slots__)),
    )
    return {position for (position,) in stored}


def add_key_check(*, unit: tuple[int, int, int], day: date, try_number: int, person_id: int, possession: str, at: datetime) -> None:
    """Write down one try to prove possession of a key: `match` or not. `unit` is its shop, order and position."""
    require_transaction()
    rows(
        "INSERT INTO vault_key_check (shop_id, order_id, position, day, try_number, tried_at, person_id, matched)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (*unit, day, try_number, at, person_id, possession == "match"),
    )
