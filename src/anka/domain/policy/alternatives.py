"""What would change a decision: single facts, past ones and those still open, and the decision each would bring."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from anka.domain.facts import Facts, FactsError
from anka.domain.policy import change_words
from anka.domain.policy.change_words import Said
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision, rank
from anka.domain.policy.explain import verdict
from anka.domain.policy.table import RuleSet
from anka.domain.policy.told import span_in_words
from anka.domain.policy.vocabulary import Bound

Value = str | int | bool | None
"""What a fact can be changed to."""
MOST_ALTERNATIVES = 16
MOST_OF_EACH = 8
"""So many that are still possible, and so many that are past."""
_EXCLUSIVE = frozenset({"<", ">="})
_BEFORE_DELIVERY = frozenset({"reserved", "queued", "accepted", "working"})
_ANSWERED = frozenset({"merchant", "platform", "refuse"})
# As long as a fact has one of these values, a record may still give it another.
_OPEN: dict[str, frozenset[object]] = {
    "use_check": frozenset({"unknown", "unused"}),
    "used_by": frozenset({"unknown"}),
    "voidable": frozenset({False}),
    "matches_order": frozenset({"unknown"}),
    "login_seen": frozenset({"unknown", "no"}),
    "merchant_answer": frozenset({"none", "refused"}),
    "upstream": frozenset({"cancellable", "locked", "unknown"}),
    "dispute": frozenset({"none", "complaint"}),
    "delivered_percent": frozenset({None}),
}
# Nobody takes these back: no record, no answer yet.
_NEVER_AGAIN = frozenset(
    {
        ("use_check", "unknown"),
        ("used_by", "unknown"),
        ("login_seen", "unknown"),
        ("merchant_answer", "none"),
        ("upstream", "none"),
        ("delivered_percent", None),
    }
)
# A merchant who has refused has answered, and may still agree.
_NOT_AFTER = frozenset({("merchant_answer", "refused", "silent")})


@dataclass(frozen=True, slots=True)
class Alternative:
    """One changed fact and the decision it would bring.

    `facts` are all facts with the change made: a stage brings with it what only that stage has. `still_possible` tells whether the fact
    may yet turn out so. `when_*` is the condition alone, `zh` and `en` the whole sentence.
    """

    key: str
    value: Value
    facts: Facts
    decision: Decision
    still_possible: bool
    said: Said

    @property
    def when_zh(self) -> str:
        """The condition, beginning with 如果."""
        return self.said.zh

    @property
    def when_en(self) -> str:
        """The condition, beginning with If or Once."""
        return self.said.en if self.still_possible else self.said.en_past

    @property
    def zh(self) -> str:
        """Condition and verdict in Chinese."""
        return f"{self.when_zh}：{verdict(decision=self.decision, language='zh')}。"

    @property
    def en(self) -> str:
        """Condition and verdict in English."""
        return f"{self.when_en}: {verdict(decision=self.decision, language='en')}."


@dataclass(frozen=True, slots=True)
class _Change:
    key: str
    value: Value
    facts: Facts
    possible: bool
    said: Said


def what_would_change(*, facts: Facts, rules: RuleSet) -> list[Alternative]:
    """Return what one changed fact would bring, where the outcome would differ: what is still possible first, at most MOST_ALTERNATIVES.

    Among either kind those that change what goes back come before those that change only who decides, and what leads away from here, a
    dispute with the bank, comes last. What is past is named once per fact and outcome.
    What was asked, and for which reason, is not among the facts: nobody is told what to say.
    """
    now = decide(facts, rules)
    told: dict[tuple[bool, str, object], Alternative] = {}
    for change in _changes(facts, rules, now):
        then = decide(change.facts, rules)
        if outcome(then) != outcome(now):
            told.setdefault(
                (change.possible, change.key, outcome(then) if not change.possible else change.value),
                Alternative(change.key, change.value, change.facts, then, change.possible, change.said),
            )
    found = sorted(told.values(), key=lambda other: (other.key == "dispute", rank(other.decision)[:2] == rank(now)[:2]))
    possible, past = ([one for one in found if one.still_possible is open_yet] for open_yet in (True, False))
    return possible[:MOST_OF_EACH] + _each_fact_once_first(past)[:MOST_OF_EACH]


def _each_fact_once_first(found: list[Alternative]) -> list[Alternative]:
    """Return them so that no fact is told twice before every other one is told once."""
    times = {id(one): sum(other.key == one.key for other in found[:index]) for index, one in enumerate(found)}
    return sorted(found, key=lambda one: times[id(one)])


def what_would_have_changed(*, facts: Facts, rules: RuleSet) -> list[Alternative]:
    """Return the same in hindsight, where a case is over: nothing of it is possible any more, and what was past then comes first."""
    found = sorted(what_would_change(facts=facts, rules=rules), key=lambda other: other.still_possible)
    return [replace(other, still_possible=False) for other in found]


def outcome(decision: Decision) -> tuple[object, ...]:
    """Return what a decision means for its parties: who decides, and what goes back."""
    money = (decision.compensation_minor, decision.keep_minor, decision.fee_percent)
    return decision.route, decision.refund, decision.refund_percent, *money


def _changes(facts: Facts, rules: RuleSet, now: Decision) -> Iterator[_Change]:
    yield from _stages(facts)
    yield from _numbers(facts, rules)
    yield from _overdue(facts)
    for (key, value), said in change_words.VALUES.items():
        if key == "merchant_answer" and now.route not in _ANSWERED and facts.merchant_answer == "none":
            continue
        yield from _made(facts, key, value, said, possible=_is_possible(facts, key, value))


def _is_possible(facts: Facts, key: str, value: Value) -> bool:
    if (key, value) in _NEVER_AGAIN or (key, getattr(facts, key), value) in _NOT_AFTER:
        return False
    return key in _OPEN and getattr(facts, key) in _OPEN[key]


def _made(facts: Facts, key: str, value: Value, said: Said, *, possible: bool) -> Iterator[_Change]:
    if getattr(facts, key) == value:
        return
    try:
        changed = replace(facts, **{key: value})  # type: ignore[arg-type]  # checked by Facts itself
    except FactsError:
        return
    yield _Change(key, value, changed, possible=possible, said=said)


def _stages(facts: Facts) -> Iterator[_Change]:
    """Other stages, with what goes with them: no time since delivery before it, no supplier and no progress but at work."""
    for change in change_words.STAGES:
        if facts.goods not in change.goods or facts.stage not in change.before:
            continue
        ago = None if change.stage in _BEFORE_DELIVERY else facts.delivered_minutes_ago or 0
        try:
            changed = replace(facts, stage=change.stage, delivered_minutes_ago=ago, upstream="none", upstream_minutes=0, progress_percent=0)
        except FactsError:
            continue
        yield _Change("stage", change.stage, changed, possible=False, said=change.said)


def _overdue(facts: Facts) -> Iterator[_Change]:
    if facts.promise_overdue:
        yield from _made(facts, "promise_overdue", value=False, said=change_words.ON_TIME, possible=False)
        return
    before = facts.judged_stage in _BEFORE_DELIVERY
    said = change_words.OVERDUE_BEFORE if before else change_words.OVERDUE_AFTER
    yield from _made(facts, "promise_overdue", value=True, said=said, possible=before)


def _numbers(facts: Facts, rules: RuleSet) -> Iterator[_Change]:
    """Times on the other side of the bounds that the rules draw: the weakest change first, so that it is the one that is told."""
    if facts.ago is not None and facts.upstream != "done":
        limits = _limits(facts, rules, "ago")
        for limit in (limit for limit in limits if limit >= facts.ago):
            yield from _timed(facts, "delivered_minutes_ago", limit + 1, change_words.BEYOND, limit)
        for limit in (limit for limit in reversed(limits) if limit < facts.ago):
            yield from _timed(facts, "delivered_minutes_ago", limit, change_words.WITHIN, limit)
    if facts.upstream != "none":
        for limit in _limits(facts, rules, "upstream_minutes"):
            past = facts.upstream_minutes > limit
            said = change_words.SUPPLIER_SPOKE if past else change_words.SUPPLIER_SILENT
            yield from _timed(facts, "upstream_minutes", limit if past else limit + 1, said, limit)


def _timed(facts: Facts, key: str, value: int, said: Said, limit: int) -> Iterator[_Change]:
    zh, en = (span_in_words(minutes=limit, language=language) for language in ("zh", "en"))
    told = Said(said.zh.format(span=zh), said.en.format(span=en), said.en_past.format(span=en))
    yield from _made(facts, key, value, told, possible=said is change_words.SUPPLIER_SILENT)


def _limits(facts: Facts, rules: RuleSet, subject: str) -> list[int]:
    """Return the last minutes before a condition of the rules turns, in order."""
    named = {"refund_window": facts.refund_window_minutes, "warranty": facts.warranty_minutes}
    found: set[int] = set()
    for bound in _bounds(rules, subject):
        limit = named[bound.limit] if bound.limit in named else int(bound.limit)
        found |= {limit, limit - 1} if bound.operator == "=" else {limit - 1 if bound.operator in _EXCLUSIVE else limit}
    return sorted(limit for limit in found if limit >= 0)


@lru_cache(maxsize=16)
def _bounds(rules: RuleSet, subject: str) -> frozenset[Bound]:
    conditions = (condition for rule in rules.rules for condition in rule.when)
    return frozenset(bound for condition in conditions for bound in condition.bounds if bound.subject == subject)
