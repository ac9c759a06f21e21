"""A rule written over its own lines: what says the same stays as it is written, comments between the lines too."""

import tomllib

from anka.domain.policy.edit import items_of
from anka.domain.policy.grammar import Rule
from anka.domain.policy.written import write_rule

_HEADER = "["


def rewritten(*, lines: str, rule: Rule) -> str:
    """Return the lines of a rule changed so that they say what `rule` says. Only the keys whose values differ are written anew.

    Lines with tables of their own below the rule are all written anew. `lines` must be one TOML table [[rule]].

    Raises:
        tomllib.TOMLDecodeError: the lines are no TOML.
    """
    wanted = write_rule(rule)
    new, old = _values(wanted), _values(lines)
    if old is None or new is None:
        return wanted
    changed = "".join(_kept(lines, new, wanted))
    missing = [text for key, text in _texts(wanted).items() if key not in old]
    if missing and not changed.endswith("\n"):
        changed += "\n"
    return changed + "".join(missing)


def _texts(lines: str) -> dict[str, str]:
    """Return the text of every key with its value."""
    pieces = [lines[start:end] for start, end in items_of(lines) if not lines.startswith(_HEADER, start)]
    return {next(iter(tomllib.loads(piece))): piece for piece in pieces}


def _values(lines: str) -> dict[str, object] | None:
    """Return the value of every key of one plain table; None where it has tables below it or dotted keys."""
    headers = [start for start, _ in items_of(lines) if lines.startswith(_HEADER, start)]
    if len(headers) != 1:
        return None
    values: dict[str, object] = tomllib.loads(lines)["rule"][0]
    # A key that is written in several lines, as dotted ones are, says another thing in each of them.
    alone = {key: tomllib.loads(text) for key, text in _texts(lines).items()}
    return values if alone == {key: {key: value} for key, value in values.items()} else None


def _kept(lines: str, new: dict[str, object], wanted: str) -> list[str]:
    """Return the pieces of the old lines in order, each key as it was, as it shall be, or not at all."""
    anew, pieces, at = _texts(wanted), [], 0
    for start, end in items_of(lines):
        item = lines[start:end]
        pieces.append(lines[at:start])
        at = end
        if lines.startswith(_HEADER, start):
            pieces.append(item)
            continue
        ((key, value),) = tomllib.loads(item).items()
        if key in new:
            pieces.append(item if new[key] == value and type(new[key]) is type(value) else anew[key])
    return [*pieces, lines[at:]]
