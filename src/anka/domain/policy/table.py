"""The table of rules: read from TOML, checked, compiled. The only module of the domain that reads a file (its own package's)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from anka.domain.facts import EVIDENCE
from anka.domain.policy.compiled import CompiledRule, Masks, Scope, Wording, scopes
from anka.domain.policy.files import read_toml, require_texts
from anka.domain.policy.grammar import LONGEST_CLOCK, Reader, Rule, RuleTableError, parse_rule
from anka.domain.policy.naming import shown
from anka.domain.policy.sense import Place, require_sense, require_words

WORDS = ("turn_refund", "turn_escalate", "agreed", "refused", "silent_refund", "silent_escalate", "goodwill", "asked_by_platform")
"""The sentences that follow a rule's own, by what has been answered."""
CAP = "complaint_cap_minutes"
_TOP_KEYS = ("rule", "evidence", "words", CAP)
MOST_RULES = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """A whole table of rules, in force or drafted. `version` names its exact contents."""

    version: str
    rules: tuple[Rule, ...]
    compiled: tuple[CompiledRule, ...]
    scopes: Mapping[tuple[str, str, str], Scope]
    evidence: tuple[tuple[int, tuple[str, ...]], ...]
    complaint_cap_minutes: int
    texts: Mapping[str, str]


def _toml(name: str, text: str) -> dict[str, object]:
    table = read_toml(name=name, text=text)
    Reader(where=name, table=table).only(_TOP_KEYS)
    return table


def _list_of_tables(name: str, table: Mapping[str, object], key: str) -> list[object]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise RuleTableError(f"{name}: {key} is {shown(value)}; allowed: tables [[{key}]]")
    return value


