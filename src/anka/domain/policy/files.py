"""The files of a rule table before anybody reads a rule: what they may be called, how large they may be, that they are text."""

import re
import tomllib
from collections.abc import Mapping

from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.naming import one_line, shown

MOST_FILES = 20
MOST_CHARACTERS = 1_000_000
"""Of all files together. The default table has some 30,000."""
LONGEST_LINE = 2_000
"""TOML keys and inline tables stand on one line, so that this bounds how deep they can nest."""
_MARK = "\ufeff"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,90}\.toml", re.ASCII)


def texts_of(*, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Return the texts of files by name.

    Raises:
        RuleTableError: a file is too large or not UTF-8.
    """
    texts = {}
    for name, content in contents.items():
        if len(content) > 4 * MOST_CHARACTERS:
            raise RuleTableError(f"{one_line(name)}: the file has {len(content)} bytes; allowed: {MOST_CHARACTERS} characters in all files")
        try:
            texts[name] = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RuleTableError(f"{one_line(name)}: byte {error.start + 1} is not UTF-8; allowed: TOML in UTF-8") from None
    return texts


def require_texts(*, texts: Mapping[str, str]) -> None:
    """Refuse files that are too many, too large, or not called like a rule file.

    Raises:
        RuleTableError: names the file and what is allowed.
    """
    if not 0 < len(texts) <= MOST_FILES:
        raise RuleTableError(f"{len(texts)} files; allowed: from 1 to {MOST_FILES}")
    for name in texts:
        if not _NAME.fullmatch(name):
            raise RuleTableError(f"file name {shown(name)}; allowed: letters, digits, spaces, dots, hyphens and .toml at the end")
    characters = sum(map(len, texts.values()))
    if characters > MOST_CHARACTERS:
        raise RuleTableError(f"{', '.join(texts)}: {characters} characters; allowed: {MOST_CHARACTERS} in all files")


def read_toml(*, name: str, text: str) -> dict[str, object]:
    """Return the tables of a file.

    Raises:
        RuleTableError: it is not TOML, or TOML that nests too deep.
    """
    if text.startswith(_MARK):
        raise RuleTableError(f"{name}: it begins with a byte order mark; allowed: UTF-8 without one")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            raise RuleTableError(f"{name}: line {number} has {len(line)} characters; allowed: {LONGEST_LINE}")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise RuleTableError(f"{name}: not TOML: it nests too deep; allowed: tables and lists a few levels deep") from None
    except ValueError as error:
        # Also a number of more digits than Python reads, which is no TOMLDecodeError.
        raise RuleTableError(f"{name}: not TOML: {one_line(str(error))}") from None
