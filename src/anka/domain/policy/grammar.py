"""From the TOML of a rule file to rules. Every refusal names the file, the rule, the key, and what is allowed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import NoReturn, TypeVar

from anka.domain.facts import EVIDENCE
from anka.domain.money import MAX_MINOR
from anka.domain.policy import vocabulary as words
from anka.domain.policy.naming import one_line, one_of, shown
from anka.domain.policy.vocabulary import ALWAYS, Bound, Condition, When

Value = TypeVar("Value")
Choice = tuple[tuple[When, Value], ...]
"""Values with the conditions under which each counts; the first that fits, and the last one always fits."""
LONGEST_CLOCK = 60 * 24 * 30


class RuleTableError(Exception):
    """A rule file cannot be used. Says where, what was found, and what is allowed."""

    code, status = "bad_rule_table", 422


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table, as written."""

    position: int
    id: str
    file: str
    when: When
    pattern: str | None
    route: str | None
    refund: str | None
    fault: Choice[str]
    goods: Choice[str]
    clock: Choice[int]
    silence: str | None
    replacement_first: Choice[bool]
    evidence: tuple[str, ...]
    compensation_minor: int | None
    keep_minor: int | None
    fee_percent: int | None
    zh: str
    en: str


_OUTCOME = ("route", "refund", "fault", "goods", "clock", "silence", "replacement_first")
NEEDED: dict[str | None, tuple[str, ...]] = {
    None: ("route", "refund", "fault", "goods"),
    "turn": ("refund", "fault", "goods", "clock", "silence"),
    "platform": ("refund",),
    "platform!": ("refund",),
    "refusal": (),
}
ROUTES = tuple(route for route in words.ROUTES if route != "merchant")
REFUNDS = tuple(refund for refund in words.REFUNDS if refund != "agreed")
_GOODS = (*words.GOODS_AFTER, *words.GOODS_TERMS)
_ALLOWED = {
    "route": f"one of {', '.join(ROUTES)}",
    "refund": f"one of {', '.join(REFUNDS)}",
    "fault": f"one of {', '.join(words.FAULTS)}",
    "goods": f"one of {', '.join(_GOODS)}",
    "clock": f"minutes, a whole number from 1 to {LONGEST_CLOCK}",
    "silence": f"one of {', '.join(words.SILENCES)}",
}
_MONEY = ("compensation_minor", "keep_minor", "fee_percent")
_KEYS = ("position", "id", "when", "pattern", *_OUTCOME, "evidence", *_MONEY, "zh", "en")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the values of one table of a file and knows where it stands, for the message when one is wrong."""

    where: str
    table: Mapping[str, object]

    def refuse(self, key: str, value: object, allowed: str) -> NoReturn:
        """Raise the error that names this place."""
        raise RuleTableError(f"{self.where}: {one_line(key)} is {shown(value)}; allowed: {allowed}")

    def only(self, keys: tuple[str, ...]) -> None:
        """Refuse every key but these."""
        for key in self.table:
            if key not in keys:
                self.refuse(key, self.table[key], f"only the keys {one_of(keys, key)}")

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """Read one of these words."""
        return self.checked_word(key, self.table.get(key), allowed)

    def checked_word(self, key: str, value: object, allowed: tuple[str, ...]) -> str:
        """Return a value that is one of these words."""
        if not isinstance(value, str) or value not in allowed:
            self.refuse(key, value, f"one of {one_of(allowed, value)}")
        return value

    def whole(self, key: str, value: object, most: int) -> int:
        """Return a value that is a whole number from 0 to `most`."""
        if type(value) is not int or not 0 <= value <= most:
            self.refuse(key, value, f"a whole number from 0 to {most}")
        return value

    def truth(self, key: str, value: object) -> bool:
        """Return a value that is true or false."""
        if not isinstance(value, bool):
            self.refuse(key, value, "true or false")
        return value

    def words_of(self, key: str, value: object, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of these words that is not empty."""
        if not isinstance(value, list) or not value:
            self.refuse(key, value, f"a list of {', '.join(allowed)}")
        return tuple(self.checked_word(key, item, allowed) for item in value)

    def text(self, key: str) -> str:
        """Read a sentence with known placeholders only."""
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, value, "a sentence for people")
        allowed = ", ".join(f"{{{name}}}" for name in words.PLACEHOLDERS)
        try:
            places = [(field, form or conversion) for _, field, form, conversion in Formatter().parse(value) if field is not None]
        except ValueError:
            self.refuse(key, value, f"braces in pairs, around the placeholders {allowed}")
        for field, more in places:
            if field not in words.PLACEHOLDERS or more:
                self.refuse(key, field, f"the placeholders {allowed}")
        return value

    def when(self, value: object) -> When:
        """Read a condition, or a list of alternative ones."""
        if value is None:
            return ALWAYS
        alternatives = value if isinstance(value, list) else [value]
        if not alternatives:
            self.refuse("when", value, "a table, or a list of tables")
        return tuple(self._condition(alternative) for alternative in alternatives)

    def _condition(self, value: object) -> Condition:
        if not isinstance(value, dict) or not value:
            self.refuse("when", value, "a table of facts")
        values: list[tuple[str, tuple[str, ...]]] = []
        bounds: list[Bound] = []
        for key, wanted in value.items():
            if key in words.NUMBERS:
                bounds.extend(self._bounds(key, wanted))
            elif key in words.TRUTHS:
                if not isinstance(wanted, bool):
                    self.refuse(f"when.{key}", wanted, "true or false")
                values.append((key, ("true" if wanted else "false",)))
            elif key in words.FEATURES:
                values.append((key, self.words_of(f"when.{key}", wanted, words.FEATURES[key])))
            else:
                self.refuse(f"when.{key}", wanted, f"the facts {one_of((*words.FEATURES, *words.NUMBERS), key)}")
        return Condition(values=tuple(values), bounds=tuple(bounds))

    def _bounds(self, key: str, value: object) -> list[Bound]:
        listed = value if isinstance(value, list) else [value]
        if not listed:
            self.refuse(f"when.{key}", value, "a bound, or a list of bounds")
        return [self._bound(key, text) for text in listed]

    def _bound(self, key: str, value: object) -> Bound:
        match = words.BOUND.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.refuse(f"when.{key}", value, 'a bound such as "<= 30", "> 120", "= 0" or "<= refund_window"')
        return Bound(subject=key, operator=match.group(1), limit=match.group(2))

    def choice(self, key: str, read: Callable[[str, object], Value]) -> Choice[Value]:
        """Read a value, or a list of { when, is } whose last entry always counts."""
        value = self.table.get(key)
        if not isinstance(value, list):
            return ((ALWAYS, read(key, value)),)
        entries: list[tuple[When, Value]] = []
        for entry in value:
            if not isinstance(entry, dict) or "is" not in entry or not entry.keys() <= {"when", "is"}:
                self.refuse(key, entry, "entries of the form { when = …, is = … }")
            entries.append((self.when(entry.get("when")), read(key, entry["is"])))
        if not entries or entries[-1][0] != ALWAYS:
            self.refuse(key, value, "a last entry without when, which counts if no other does")
        return tuple(entries)


