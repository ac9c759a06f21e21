"""Import one batch of keys: all of it or nothing. Keys the product already has are left out and named by their lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.database import transaction
from anka.core.refusals import Refusal
from anka.domain.goods import Goods
from anka.flows.steps.shop_authority import require_shop_authority
from anka.vault import queries, writes
from anka.vault.models import BatchRecord, ImportTarget, KeyLine, LineFault
from anka.vault.sealing import Sealer

MOST_IN_A_BATCH = 5000


class BatchRefused(Refusal):
    """A batch holds lines that cannot be keys. None of its keys was imported."""

    code, status = "batch_refused", 422
    says = _("%(count)s lines of this batch are wrong, so none of its keys was imported. Mend the lines and import them again.")

    def __init__(self, *, faults: tuple[LineFault, ...]) -> None:
        super().__init__(count=len(faults))
        self.faults = faults


class NotAKeyProduct(Refusal):
    """The product is not delivered by keys from stock."""

    code, status = "not_a_key_product", 409
    says = _("This product does not deliver keys from stock, so nothing was imported. Choose a card key with automatic delivery.")


class BatchTooLarge(Refusal):
    """More lines than one transaction should hold."""

    code, status = "batch_too_large", 422
    says = _("A batch may have at most %(most)s lines. Nothing was imported; cut it into smaller batches.")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a batch: how many keys are new, and the lines of those the product already had."""

    stored: int
    duplicates: tuple[int, ...]


def import_keys(*, actor: Actor, target: ImportTarget, source: str, lines: Sequence[KeyLine], sealer: Sealer, at: Moment) -> Imported:
    """Seal and store a batch of at most 5,000 keys in one transaction. They can be sold as soon as this returns.

    Raises:
        BatchRefused: some lines are wrong; `faults` names each. Nothing of the batch was stored.
        NotPermitted, NotAKeyProduct, BatchTooLarge: nothing was stored.
    """
    if target.kind != Goods.CARD_KEY or target.delivery != "auto":
        raise NotAKeyProduct
    if len(lines) > MOST_IN_A_BATCH:
        raise BatchTooLarge(most=MOST_IN_A_BATCH)
    faults = tuple(LineFault(line.number, line.fault) for line in lines if line.fault)
    if faults:
        raise BatchRefused(faults=faults)
    # Sealing needs the row ids and no database, so it is done before the transaction begins; ids of a batch that fails are lost.
    key_ids = queries.new_key_ids(count=len(lines))
    sealed = sealer.seal_all(product_id=target.product_id, key_ids=key_ids, secrets=[line.secret for line in lines])
    record = BatchRecord(target.shop_id, target.product_id, source, imported_by=str(actor), imported_at=at.now)
    with transaction():
        require_shop_authority(actor=actor, shop_id=target.shop_id, at=at)
        stored = writes.add_keys(batch=record, data_key_version=sealer.data_key.version, sealed=sealed)
        # For the platform's eyes; what this import tells its merchant is the same whether another shop has a key or not.
        writes.note_duplicates(shop_id=target.shop_id, keys=[row for row in sealed if row.key_id in stored], at=at.now)
    duplicates = tuple(line.number for line, key_id in zip(lines, key_ids, strict=True) if key_id not in stored)
    return Imported(stored=len(stored), duplicates=duplicates)
