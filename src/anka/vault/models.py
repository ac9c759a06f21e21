"""What lies in the vault. Plain values; whatever could give a key away stays out of their representation."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key as it lies in the database, with the place it was sealed for."""

    shop_id: int
    product_id: int
    key_id: int
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
    data_key_version: int


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A key as it is written down for the first time."""

    key_id: int
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
    blind_index: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WrappedDataKey:
    """A data key of a shop as stored: encrypted by the key-encryption key named `wrapped_by`."""

    shop_id: int
    version: int
    wrapped: bytes = field(repr=False)
    wrapped_by: str


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """The product whose keys are to be imported, as far as the vault cares."""

    shop_id: int
    product_id: int
    number: str
    kind: str
    delivery: str


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """Where a batch of keys came from, and who brought it."""

    shop_id: int
    product_id: int
    source: str
    imported_by: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One line of a file of keys. `fault` says what is wrong with it, "" where nothing is; `number` counts from 1."""

    number: int
    secret: str = field(repr=False)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that cannot be imported, and why. It never repeats what the line holds."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class IssuerAnswer:
    """What an issuer said about one unit on one occasion, as kept. `digest` is empty where no answer came."""

    position: int
    issuer: str
    occasion: str
    asked_at: datetime
    use_check: str
    used_by: str
    voidable: bool | None
    matches_order: str
    delivered_percent: int | None
    receipt: str | None
    reason: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key in two shops: who brought it, and who had it before (shop's code, product's number, row of the key)."""

    found_at: datetime
    shop: str
    product: str
    key_id: int
    other_shop: str
    other_product: str
    other_key_id: int
