"""Receipts in words: when it was judged, by which rule, what was known, what was decided and said, and what would have changed it."""

from collections.abc import Callable, Iterable
from typing import Any

from anka.cases.models import CaseState, Receipt
from anka.core.refusals import NotFound
from anka.domain.facts import Facts
from anka.domain.policy.alternatives import Alternative, what_would_change, what_would_have_changed
from anka.domain.policy.explain import verdict
from anka.domain.policy.table import RuleSet
from anka.orders.policies import rules_of
from anka.web import words
from anka.web.requests import language, pick
from anka.web.views_of_facts import sheet
from anka.web.views_of_quote import what_if

Shown = dict[str, Any]
MOST_CHANGES = 4
# Said of every decision; what else matters differs from one to the next.
ALWAYS_TOLD = frozenset({"stage", "reason"})


def receipts(*, cases: Iterable[CaseState], address: str = "/cases/") -> list[Shown]:
    """Return every decision about these cases, the newest first; `address` is what the reader's pages of cases begin with."""
    told = [_receipt(case, kept, address) for case in cases for kept in case.receipts]
    return sorted(told, key=lambda one: (one["at"], one["sequence"]), reverse=True)


def _receipt(case: CaseState, kept: Receipt, address: str) -> Shown:
    alike = kept.alike()
    return {
        "sequence": kept.sequence,
        "of": len(case.receipts),
        "at": kept.decided_at,
        "case_url": f"{address}{case.number}",
        "pieces": words.pieces([position for positions in alike.values() for position in positions]),
        "verdict": words.sentence_case(verdict(decision=kept.decided(), language=language())),
        "because": pick(kept.because_zh, kept.because_en),
        "rule": kept.rule,
        "version": kept.policy_version,
        "url": f"/rules?version={kept.policy_version}#{kept.rule.partition('.')[0]}",
        "sheets": [_sheet(case, kept, facts, positions) for facts, positions in alike.items()],
        "mark": kept.hash[:12],
    }


def _sheet(case: CaseState, kept: Receipt, facts: Facts, positions: list[int]) -> Shown:
    """Return one sheet of facts: those that matter, all of them, and what would change the decision."""
    changes = _changes(kept, facts, what_would_change if case.closed_at is None else what_would_have_changed)
    matters = ALWAYS_TOLD | {change.key for change in changes}
    rows = sheet(facts=facts)
    return {
        "units_label": words.pieces(positions),
        "rows": [row for row in rows if row["key"] in matters or row["tone"]],
        "all": rows,
        "open": [what_if(change) for change in changes if change.still_possible][:MOST_CHANGES],
        "past": [what_if(change) for change in changes if not change.still_possible][:MOST_CHANGES],
    }


def _changes(kept: Receipt, facts: Facts, find: Callable[..., list[Alternative]]) -> list[Alternative]:
    try:
        rules: RuleSet = rules_of(version=kept.policy_version)
    except NotFound:
        # Nothing can be said about rules that nobody has any more; the audit names such a receipt.
        return []
    return find(facts=facts, rules=rules)
