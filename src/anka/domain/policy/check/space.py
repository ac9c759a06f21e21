"""The space of all facts of one kind of goods, and boxes in it.

A box says for every fact which values are still possible, one bit per value, in one whole number. Each fact has one spare bit, so that
one addition tells whether any fact is left without a value: the box is empty. A space is made for one *scene* at a time: the goods, the
stage, and whether a supplier reports to be done, since these say which other facts can be at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from anka.domain.delivery_states import STAGES_OF, Stage
from anka.domain.facts import VALUES, Facts
from anka.domain.goods import Goods
from anka.domain.policy.check import numbers
from anka.domain.policy.check.numbers import Kind, Numbers
from anka.domain.policy.reasons import reasons_for
from anka.domain.policy.vocabulary import LOGIN_KNOWN_AFTER, Bound

Order = tuple[int, tuple[int, ...], tuple[int, ...]]
"""How small facts are: see `Space.rank`."""
TIMES = "ago"
"""The fact that stands for the minutes since delivery and the product's two terms together."""
_TRUTHS = ("promise_overdue", "voidable")
_WORDS = ("asker", "merchant_answer", "use_check", "used_by", "matches_order", "notice", "login_seen", "upstream", "dispute")
_ORDER = (
    "dispute",
    "asker",
    "upstream",
    "upstream_minutes",
    "matches_order",
    "use_check",
    "promise_overdue",
    TIMES,
    "progress",
    "login_seen",
    "reason",
    "delivered_percent",
    "used_by",
    "voidable",
    "notice",
    "merchant_answer",
)
"""The order in which boxes are cut: what many rules speak of first, so that few pieces come of it."""
_FACT_ORDER = (
    *("reason", "asker", "promise_overdue", "merchant_answer", "use_check", "used_by", "voidable"),
    *("matches_order", "notice", "login_seen", "upstream", "dispute"),
)
_SUPPLIED = frozenset({Goods.CARD_KEY, Goods.TOP_UP, Goods.ACCOUNT})
_PROGRESSING = frozenset({Goods.BOOSTING, Goods.RENTAL})
_HANDED_OVER = frozenset({Stage.SEALED, Stage.REVEALED, Stage.DELIVERED, Stage.USED})
LOGGED_IN_LONG_AGO = Bound(subject="ago", operator=">", limit=str(LOGIN_KNOWN_AFTER))
SHORT = Bound(subject="delivered_percent", operator="<", limit="100")


class Fact:
    """One fact: its values in order, the smallest first, and where its bits are; `mask` are the bits of all its values."""

    def __init__(self, *, values: tuple[object, ...], shift: int) -> None:
        self.values, self.shift = values, shift
        self.mask = ((1 << len(values)) - 1) << shift
        self._bits = {value: 1 << (shift + index) for index, value in enumerate(values)}

    def only(self, wanted: Iterable[object]) -> int:
        """Return the bits of these values; what the fact cannot be is left out."""
        found = 0
        for value in wanted:
            found |= self._bits.get(value, 0)
        return found


@dataclass(frozen=True, slots=True)
class Scene:
    """The goods, the stage, and whether a supplier is done, though nothing was handed over yet."""

    goods: str
    stage: str
    done: bool = False

    @property
    def judged(self) -> str:
        """The stage the rules see."""
        if self.done:
            return "delivered" if self.goods == "top_up" else "sealed"
        return self.stage


def scenes(*, goods: Goods) -> tuple[Scene, ...]:
    """Return every scene of a kind of goods, in the order an order goes through them; what only a supplier says comes last."""
    plain = [Scene(goods=str(goods), stage=str(stage)) for stage in STAGES_OF[goods]]
    if goods in _SUPPLIED:
        plain.append(Scene(goods=str(goods), stage="working", done=True))
    return tuple(plain)


