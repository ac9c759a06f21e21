"""Two rule sets side by side, told for people: which rules came, went, moved or say something else, and field by field what."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from anka.domain.policy import told
from anka.domain.policy.grammar import Reader, Rule
from anka.domain.policy.table import WORDS, RuleSet, default_texts
from anka.domain.policy.vocabulary import When
from anka.domain.policy.wordings import Language

Entry = tuple[When, tuple[str, ...]]
"""One line of what evidence is asked for: when, and the kinds."""
Pair = tuple[str, str]
"""A sentence in Chinese and in English."""
_PLACE = "position"
_BETWEEN: dict[Language, tuple[str, str, str]] = {
    "zh": ("第 {position} 位，在 {before} 之后", "第 {position} 位，在 {after} 之前", "第 {position} 位"),
    "en": ("position {position}, after {before}", "position {position}, before {after}", "position {position}"),
}
_NEEDED: dict[Language, str] = {"zh": "{when}：{kinds}", "en": "{when}: {kinds}"}
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field in words, before and after; empty where it is not there. `name` is its key in the rule file."""

    name: str
    old_zh: str
    new_zh: str
    old_en: str
    new_en: str

    def to_json(self) -> dict[str, object]:
        """Return it as the API gives it."""
        return {"name": self.name, "old": {"zh": self.old_zh, "en": self.old_en}, "new": {"zh": self.new_zh, "en": self.new_en}}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `kind`: added, removed, changed or moved; `part`: rule, evidence, words or complaint_cap; `rule`: the id, or ""."""

    kind: str
    rule: str
    fields: tuple[FieldChange, ...]
    part: str = "rule"

    def to_json(self) -> dict[str, object]:
        """Return it as the API gives it."""
        return {"kind": self.kind, "part": self.part, "rule": self.rule, "fields": [field.to_json() for field in self.fields]}


def compare(*, old: RuleSet, new: RuleSet) -> tuple[Change, ...]:
    """Return what is different in the new rules, rule by rule in the order they are read, then evidence, words and the cap on clocks.

    A rule is the same rule as long as it keeps its id. One that only stands elsewhere is moved; one that says something else is changed,
    wherever it stands. How a file is written (comments, layout, which file a rule is in) is no difference.
    """
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    found: list[tuple[int, Change]] = []
    for rule in after.values():
        fields = _fields(before.get(rule.id), rule, old, new)
        if fields:
            found.append((rule.position, Change(kind=_kind(before.get(rule.id), fields), rule=rule.id, fields=fields)))
    for rule in before.values():
        if rule.id not in after:
            found.append((rule.position, Change(kind="removed", rule=rule.id, fields=_fields(rule, None, old, new))))
    changes = [change for _, change in sorted(found, key=lambda pair: pair[0])]
    return (*changes, *_evidence(old, new), *_words(old, new), *_cap(old, new))


def _kind(before: Rule | None, fields: tuple[FieldChange, ...]) -> str:
    if before is None:
        return "added"
    return "moved" if [field.name for field in fields] == [_PLACE] else "changed"


def _told(rule: Rule | None, rules: RuleSet, language: Language) -> dict[str, str]:
    """Return a rule's fields in words, its position with the rule it comes after."""
    if rule is None:
        return {}
    return told.fields_in_words(rule=rule, language=language) | {_PLACE: _place(rule, rules, language)}


def _place(rule: Rule, rules: RuleSet, language: Language) -> str:
    index = rules.rules.index(rule)
    before = rules.rules[index - 1].id if index else ""
    after = rules.rules[index + 1].id if index + 1 < len(rules.rules) else ""
    form = _BETWEEN[language][0 if before else 1 if after else 2]
    return form.format(position=rule.position, before=before, after=after)


def _fields(before: Rule | None, after: Rule | None, old: RuleSet, new: RuleSet) -> tuple[FieldChange, ...]:
    """Return the fields whose values differ. Neighbours that came or went do not move a rule: its own number has to be another."""
    sides = [_told(rule, rules, language) for rule, rules in ((before, old), (after, new)) for language in LANGUAGES]
    names = dict.fromkeys(name for side in sides for name in side)
    if before is not None and after is not None:
        names = dict.fromkeys(name for name in names if getattr(before, name) != getattr(after, name))
    return tuple(_field(name, *(side.get(name, "") for side in sides)) for name in names)


def _field(name: str, *said: str) -> FieldChange:
    old_zh, old_en, new_zh, new_en = said
    return FieldChange(name=name, old_zh=old_zh, new_zh=new_zh, old_en=old_en, new_en=new_en)


def _differs(change: FieldChange) -> bool:
    return (change.old_zh, change.old_en) != (change.new_zh, change.new_en)


def _tables(texts: Mapping[str, str]) -> list[Mapping[str, object]]:
    return [tomllib.loads(texts[name]) for name in sorted(texts)]


def _entries(rules: RuleSet) -> list[Entry]:
    """Return what evidence is asked for, in order; the default's where the rule set says nothing of its own."""
    tables = _tables(rules.texts)
    if not any("evidence" in table for table in tables):
        tables = _tables(default_texts())
    found: list[Entry] = []
    for table in tables:
        entries = table.get("evidence", [])
        for entry in entries if isinstance(entries, list) else []:
            reader = Reader(where="evidence", table=entry)
            found.append((reader.when(entry.get("when")), tuple(entry["kinds"])))
    return found


def _entry(entry: Entry | None, language: Language) -> str:
    if entry is None:
        return ""
    when = told.conditions_in_words(when=entry[0], language=language)
    return _NEEDED[language].format(when=when, kinds=told.evidence_in_words(kinds=entry[1], language=language))


def _evidence(old: RuleSet, new: RuleSet) -> tuple[Change, ...]:
    before, after = _entries(old), _entries(new)
    fields: list[FieldChange] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        gone, come = before[start:end], after[new_start:new_end]
        for index in range(max(len(gone), len(come))):
            pair = (gone[index] if index < len(gone) else None, come[index] if index < len(come) else None)
            fields.append(_field("evidence", *(_entry(entry, language) for entry in pair for language in LANGUAGES)))
    return (Change(kind="changed", rule="", fields=tuple(fields), part="evidence"),) if fields else ()


def _sentences(rules: RuleSet) -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for table in (*_tables(default_texts()), *_tables(rules.texts)):
        words = table.get("words", {})
        for name, pair in words.items() if isinstance(words, dict) else ():
            found[name] = (pair["zh"], pair["en"])
    return found


def _words(old: RuleSet, new: RuleSet) -> tuple[Change, ...]:
    before, after = _sentences(old), _sentences(new)
    fields = [_field(f"words.{name}", *before.get(name, ("", "")), *after.get(name, ("", ""))) for name in WORDS]
    changed = tuple(change for change in fields if _differs(change))
    return (Change(kind="changed", rule="", fields=changed, part="words"),) if changed else ()


def _cap(old: RuleSet, new: RuleSet) -> tuple[Change, ...]:
    minutes = (old.complaint_cap_minutes, new.complaint_cap_minutes)
    if minutes[0] == minutes[1]:
        return ()
    said = (told.span_in_words(minutes=value, language=language) for value in minutes for language in LANGUAGES)
    return (Change(kind="changed", rule="", fields=(_field("complaint_cap_minutes", *said),), part="complaint_cap"),)
