"""Files of keys as people really make them: every usual form is read, every wrong line is named by its number."""

import io
from itertools import count

import pytest

from anka.core.refusals import BadInput
from anka.vault.key_file import LONGEST_LINE, in_batches, key_lines
from anka.vault.models import KeyLine

pytestmark = pytest.mark.no_database


def read(content: bytes) -> list[KeyLine]:
    return list(key_lines(file=io.BytesIO(content)))


def secrets(content: bytes) -> list[tuple[int, str]]:
    return [(line.number, line.secret) for line in read(content) if not line.fault]


def faults(content: bytes) -> list[tuple[int, str]]:
    return [(line.number, line.fault) for line in read(content) if line.fault]


@pytest.mark.parametrize(
    "content",
    [
        b"key\nA-1\nA-2\n",
        b"\xef\xbb\xbfkey\nA-1\nA-2\n",
        b"key\r\nA-1\r\nA-2\r\n",
        b"KEY \nA-1\n A-2 ",
        b'"key"\n"A-1"\n"A-2"\n',
        b"key,note\nA-1,first\nA-2,second\n",
    ],
)
def test_usual_forms_are_read(content: bytes) -> None:
    assert secrets(content) == [(2, "A-1"), (3, "A-2")]


def test_the_column_may_stand_anywhere_and_quotes_may_hold_anything() -> None:
    assert secrets('note,key\n"a, ""b""","K,1"\n"two\nlines",K2\nx,密钥-三\n'.encode()) == [(2, "K,1"), (3, "K2"), (5, "密钥-三")]


def test_what_a_spreadsheet_takes_for_a_formula_is_a_key() -> None:
    assert secrets(b"key\n=SUM(A1)\n+1\n-2\n@x\n") == [(2, "=SUM(A1)"), (3, "+1"), (4, "-2"), (5, "@x")]


def test_blank_lines_are_passed_over_and_counted() -> None:
    assert secrets(b"key\n\nA\n\r\nB\n\n") == [(3, "A"), (5, "B")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'""', "empty"),
        (b'"  "', "empty"),
        (b"-- --", "nothing but spaces and dashes"),
        (b"x" * 513, "longer than 512 characters"),
        (b"A\x00B", "holds a control character"),
        (b'"A\nB"', "holds a control character"),
        (b"A\x7fB", "holds a control character"),
        ("A\u2028B".encode(), "holds a control character"),
        (b"A\xffB", "not UTF-8"),
        (b"A,B", "has 2 columns, the first line names 1"),
        (b"x" * (LONGEST_LINE * 3), f"longer than {LONGEST_LINE} bytes"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_wrong_line_is_named_and_the_next_one_is_read(line: bytes, why: str) -> None:
    content = b"key\nGOOD-1\n" + line + b"\nGOOD-2\n"
    assert faults(content) == [(3, why)]
    assert [secret for _, secret in secrets(content)] == ["GOOD-1", "GOOD-2"]


def test_a_fault_never_repeats_the_line() -> None:
    assert "SECRET" not in repr(read(b"key\nSECRET\x00\nSECRET,2\n"))


def test_a_quote_that_is_never_closed_is_named_by_the_line_it_begins_on() -> None:
    ((number, why),) = faults(b'key\nA\n"B\n' + b"C\n" * 10)
    assert number == 3
    assert why


def test_512_characters_are_not_too_many() -> None:
    assert secrets(("key\n" + "密" * 512 + "\n").encode()) == [(2, "密" * 512)]


@pytest.mark.parametrize("content", [b"", b"\n", b"code\nA\n", b"key,key\nA,B\n", b"\xff\xfek\x00e\x00y\x00\n", b'"key\n'])
def test_a_file_without_its_column_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput) as refusal:
        read(content)
    assert "line 1" in refusal.value.fields


class _Endless(io.RawIOBase):
    """A file that never ends; reading it as a whole would never return."""

    def __init__(self) -> None:
        self._numbers = count()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed names a wider type
        number = next(self._numbers)
        data = b"key\n" if number == 0 else b"K%d\n" % number
        buffer[: len(data)] = data
        return len(data)


def test_the_file_is_never_read_as_a_whole() -> None:
    batches = in_batches(lines=key_lines(file=io.BufferedReader(_Endless(), 64)), size=3)
    assert [line.secret for line in next(batches)] == ["K1", "K2", "K3"]
    assert [line.number for line in next(batches)] == [5, 6, 7]
