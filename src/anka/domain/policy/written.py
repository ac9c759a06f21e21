"""A rule as TOML, always written the same way. What is written here reads back as the very same rule."""

import json
from collections.abc import Callable
from typing import TypeVar

from anka.domain.policy.grammar import Choice, Rule
from anka.domain.policy.vocabulary import ALWAYS, TRUTHS, Bound, Condition, When

Value = TypeVar("Value")
WIDEST_LINE = 140
_DELETE = "\x7f"
MONEY = ("compensation_minor", "keep_minor", "fee_percent")


def write_text(text: str, /) -> str:
    """Return a TOML string. TOML escapes as JSON does, and the delete character as well."""
    return json.dumps(text, ensure_ascii=False).replace(_DELETE, "\\u007f")


def write_list(words: tuple[str, ...], /) -> str:
    """Return a TOML list of strings, on one line."""
    return f"[{', '.join(map(write_text, words))}]"


def _feature(name: str, values: tuple[str, ...]) -> str:
    return values[0] if name in TRUTHS else write_list(values)


def _bounds(bounds: tuple[Bound, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for bound in bounds:
        found.setdefault(bound.subject, []).append(f"{bound.operator} {bound.limit}")
    return found


def write_condition(condition: Condition, /) -> str:
    """Return a condition as a table on one line, which is the only place TOML allows it."""
    parts = [f"{name} = {_feature(name, values)}" for name, values in condition.values]
    parts += [
        f"{subject} = {write_text(limits[0]) if len(limits) == 1 else write_list(tuple(limits))}"
        for subject, limits in _bounds(condition.bounds).items()
    ]
    return f"{{ {', '.join(parts)} }}"


def _entries(key: str, entries: list[str]) -> str:
    """Return `key = [entries]`, on one line where they fit."""
    short = f"{key} = [{', '.join(entries)}]"
    if len(short) <= WIDEST_LINE:
        return short
    return "\n".join([f"{key} = [", *(f"    {entry}," for entry in entries), "]"])


def write_when(when: When, /) -> str:
    """Return a condition as a value: one table, or a list of alternative ones."""
    written = [write_condition(condition) for condition in when]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def _when(when: When) -> list[str]:
    if when == ALWAYS:
        return []
    if len(when) == 1:
        return [f"when = {write_condition(when[0])}"]
    return [_entries("when", [write_condition(condition) for condition in when])]


def _choice(key: str, choice: Choice[Value], write: Callable[[Value], str]) -> list[str]:
    if not choice:
        return []
    if len(choice) == 1:
        return [f"{key} = {write(choice[0][1])}"]
    entries = [
        f"{{ is = {write(value)} }}" if when == ALWAYS else f"{{ when = {write_when(when)}, is = {write(value)} }}"
        for when, value in choice
    ]
    return [_entries(key, entries)]


def _truth(value: object) -> str:
    return "true" if value else "false"


def write_rule(rule: Rule, /) -> str:
    """Return a rule as the text of its [[rule]] table, with a line end after the last line; `parse_rule` reads the same rule from it."""
    lines = ["[[rule]]", f"position = {rule.position}", f"id = {write_text(rule.id)}", *_when(rule.when)]
    lines += [f"{key} = {write_text(value)}" for key in ("pattern", "route", "refund") if (value := getattr(rule, key)) is not None]
    lines += _choice("fault", rule.fault, write_text)
    lines += _choice("goods", rule.goods, write_text)
    lines += _choice("clock", rule.clock, str)
    if rule.silence is not None:
        lines.append(f"silence = {write_text(rule.silence)}")
    lines += _choice("replacement_first", rule.replacement_first, _truth)
    if rule.evidence:
        lines.append(f"evidence = {write_list(rule.evidence)}")
    lines += [f"{key} = {value}" for key in MONEY if (value := getattr(rule, key)) is not None]
    lines += [f"zh = {write_text(rule.zh)}", f"en = {write_text(rule.en)}"]
    return "\n".join(lines) + "\n"
