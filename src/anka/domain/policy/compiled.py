"""Rules made ready to be tested quickly: every condition is a mask, and every (goods, stage, asker) has its own short list.

Nothing here decides anything; it only says the same as the rules, faster.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from anka.domain.facts import Facts
from anka.domain.policy.grammar import Choice, Rule
from anka.domain.policy.vocabulary import BIT, FEATURES, FIRST_FREE_BIT, LIMITS, NUMBERS, Bound, Condition, When, situation

Value = TypeVar("Value")
Masked = tuple[tuple[int, Value], ...]
"""Values in order, each with the mask of what must not be so."""
_COMPARE: MappingProxyType[str, Callable[[int, int], bool]] = MappingProxyType(
    {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq}
)
_POSITION = {name: index for index, name in enumerate((*NUMBERS, *LIMITS))}


@dataclass(frozen=True, slots=True)
class Wording:
    """The rule id and the sentences of one variant of a decision. `open` says that there are places to fill in."""

    rule: str
    zh: str
    en: str
    open: bool


@dataclass(frozen=True, slots=True)
class BoundTest:
    """One bound and the bit that is set when it does not hold. `right` is the place of a limit, or None for the constant."""

    bit: int
    left: int
    compare: Callable[[int, int], bool]
    right: int | None
    constant: int


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with masks for conditions and a wording per variant."""

    rule: Rule
    when: tuple[int, ...]
    fault: Masked[str]
    goods: Masked[str]
    clock: Masked[int]
    replacement_first: Masked[bool]
    wordings: Mapping[str, Wording]


@dataclass(frozen=True, slots=True)
class Scope:
    """All that can matter for one kind of goods, one stage and one asker."""

    tests: tuple[BoundTest, ...]
    rules: tuple[tuple[int, CompiledRule], ...]


class Masks:
    """Turns conditions into masks, numbering the bounds it meets."""

    def __init__(self) -> None:
        self.tests: dict[Bound, BoundTest] = {}

    def _failing(self, bound: Bound) -> int:
        if bound not in self.tests:
            named = bound.limit in LIMITS
            self.tests[bound] = BoundTest(
                bit=1 << (FIRST_FREE_BIT + len(self.tests)),
                left=_POSITION[bound.subject],
                compare=_COMPARE[bound.operator],
                right=_POSITION[bound.limit] if named else None,
                constant=0 if named else int(bound.limit),
            )
        return self.tests[bound].bit

    def of_condition(self, condition: Condition) -> int:
        """Return the bits that must not be set for the condition to hold."""
        mask = 0
        for name, allowed in condition.values:
            for value in FEATURES[name]:
                if value not in allowed:
                    mask |= BIT[name, value]
        for bound in condition.bounds:
            mask |= self._failing(bound)
        return mask

    def of(self, when: When) -> tuple[int, ...]:
        """Return one mask per alternative."""
        return tuple(self.of_condition(condition) for condition in when)

    def of_choice(self, choice: Choice[Value]) -> Masked[Value]:
        """Return the values of a choice in order, one entry per alternative condition."""
        return tuple((mask, value) for when, value in choice for mask in self.of(when))


def pick(masked: Masked[Value], bits: int) -> Value:
    """Return the first value whose mask the situation does not touch; the grammar sees to it that there is one."""
    for mask, value in masked:
        if not bits & mask:
            return value
    raise LookupError("a choice without a last resort")


def numbers_of(facts: Facts, ago: int | None) -> tuple[int | None, ...]:
    """Return the numbers a bound can speak of, in the order of NUMBERS and LIMITS."""
    return (
        ago,
        facts.upstream_minutes,
        facts.progress_percent,
        facts.delivered_percent,
        facts.refund_window_minutes,
        facts.warranty_minutes,
    )


def bits_of(facts: Facts, stage: str, ago: int | None, tests: tuple[BoundTest, ...]) -> int:
    """Return all bits of a situation, those of the bounds included. A number that is not known is within no bound."""
    bits = situation(facts, stage)
    if tests:
        numbers = numbers_of(facts, ago)
        for test in tests:
            left = numbers[test.left]
            right = test.constant if test.right is None else numbers[test.right]
            if left is None or right is None or not test.compare(left, right):
                bits |= test.bit
    return bits


def _used_masks(rule: CompiledRule) -> Iterable[int]:
    yield from rule.when
    for masked in (rule.fault, rule.goods, rule.clock, rule.replacement_first):
        for entry in masked:
            yield entry[0]


def _scope(fixed: int, rules: tuple[CompiledRule, ...], more: tuple[int, ...], tests: tuple[BoundTest, ...]) -> Scope:
    possible = tuple((mask, rule) for rule in rules for mask in rule.when if not mask & fixed)
    used = 0
    for mask in more:
        used |= mask
    for _, rule in possible:
        for mask in _used_masks(rule):
            used |= mask
    return Scope(tests=tuple(test for test in tests if test.bit & used), rules=possible)


def scopes(*, rules: tuple[CompiledRule, ...], more: tuple[int, ...], masks: Masks) -> Mapping[tuple[str, str, str], Scope]:
    """Return the short list for every (goods, stage, asker); `more` are masks that have to be testable everywhere."""
    tests = tuple(masks.tests.values())
    return MappingProxyType(
        {
            (goods, stage, asker): _scope(BIT["goods", goods] | BIT["stage", stage] | BIT["asker", asker], rules, more, tests)
            for goods in FEATURES["goods"]
            for stage in FEATURES["stage"]
            for asker in FEATURES["asker"]
        }
    )
