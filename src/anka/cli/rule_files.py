"""The files of rules named at the command line."""

from collections.abc import Sequence
from pathlib import Path

from anka.domain.policy.files import MOST_FILES, texts_of
from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.table import RuleSet, default_rules, parse_rules


def rules_of(*, paths: Sequence[Path]) -> RuleSet:
    """Return the rules of these files, and of the TOML files of these folders, as one set; the default ones if there are none.

    Raises:
        RuleTableError: they are no set of rules; OSError: they cannot be read.
    """
    if not paths:
        return default_rules()
    files = [file for path in paths for file in _files(path)]
    if len(files) > MOST_FILES:
        raise RuleTableError(f"{len(files)} files; allowed: up to {MOST_FILES}")
    contents: dict[str, bytes] = {}
    for path in files:
        if path.name in contents:
            raise RuleTableError(f"{path}: there are two files of this name; allowed: each name once")
        contents[path.name] = path.read_bytes()
    return parse_rules(texts=texts_of(contents=contents))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.toml"))
    if not found:
        raise RuleTableError(f"{path}: no TOML file in this folder; allowed: files of rules ending in .toml")
    return found
