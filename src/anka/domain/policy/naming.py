"""How a refusal names what it found and what is allowed: always short, always on one line, whatever was found."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

LONGEST = 60
_FEW = 5
_LARGEST = 10**18
_NOT_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def shown(value: object, /) -> str:
    """Return a value as an error tells it, cut where it is long."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value) if len(value) <= LONGEST else f"{value[:LONGEST]!r}…"
    if isinstance(value, int) and not -_LARGEST < value < _LARGEST:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, Mapping):
        return f"a table with {some(value)}" if value else "an empty table"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return one_line(str(value))


def some(words: Iterable[object], /) -> str:
    """Return the first few words, listed."""
    listed = [one_line(str(word)) for word in words]
    return ", ".join(listed[:_FEW]) + (", …" if len(listed) > _FEW else "")


def one_line(text: str, /) -> str:
    """Return a text without line ends and control characters, cut where it is long."""
    plain = _NOT_ONE_LINE.sub("?", text)
    return plain if len(plain) <= 2 * LONGEST else f"{plain[: 2 * LONGEST]}…"


def one_of(allowed: Iterable[str], given: object, /) -> str:
    """Return the words to choose from, and which of them is nearest to what was given."""
    words = list(allowed)
    close = get_close_matches(given[:LONGEST], words, n=1) if isinstance(given, str) else []
    return ", ".join(words) + (f"; nearest: {close[0]}" if close else "")
