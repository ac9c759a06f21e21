"""A rule as a form: every field a control, every condition a choice of boxes. What a form cannot say keeps standing as it is written.

Pure. A form is read into the same table that stands in a rule file, so that the grammar alone decides what is allowed.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from anka.domain.facts import EVIDENCE
from anka.domain.policy import told
from anka.domain.policy import vocabulary as words
from anka.domain.policy.grammar import Rule, RuleTableError, parse_rule
from anka.domain.policy.vocabulary import Condition
from anka.domain.policy.wordings import Language
from anka.domain.policy.written import MONEY, write_rule
from anka.web.platform import rules_words
from anka.web.platform.rules_words import capitalised

Shown = dict[str, Any]
Typed = MultiValueDict[str, str]
MOST_ALTERNATIVES = 12
CHOICES = ("fault", "goods", "clock", "replacement_first")
"""The fields whose value may differ by case."""
TAKES: Mapping[str, tuple[str, ...]] = {
    "": ("route", "refund", "fault", "goods", "replacement_first"),
    "turn": ("refund", "fault", "goods", "clock", "silence"),
    "platform": ("refund",),
    "platform!": ("refund",),
    "refusal": (),
}
"""What a rule says itself, by its pattern; the rest the pattern says."""
NUMBERS = ("position", "clock", *MONEY)
_WHEN = re.compile(r"when-([0-9]{1,2})-([a-z_]+)", re.ASCII)
_BOUND = re.compile(r"(<=|>=|<|>|=)\s*(\S+)")
_TOLD = re.compile(r"[^:]*: (?P<key>[a-z_.]+) is (?P<found>.*); allowed: (?P<allowed>.*)", re.DOTALL)
_SIGNS = str.maketrans({"≤": "<=", "≥": ">=", "＜": "<", "＞": ">", "＝": "=", "，": ",", "、": ","})


@dataclass(frozen=True, slots=True)
class Entered:
    """A rule as it was filled in; `rule` is None where `errors` says why, field by field."""

    rule: Rule | None
    errors: dict[str, str]


def fits_a_form(rule: Rule) -> bool:
    """Tell whether a form can show all of a rule's conditions; one with very many alternatives is edited as text."""
    return len(rule.when) < MOST_ALTERNATIVES


def typed_of(rule: Rule) -> Typed:
    """Return what somebody would have typed to get this rule. Values that differ by case are left empty: they stay as written."""
    typed: Typed = MultiValueDict()
    for name in ("id", "pattern", "route", "refund", "silence", "zh", "en", "position", *MONEY):
        value = getattr(rule, name)
        typed[name] = "" if value is None else str(value)
    for name in CHOICES:
        choice = getattr(rule, name)
        typed[name] = str(choice[0][1]).lower() if len(choice) == 1 else ""
    typed.setlist("evidence", list(rule.evidence))
    for index, condition in enumerate(rule.when):
        for name, values in condition.values:
            typed.setlist(f"when-{index}-{name}", list(values))
        for name in words.NUMBERS:
            bounds = [bound for bound in condition.bounds if bound.subject == name]
            typed[f"when-{index}-{name}"] = ", ".join(f"{bound.operator} {bound.limit}" for bound in bounds)
    return typed


def read_rule(*, form: QueryDict, before: Rule | None, file: str) -> Entered:
    """Return the rule in a form. `before` is the one it replaces: its order of facts is kept, and whatever the form leaves as written."""
    try:
        return Entered(rule=parse_rule(file=file, index=0, table=_table(form, before)), errors={})
    except RuleTableError as error:
        field, text = told_at(error)
        return Entered(rule=None, errors={field: text})


def told_at(error: RuleTableError) -> tuple[str, str]:
    """Return the field an error of the grammar belongs to, and what to say there."""
    match = _TOLD.fullmatch(str(error))
    if match is None:
        return "rule", str(error)
    key = match["key"].partition(".")[0]
    if match["found"] == "None":
        return key, gettext("This is missing. Allowed: %(allowed)s") % {"allowed": match["allowed"]}
    said = gettext("%(key)s is %(found)s. Allowed: %(allowed)s")
    return key, said % {"key": match["key"], "found": match["found"], "allowed": match["allowed"]}


def _table(form: QueryDict, before: Rule | None) -> dict[str, object]:
    written: Mapping[str, object] = tomllib.loads(write_rule(before))["rule"][0] if before else {}
    pattern = form.get("pattern", "")
    table: dict[str, object] = {"position": _number(form.get("position", "")), "id": form.get("id", "").strip()}
    when = _when(form, before)
    if when:
        table["when"] = when
    if pattern:
        table["pattern"] = pattern
    for name in TAKES.get(pattern, ()):
        value = _value(name, form)
        if value is None and name in CHOICES and before is not None and len(getattr(before, name)) > 1:
            value = written[name]
        if value is not None:
            table[name] = value
    if form.getlist("evidence"):
        table["evidence"] = _in_order(form.getlist("evidence"), before.evidence if before else ())
    table |= {name: _number(form.get(name, "")) for name in MONEY if form.get(name, "").strip()}
    return table | {name: form.get(name, "").replace("\r\n", "\n").strip() for name in ("zh", "en")}


def _value(name: str, form: QueryDict) -> object:
    text = form.get(name, "").strip()
    if not text:
        return None
    if name == "replacement_first":
        return {"true": True, "false": False}.get(text, text)
    return _number(text) if name in NUMBERS else text


