"""What a back-test is given and what it tells: past judgements, counters, money, examples, and what nobody can predict."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from anka.domain.facts import Facts
from anka.domain.policy.backtest_limits import CANNOT_PREDICT
from anka.domain.policy.decision import Decision

Pair = tuple[str, str]
"""The rule that decided and the one that would."""


@dataclass(frozen=True, slots=True)
class Past:
    """One unit as it was judged once: the numbers of its order and case, and the amount paid for it in minor units of its currency."""

    order: str
    case: str
    position: int
    decided_at: datetime
    facts: Facts
    decision: Decision
    amount_minor: int
    currency: str


@dataclass(slots=True)
class Money:
    """What went back by the old rules and would by the new, of units both name an amount for.

    `undetermined` units have none by one rule set or both: the parties settle it. Of those, the decision on `undetermined_changed` changes,
    and `undetermined_changed_minor` was paid for them.
    """

    units: int = 0
    old_minor: int = 0
    new_minor: int = 0
    undetermined: int = 0
    undetermined_changed: int = 0
    undetermined_changed_minor: int = 0

    @property
    def difference_minor(self) -> int:
        """What would go back more; less where negative."""
        return self.new_minor - self.old_minor

    def to_json(self) -> dict[str, object]:
        """Return it as data."""
        return {name: getattr(self, name) for name in (*self.__slots__, "difference_minor")}


@dataclass(slots=True)
class Tally:
    """Judgements of one kind of goods or reason, how many of them change, and what would go back more by currency, in minor units."""

    looked_at: int = 0
    changed: int = 0
    difference_minor: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, object]:
        """Return it as data."""
        return {"looked_at": self.looked_at, "changed": self.changed, "difference_minor": dict(self.difference_minor)}


@dataclass(frozen=True, slots=True)
class Example:
    """One judgement that changes, and the difference in words."""

    past: Past
    new: Decision
    zh: str
    en: str

    def to_json(self) -> dict[str, object]:
        """Return it as data."""
        past = self.past
        return {
            "order": past.order,
            "case": past.case,
            "position": past.position,
            "decided_at": past.decided_at.isoformat(),
            "amount_minor": past.amount_minor,
            "currency": past.currency,
            "facts": past.facts.to_json(),
            "old": past.decision.to_json(),
            "new": self.new.to_json(),
            "difference": {"zh": self.zh, "en": self.en},
        }


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """What would have been decided otherwise.

    `looked_at` judgements are `same` or `changed`; of the changed ones `renamed` differ only in the rule's name. Apart from these, some
    were `unreadable`, kept in a form this version does not know, and on `unanswered` the new rules say nothing at all. `by_rule` counts
    the changed ones by old and new rule, most frequent first, and `examples` follow that order.
    """

    version: str
    looked_at: int
    same: int
    changed: int
    renamed: int
    unreadable: int
    unanswered: int
    by_rule: dict[Pair, Tally]
    by_kind: dict[str, Tally]
    by_reason: dict[str, Tally]
    money: dict[str, Money]
    examples: tuple[Example, ...]
    cannot_predict: tuple[dict[str, str], ...] = CANNOT_PREDICT

    def to_json(self) -> dict[str, object]:
        """Return it as data, the way it is kept with a draft."""
        counters = ("version", "looked_at", "same", "changed", "renamed", "unreadable", "unanswered")
        return {
            **{name: getattr(self, name) for name in counters},
            "by_rule": [
                {"old": old, "new": new, "count": tally.changed, "difference_minor": dict(tally.difference_minor)}
                for (old, new), tally in self.by_rule.items()
            ],
            "by_kind": [{"goods": goods, **tally.to_json()} for goods, tally in self.by_kind.items()],
            "by_reason": [{"reason": reason, **tally.to_json()} for reason, tally in self.by_reason.items()],
            "money": [{"currency": currency, **money.to_json()} for currency, money in self.money.items()],
            "examples": [example.to_json() for example in self.examples],
            "cannot_predict": [dict(sentence) for sentence in self.cannot_predict],
        }
