"""The arbiter's sheet of a case: what is argued, the facts with where they came from, the rule and what would change it, both sides."""

from typing import Any

from django.utils.translation import gettext

from anka.cases.models import CaseState
from anka.domain.policy.table import RuleSet
from anka.web import case_words, views_of_case, words
from anka.web.platform.findings import consequences
from anka.web.platform.orders import timeline
from anka.web.platform.queue import span
from anka.web.platform.staff import names_of
from anka.web.views_of_case import CaseSeen
from anka.web.views_of_facts import proved, sheets
from anka.web.views_of_order import order_facts
from anka.web.views_of_quote import alternatives
from anka.web.views_of_receipts import receipts

Shown = dict[str, Any]


def page(*, seen: CaseSeen, rules: RuleSet) -> Shown:
    """Return everything a case's page shows to staff, forms left out."""
    case = seen.case
    found = sheets(case=case)
    names = names_of({seen.state.buyer_id, *_people(case)})
    proposed = case.proposed_ruling
    return {
        "case": views_of_case.facts_of(seen),
        "order": {**order_facts(seen.state), "staff_url": f"/platform/orders/{seen.state.number}"},
        "buyer": names.get(seen.state.buyer_id, ""),
        "headline": _headline(seen),
        "sheets": found,
        "rule": views_of_case.rule_quoted(seen),
        "alternatives": alternatives(facts=found[0]["facts"], rules=rules) if found else [],
        "receipts": receipts(cases=[case], address="/platform/cases/"),
        "proved": proved(state=seen.state, case=case),
        "sides": _sides(seen),
        "talk": views_of_case.talk(seen),
        "evidence": views_of_case.evidence(seen),
        "evidence_kinds": views_of_case.evidence_kinds(seen),
        "offers": views_of_case.offers(seen),
        "rulings": [{**slip, "by_name": _signed(slip, names)} for slip in views_of_case.rulings(seen)],
        "proposal": _proposal(seen) if proposed else None,
        "clocks": views_of_case.clocks(seen),
        "timeline": timeline(seen.state, seen.beside),
        "may": {action.name: action.allowed for action in seen.actions},
        "why_not": {action.name: action.why_not for action in seen.actions if action.why_not},
    }


def _people(case: CaseState) -> set[int]:
    return {person for ruling in case.rulings for person in (ruling.by_person, ruling.approved_by) if person}


def _signed(slip: Shown, names: dict[int, str]) -> str:
    return gettext(", ").join(names[person] for person in (slip["by_person"], slip["approved_by"]) if person in names)


def _proposal(seen: CaseSeen) -> Shown | None:
    ruling = seen.case.proposed_ruling
    if ruling is None:
        return None
    beside = ruling.total_minor - ruling.refund_minor
    goes = consequences(seen=seen, refund_minor=ruling.refund_minor, beside_minor=beside)
    return {
        **goes,
        "amount_minor": ruling.refund_minor,
        "compensation_minor": ruling.compensation_minor,
        "penalty_minor": ruling.penalty_minor,
    }


def _headline(seen: CaseSeen) -> Shown:
    case = seen.case
    clock = next((clock for clock in case.clocks if clock.kind == case.turn.clock), None)
    overdue = clock is not None and clock.due_at <= seen.now
    badge = case_words.outcome(case.outcome or "") if case.closed_at else case_words.status(case.status)
    return {
        "tone": "mute" if case.closed_at else "bad" if overdue else "info",
        "badge": badge,
        "clock": case_words.clock(clock.kind) if clock else "",
        "due": clock.due_at if clock else None,
        "overdue": gettext("Overdue by %(span)s") % {"span": span(seen.now - clock.due_at)} if clock and overdue else "",
        "title": gettext("%(reason)s: %(amount)s argued about")
        % {"reason": words.sentence_case(words.reason(case.reason)), "amount": seen.amount(views_of_case.argued_minor(seen))},
    }


def _sides(seen: CaseSeen) -> list[Shown]:
    """Return what each side said and brought, side by side."""
    said = views_of_case.talk(seen)
    brought = {group["label"]: group["lines"] for group in views_of_case.evidence(seen)}
    names = {"buyer": seen.who("buyer"), "merchant": seen.who("merchant")}
    return [
        {"label": name, "talk": [line for line in said if line["who"] == name], "evidence": brought.get(name, [])}
        for name in names.values()
    ]
