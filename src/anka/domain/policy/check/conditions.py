"""Conditions of a table as boxes: the terms that are made of other facts (bad, wrong, short, consumed, group) are taken apart."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from anka.domain.goods import Goods
from anka.domain.policy.check.space import LOGGED_IN_LONG_AGO, SHORT, Scene, Space
from anka.domain.policy.grammar import Choice, Rule
from anka.domain.policy.reasons import REASONS, ReasonGroup
from anka.domain.policy.vocabulary import BAD_CHECKS, Bound, Condition, When

Value = TypeVar("Value")
_CONSUMED_BY_NATURE = frozenset({Goods.TOP_UP, Goods.BOOSTING})
_RENAMED = {"overdue": "promise_overdue"}
_AS_TRUTH = {"true": True, "false": False}


def bounds_of(*, rules: Iterable[Rule]) -> Iterator[Bound]:
    """Yield every bound that the rules, or the choices in their outcomes, put on a number."""
    for rule in rules:
        whens = [rule.when, *(when for choice in (rule.fault, rule.goods, rule.clock, rule.replacement_first) for when, _ in choice)]
        for when in whens:
            for condition in when:
                yield from condition.bounds


class Looking:
    """One scene of a space, and what conditions mean there."""

    def __init__(self, *, space: Space, scene: Scene) -> None:
        self.space, self.scene = space, scene
        self.box = space.of_scene(scene)
        self.facts = space.facts
        self._seen: dict[int, tuple[Condition, tuple[int, ...]]] = {}
        self.bad = self.facts["use_check"].only(BAD_CHECKS)
        self.used = self.facts["use_check"].only(("used_after_reveal",))
        self.wrong = self.facts["matches_order"].only(("no",))
        self.logged_in = self.facts["login_seen"].only(("yes",))
        self._reasons = {
            group: self.facts["reason"].only(code for code, reason in REASONS.items() if reason.group == group) for group in ReasonGroup
        }

    def reasons(self, *groups: str) -> int:
        """Return the bits of the reasons of these groups."""
        return sum(self._reasons[ReasonGroup(group)] for group in dict.fromkeys(groups))

    def of(self, condition: Condition) -> tuple[int, ...]:
        """Return the boxes, none shared, in which a condition holds in this scene."""
        known = self._seen.get(id(condition))
        if known is None:
            known = self._seen[id(condition)] = condition, tuple(self._of(condition))
        return known[1]

    def _of(self, condition: Condition) -> Iterator[int]:
        box = self.box
        consumed: tuple[str, ...] = ("true", "false")
        for name, allowed in condition.values:
            if name == "consumed":
                consumed = tuple(value for value in consumed if value in allowed)
            else:
                box = self._with(box, name, allowed)
        for bound in condition.bounds:
            box = self.space.kept(box, *self.space.within(bound, self.scene))
        pieces = [box] if len(consumed) > 1 else self._consumed(box)[consumed == ("true",)] if consumed else []
        for piece in pieces:
            if not self.space.is_empty(piece):
                yield piece

    def _with(self, box: int, name: str, allowed: tuple[str, ...]) -> int:
        if name in {"goods", "stage"}:
            fixed = self.scene.goods if name == "goods" else self.scene.judged
            return box if fixed in allowed else 0
        if name == "group":
            return self.space.kept(box, "reason", self.reasons(*allowed))
        if name in {"bad", "wrong", "short"}:
            fact, bits = self._term(name)
            return self.space.kept(
                box, fact, (bits if "true" in allowed else 0) | (self.facts[fact].mask & ~bits if "false" in allowed else 0)
            )
        name = _RENAMED.get(name, name)
        is_truth = self.facts[name].values == (False, True)
        return self.space.where(box, name, *(_AS_TRUTH[value] if is_truth else value for value in allowed))

    def _term(self, name: str) -> tuple[str, int]:
        if name == "bad":
            return "use_check", self.bad
        if name == "wrong":
            return "matches_order", self.wrong
        if self.scene.goods in {Goods.CARD_KEY, Goods.TOP_UP}:
            return self.space.within(SHORT, self.scene)
        return "delivered_percent", 0

    def _consumed(self, box: int) -> tuple[list[int], list[int]]:
        """Return the part of a box with goods that are not consumed, and the part with goods that are."""
        goods = self.scene.goods
        if goods in _CONSUMED_BY_NATURE or (goods == Goods.CARD_KEY and self.scene.judged == "used"):
            return [], [box]
        used, rest = self.space.split(box, "use_check", self.used)
        if goods != Goods.ACCOUNT:
            return [rest], [used]
        logged_in, not_logged_in = self.space.split(rest, "login_seen", self.logged_in)
        long_ago, lately = self.space.split(logged_in, *self.space.within(LOGGED_IN_LONG_AGO, self.scene))
        return [not_logged_in, lately], [used, long_ago]

    def of_any(self, when: When) -> Iterator[int]:
        """Yield the boxes in which one of these conditions holds; boxes of different conditions may share facts."""
        for condition in when:
            yield from self.of(condition)

    def chosen(self, choice: Choice[Value], box: int) -> Iterator[tuple[int, Value]]:
        """Yield the parts of a box, none shared, with the value a choice has there."""
        left = [box]
        for when, value in choice:
            for wanted in self.of_any(when):
                for piece in left:
                    shared = piece & wanted
                    if not self.space.is_empty(shared):
                        yield shared, value
                left = self.space.without(left, wanted)
                if not left:
                    return
