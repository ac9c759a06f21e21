"""A rule in words, in Chinese and English: when it speaks, what it does, and each of its fields by itself, for comparing two of them."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from anka.domain.policy import told_words as words
from anka.domain.policy.grammar import Choice, Rule
from anka.domain.policy.told_words import JOINTS, name_of
from anka.domain.policy.vocabulary import ALWAYS, Bound, Condition, When
from anka.domain.policy.wordings import Language

Value = TypeVar("Value")
_HOUR, _DAY = 60, 1440
_HOURS_UP_TO = 96 * _HOUR
"""Longer spans are told in days where they are whole ones; shorter ones in hours, as clocks are."""
_SIGNS = {"<=": "≤", ">=": "≥"}
_NOT_OUTCOME = frozenset({"position", "when", "zh", "en"})


def when_words(*, rule: Rule, language: Language) -> str:
    """Return when a rule speaks: all facts of a condition, or those of another one."""
    return conditions_in_words(when=rule.when, language=language)


def conditions_in_words(*, when: When, language: Language) -> str:
    """Return a condition in words, alternatives joined by "or"; that it always holds where it demands nothing."""
    if when == ALWAYS:
        return JOINTS["always"][language]
    return JOINTS["or_"][language].join(_condition(condition, language) for condition in when)


def outcome_words(*, rule: Rule, language: Language) -> str:
    """Return what a rule does, field by field in one line: who decides, what goes back, whose fault, what becomes of the goods, clocks."""
    label, told = JOINTS["label"][language], fields_in_words(rule=rule, language=language)
    parts = (f"{field_name(field=field, language=language)}{label}{value}" for field, value in told.items() if field not in _NOT_OUTCOME)
    return JOINTS["fields"][language].join(parts)


def fields_in_words(*, rule: Rule, language: Language) -> dict[str, str]:
    """Return every field the rule has, by its name in the file, in words. A field it does not have is not there."""
    found = {"position": str(rule.position), "when": when_words(rule=rule, language=language)}
    for field, table in (("pattern", words.PATTERNS), ("route", words.ROUTES), ("refund", words.REFUNDS)):
        value = getattr(rule, field)
        if value is not None:
            found[field] = name_of(table, value, language)
    found |= _money(rule, language)
    if rule.fault:
        found["fault"] = _choice(rule.fault, language, partial(_word, "fault", language))
    if rule.goods:
        found["goods"] = _choice(rule.goods, language, partial(_word, "goods", language))
    return found | _procedure(rule, language) | {"zh": rule.zh, "en": rule.en}


def _procedure(rule: Rule, language: Language) -> dict[str, str]:
    """Tell the fields that are about who has to do what next."""
    found = {}
    if rule.clock:
        found["clock"] = _choice(rule.clock, language, lambda value: span_in_words(minutes=value, language=language))
    if rule.silence is not None:
        found["silence"] = name_of(words.SILENCES, rule.silence, language)
    if rule.replacement_first:
        found["replacement_first"] = _choice(rule.replacement_first, language, partial(_word, "replacement_first", language))
    if rule.evidence:
        found["evidence"] = evidence_in_words(kinds=rule.evidence, language=language)
    return found


def _word(field: str, language: Language, value: object) -> str:
    return name_of(words.KINDS[field], str(value).lower(), language)


def refund_words(*, rule: Rule, language: Language) -> str:
    """Return how much a rule gives back; a refusal gives nothing, as long as nobody agrees to more."""
    return name_of(words.REFUNDS, rule.refund or "none", language)


def field_name(*, field: str, language: Language) -> str:
    """Return what a field of a rule is called."""
    return name_of(words.FIELDS, field, language)


def value_in_words(*, fact: str, value: str, language: Language) -> str:
    """Return what the value of a fact is called; the value itself where it is none of the policy's."""
    found = words.VALUES.get(fact)
    return name_of(found, value, language) if found else value


def evidence_in_words(*, kinds: tuple[str, ...], language: Language) -> str:
    """Return the kinds of evidence, listed."""
    return JOINTS["list_"][language].join(name_of(words.KINDS["evidence"], kind, language) for kind in kinds)


def span_in_words(*, minutes: int, language: Language) -> str:
    """Return a span of minutes in the largest unit that is exact, hours rather than days up to four days."""
    if minutes % _DAY == 0 and minutes > _HOURS_UP_TO:
        return JOINTS["days"][language].format(count=minutes // _DAY)
    if minutes % _HOUR == 0 and minutes:
        return JOINTS["hours"][language].format(count=minutes // _HOUR)
    return JOINTS["minutes"][language].format(count=minutes)


def money_in_words(*, amount_minor: int, language: Language) -> str:
    """Return an amount whose currency is that of the order, which a rule does not know."""
    return JOINTS["money"][language].format(count=amount_minor, decimal=f"{amount_minor // 100}.{amount_minor % 100:02}")


def _money(rule: Rule, language: Language) -> dict[str, str]:
    found = {} if rule.fee_percent is None else {"fee_percent": f"{rule.fee_percent}%"}
    for field in ("keep_minor", "compensation_minor"):
        value = getattr(rule, field)
        if value is not None:
            found[field] = money_in_words(amount_minor=value, language=language)
    return found


def _choice(choice: Choice[Value], language: Language, tell: Callable[[Value], str]) -> str:
    """Tell a value, or the values and when each counts."""
    parts = []
    for when, value in choice:
        told = tell(value)
        parts.append(
            told if when == ALWAYS else JOINTS["if_"][language].format(when=conditions_in_words(when=when, language=language), value=told)
        )
    return JOINTS["otherwise"][language].join(parts)


def _condition(condition: Condition, language: Language) -> str:
    parts = [_feature(key, values, language) for key, values in condition.values]
    parts += [_bound(bound, language) for bound in condition.bounds]
    return JOINTS["and_"][language].join(parts)


def _feature(key: str, values: tuple[str, ...], language: Language) -> str:
    named = JOINTS["values"][language].join(value_in_words(fact=key, value=value, language=language) for value in values)
    form = words.FORMS.get(key)
    return form[language].format(value=named) if form else named


def _bound(bound: Bound, language: Language) -> str:
    limit = words.LIMITS.get(bound.limit)
    if limit is not None:
        told = limit[language]
    elif bound.subject in words.PER_CENT:
        told = f"{bound.limit}%"
    else:
        told = span_in_words(minutes=int(bound.limit), language=language)
    return f"{name_of(words.NUMBERS, bound.subject, language)} {_SIGNS.get(bound.operator, bound.operator)} {told}"
