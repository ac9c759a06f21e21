"""Versions of the rules as people read them: what changed, in words; when each counted; what was known when it was announced. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext

from anka.domain.facts import Facts, FactsError
from anka.domain.policy import told
from anka.domain.policy.compare import Change, FieldChange
from anka.domain.policy.decision import Decision
from anka.domain.policy.explain import verdict
from anka.domain.policy_states import PublicationStatus
from anka.policies.models import Publication
from anka.web.platform import rules_words
from anka.web.requests import language, pick

Shown = dict[str, Any]


def changes_shown(*, changes: Iterable[Change], version: str) -> list[Shown]:
    """Return what is different, change by change; a rule that is there leads to itself in the version it is part of."""
    return [_change(change, version) for change in changes]


def _change(change: Change, version: str) -> Shown:
    label, tone = rules_words.CHANGES[change.kind]
    there = change.part == "rule" and change.kind != "removed" and version
    return {
        "label": label,
        "tone": tone,
        "title": change.rule or rules_words.PARTS[change.part],
        "rule": change.rule,
        "url": f"/rules/{version}#{change.rule}" if there else "",
        "kind": change.kind,
        "fields": [_field(field) for field in change.fields],
    }


def _field(field: FieldChange) -> Shown:
    return {"label": _field_label(field.name), "old": pick(field.old_zh, field.old_en), "new": pick(field.new_zh, field.new_en)}


def _field_label(name: str) -> str:
    if name.startswith("words."):
        return gettext("Sentence %(name)s") % {"name": name.removeprefix("words.")}
    if name == "complaint_cap_minutes":
        return gettext("At most")
    return rules_words.capitalised(told.field_name(field=name, language=language()))


def counted(changes: Iterable[Change]) -> str:
    """Return in one line how many rules came, went, changed and moved."""
    number = dict.fromkeys(rules_words.CHANGES, 0)
    other = 0
    for change in changes:
        number[change.kind] += change.part == "rule"
        other += change.part != "rule"
    said = {
        "added": gettext("%(count)s new"),
        "removed": gettext("%(count)s removed"),
        "changed": gettext("%(count)s changed"),
        "moved": gettext("%(count)s moved"),
    }
    parts = [said[kind] % {"count": count} for kind, count in number.items() if count]
    if other:
        parts.append(gettext("%(count)s other") % {"count": other})
    return gettext(", ").join(parts)


def publication_shown(*, publication: Publication) -> Shown:
    """Return one announcement: its version, when it counts, whether it still does, and what was known of it."""
    label, tone = rules_words.PUBLICATIONS[publication.status]
    return {
        "version": publication.version,
        "url": f"/rules/{publication.version}",
        "label": label,
        "tone": tone,
        "status": publication.status.value,
        "from_beginning": publication.by_person == 0,
        "announced_at": publication.announced_at,
        "in_force_from": publication.in_force_from,
        "until": publication.until,
        "reason": publication.reason,
        "by_two": publication.approved_by is not None,
        "withdrawal": publication.withdrawal,
        "findings": [pick(str(found.get("zh", "")), str(found.get("en", ""))) for found in publication.findings],
    }


def predecessor_of(*, publication: Publication, publications: Iterable[Publication]) -> Publication | None:
    """Return what held, or was to hold, right before; None for the rules an installation began with."""
    valid = (other for other in publications if other.status is not PublicationStatus.WITHDRAWN and other.id != publication.id)
    earlier = (other for other in valid if other.in_force_from < publication.in_force_from)
    return max(earlier, key=lambda other: other.in_force_from, default=None)


def situation(*, facts: Mapping[str, Any] | None, decision: Mapping[str, Any] | None) -> Shown | None:
    """Return a situation and what is decided in it, as a finding or an example gives them as data; None where there is none."""
    if facts is None:
        return None
    try:
        read = Facts.from_json(dict(facts))
    except FactsError:
        # It was found by another version of Anka: the data is still shown.
        read = None
    return {"facts": _facts(read) if read else [], "data": dict(facts), "decision": _decision(decision) if decision else None}


def _facts(facts: Facts) -> list[Shown]:
    """Return the facts that differ from the plainest situation; kind, stage and reason always."""
    shown = []
    said = facts.to_json()
    usual = Facts(goods="card_key", stage="queued", reason="OTHER").to_json()
    for key, value in said.items():
        if key in ("goods", "stage", "reason") or value != usual.get(key):
            shown.append({"label": rules_words.fact(key), "value": _value(key, value)})
    return shown


def _value(key: str, value: object) -> str:
    if value is None:
        return gettext("not known")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return told.evidence_in_words(kinds=tuple(value), language=language())
    if key.endswith("percent"):
        return f"{value}%"
    if isinstance(value, int):
        return told.span_in_words(minutes=value, language=language())
    return told.value_in_words(fact=key, value=str(value), language=language())


def _decision(decision: Mapping[str, Any]) -> Shown:
    said = {"because": {"zh": "", "en": ""}, **decision}
    try:
        text = verdict(decision=Decision.from_receipt(said), language=language())
    except (KeyError, TypeError):
        text = str(decision.get("route", ""))
    return {"rule": decision.get("rule", ""), "verdict": text}
