"""The after-sale rules as people read them: when a rule speaks, what happens then, how much comes back. Pure."""

from typing import Any

from django.utils.translation import gettext

from anka.domain.goods import Goods
from anka.domain.policy import wordings
from anka.domain.policy.compiled import CompiledRule
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import RuleSet
from anka.domain.policy.vocabulary import Bound, Condition
from anka.web import words
from anka.web.requests import language, pick

Shown = dict[str, Any]
COMMON = "common"
DAY, HOUR = 1440, 60


def groups(*, rules: RuleSet) -> list[Shown]:
    """Return the rules in the order they are read, those all goods share first, then kind by kind."""
    found: dict[str, list[Shown]] = {COMMON: [], **{str(goods): [] for goods in Goods}}
    for compiled in rules.compiled:
        found[_group(compiled.rule)].append(_shown(compiled))
    labels = {COMMON: gettext("All goods"), **{str(goods): words.kind(str(goods)) for goods in Goods}}
    return [{"code": code, "label": labels[code], "rules": listed} for code, listed in found.items() if listed]


def _group(rule: Rule) -> str:
    kinds = {values for condition in rule.when for key, values in condition.values if key == "goods"}
    only = next(iter(kinds)) if len(kinds) == 1 else ()
    return only[0] if len(only) == 1 else COMMON


def _shown(compiled: CompiledRule) -> Shown:
    rule = compiled.rule
    text = _filled(pick(rule.zh, rule.en))
    return {"id": rule.id, "when": _when(rule), "then": text, "refund": _refund(rule), "why": ""}


def _filled(text: str) -> str:
    """Return a rule's sentence with its places named instead of filled."""
    return text.format(
        percent="N",
        hours="N",
        window_days=gettext("7 or more"),
        warranty_days=gettext("7 or more"),
    )


def _refund(rule: Rule) -> str:
    if rule.refund is None:
        return {"refusal": wordings.REFUNDS["none"][language()]}.get(rule.pattern or "", wordings.REFUNDS["negotiable"][language()])
    return wordings.REFUNDS[rule.refund][language()].replace("{percent}%", "").replace(", {percent} %", "").strip()


def _when(rule: Rule) -> str:
    said = [_condition(condition) for condition in rule.when]
    return gettext("; or ").join(text for text in said if text) or gettext("In every other case")


def _condition(condition: Condition) -> str:
    parts = [_feature(key, values) for key, values in condition.values if key != "goods"]
    parts += [_bound(bound) for bound in condition.bounds]
    return gettext(", ").join(part for part in parts if part)


def _feature(key: str, values: tuple[str, ...]) -> str:
    named = gettext(" or ").join(_value(key, value) for value in values)
    form = _features().get(key)
    return form % {"value": named} if form else named


def _features() -> dict[str, str]:
    return {
        "asker": gettext("asked by %(value)s"),
        "reason": gettext("reason: %(value)s"),
        "group": gettext("reason: %(value)s"),
        "use_check": gettext("record of use: %(value)s"),
        "used_by": gettext("used by: %(value)s"),
        "matches_order": gettext("as ordered: %(value)s"),
        "notice": gettext("notice of no refund: %(value)s"),
        "login_seen": gettext("login recorded: %(value)s"),
        "upstream": gettext("supplier: %(value)s"),
        "dispute": gettext("dispute elsewhere: %(value)s"),
    }


def fact_value(key: str, value: str) -> str:
    """Return what the value of a fact is called."""
    return _value(key, value)


def _value(key: str, value: str) -> str:
    if key == "stage":
        return wordings.STAGES[value][language()]
    if key == "reason":
        return words.reason(value)
    if value in ("true", "false"):
        return _truths(key, value)
    return _values().get(value, value)


def _truths(key: str, value: str) -> str:
    said = {
        "voidable": (gettext("the key can be voided"), gettext("the key cannot be voided")),
        "overdue": (gettext("delivery is late"), gettext("delivery is not late")),
        "bad": (gettext("a record shows the goods bad before they were opened"), gettext("no record shows the goods bad")),
        "wrong": (gettext("not what was ordered"), gettext("not known to be wrong goods")),
        "short": (gettext("worth less than ordered"), gettext("not known to be worth less")),
        "consumed": (gettext("used up"), gettext("not used up")),
    }
    return said[key][value == "false"]


def _values() -> dict[str, str]:
    return {
        "buyer": gettext("the buyer"),
        "merchant": gettext("the merchant"),
        "platform": gettext("the platform"),
        "change_of_mind": gettext("change of mind"),
        "delay": gettext("delay"),
        "quality": gettext("quality"),
        "protected": gettext("protected buyers"),
        "special": gettext("special cases"),
        "unknown": gettext("unknown"),
        "unused": gettext("unused"),
        "used_before_reveal": gettext("used before it was opened"),
        "used_after_reveal": gettext("used after it was opened"),
        "invalid": gettext("invalid"),
        "other": gettext("somebody else"),
        "yes": gettext("yes"),
        "no": gettext("no"),
        "none": gettext("none"),
        "shown": gettext("shown"),
        "confirmed": gettext("shown and confirmed"),
        "cancellable": gettext("can still cancel"),
        "cancelled": gettext("has cancelled"),
        "failed": gettext("has failed"),
        "locked": gettext("cannot cancel any more"),
        "done": gettext("has delivered"),
        "complaint": gettext("complaint at the channel"),
        "chargeback": gettext("chargeback"),
    }


def _bound(bound: Bound) -> str:
    subjects = {
        "ago": gettext("time since delivery"),
        "upstream_minutes": gettext("time with the supplier"),
        "progress": gettext("progress"),
        "delivered_percent": gettext("share delivered"),
    }
    limits = {"refund_window": gettext("the refund window"), "warranty": gettext("the warranty")}
    limit = limits.get(bound.limit) or _number(bound)
    sign = {"<=": "≤", ">=": "≥"}.get(bound.operator, bound.operator)
    return f"{subjects[bound.subject]} {sign} {limit}"


def _number(bound: Bound) -> str:
    if bound.subject in ("progress", "delivered_percent"):
        return f"{bound.limit}%"
    minutes = int(bound.limit)
    return gettext("%(count)s min") % {"count": minutes} if minutes % HOUR else gettext("%(count)s h") % {"count": minutes // HOUR}
