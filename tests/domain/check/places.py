"""Where facts are in the boxes of a check."""

from typing import Any

from anka.domain.facts import Facts
from anka.domain.policy.check.numbers import KEYS, Kind, within
from anka.domain.policy.check.regions import Judged
from anka.domain.policy.check.space import Space


class Places:
    """Finds the one place of a space where some facts are, without asking the space how it translates conditions."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.words = {
            name: {value: 1 << (fact.shift + index) for index, value in enumerate(fact.values)}
            for name, fact in space.facts.items()
            if name not in space.numbers
        }
        self.kinds = {
            name: [(1 << (fact.shift + index), kind) for index, kind in enumerate(fact.values) if isinstance(kind, Kind)]
            for name, fact in space.facts.items()
            if name in space.numbers
        }
        self.bounds = {name: {bound for _, kind in kinds for bound in kind.holds} for name, kinds in self.kinds.items()}

    def of(self, facts: Facts) -> int:
        found = sum(bits[getattr(facts, name)] for name, bits in self.words.items())
        for name, names in self.space.numbers.items():
            values: dict[str, Any] = {number: getattr(facts, KEYS[number]) for number in names}
            holds = {bound for bound in self.bounds[name] if within(bound=bound, numbers=values)}
            known = values[names[0]] is not None
            (bit,) = [bit for bit, kind in self.kinds[name] if kind.holds == holds and (kind.least[0] is not None) == known]
            found += bit
        return found


def the_scene(scenes: tuple[tuple[Judged, ...], ...], facts: Facts) -> Judged:
    done = facts.upstream == "done"
    (found,) = [
        judged
        for goods in scenes
        for judged in goods
        if (judged.scene.goods, judged.scene.stage, judged.scene.done) == (facts.goods, facts.stage, done)
    ]
    return found
