"""What a table decides: a whole scene in boxes, each with the rule that decides there, and what follows from it.

The patterns (turn, platform, refusal) and the terms for where goods go are said here a second time, as boxes; the tests compare both
ways of saying it over many facts, and every counter-example is decided again by `decide` itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from anka.domain.goods import Goods
from anka.domain.policy.check.conditions import Looking
from anka.domain.policy.grammar import Rule

_SPOILED = {Goods.ACCOUNT: "rotate", Goods.RENTAL: "rotate", Goods.TOP_UP: "keep", Goods.BOOSTING: "keep", Goods.CARD_KEY: "void"}
_HOLDS = frozenset({"refused", "platform!"})
_CATEGORY = {"full": 3, "unused_share": 2, "missing_share": 2, "negotiable": 1, "agreed": 1, "none": 0}
_EVERYTHING = 100
MOST_BOXES = 20_000
"""For one stage of one kind of goods; the default rules make 51 at most."""


class TooTangled(Exception):
    """The conditions of a rule set cut the facts into more boxes than can be looked at."""

    code, status = "too_tangled", 422


@dataclass(frozen=True, slots=True)
class Region:
    """A box in which one alternative of one rule decides."""

    rule: Rule
    alternative: int
    box: int


class Worth(NamedTuple):
    """What a decision is worth to the buyer: full, a share, something to be settled, nothing; and what is taken off or added."""

    category: int
    refund: str
    fee_percent: int
    keep_minor: int
    compensation_minor: int


class Verdict(NamedTuple):
    """A box with the same route and refund everywhere. `variant` is what the rule's pattern makes of answer and asker."""

    box: int
    rule: Rule
    variant: str
    route: str
    refund: str
    worth: Worth


def worth(rule: Rule, refund: str) -> Worth:
    """Return what a refund of a rule is worth: a full one with something taken off it is a share, or nothing if all is."""
    fee, keep, more = rule.fee_percent or 0, rule.keep_minor or 0, rule.compensation_minor or 0
    category = _CATEGORY[refund]
    if fee >= _EVERYTHING:
        category = 0
    elif category == _CATEGORY["full"] and (fee or keep):
        category = _CATEGORY["unused_share"]
    return Worth(category, refund, fee, keep, more)


def is_lower(new: Worth, old: Worth) -> bool:
    """Tell whether one refund is lower than another: of a lower kind, or of the same with more taken off. Shares are equal as shares."""
    if new.category != old.category:
        return new.category < old.category
    return new.refund == old.refund and (new.fee_percent > old.fee_percent or new.keep_minor > old.keep_minor)


def is_less(new: Worth, old: Worth) -> bool:
    """Tell whether one decision brings less than another, a compensation beside the refund included."""
    return is_lower(new, old) or (new.compensation_minor < old.compensation_minor and not is_lower(old, new))


