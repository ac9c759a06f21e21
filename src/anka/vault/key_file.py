"""Reading a file of keys: CSV with a column `key`, UTF-8 with or without a byte order mark, any usual line end, quoted or not.

The file is read as it comes, never as a whole: a line may have 64 KiB, and a field whose closing quote is missing is given up after
128 KiB (the csv module's own limit). Nothing is given up on: a line that is wrong is handed on with what is wrong about it.
"""

import csv
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from anka.core.refusals import BadInput
from anka.vault.models import KeyLine
from anka.vault.sealing import normalised

COLUMN = "key"
LONGEST_KEY = 512
LONGEST_LINE = 65_536
_NEVER_IN_A_KEY = ("Cc", "Cs", "Co", "Zl", "Zp")


class _Lines:
    """Decoded lines of a file. `damage` says what was wrong with one of the lines read since it was last cleared."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._first = True
        self.damage = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(LONGEST_LINE)
        if not raw:
            raise StopIteration
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            self._skip_rest_of_line()
            self.damage = f"longer than {LONGEST_LINE} bytes"
            return "\n"
        if self._first:
            self._first = False
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.damage = "not UTF-8"
            return raw.decode(errors="replace")

    def _skip_rest_of_line(self) -> None:
        # Ends with the file: a file is finite, and a piece is never kept.
        while (piece := self._file.readline(LONGEST_LINE)) and not piece.endswith(b"\n"):
            pass


def key_lines(*, file: BinaryIO) -> Iterator[KeyLine]:
    """Yield the keys of a file with their line numbers, wrong ones with their fault. Blank lines are passed over.

    Raises:
        BadInput: the first line does not name a column `key`, or names it twice.
    """
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    columns = _header(reader, lines)
    place = columns.index(COLUMN)
    number = reader.line_num
    while True:
        lines.damage = ""
        try:
            record = next(reader, None)
            fault = lines.damage
        except csv.Error as reason:
            record, fault = [], str(reason)
        if record is None:
            return
        number, started = reader.line_num, number + 1
        if record or fault:
            yield _key_line(started, record, place=place, width=len(columns), fault=fault)


def in_batches(*, lines: Iterator[KeyLine], size: int) -> Iterator[list[KeyLine]]:
    """Yield the lines in batches of `size`, the last one shorter."""
    while batch := list(islice(lines, size)):
        yield batch


def fault_of(*, secret: str) -> str:
    """Return what makes a text unfit to be sold as a key, or "". What a spreadsheet would take for a formula is a fine key."""
    if not secret:
        return "empty"
    if len(secret) > LONGEST_KEY:
        return f"longer than {LONGEST_KEY} characters"
    if not secret.isprintable() and any(unicodedata.category(character) in _NEVER_IN_A_KEY for character in secret):
        return "holds a control character"
    if not secret[0].isalnum() and not normalised(secret):
        return "nothing but spaces and dashes"
    return ""


def _header(reader: Iterator[list[str]], lines: _Lines) -> list[str]:
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as reason:
        raise BadInput(fields={"line 1": str(reason)}) from reason
    if lines.damage:
        raise BadInput(fields={"line 1": lines.damage})
    if columns.count(COLUMN) != 1:
        raise BadInput(fields={"line 1": f"has to name the columns, one of them {COLUMN!r}"})
    return columns


def _key_line(number: int, record: list[str], *, place: int, width: int, fault: str) -> KeyLine:
    if fault:
        return KeyLine(number, "", fault)
    if len(record) > width:
        return KeyLine(number, "", f"has {len(record)} columns, the first line names {width}")
    secret = record[place].strip() if len(record) > place else ""
    return KeyLine(number, secret, fault_of(secret=secret))
