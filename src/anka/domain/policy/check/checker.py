"""The check of a whole rule set: every scene judged, every property looked for, and the smallest counter-example of each breach kept."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from anka.domain.facts import Facts
from anka.domain.goods import Goods
from anka.domain.policy.check.breaches import Breach, alone, by_answer, by_reason, by_stage
from anka.domain.policy.check.conditions import Looking, bounds_of
from anka.domain.policy.check.overlaps import overlaps, unreachable
from anka.domain.policy.check.regions import Judged
from anka.domain.policy.check.report import SENTENCES, Finding, Report, Unreachable
from anka.domain.policy.check.space import Order, Space, scenes
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.table import RuleSet

Found = tuple[Space, Breach]


def check(*, rules: RuleSet) -> Report:
    """Prove the properties of a rule set for all possible facts, and return what does not hold, with the smallest counter-example of each.

    Nothing is sampled: the facts are cut into boxes in which every condition is either true or false throughout.

    Raises:
        TooTangled: the conditions cut the facts into more boxes than can be looked at.
    """
    judged = judge(rules=rules)
    every = [scene for goods in judged for scene in goods]
    never = tuple(unreachable(scenes=every, rules=rules.rules))
    findings = [_finding(rules, *found) for found in _smallest(judged)]
    findings += [_never(rules, entry) for entry in never if entry.part in {"rule", "alternative"}]
    position = {"": -1} | {rule.id: rule.position for rule in rules.rules}
    return Report(
        version=rules.version,
        boxes=sum(len(scene.regions) for scene in every),
        findings=tuple(sorted(findings, key=lambda finding: (finding.property, position[finding.rule]))),
        unreachable=never,
        overlaps=tuple(overlaps(scenes=every, rules=rules.rules)),
    )


def judge(*, rules: RuleSet) -> tuple[tuple[Judged, ...], ...]:
    """Return every scene judged by a rule set, kind of goods by kind of goods, the scenes of each in the order an order goes through them.

    Raises:
        TooTangled: the conditions cut the facts into more boxes than can be looked at.
    """
    found = []
    for goods in Goods:
        space = Space(goods=goods, bounds=bounds_of(rules=rules.rules))
        found.append(
            tuple(
                Judged(looking=Looking(space=space, scene=scene), rules=rules.rules, cap_minutes=rules.complaint_cap_minutes)
                for scene in scenes(goods=goods)
            )
        )
    return tuple(found)


def _breaches(scenes_of_goods: tuple[Judged, ...]) -> Iterator[Breach]:
    for judged in scenes_of_goods:
        yield from alone(judged=judged)
        yield from by_answer(judged=judged)
        yield from by_reason(judged=judged)
    # What only a supplier says comes last, and is nobody's later stage: stages are compared where no supplier speaks.
    paid = [judged for judged in scenes_of_goods if judged.scene.stage != "reserved"]
    for earlier, later in pairwise(paid):
        yield from by_stage(earlier=earlier, later=later)


def _smallest(judged: Iterable[tuple[Judged, ...]]) -> list[Found]:
    """Return the breach with the smallest facts for each property and rule; of equal ones that with the smallest facts compared with."""
    least: dict[tuple[int, str], tuple[tuple[Order, Order | tuple[()]], Found]] = {}
    for goods in judged:
        space = goods[0].space
        for breach in _breaches(goods):
            key = SENTENCES[breach.kind][0], breach.rule
            # What is compared with nothing comes before what is compared with something: nothing is less than any order.
            rank = space.rank(breach.box, breach.scene), space.rank(breach.other[1], breach.other[0]) if breach.other else ()
            if key not in least or rank < least[key][0]:
                least[key] = rank, (space, breach)
    return [found for _, found in least.values()]


def _told(kind: str, **places: object) -> tuple[str, str]:
    _, zh, en = SENTENCES[kind]
    return zh.format(**places), en.format(**places)


def _decided(facts: Facts, rules: RuleSet) -> Decision | None:
    try:
        return decide(facts, rules)
    except NoRuleMatches:
        return None


def _finding(rules: RuleSet, space: Space, breach: Breach) -> Finding:
    facts, other = space.smallest(breach.box, breach.scene), None
    if breach.other is not None:
        compared = space.smallest(breach.other[1], breach.other[0])
        other = compared, decide(compared, rules)
    zh, en = _told(breach.kind, rule=breach.rule)
    return Finding(
        property=SENTENCES[breach.kind][0], rule=breach.rule, facts=facts, decision=_decided(facts, rules), other=other, zh=zh, en=en
    )


def _never(rules: RuleSet, entry: Unreachable) -> Finding:
    kind = "unreachable_alternative" if entry.part == "alternative" else "unreachable"
    kind = "impossible" if entry.facts is None else kind
    taken_zh, taken_en = "、".join(entry.taken_by), ", ".join(entry.taken_by)
    zh, _ = _told(kind, rule=entry.rule, number=entry.number, taken=taken_zh)
    _, en = _told(kind, rule=entry.rule, number=entry.number, taken=taken_en)
    decision = None if entry.facts is None else _decided(entry.facts, rules)
    return Finding(property=2, rule=entry.rule, facts=entry.facts, decision=decision, other=None, zh=zh, en=en)