class Judged:
    """One scene with every box of it judged. `gaps` are the boxes for which no rule speaks."""

    def __init__(self, *, looking: Looking, rules: tuple[Rule, ...], cap_minutes: int) -> None:
        self.looking, self.space, self.scene = looking, looking.space, looking.scene
        self.cap_minutes = cap_minutes
        self.regions: list[Region] = []
        left = [looking.box]
        for rule in rules:
            for alternative, condition in enumerate(rule.when):
                taken: list[int] = []
                for wanted in looking.of(condition):
                    taken += [box for box in (box & wanted for box in left) if not self.space.is_empty(box)]
                    left = self.space.merged(self.space.without(left, wanted))
                self.regions += [Region(rule, alternative, box) for box in self.space.merged(taken)]
            if len(self.regions) + len(left) > MOST_BOXES:
                raise TooTangled(f"{rule.file}, rule {rule.id!r}: so many conditions overlap here that nothing can be proved; merge some")
        self.gaps = left
        self.verdicts = [verdict for region in self.regions for verdict in self.verdicts_of(region.rule, region.box)]

    def verdicts_of(self, rule: Rule, box: int) -> Iterator[Verdict]:
        """Yield what a rule decides in a box where it speaks, one piece for each answer and asker that makes a difference."""
        for shared, variant, route, refund in self._by_pattern(rule, box):
            if shared and not self.space.is_empty(shared):
                yield Verdict(shared, rule, variant, route, refund, worth(rule, refund))

    def _by_pattern(self, rule: Rule, box: int) -> Iterator[tuple[int, str, str, str]]:
        refund = rule.refund or "none"
        if rule.pattern == "turn":
            yield from self._turn(rule, box, refund)
        elif rule.pattern == "platform!":
            yield box, "platform!", "platform", refund
        elif rule.pattern is None:
            yield box, "", rule.route or "refuse", refund
        else:
            agreed, rest = self._answered(box, "agreed")
            yield agreed, "returned", "instant", "agreed"
            if rule.pattern == "platform":
                yield rest, "platform!", "platform", refund
            else:
                staff, own = self.space.split(rest, "asker", self.space.facts["asker"].only(("platform",)))
                yield staff, "platform!", "platform", "negotiable"
                yield own, "refusal", "refuse", "none"

    def _turn(self, rule: Rule, box: int, refund: str) -> Iterator[tuple[int, str, str, str]]:
        agreed, rest = self._answered(box, "agreed")
        yield agreed, "", "instant", "agreed"
        refused, rest = self._answered(rest, "refused")
        yield refused, "refused", "platform", refund
        silent, rest = self._answered(rest, "silent")
        if rule.silence == "escalate":
            yield silent, "refused", "platform", refund
        else:
            yield silent, "", "instant", refund
        yield rest, "", "merchant", refund

    def _answered(self, box: int, answer: str) -> tuple[int, int]:
        return self.space.split(box, "merchant_answer", self.space.facts["merchant_answer"].only((answer,)))

    def goods_after(self, verdict: Verdict) -> Iterator[tuple[int, str]]:
        """Yield the parts of a verdict's box, none shared, with where the goods go."""
        if verdict.variant in _HOLDS:
            yield verdict.box, "hold"
        elif verdict.variant == "refusal":
            yield verdict.box, "keep"
        elif verdict.variant == "returned":
            yield from self._returned(verdict.box)
        else:
            for box, after in self.looking.chosen(verdict.rule.goods, verdict.box):
                yield from self._term(box, after)

    def _term(self, box: int, after: str) -> Iterator[tuple[int, str]]:
        if after == "spoiled":
            yield box, self._spoiled()
        elif after == "unopened":
            yield from self._unopened(box)
        elif after == "returned":
            yield from self._returned(box)
        else:
            yield box, after

    def _spoiled(self) -> str:
        return _SPOILED[Goods(self.scene.goods)]

    def _unopened(self, box: int) -> Iterator[tuple[int, str]]:
        looking, space = self.looking, self.space
        for name, bits in (("use_check", looking.bad | looking.used), ("matches_order", looking.wrong), ("login_seen", looking.logged_in)):
            gone, box = space.split(box, name, bits)
            if gone:
                yield gone, self._spoiled()
            if not box:
                return
        aside, back = space.split(box, "reason", looking.reasons("quality") | space.facts["reason"].only(("FAKE_OR_ILLICIT",)))
        yield from ((part, after) for part, after in ((aside, "hold"), (back, "restock")) if part)

    def _returned(self, box: int) -> Iterator[tuple[int, str]]:
        goods, stage = self.scene.goods, self.scene.judged
        if stage in {"queued", "accepted", "working"}:
            yield box, "rotate" if goods == Goods.RENTAL and stage == "working" else "release"
        elif stage == "sealed":
            yield from self._unopened(box)
        elif goods in {Goods.ACCOUNT, Goods.RENTAL}:
            yield box, "rotate"
        elif goods == Goods.CARD_KEY:
            void, keep = self.space.split(box, "voidable", self.space.facts["voidable"].only((True,)))
            yield from ((part, after) for part, after in ((void, "void"), (keep, "keep")) if part)
        else:
            yield box, "keep"

    def whole(self, verdict: Verdict) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Yield the parts of a verdict's box, none shared, with all of the contract's decision but its name and evidence."""
        rule = verdict.rule
        money = (rule.compensation_minor, rule.keep_minor, rule.fee_percent)
        for first, after in self.goods_after(verdict):
            for second, fault in self._fault(verdict, first):
                for third, clock in self._clock(verdict, second):
                    silence = rule.silence if verdict.route == "merchant" else None
                    for box, replacement in self._replacement(rule, third):
                        yield box, (verdict.route, verdict.refund, fault, after, clock, silence, replacement, money)

    def _fault(self, verdict: Verdict, box: int) -> Iterator[tuple[int, str]]:
        if verdict.variant in _HOLDS:
            yield box, "undecided"
        elif verdict.variant == "refusal":
            yield box, "buyer"
        elif verdict.variant == "returned":
            yield box, "none"
        else:
            yield from self.looking.chosen(verdict.rule.fault, box)

    def _clock(self, verdict: Verdict, box: int) -> Iterator[tuple[int, int | None]]:
        if verdict.route == "merchant":
            yield from self.looking.chosen(verdict.rule.clock, box)
        else:
            yield box, None

    def _replacement(self, rule: Rule, box: int) -> Iterator[tuple[int, bool]]:
        if rule.replacement_first:
            yield from self.looking.chosen(rule.replacement_first, box)
        else:
            yield box, False