def _number(text: str) -> object:
    """Return a whole number, or the text as it is, for the grammar to refuse."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 16 else plain


def _in_order(chosen: Iterable[str], before: tuple[str, ...]) -> list[str]:
    """Return what was chosen, what was there before first and in its order, so that saving a form unchanged changes nothing."""
    wanted = list(dict.fromkeys(chosen))
    return [value for value in before if value in wanted] + [value for value in wanted if value not in before]


def _indices(form: Typed) -> list[int]:
    return sorted({int(match[1]) for name in form if (match := _WHEN.fullmatch(name)) and int(match[1]) < MOST_ALTERNATIVES})


def _when(form: QueryDict, before: Rule | None) -> object:
    alternatives = []
    for index in _indices(form):
        old = before.when[index] if before is not None and index < len(before.when) else Condition()
        condition = _condition(form, f"when-{index}-", old)
        if condition:
            alternatives.append(condition)
    return alternatives[0] if len(alternatives) == 1 else alternatives


def _condition(form: QueryDict, prefix: str, before: Condition) -> dict[str, object]:
    old = dict(before.values)
    found: dict[str, object] = {}
    for name in dict.fromkeys((*old, *words.FEATURES)):
        chosen = [value for value in form.getlist(prefix + name) if value]
        if name in words.TRUTHS and chosen:
            found[name] = {"true": True, "false": False}.get(chosen[0], chosen[0])
        elif chosen:
            found[name] = _in_order(chosen, old.get(name, ()))
    for name in dict.fromkeys((*(bound.subject for bound in before.bounds), *words.NUMBERS)):
        bounds = [_bound(part) for part in form.get(prefix + name, "").translate(_SIGNS).split(",") if part.strip()]
        if bounds:
            found[name] = bounds[0] if len(bounds) == 1 else bounds
    return found


def _bound(text: str) -> str:
    """Return a bound with the one space the grammar wants, however it was typed."""
    match = _BOUND.fullmatch(text.strip())
    return f"{match[1]} {match[2]}" if match else text.strip()


def controls(*, typed: Typed, before: Rule | None, language: Language) -> Shown:
    """Return the form's controls with what is typed in them."""
    return {
        "text": {name: typed.get(name, "") for name in ("position", "id", "clock", "zh", "en", *MONEY)},
        "choices": [_select(name, typed, before, language) for name in ("pattern", "route", "refund", "fault", "goods")],
        "later": [_select(name, typed, before, language) for name in ("silence", "replacement_first")],
        "clock": _rich("clock", before, language),
        "evidence": _boxes("evidence", "evidence", EVIDENCE, typed, language),
        "alternatives": [_alternative(index, typed, language) for index in _shown_indices(typed)],
    }


def _shown_indices(typed: Typed) -> list[int]:
    """Return the alternatives there are and an empty one, as long as there may be more."""
    used = _indices(typed)
    nearest = next(index for index in range(MOST_ALTERNATIVES + 1) if index not in used)
    return [*used, nearest] if nearest < MOST_ALTERNATIVES else used


def _options(name: str) -> tuple[str, ...]:
    return {
        "pattern": words.PATTERNS,
        "route": tuple(route for route in words.ROUTES if route != "merchant"),
        "refund": tuple(refund for refund in words.REFUNDS if refund != "agreed"),
        "fault": words.FAULTS,
        "goods": (*words.GOODS_AFTER, *words.GOODS_TERMS),
        "silence": words.SILENCES,
        "replacement_first": words.YES_NO,
    }[name]


def _rich(name: str, before: Rule | None, language: Language) -> str:
    """Return a value that differs by case in words, or "" where there is one value only."""
    if before is None or len(getattr(before, name)) < 2:
        return ""
    return told.fields_in_words(rule=before, language=language)[name]


def _select(name: str, typed: Typed, before: Rule | None, language: Language) -> Shown:
    chosen = typed.get(name, "")
    rich = _rich(name, before, language) if name in CHOICES else ""
    labels = {"pattern": gettext("Who decides"), "route": gettext("How it is carried out")}
    empty = gettext("By itself, without a pattern") if name == "pattern" else "—"
    options = [{"value": "", "label": gettext("By case, as written") if rich else empty, "chosen": not chosen}]
    for value in dict.fromkeys(_options(name)):
        options.append({"value": value, "label": rules_words.option(name, value, language), "chosen": value == chosen})
    return {
        "name": name,
        "label": labels.get(name) or capitalised(told.field_name(field=name, language=language)),
        "options": options,
        "rich": rich,
    }


def _boxes(field: str, fact: str, values: Iterable[str], typed: Typed, language: Language) -> list[Shown]:
    chosen = typed.getlist(field)
    return [{"value": value, "label": _box(fact, value, language), "chosen": value in chosen} for value in values]


def _box(fact: str, value: str, language: Language) -> str:
    if fact == "evidence":
        return told.evidence_in_words(kinds=(value,), language=language)
    return told.value_in_words(fact=fact, value=value, language=language)


def _alternative(index: int, typed: Typed, language: Language) -> Shown:
    facts: list[Shown] = []
    for name, values in words.FEATURES.items():
        field = f"when-{index}-{name}"
        boxes = _boxes(field, name, values, typed, language)
        facts.append(
            {
                "field": field,
                "label": rules_words.FACTS[name],
                "boxes": boxes,
                "truth": name in words.TRUTHS,
                "chosen": [box["label"] for box in boxes if box["chosen"]],
            }
        )
    bounds = [
        {
            "field": f"when-{index}-{name}",
            "label": rules_words.FACTS[name],
            "value": typed.get(f"when-{index}-{name}", ""),
        }
        for name in words.NUMBERS
    ]
    said = [", ".join(fact["chosen"]) for fact in facts if fact["chosen"]]
    said += [f"{bound['label']} {bound['value']}" for bound in bounds if bound["value"]]
    return {"index": index, "facts": facts, "bounds": bounds, "used": bool(said), "said": " · ".join(said)}
