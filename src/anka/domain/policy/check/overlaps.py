"""What is written but never decides, and where only the order of two rules decides."""

from collections.abc import Iterable, Iterator, Sequence

from anka.domain.policy.check.regions import Judged
from anka.domain.policy.check.report import Overlap, Unreachable
from anka.domain.policy.check.space import Order, Scene, Space
from anka.domain.policy.grammar import Rule

_CHOICES = ("fault", "goods", "clock", "replacement_first")
Scenes = Sequence[Judged]


class Least:
    """Keeps the smallest facts it was shown."""

    def __init__(self) -> None:
        self.found: tuple[Order, Space, int, Scene] | None = None

    def see(self, judged: Judged, box: int) -> None:
        """Look at a box that is not empty."""
        rank = judged.space.rank(box, judged.scene)
        if self.found is None or rank < self.found[0]:
            self.found = rank, judged.space, box, judged.scene


def unreachable(*, scenes: Scenes, rules: tuple[Rule, ...]) -> Iterator[Unreachable]:
    """Yield the rules that never decide, the alternatives that never do, and the entries of outcomes that never count."""
    reached = {(region.rule.id, region.alternative) for judged in scenes for region in judged.regions}
    for rule in rules:
        numbers = range(len(rule.when))
        missing = [number for number in numbers if (rule.id, number) not in reached]
        if len(missing) == len(numbers):
            yield _never(scenes, rule, "rule", missing)
            continue
        for number in missing:
            yield _never(scenes, rule, "alternative", [number])
        for part in _CHOICES:
            yield from _entries(scenes, rule, part)


def _never(scenes: Scenes, rule: Rule, part: str, numbers: list[int]) -> Unreachable:
    least = Least()
    by: dict[str, int] = {}
    for judged in scenes:
        for box in (box for number in numbers for box in judged.looking.of(rule.when[number])):
            least.see(judged, box)
            by.update((region.rule.id, region.rule.position) for region in judged.regions if not judged.space.is_empty(region.box & box))
    facts = None if least.found is None else least.found[1].smallest(*least.found[2:])
    taken_by = tuple(sorted(by, key=lambda name: by[name]))
    return Unreachable(rule=rule.id, part=part, number=numbers[0] + 1, taken_by=taken_by, facts=facts)


def _entries(scenes: Scenes, rule: Rule, part: str) -> Iterator[Unreachable]:
    choice = getattr(rule, part)
    if len(choice) < 2:
        return
    numbered = tuple((when, number) for number, (when, _) in enumerate(choice, start=1))
    used = {
        number
        for judged in scenes
        for region in judged.regions
        if region.rule is rule
        for _, number in judged.looking.chosen(numbered, region.box)
    }
    for _, number in numbered:
        if number not in used:
            yield Unreachable(rule=rule.id, part=part, number=number, taken_by=(), facts=None)


def overlaps(*, scenes: Scenes, rules: tuple[Rule, ...]) -> Iterator[Overlap]:
    """Yield every pair of rules of which the first decides where the condition of the second holds too, in the order of the table."""
    least: dict[tuple[str, str], Least] = {}
    differ: set[tuple[str, str]] = set()
    for judged in scenes:
        for first, second, box in _shared(judged, rules):
            pair = first.id, second.id
            least.setdefault(pair, Least()).see(judged, box)
            if pair not in differ and not _same(judged, (first, second), box):
                differ.add(pair)
    for pair in ((first.id, second.id) for first in rules for second in rules):
        if pair in least and (found := least[pair].found) is not None:
            yield Overlap(first=pair[0], second=pair[1], same=pair not in differ, facts=found[1].smallest(*found[2:]))


def _shared(judged: Judged, rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, Rule, int]]:
    conditions = [(rule, boxes) for rule in rules if (boxes := tuple(judged.looking.of_any(rule.when)))]
    for region in judged.regions:
        for rule, boxes in conditions:
            if rule.position > region.rule.position:
                for box in boxes:
                    shared = region.box & box
                    if not judged.space.is_empty(shared):
                        yield region.rule, rule, shared


def _same(judged: Judged, pair: tuple[Rule, Rule], box: int) -> bool:
    """Tell whether two rules decide the same on every set of facts of a box."""
    if pair[0].evidence != pair[1].evidence:
        return False
    first, second = (tuple(_outcomes(judged, rule, [box])) for rule in pair)
    return all(mine == theirs or judged.space.is_empty(one & other) for one, mine in first for other, theirs in second)


def _outcomes(judged: Judged, rule: Rule, boxes: Iterable[int]) -> Iterator[tuple[int, tuple[object, ...]]]:
    for box in boxes:
        for verdict in judged.verdicts_of(rule, box):
            yield from judged.whole(verdict)
