"""Receipts of decisions: what was known, by which rule of which version, what was decided, what was shown, what would change it."""

from collections.abc import Callable
from functools import lru_cache

from anka.api.shapes_of_receipts import Alternative, JudgedUnit, Receipt
from anka.cases.models import CaseState
from anka.cases.models import Receipt as Kept
from anka.core.refusals import NotFound
from anka.domain.facts import Facts
from anka.domain.policy import alternatives
from anka.domain.policy.table import RuleSet
from anka.orders.models import OrderState
from anka.orders.policies import rules_of

Find = Callable[[Facts, RuleSet], tuple[alternatives.Alternative, ...]]


def receipts_view(state: OrderState, case: CaseState) -> list[Receipt]:
    """Return every decision of a case as it was stored, oldest first."""
    find = _still_open if case.closed_at is None else _in_hindsight
    return [_receipt(state, kept, find) for kept in case.receipts]


def _receipt(state: OrderState, kept: Kept, find: Find) -> Receipt:
    decision = kept.decided().to_json()
    return Receipt(
        sequence=kept.sequence,
        decided_at=kept.decided_at,
        policy_version=kept.policy_version,
        rule=kept.rule,
        rule_url=f"/rules?version={kept.policy_version}#{kept.rule.partition('.')[0]}",
        units=[
            JudgedUnit(unit=state.unit_number(position), position=position, facts=facts.to_json(), decision=decision)
            for position, facts in kept.judged()
        ],
        because={"zh": kept.because_zh, "en": kept.because_en},
        hash=kept.hash,
        what_would_change=_what_would_change(kept, find),
    )


def _what_would_change(kept: Kept, find: Find) -> list[Alternative]:
    try:
        rules = rules_of(version=kept.policy_version)
    except NotFound:
        # Nothing can be said about rules that nobody has any more; the audit names such a receipt.
        return []
    return [
        Alternative(
            positions=positions,
            fact=found.key,
            value=found.value,
            now=getattr(facts, found.key),
            still_possible=found.still_possible,
            zh=found.zh,
            en=found.en,
            decision=found.decision.to_json(),
        )
        for facts, positions in kept.alike().items()
        for found in find(facts, rules)
    ]


# The same few situations come again and again, and what they say is told in every answer about a case.
@lru_cache(maxsize=2048)
def _in_hindsight(facts: Facts, rules: RuleSet) -> tuple[alternatives.Alternative, ...]:
    return tuple(alternatives.what_would_have_changed(facts=facts, rules=rules))


@lru_cache(maxsize=2048)
def _still_open(facts: Facts, rules: RuleSet) -> tuple[alternatives.Alternative, ...]:
    return tuple(alternatives.what_would_change(facts=facts, rules=rules))
