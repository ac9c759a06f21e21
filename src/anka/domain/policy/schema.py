"""The language of rule files as data: every key, what it may hold and what it means, and a JSON Schema made from the same words.

The schema says all that the form of a file can say. What only its sense can say (bounds that contradict each other, a place in a sentence
that nothing fills, an id used twice) is left to `parse_rules`, which checks both.
"""

from types import MappingProxyType

from anka.domain.facts import EVIDENCE
from anka.domain.money import MAX_MINOR
from anka.domain.policy import vocabulary as words
from anka.domain.policy.grammar import LONGEST_CLOCK, NEEDED, REFUNDS, ROUTES
from anka.domain.policy.sense import LONGEST_TEXT, MOST_ALTERNATIVES, REFUNDS_OF_ROUTE, SHARES
from anka.domain.policy.table import MOST_RULES, WORDS

Json = dict[str, object]
MOST_POSITION = 1_000_000
KEYS: MappingProxyType[str, str] = MappingProxyType(
    {
        "position": "Where the rule stands among those of all files of a set; the first rule that matches decides. No two have the same.",
        "id": "The rule's name, on every decision it makes. Small letters, digits and hyphens; a variant adds a dot and its name.",
        "when": "A condition, or a list of alternative ones. Without it the rule matches every situation.",
        "pattern": "Who decides, and what each answer of the merchant leads to. Without it the outcome stands as it is written.",
        "route": "How the decision is carried out; only without a pattern.",
        "refund": "What goes back; not with the pattern refusal.",
        "fault": "Whose fault it is: a value, or a list of { when, is } of which the first that fits counts and the last has no when.",
        "goods": "What becomes of the goods: a value or a term, or a list of { when, is }.",
        "clock": "Minutes the merchant has to answer; with the pattern turn. A number, or a list of { when, is }.",
        "silence": "What no answer in time leads to; with the pattern turn. A negotiable refund can only escalate.",
        "replacement_first": "Whether a replacement is offered before the money; without a pattern. A truth, or a list of { when, is }.",
        "evidence": "Kinds of evidence needed beside those of the [[evidence]] tables; where somebody has to judge.",
        "compensation_minor": "An amount on top of the refund, from the merchant's deposit, in minor units of the order's currency.",
        "keep_minor": "An amount the merchant keeps: taken off the refund, in minor units of the order's currency, never below 0.",
        "fee_percent": "A fee in per cent of the refund, taken off it and rounded down.",
        "zh": "Why, in Chinese, in whole sentences; with the law or rule it rests on.",
        "en": "The same in English.",
    }
)
"""Every key of a rule, and what it is for."""
TERMS: MappingProxyType[str, str] = MappingProxyType(
    {
        "group": "the kind of reason: a reason code belongs to exactly one group",
        "overdue": "the fact promise_overdue",
        "bad": "use_check is invalid or used_before_reveal",
        "wrong": "matches_order is no",
        "short": "a card_key or top_up of which delivered_percent is known and below 100",
        "consumed": "any top_up or boosting; a card_key at stage used; used_after_reveal; an account with login_seen yes and ago > 1440",
        "ago": "the fact delivered_minutes_ago; 0 where a supplier has just delivered",
        "progress": "the fact progress_percent",
        "spoiled": "rotate for account and rental, keep for top_up and boosting, void for card_key",
        "unopened": "spoiled where a record speaks against the goods; hold for a quality reason or FAKE_OR_ILLICIT; else restock",
        "returned": "by stage: release before delivery (rotate for a working rental), unopened while sealed, later rotate, void or keep",
    }
)
"""Words a rule may use that are no facts, and what they stand for."""
PATTERNS: MappingProxyType[str, str] = MappingProxyType(
    {
        "turn": "The merchant answers first. No answer yet: route merchant with this refund, fault and goods, and the clock runs. agreed: "
        "instant, the amount agreed on (`.agreed`). refused: platform, the same refund, fault undecided, goods held (`.refused`). silent: "
        "with silence refund instant, as offered; with escalate as refused (`.silent`).",
        "platform": "The platform decides: fault undecided, goods held. If the merchant agreed: instant, the amount agreed on, no fault, "
        "goods returned (`.agreed`).",
        "platform!": "The platform decides, whatever the merchant says: fault undecided, goods held.",
        "refusal": "Refused: no refund, the fault is the buyer's, who keeps the goods and may appeal once. If the merchant agreed: "
        "instant, the amount agreed on (`.agreed`). Asked by platform staff: platform, negotiable (`.platform`).",
    }
)
"""What each pattern does with the merchant's answer."""
_TEXT: Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_TEXT,
    "pattern": r"^[^<>\u0000-\u001f\u007f]*\S[^<>\u0000-\u001f\u007f]*$",
}
_BOUND: Json = {"type": "string", "pattern": rf"^{words.BOUND.pattern}$"}


def _enumerated(values: tuple[str, ...]) -> Json:
    return {"enum": list(values)}


