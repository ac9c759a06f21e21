"""`anka import-keys`: put the keys of a CSV file in stock."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from anka.adapters.keyring.file import KeyringNotUsable
from anka.config import start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import Refusal
from anka.jobs.key_import import BatchOutcome, import_file
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing

FAILURES = (
    EnvironmentNotUsable,
    EmbeddedDatabaseError,
    Refusal,
    KeyringNotUsable,
    KeyEncryptionKeyMissing,
    DataKeyDidNotOpen,
    OSError,
)
OPERATOR = Actor(kind=ActorKind.OPERATOR, name="import-keys")


class Total(msgspec.Struct):
    """What a whole file came to. `refused` counts the keys of batches with wrong lines."""

    product: str
    source: str
    stored: int = 0
    duplicates: int = 0
    faults: int = 0
    refused: int = 0
    batches_refused: int = 0

    def add(self, outcome: BatchOutcome) -> None:
        """Add one batch."""
        self.stored += outcome.stored
        self.duplicates += len(outcome.duplicates)
        self.faults += len(outcome.faults)
        if outcome.faults:
            self.refused += outcome.lines
            self.batches_refused += 1


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare --product, --json and the file."""
    parser.add_argument("--product", required=True, help="the product's public number, e.g. QM-P7KQ2H8MPZD4TW")
    parser.add_argument("--json", action="store_true", help="print what was done as one JSON object, and no progress bar")
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="CSV with a column 'key', UTF-8")


def run(*, given: argparse.Namespace) -> int:
    """Import the file; 1 where a batch was refused."""
    total = Total(product=given.product, source=given.file.name)
    with start.ready():
        for outcome in _with_progress(given.file, given.product, hidden=given.json):
            total.add(outcome)
            for line in _remarks(outcome):
                sys.stderr.write(f"{line}\n")
    if given.json:
        sys.stdout.write(f"{msgspec.json.encode(total).decode()}\n")
    else:
        sys.stdout.write(_told(total))
    return 1 if total.faults else 0


def _with_progress(path: Path, product: str, *, hidden: bool) -> Iterator[BatchOutcome]:
    console = Console(stderr=True)
    bar = Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, disable=hidden)
    with path.open("rb") as file, bar:
        task = bar.add_task(path.name, total=path.stat().st_size)
        for outcome in import_file(actor=OPERATOR, product_number=product, file=file, source=path.name):
            bar.update(task, completed=file.tell())
            yield outcome


def _remarks(outcome: BatchOutcome) -> Iterator[str]:
    """Yield what has to be said about a batch, by line numbers; never what the lines hold."""
    for why, same in groupby(sorted(outcome.faults, key=lambda fault: (fault.why, fault.number)), key=lambda fault: fault.why):
        yield f"lines {ranges(fault.number for fault in same)}: {why}"
    if outcome.faults:
        yield f"lines {outcome.first_line}-{outcome.last_line}: none of these {outcome.lines} keys was imported; mend the lines above"
    if outcome.duplicates:
        yield f"lines {ranges(outcome.duplicates)}: already in stock, left out"


def ranges(numbers: Iterable[int]) -> str:
    """Return sorted numbers in short: 3-5, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _told(total: Total) -> str:
    parts = [f"{total.stored} keys imported into {total.product}"]
    if total.duplicates:
        parts.append(f"{total.duplicates} were there already")
    if total.refused:
        parts.append(f"{total.refused} not imported, because {total.faults} lines in their batches are wrong")
    return ", ".join(parts) + ".\n"