def _rules(tables: Mapping[str, dict[str, object]]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    listed = {name: _list_of_tables(name, table, "rule") for name, table in tables.items()}
    count = sum(map(len, listed.values()))
    if not 0 < count <= MOST_RULES:
        raise RuleTableError(f"{', '.join(tables)}: {count} rules; allowed: from 1 to {MOST_RULES}")
    for name, entries in listed.items():
        rules.extend(parse_rule(file=name, index=index, table=entry) for index, entry in enumerate(entries))
    by_position: dict[int, Rule] = {}
    by_id: dict[str, Rule] = {}
    for rule in rules:
        for key, other in (("position", by_position.get(rule.position)), ("id", by_id.get(rule.id))):
            if other is not None:
                found = getattr(rule, key)
                raise RuleTableError(
                    f"{rule.file}, rule {rule.id!r}: {key} is {found!r}, as in {other.file}, rule {other.id!r}; allowed: once"
                )
        require_sense(rule=rule)
        by_position[rule.position] = by_id[rule.id] = rule
    return tuple(by_position[position] for position in sorted(by_position))


def _evidence(tables: Mapping[str, dict[str, object]], masks: Masks) -> tuple[tuple[int, tuple[str, ...]], ...]:
    entries: list[tuple[int, tuple[str, ...]]] = []
    for name, table in tables.items():
        for index, entry in enumerate(_list_of_tables(name, table, "evidence")):
            if not isinstance(entry, dict):
                raise RuleTableError(f"{name}: evidence is {shown(entry)}; allowed: tables [[evidence]]")
            reader = Reader(where=f"{name}, evidence number {index + 1}", table=entry)
            reader.only(("when", "kinds"))
            kinds = reader.words_of("kinds", entry.get("kinds"), EVIDENCE)
            when = reader.when(entry.get("when"))
            place = Place(where=reader.where)
            place.possible("when", when)
            place.unrepeated("kinds", kinds)
            entries.extend((mask, kinds) for mask in masks.of(when))
    return tuple(entries)


def _words(tables: Mapping[str, dict[str, object]]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name, table in tables.items():
        given = table.get("words", {})
        if not isinstance(given, dict):
            raise RuleTableError(f"{name}: words is {shown(given)}; allowed: tables [words.{WORDS[0]}]")
        Reader(where=f"{name}, words", table=given).only(WORDS)
        for key, pair in given.items():
            if not isinstance(pair, dict):
                raise RuleTableError(f"{name}, words: {key} is {shown(pair)}; allowed: zh and en")
            reader = Reader(where=f"{name}, words {key!r}", table=pair)
            reader.only(("zh", "en"))
            if key in found:
                raise RuleTableError(f"{name}, words: {key} is in another file too; allowed: once")
            found[key] = (reader.text("zh"), reader.text("en"))
            require_words(where=reader.where, key=key, zh=found[key][0], en=found[key][1])
    return found


def _cap(tables: Mapping[str, dict[str, object]]) -> int | None:
    found: int | None = None
    for name, table in tables.items():
        if CAP not in table:
            continue
        reader = Reader(where=name, table=table)
        if found is not None or table[CAP] == 0:
            reader.refuse(CAP, table[CAP], f"one number of minutes from 1 to {LONGEST_CLOCK}, in one of the files")
        found = reader.whole(CAP, table[CAP], LONGEST_CLOCK)
    return found


def _wording(rule: str, *sentences: tuple[str, str]) -> Wording:
    zh = "".join(sentence[0] for sentence in sentences)
    en = " ".join(sentence[1] for sentence in sentences)
    return Wording(rule=rule, zh=zh, en=en, open="{" in zh + en)


def _wordings(rule: Rule, words: Mapping[str, tuple[str, str]]) -> Mapping[str, Wording]:
    own = (rule.zh, rule.en)
    variants = {"": _wording(rule.id, own)}
    if rule.pattern == "turn":
        variants[""] = _wording(rule.id, own, words[f"turn_{rule.silence}"])
        variants["refused"] = _wording(f"{rule.id}.refused", own, words["refused"])
        variants["silent"] = _wording(f"{rule.id}.silent", own, words[f"silent_{rule.silence}"])
    if rule.pattern in {"turn", "platform"}:
        variants["agreed"] = _wording(f"{rule.id}.agreed", own, words["agreed"])
    if rule.pattern == "refusal":
        variants["agreed"] = _wording(f"{rule.id}.agreed", words["goodwill"])
        variants["platform"] = _wording(f"{rule.id}.platform", words["asked_by_platform"])
    return MappingProxyType(variants)


def _compiled(rule: Rule, masks: Masks, words: Mapping[str, tuple[str, str]]) -> CompiledRule:
    return CompiledRule(
        rule=rule,
        when=masks.of(rule.when),
        fault=masks.of_choice(rule.fault),
        goods=masks.of_choice(rule.goods),
        clock=masks.of_choice(rule.clock),
        replacement_first=masks.of_choice(rule.replacement_first),
        wordings=_wordings(rule, words),
    )


def parse_rules(*, texts: Mapping[str, str]) -> RuleSet:
    """Read a table of rules from the texts of its files, by name. What they do not say of words, evidence and caps is as in the default.

    Raises:
        RuleTableError: names the file, the rule, the key, what was found and what is allowed.
    """
    default = {name: _toml(name, text) for name, text in default_texts().items()}
    require_texts(texts=texts)
    tables = {name: _toml(name, text) for name, text in sorted(texts.items())}
    masks = Masks()
    words = _words(default) | _words(tables)
    compiled = tuple(_compiled(rule, masks, words) for rule in _rules(tables))
    with_evidence = tables if any("evidence" in table for table in tables.values()) else default
    evidence = _evidence(with_evidence, masks)
    cap = _cap(tables)
    digest = hashlib.sha256(b"".join(f"{name}\0{text}\0".encode() for name, text in sorted(texts.items())))
    return RuleSet(
        version=digest.hexdigest()[:12],
        rules=tuple(rule.rule for rule in compiled),
        compiled=compiled,
        scopes=scopes(rules=compiled, more=tuple(mask for mask, _ in evidence), masks=masks),
        evidence=evidence,
        complaint_cap_minutes=cap if cap is not None else (_cap(default) or LONGEST_CLOCK),
        texts=MappingProxyType(dict(texts)),
    )


@lru_cache(maxsize=1)
def default_texts() -> Mapping[str, str]:
    """Return the TOML of the default table, by file name."""
    folder = files("anka.domain.policy") / "rules"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return MappingProxyType({name: (folder / name).read_text(encoding="utf-8") for name in names})


@lru_cache(maxsize=1)
def default_rules() -> RuleSet:
    """Return the default table, read once."""
    return parse_rules(texts=default_texts())