def _listed(values: tuple[str, ...]) -> Json:
    return {"type": "array", "items": _enumerated(values), "minItems": 1, "uniqueItems": True}


def _whole(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


def _reference(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _choice(value: Json) -> Json:
    """A value, or entries of which only the last may do without a condition; that it is the last is left to `parse_rules`."""
    entry: Json = {
        "type": "object",
        "properties": {"when": _reference("when"), "is": value},
        "required": ["is"],
        "additionalProperties": False,
    }
    return {"anyOf": [value, {"type": "array", "items": entry, "minItems": 1, "contains": {"not": {"required": ["when"]}}}]}


def _condition() -> Json:
    facts: Json = {name: {"type": "boolean"} if name in words.TRUTHS else _listed(values) for name, values in words.FEATURES.items()}
    bound: Json = {"anyOf": [_BOUND, {"type": "array", "items": _BOUND, "minItems": 1, "uniqueItems": True}]}
    facts.update(dict.fromkeys(words.NUMBERS, bound))
    return {"type": "object", "properties": facts, "minProperties": 1, "additionalProperties": False}


def _values() -> dict[str, Json]:
    """Return what each key of a rule may hold."""
    goods = (*words.GOODS_AFTER, *words.GOODS_TERMS)
    return {
        "position": _whole(0, MOST_POSITION),
        "id": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,47}$"},
        "when": _reference("when"),
        "pattern": _enumerated(words.PATTERNS),
        "route": _enumerated(ROUTES),
        "refund": _enumerated(REFUNDS),
        "fault": _choice(_enumerated(words.FAULTS)),
        "goods": _choice(_enumerated(goods)),
        "clock": _choice(_whole(1, LONGEST_CLOCK)),
        "silence": _enumerated(words.SILENCES),
        "replacement_first": _choice({"type": "boolean"}),
        "evidence": _listed(EVIDENCE),
        "compensation_minor": _whole(1, MAX_MINOR),
        "keep_minor": _whole(1, MAX_MINOR),
        "fee_percent": _whole(1, 99),
        "zh": _TEXT,
        "en": _TEXT,
    }


def _by_pattern() -> list[Json]:
    """Return what each pattern needs and what it does not allow, and which refunds each route can carry out."""
    outcome = ("route", "refund", "fault", "goods", "clock", "silence", "replacement_first")
    found: list[Json] = []
    for pattern, needed in NEEDED.items():
        allowed = {*needed, *(("replacement_first",) if pattern is None else ())}
        forbidden: Json = {key: False for key in outcome if key not in allowed}
        chosen: Json = (
            {"properties": {"pattern": {"const": pattern}}, "required": ["pattern"]} if pattern else {"not": {"required": ["pattern"]}}
        )
        found.append({"if": chosen, "then": {"required": list(needed), "properties": forbidden}})
    for route, refunds in REFUNDS_OF_ROUTE.items():
        chosen = {"properties": {"route": {"const": route}}, "required": ["route"]}
        found.append({"if": chosen, "then": {"properties": {"refund": _enumerated(refunds)}}})
    return found


def schema() -> Json:
    """Return the JSON Schema (2020-12) of one rule file read as TOML."""
    described: Json = {key: {"description": KEYS[key], **value} for key, value in _values().items()}
    rule: Json = {
        "type": "object",
        "properties": described,
        "required": ["position", "id", "zh", "en"],
        "additionalProperties": False,
        "allOf": _by_pattern(),
        "dependentSchemas": {
            key: {"properties": {"refund": _enumerated(SHARES)}, "required": ["refund"]}
            for key in ("compensation_minor", "keep_minor", "fee_percent")
        },
    }
    evidence: Json = {
        "type": "object",
        "properties": {"when": _reference("when"), "kinds": _listed(EVIDENCE)},
        "required": ["kinds"],
        "additionalProperties": False,
    }
    sentence: Json = {"type": "object", "properties": {"zh": _TEXT, "en": _TEXT}, "required": ["zh", "en"], "additionalProperties": False}
    alternatives: Json = {
        "type": "array",
        "items": _reference("condition"),
        "minItems": 1,
        "maxItems": MOST_ALTERNATIVES,
        "uniqueItems": True,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rule file of Anka",
        "description": "One TOML file of a set of rules, read as data. All files of a set together are one table.",
        "type": "object",
        "properties": {
            "rule": {"type": "array", "items": _reference("rule"), "maxItems": MOST_RULES},
            "evidence": {"type": "array", "items": _reference("evidence")},
            "words": {"type": "object", "properties": dict.fromkeys(WORDS, _reference("sentence")), "additionalProperties": False},
            "complaint_cap_minutes": _whole(1, LONGEST_CLOCK),
        },
        "additionalProperties": False,
        "$defs": {
            "rule": rule,
            "evidence": evidence,
            "sentence": sentence,
            "when": {"anyOf": [_reference("condition"), alternatives]},
            "condition": _condition(),
        },
    }
