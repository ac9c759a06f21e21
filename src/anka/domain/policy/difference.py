"""Two decisions on the same facts, told side by side: the one thing in which they differ most for the people concerned."""

from anka.domain.policy.decision import CONTRACT, OPTIONAL, Decision
from anka.domain.policy.explain import verdict
from anka.domain.policy.told import evidence_in_words, field_name, span_in_words
from anka.domain.policy.told_words import JOINTS, KINDS, SILENCES, TRUTHS, name_of
from anka.domain.policy.wordings import Language

_TOLD_AS = {
    "fault": "fault",
    "goods_after": "goods",
    "answer_within_minutes": "clock",
    "on_silence": "silence",
    "replacement_first": "replacement_first",
    "evidence_needed": "evidence",
}
"""The fields a verdict does not tell, what matters more to people first, and what a rule calls them."""
_NOTHING: dict[Language, str] = {"zh": "无", "en": "none"}
_RULE: dict[Language, str] = {"zh": "规则", "en": "rule"}


def differing(*, old: Decision, new: Decision) -> tuple[str, ...]:
    """Return the fields of the contract in which two decisions differ, the optional ones included. Words are not among them."""
    return tuple(name for name in (*CONTRACT, *OPTIONAL) if getattr(old, name) != getattr(new, name))


def difference_in_words(*, old: Decision, new: Decision, language: Language) -> str:
    """Return what is different, old → new: the verdict, or the first other field where the verdict is the same."""
    before, after = (verdict(decision=decision, language=language) for decision in (old, new))
    if before != after:
        return f"{before} → {after}"
    label = JOINTS["label"][language]
    for field, told in _TOLD_AS.items():
        if getattr(old, field) != getattr(new, field):
            return f"{field_name(field=told, language=language)}{label}{_value(old, field, language)} → {_value(new, field, language)}"
    return before if old.rule == new.rule else f"{_RULE[language]}{label}{old.rule} → {new.rule}"


def _value(decision: Decision, field: str, language: Language) -> str:
    value = getattr(decision, field)
    if value is None or value == ():
        return _NOTHING[language]
    if field == "evidence_needed":
        return evidence_in_words(kinds=value, language=language)
    if field == "answer_within_minutes":
        return span_in_words(minutes=value, language=language)
    if field == "replacement_first":
        return TRUTHS[str(value).lower()][language]
    return name_of({"fault": KINDS["fault"], "goods_after": KINDS["goods"]}.get(field, SILENCES), value, language)
