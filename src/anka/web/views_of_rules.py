"""The after-sale rules as people read them: when a rule speaks, what happens then, how much comes back. Pure."""

from typing import Any

from django.utils.translation import gettext

from anka.domain.goods import Goods
from anka.domain.policy import told
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import RuleSet
from anka.web import words
from anka.web.requests import language, pick

Shown = dict[str, Any]
COMMON = "common"


def groups(*, rules: RuleSet) -> list[Shown]:
    """Return the rules in words, in the order they are read, those all goods share first, then kind by kind."""
    return [{**group, "rules": [_shown(rule) for rule in group["rules"]]} for group in groups_of(rules=rules)]


def groups_of(*, rules: RuleSet) -> list[Shown]:
    """Return the rules themselves in groups, those all goods share first, then kind by kind."""
    found: dict[str, list[Rule]] = {COMMON: [], **{str(goods): [] for goods in Goods}}
    for rule in rules.rules:
        found[_group(rule)].append(rule)
    labels = {COMMON: gettext("All goods"), **{str(goods): words.kind(str(goods)) for goods in Goods}}
    return [{"code": code, "label": labels[code], "rules": listed} for code, listed in found.items() if listed]


def fact_value(key: str, value: str) -> str:
    """Return what the value of a fact is called."""
    return told.value_in_words(fact=key, value=value, language=language())


def _group(rule: Rule) -> str:
    kinds = {values for condition in rule.when for key, values in condition.values if key == "goods"}
    only = next(iter(kinds)) if len(kinds) == 1 else ()
    return only[0] if len(only) == 1 else COMMON


def _shown(rule: Rule) -> Shown:
    when = told.when_words(rule=rule, language=language())
    return {"id": rule.id, "when": when, "then": _filled(pick(rule.zh, rule.en)), "refund": _refund(rule), "why": ""}


def _filled(text: str) -> str:
    """Return a rule's sentence with its places named instead of filled."""
    return text.format(
        percent="N",
        hours="N",
        window_days=gettext("7 or more"),
        warranty_days=gettext("7 or more"),
    )


def _refund(rule: Rule) -> str:
    return told.refund_words(rule=rule, language=language())
