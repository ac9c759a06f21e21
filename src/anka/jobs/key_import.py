"""Importing a file of keys, whatever its size: batch by batch, each its own transaction, memory for one batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from anka.core.actors import Actor
from anka.core.clock import moment
from anka.core.refusals import NotFound
from anka.flows.import_keys import MOST_IN_A_BATCH, BatchRefused, import_keys
from anka.jobs.keys import sealer_for
from anka.vault.key_file import in_batches, key_lines
from anka.vault.models import LineFault
from anka.vault.queries import import_target


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of the lines `first_line` to `last_line`. Where `faults` is not empty, nothing of the batch was stored."""

    first_line: int
    last_line: int
    lines: int
    stored: int
    duplicates: tuple[int, ...] = ()
    faults: tuple[LineFault, ...] = ()


def import_file(*, actor: Actor, product_number: str, file: BinaryIO, source: str) -> Iterator[BatchOutcome]:
    """Import the keys of a CSV file into a product's stock and yield what became of each batch, as it happens.

    A batch with wrong lines is refused whole and the next one goes on. Importing a file again changes nothing: what is there already
    is reported as duplicate.

    Raises:
        NotFound: there is no such product.
        BadInput: the file's first line does not name a column `key`.
    """
    target = import_target(product_number=product_number)
    if target is None:
        raise NotFound
    sealer = sealer_for(shop_id=target.shop_id, at=moment())
    for lines in in_batches(lines=key_lines(file=file), size=MOST_IN_A_BATCH):
        first, last = lines[0].number, lines[-1].number
        try:
            done = import_keys(actor=actor, target=target, source=source, lines=lines, sealer=sealer, at=moment())
        except BatchRefused as refusal:
            yield BatchOutcome(first, last, len(lines), stored=0, faults=refusal.faults)
        else:
            yield BatchOutcome(first, last, len(lines), stored=done.stored, duplicates=done.duplicates)