class Space:
    """All facts of one kind of goods, as far as the bounds of a table can tell them apart."""

    def __init__(self, *, goods: Goods, bounds: Iterable[Bound]) -> None:
        self.goods = goods
        always = [SHORT] if goods in (Goods.CARD_KEY, Goods.TOP_UP) else []
        always += [LOGGED_IN_LONG_AGO] if goods == Goods.ACCOUNT else []
        groups = numbers.groups(bounds=(*bounds, *always))
        self.numbers = {name: names for name, (names, _) in groups.items()}
        values: dict[str, tuple[object, ...]] = {name: VALUES[name] for name in _WORDS}
        values.update(dict.fromkeys(_TRUTHS, (False, True)))
        values["reason"] = tuple(reason.code for reason in reasons_for(goods=goods))
        values.update((name, numbers.kinds(names=names, bounds=own)) for name, (names, own) in groups.items())
        self.facts: dict[str, Fact] = {}
        shift = 0
        for name in _ORDER:
            if name in values:
                self.facts[name] = Fact(values=values[name], shift=shift)
                shift += len(values[name]) + 1
        self.masks = tuple(fact.mask for fact in self.facts.values())
        self.all = sum(self.masks)
        self.spare = sum(1 << (fact.shift + len(fact.values)) for fact in self.facts.values())
        self._within: dict[tuple[Bound, bool], int] = {}

    def kept(self, box: int, name: str, wanted: int) -> int:
        """Return the part of a box where a fact has one of these bits; it may be empty."""
        return box & (~self.facts[name].mask | wanted)

    def where(self, box: int, name: str, *values: object) -> int:
        """Return the part of a box where a fact has one of these values; it may be empty."""
        fact = self.facts[name]
        return box & (~fact.mask | fact.only(values))

    def split(self, box: int, name: str, wanted: int) -> tuple[int, int]:
        """Return the part of a box where a fact has one of these bits, and the rest; 0 for a part that is empty."""
        mask = self.facts[name].mask
        return (box & (~mask | wanted) if box & wanted else 0), (box & ~wanted if box & mask & ~wanted else 0)

    def is_empty(self, box: int) -> bool:
        """Tell whether no facts are in a box."""
        return (box + self.all) & self.spare != self.spare

    def within(self, bound: Bound, scene: Scene) -> tuple[str, int]:
        """Return the name of the fact a bound is on, and the bits of the values that are within it."""
        name = next(name for name, names in self.numbers.items() if bound.subject in names)
        key = bound, scene.done
        if key not in self._within:
            fact = self.facts[name]
            self._within[key] = fact.only(kind for kind in fact.values if isinstance(kind, Kind) and self._holds(bound, kind, name, scene))
        return name, self._within[key]

    def _holds(self, bound: Bound, kind: Kind, name: str, scene: Scene) -> bool:
        if scene.done and bound.subject == "ago":
            return numbers.within(bound=bound, numbers={**dict(zip(self.numbers[name], kind.least, strict=True)), "ago": 0})
        return bound in kind.holds

    def of_scene(self, scene: Scene) -> int:
        """Return the box of all facts that are possible in a scene."""
        box = self.all
        working = scene.stage == Stage.WORKING
        if scene.done:
            box = self.where(box, "upstream", "done")
        elif working and self.goods in _SUPPLIED:
            box = self.where(box, "upstream", *(value for value in VALUES["upstream"] if value != "done"))
        else:
            box = self.where(box, "upstream", "none")
        if scene.stage in _HANDED_OVER or (working and self.goods == Goods.RENTAL):
            box = self.kept(box, TIMES, self._known(TIMES))
        if not (working and self.goods in _PROGRESSING):
            progress = self.facts["progress"]
            box = self.kept(box, "progress", progress.only(progress.values[:1]))
        return box

    def _known(self, name: str) -> int:
        fact = self.facts[name]
        return fact.only(kind for kind in fact.values if isinstance(kind, Kind) and kind.least[0] is not None)

    def unknown(self, name: str) -> int:
        """Return the bits of a number's values that stand for not known."""
        return self.facts[name].mask & ~self._known(name)

    def cut(self, box: int, away: int) -> list[int]:
        """Return boxes, none shared, that hold all facts of a box which another box, overlapping it, does not hold."""
        pieces = []
        for mask in self.masks:
            outside = box & mask & ~away
            if outside:
                pieces.append(box & ~mask | outside)
                box &= ~mask | away
        return pieces

    def without(self, boxes: Iterable[int], away: int) -> list[int]:
        """Return boxes that hold all facts of these boxes which another box does not hold."""
        left: list[int] = []
        for box in boxes:
            if self.is_empty(box & away):
                left.append(box)
            else:
                left.extend(self.cut(box, away))
        return left

    def merged(self, boxes: list[int]) -> list[int]:
        """Return the same facts in fewer boxes, where boxes differ in the values of one fact only."""
        for mask in self.masks:
            alike: dict[int, int] = {}
            for box in boxes:
                rest = box & ~mask
                alike[rest] = alike.get(rest, 0) | box
            boxes = list(alike.values())
        return boxes

    def _least(self, box: int) -> dict[str, object]:
        found = {}
        for name, fact in self.facts.items():
            bits = (box & fact.mask) >> fact.shift
            found[name] = fact.values[(bits & -bits).bit_length() - 1]
        return found

    def _numbers(self, least: dict[str, object]) -> dict[str, numbers.Number]:
        found: dict[str, numbers.Number] = {}
        for name, names in self.numbers.items():
            kind = least[name]
            values: Numbers = kind.least if isinstance(kind, Kind) else ()
            found.update(zip(names, values, strict=True))
        return found

    def rank(self, box: int, scene: Scene) -> Order:
        """Return how small the smallest facts of a box are.

        Smaller are: fewer facts that are not at their defaults; then, fact by fact, the value that comes earlier in the vocabulary; then,
        number by number, the smaller one, nothing before 0. In a box every fact can be chosen by itself, so that its smallest facts are
        those with the smallest value of each.
        """
        least = self._least(box)
        found = self._numbers(least)
        words = [VALUES["goods"].index(scene.goods), VALUES["stage"].index(scene.stage)]
        away = sum(numbers.DEFAULTS[name] != number for name, number in found.items())
        for name in _FACT_ORDER:
            # The reasons of a kind of goods stand in the order of all reasons.
            index = self.facts[name].values.index(least[name])
            words.append(index)
            away += name != "reason" and index > 0
        return away, tuple(words), tuple(-1 if (number := found[name]) is None else number for name in numbers.KEYS)

    def smallest(self, box: int, scene: Scene) -> Facts:
        """Return the smallest facts of a box; see `rank`."""
        least = self._least(box)
        found = self._numbers(least)
        given: dict[str, object] = {name: least[name] for name in _FACT_ORDER}
        given.update((key, found[name]) for name, key in numbers.KEYS.items())
        return Facts.from_json({"goods": scene.goods, "stage": scene.stage, **given})
