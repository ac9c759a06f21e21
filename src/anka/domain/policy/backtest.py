"""Rules tried on history: every judgement that was stored is made again by other rules, and what differs is counted.

A case is judged more than once: when it is opened, and again whenever somebody has answered. Every judgement is compared, because each
of them told somebody what happens next. Money is counted once per unit and case, by the case's last judgement, and all cases of one unit
together never bring back more than its amount.
"""

from collections import Counter

from anka.domain.policy.amounts import refund_minor
from anka.domain.policy.backtest_report import BacktestReport, Example, Money, Pair, Past, Tally
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.difference import difference_in_words, differing
from anka.domain.policy.table import RuleSet

__all__ = ("Backtest", "BacktestReport", "Example", "Money", "Past", "Tally")
EXAMPLES_PER_PAIR = 5
MOST_EXAMPLES = 200
"""Of all pairs together, so that a report stays one that can be kept and read, whatever the rules do."""


class Backtest:
    """Judges the past by other rules, one judgement at a time, keeping sums and the order at hand, never the whole history."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._counted: Counter[str] = Counter()
        self._by_rule: dict[Pair, Tally] = {}
        self._by_kind: dict[str, Tally] = {}
        self._by_reason: dict[str, Tally] = {}
        self._money: dict[str, Money] = {}
        self._examples: dict[Pair, list[Example]] = {}
        self._examples_kept = 0
        self._order = ""
        self._last: dict[tuple[int, str], tuple[Past, Decision, bool]] = {}

    def add(self, past: Past) -> None:
        """Judge once more what was judged then. Judgements of one order come one after the other, earlier ones first."""
        if past.order != self._order:
            self._settle()
            self._order = past.order
        try:
            new = decide(past.facts, self._rules)
        except NoRuleMatches:
            self._counted["unanswered"] += 1
            self._last.pop((past.position, past.case), None)
            return
        # Most decisions are equal down to their words, and comparing them whole is quicker.
        fields = () if past.decision == new else differing(old=past.decision, new=new)
        self._last[past.position, past.case] = past, new, bool(fields)
        kind = self._by_kind.setdefault(past.facts.goods, Tally())
        reason = self._by_reason.setdefault(past.facts.reason, Tally())
        kind.looked_at += 1
        reason.looked_at += 1
        if fields:
            kind.changed += 1
            reason.changed += 1
            self._counted["changed"] += 1
            self._counted["renamed"] += fields == ("rule",)
            self._keep(past, new)
        else:
            self._counted["same"] += 1

    def add_unreadable(self) -> None:
        """Count a judgement that is kept in a form this version does not know; it is not compared."""
        self._counted["unreadable"] += 1

    def report(self) -> BacktestReport:
        """Return what has been found so far."""
        self._settle()
        counted = self._counted
        by_rule = dict(sorted(self._by_rule.items(), key=lambda found: (-found[1].changed, found[0])))
        return BacktestReport(
            version=self._rules.version,
            looked_at=counted["same"] + counted["changed"],
            same=counted["same"],
            changed=counted["changed"],
            renamed=counted["renamed"],
            unreadable=counted["unreadable"],
            unanswered=counted["unanswered"],
            by_rule=by_rule,
            by_kind=dict(sorted(self._by_kind.items())),
            by_reason=dict(sorted(self._by_reason.items(), key=lambda found: (-found[1].changed, found[0]))),
            money=dict(sorted(self._money.items())),
            examples=tuple(example for pair in by_rule for example in self._examples.get(pair, ())),
        )

    def _keep(self, past: Past, new: Decision) -> None:
        pair = past.decision.rule, new.rule
        self._by_rule.setdefault(pair, Tally()).changed += 1
        kept = self._examples.setdefault(pair, [])
        if len(kept) < EXAMPLES_PER_PAIR and self._examples_kept < MOST_EXAMPLES:
            told = {language: difference_in_words(old=past.decision, new=new, language=language) for language in ("zh", "en")}
            kept.append(Example(past=past, new=new, zh=told["zh"], en=told["en"]))
            self._examples_kept += 1

    def _settle(self) -> None:
        """Count the money of the order at hand, and forget it."""
        paid: Counter[tuple[int, str]] = Counter()
        for (position, _case), (past, new, is_changed) in self._last.items():
            money = self._money.setdefault(past.currency, Money())
            old_minor = _refund(past.decision, past)
            new_minor = _refund(new, past) if is_changed else old_minor
            if old_minor is None or new_minor is None:
                money.undetermined += 1
                money.undetermined_changed += is_changed
                money.undetermined_changed_minor += past.amount_minor if is_changed else 0
                continue
            old_minor = min(old_minor, past.amount_minor - paid[position, "old"])
            new_minor = min(new_minor, past.amount_minor - paid[position, "new"])
            paid[position, "old"] += old_minor
            paid[position, "new"] += new_minor
            money.units += 1
            money.old_minor += old_minor
            money.new_minor += new_minor
            self._attribute(past, new, new_minor - old_minor)
        self._last.clear()

    def _attribute(self, past: Past, new: Decision, difference_minor: int) -> None:
        if not difference_minor:
            return
        tallies = [self._by_kind[past.facts.goods], self._by_reason[past.facts.reason]]
        # A judgement that is the same can still pay less or more, where an earlier case of the unit left less or more.
        pair = self._by_rule.get((past.decision.rule, new.rule))
        for tally in [*tallies, pair] if pair else tallies:
            tally.difference_minor[past.currency] += difference_minor


def _refund(decision: Decision, past: Past) -> int | None:
    """Return what a decision gives back of what was paid, less its fee and what is kept; None where people settle it."""
    if decision.refund_percent is None:
        return None
    return refund_minor(decision=decision, amount_minor=past.amount_minor)