def _required(reader: Reader, pattern: str | None) -> None:
    for key in _OUTCOME:
        given, needed = key in reader.table, key in NEEDED[pattern]
        if needed and not given:
            reader.refuse(key, None, f"required {f'with the pattern {pattern}' if pattern else 'without a pattern'}: {_ALLOWED[key]}")
        if given and not needed and not (key == "replacement_first" and pattern is None):
            reader.refuse(key, reader.table[key], f"nothing: the pattern {pattern or 'is missing and'} says it itself")


def parse_rule(*, file: str, index: int, table: object) -> Rule:
    """Read one rule of a file.

    Raises:
        RuleTableError: something in it is missing, unknown or does not fit.
    """
    if not isinstance(table, dict):
        raise RuleTableError(f"{file}: rule is {shown(table)}; allowed: tables [[rule]]")
    reader = Reader(where=f"{file}, rule {shown(table['id']) if 'id' in table else f'number {index + 1}'}", table=table)
    reader.only(_KEYS)
    identifier = table.get("id")
    if not isinstance(identifier, str) or not re.fullmatch("[a-z][a-z0-9-]{0,47}", identifier, re.ASCII):
        reader.refuse("id", identifier, "small letters, digits and hyphens, a letter first, up to 48 of them")
    pattern = reader.one_of("pattern", words.PATTERNS) if "pattern" in table else None
    _required(reader, pattern)
    numbers = {key: reader.whole(key, table[key], 100 if key == "fee_percent" else MAX_MINOR) if key in table else None for key in _MONEY}
    return Rule(
        position=reader.whole("position", table.get("position"), 10**6),
        id=identifier,
        file=file,
        when=reader.when(table.get("when")),
        pattern=pattern,
        route=reader.one_of("route", ROUTES) if "route" in table else None,
        refund=reader.one_of("refund", REFUNDS) if "refund" in table else None,
        fault=reader.choice("fault", lambda key, value: reader.checked_word(key, value, words.FAULTS)) if "fault" in table else (),
        goods=reader.choice("goods", lambda key, value: reader.checked_word(key, value, _GOODS)) if "goods" in table else (),
        clock=reader.choice("clock", lambda key, value: reader.whole(key, value, LONGEST_CLOCK)) if "clock" in table else (),
        silence=reader.one_of("silence", words.SILENCES) if "silence" in table else None,
        replacement_first=reader.choice("replacement_first", reader.truth) if "replacement_first" in table else (),
        evidence=reader.words_of("evidence", table["evidence"], EVIDENCE) if "evidence" in table else (),
        zh=reader.text("zh"),
        en=reader.text("en"),
        compensation_minor=numbers["compensation_minor"],
        keep_minor=numbers["keep_minor"],
        fee_percent=numbers["fee_percent"],
    )
