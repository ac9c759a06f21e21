"""Every property, looked for in boxes and in single facts: boxes say broken what `decide` breaks, and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import prod
from random import Random
from typing import Any

import pytest

from anka.domain.facts import Facts, FactsError
from anka.domain.goods import Goods
from anka.domain.policy.check.breaches import Breach, alone, by_answer, by_reason, by_stage
from anka.domain.policy.check.checker import judge
from anka.domain.policy.check.conditions import Looking
from anka.domain.policy.check.regions import Judged
from anka.domain.policy.check.report import PROPERTIES, SENTENCES
from anka.domain.policy.check.space import Scene, Space
from anka.domain.policy.decision import Decision
from anka.domain.policy.grammar import Rule, RuleTableError
from anka.domain.policy.table import RuleSet, parse_rules
from anka.domain.policy.vocabulary import ALWAYS
from tests.domain.check.independent import Json, answer, broken_alone, broken_pair, relatives, rule_of
from tests.domain.check.made import FULL_AT_ONCE, written
from tests.domain.check.places import Places
from tests.domain.oracle import ALL_REASONS, STAGES, reason_fits

Kinds = set[tuple[str, str]]
"""What is told to be broken, and by which rule."""
Scenes = tuple[tuple[Judged, ...], ...]
SIDES: dict[str, list[Any]] = {
    "asker": ["buyer", "merchant", "platform"],
    "merchant_answer": ["none", "none", "agreed", "refused", "silent"],
    "use_check": ["unknown", "unknown", "unused", "used_before_reveal", "used_after_reveal", "invalid"],
    "matches_order": ["unknown", "unknown", "yes", "no"],
    "notice": ["none", "shown", "confirmed", "confirmed"],
    "login_seen": ["unknown", "unknown", "no", "yes"],
    "dispute": ["none", "none", "none", "complaint", "chargeback"],
    "delivered_percent": [None, 0, 40, 100],
    "voidable": [False, True],
}
UPSTREAM = ["none", "cancellable", "cancelled", "failed", "locked", "done", "unknown", "unknown"]
CONDITIONS = [
    'merchant_answer = ["silent"]',
    'merchant_answer = ["agreed"]',
    'merchant_answer = ["agreed", "silent"]',
    'group = ["delay", "quality"]',
    'group = ["change_of_mind"]',
    'reason = ["LATE_DELIVERY", "WRONG_GOODS_SENT"]',
    'stage = ["queued", "working", "revealed"]',
    'stage = ["accepted", "sealed", "delivered"]',
    'stage = ["reserved", "used", "delivered"]',
    'asker = ["buyer"], notice = ["confirmed"]',
    'upstream = ["none", "done"]',
]
MONEY = ["", "", "", "fee_percent = 5", "keep_minor = 1", "compensation_minor = 1", "compensation_minor = 2"]
GOODS = ["release", "restock", "void", "rotate", "keep", "hold", "spoiled", "unopened", "returned"]


def outcome(random: Random) -> str:
    """Return what a rule does: every route, refund and pattern, with every place for goods, some with something taken off or added."""
    goods, money = random.choice(GOODS), random.choice(MONEY)
    refund = random.choice(["full", "full", "full", "unused_share", "missing_share", "negotiable", "none"])
    plain = f'refund = "{refund}"\nfault = "none"\ngoods = "{goods}"\n{money}'
    route = random.choice(["instant", "instant", "instant", "close", "upstream", "platform", "refuse", "turn", "turn", "turn", "pattern"])
    if route == "refuse":
        return f'route = "refuse"\nrefund = "none"\nfault = "none"\ngoods = "{goods}"'
    if route == "turn":
        return f'pattern = "turn"\n{plain}\nclock = 1\nsilence = "{random.choice(["refund", "escalate"])}"'
    if route == "pattern":
        pattern = random.choice(["refusal", "platform", "platform!"])
        return f'pattern = "{pattern}"' + ("" if pattern == "refusal" else f'\nrefund = "{refund}"')
    return f'route = "{route}"\n{plain}'


def rule(random: Random, number: int, when: str) -> str:
    """Return a rule that makes sense: what a file refuses is drawn again."""
    for _ in range(100):
        text = written(number, when + outcome(random), identifier=f"r{number}")
        try:
            parse_rules(texts={"small.toml": text})
        except RuleTableError:
            continue
        return text
    raise AssertionError(when)


def table(random: Random) -> RuleSet:
    """Return two rules for some situations, mostly with one for all others."""
    rules = [rule(random, number, f"when = {{ {random.choice(CONDITIONS)} }}\n") for number in (1, 2)]
    if random.random() < 0.9:
        rules.append(rule(random, 3, ""))
    return replace(parse_rules(texts={"small.toml": "".join(rules)}), complaint_cap_minutes=random.choice([0, 1, 1200]))


def situations(random: Random, count: int) -> Iterator[Json]:
    for _ in range(count):
        goods = random.choice(list(STAGES))
        stage = random.choice(STAGES[goods])
        reason = random.choice([code for code in ALL_REASONS if reason_fits(goods, code)])
        facts: Json = {"goods": goods, "stage": stage, "reason": reason, "delivered_minutes_ago": 5}
        facts |= {name: random.choice(values) for name, values in SIDES.items()}
        if stage == "working" and goods in ("card_key", "top_up", "account"):
            facts["upstream"] = random.choice(UPSTREAM)
        if random.random() < 0.4:
            facts |= {"asker": "buyer", "merchant_answer": "none", "upstream": "none", "reason": random.choice(["DUPLICATE", "OTHER"])}
        yield facts


def refused_in_silence(facts: Json, now: Decision | None, broken: set[tuple[int, str]]) -> bool:
    return now is not None and now.route == "refuse" and facts["merchant_answer"] == "silent" and 4 in {number for number, _ in broken}


def numbers(kinds: Kinds) -> set[tuple[int, str]]:
    return {(SENTENCES[kind][0], rule) for kind, rule in kinds}


class Told:
    """What the boxes say: the breaches of every scene, and where facts are in them."""

    def __init__(self, scenes: Scenes) -> None:
        self.places = {goods[0].scene.goods: Places(goods[0].space) for goods in scenes}
        self.scenes = {(judged.scene.goods, judged.scene.stage, judged.scene.done): judged for goods in scenes for judged in goods}
        self.alone = {key: list(alone(judged=judged)) for key, judged in self.scenes.items()}
        self.pairs: list[Breach] = []
        for goods in scenes:
            for judged in goods:
                self.pairs += [*by_answer(judged=judged), *by_reason(judged=judged)]
            paid = [judged for judged in goods[1:] if not judged.scene.done]
            for earlier, later in pairwise(paid):
                self.pairs += by_stage(earlier=earlier, later=later)
        for breach in (*self.pairs, *(breach for found in self.alone.values() for breach in found)):
            for scene, box in ((breach.scene, breach.box), *((breach.other,) if breach.other else ())):
                assert not self.places[scene.goods].space.is_empty(box), "a breach nobody could show facts of"

    def _key(self, facts: Facts) -> tuple[str, str, bool]:
        return facts.goods, facts.stage, facts.upstream == "done"

    def of_one(self, facts: Facts) -> Kinds:
        place = self.places[facts.goods].of(facts)
        return {(breach.kind, breach.rule) for breach in self.alone[self._key(facts)] if not place & ~breach.box}

    def of_two(self, facts: Facts, other: Facts) -> Kinds:
        scenes = self.scenes[self._key(facts)].scene, self.scenes[self._key(other)].scene
        here, there = self.places[facts.goods].of(facts), self.places[other.goods].of(other)
        found = set()
        for breach in self.pairs:
            assert breach.other is not None
            if (breach.scene, breach.other[0]) == scenes and not here & ~breach.box and not there & ~breach.other[1]:
                found.add((breach.kind, breach.rule))
        return found


def possible(facts: Json) -> Facts | None:
    try:
        return Facts.from_json(facts)
    except FactsError:
        return None


def neighbours(facts: Json, random: Random) -> Iterator[Json]:
    """Yield facts that differ in one thing, most of which are not to be compared with these: they show that nothing else is."""
    yield {**facts, "merchant_answer": random.choice(["none", "agreed", "silent"])}
    for reason in random.sample(["DUPLICATE", "LATE_DELIVERY", "WRONG_GOODS_SENT", "MINOR_PURCHASE", "FAKE_OR_ILLICIT"], 2):
        yield {**facts, "reason": reason}


def compared(facts: Json, others: Iterable[Json], rules: RuleSet) -> Iterator[tuple[Facts, set[tuple[int, str]]]]:
    """Yield what these facts are compared with, and what is broken then."""
    now = answer(facts, rules)
    for other in others:
        if now is not None and (known := possible(other)) is not None and (then := answer(other, rules)) is not None:
            yield known, {(number, rule_of(now)) for number in broken_pair(facts, now, other, then)}


def alone_by(rule: Rule) -> list[tuple[str, int]]:
    """Return what is wrong with one rule for a key that was accepted."""
    space, scene = Space(goods=Goods.CARD_KEY, bounds=()), Scene(goods="card_key", stage="accepted")
    judged = Judged(looking=Looking(space=space, scene=scene), rules=(rule,), cap_minutes=60)
    return [(breach.kind, members(judged, breach.box)) for breach in alone(judged=judged)]


def members(judged: Judged, box: int) -> int:
    """Return how many of the possible combinations of values a box holds, out of a thousand."""
    held = prod((box & fact.mask).bit_count() for fact in judged.space.facts.values())
    whole = prod((judged.looking.box & fact.mask).bit_count() for fact in judged.space.facts.values())
    return 1000 * held // whole


@pytest.mark.parametrize(
    ("text", "change", "broken"),
    [
        (
            'pattern = "turn"\nrefund = "full"\nfault = "none"\ngoods = "hold"\nclock = 60\nsilence = "refund"',
            {"clock": ((ALWAYS, 1),)},
            [],
        ),
        (
            'pattern = "turn"\nrefund = "full"\nfault = "none"\ngoods = "hold"\nclock = 60\nsilence = "refund"',
            {"clock": ((ALWAYS, 0),)},
            [("clock", 250)],
        ),
        ('route = "instant"\nrefund = "none"\nfault = "none"\ngoods = "keep"', {}, []),
        ('route = "instant"\nrefund = "none"\nfault = "none"\ngoods = "keep"', {"compensation_minor": 0}, []),
        (
            'route = "instant"\nrefund = "none"\nfault = "none"\ngoods = "keep"',
            {"compensation_minor": 1},
            [("chargeback", 333), ("goods", 1000)],
        ),
    ],
)
def test_what_no_file_may_say_is_looked_for_all_the_same(text: str, change: dict[str, object], broken: list[tuple[str, int]]) -> None:
    (rule,) = parse_rules(texts={"one.toml": written(1, text)}).rules
    found = alone_by(replace(rule, **change))  # type: ignore[arg-type]  # names and values of a rule's fields
    assert [entry for entry in found if not (entry[0] == "chargeback" and rule.pattern)] == broken


SEEDS = range(40)
OFFER_OF_NOTHING = 'pattern = "turn"\nrefund = "none"\nfault = "none"\ngoods = "hold"\nclock = 1\nsilence = "escalate"'
REFUSED = 'route = "refuse"\nrefund = "none"\nfault = "none"\ngoods = "keep"'
FULL_TURN = OFFER_OF_NOTHING.replace('refund = "none"', 'refund = "full"')
BY_HAND = (
    ("a refusal after silence where nothing was offered", 4, 'when = { merchant_answer = ["silent"] }\n' + REFUSED, OFFER_OF_NOTHING),
    ("less after silence", 4, 'when = { merchant_answer = ["silent"] }\n' + FULL_AT_ONCE + "\nfee_percent = 5", FULL_TURN),
    ("less for reasons that are nobody's fault", 3, 'when = { group = ["protected", "special"] }\n' + REFUSED, FULL_AT_ONCE),
    ("less for one change of mind", 3, 'when = { reason = ["DUPLICATE"] }\n' + REFUSED, FULL_AT_ONCE),
)


def agree(rules: RuleSet, random: Random) -> Counter[int]:
    """Compare both ways of looking over many facts, and return how often each property was broken."""
    told, found = Told(judge(rules=rules)), Counter[int]()
    for given in situations(random, 100):
        facts = Facts.from_json(given)
        now = answer(given, rules)
        expected = {(number, "" if now is None else rule_of(now)) for number in broken_alone(given, now)}
        assert numbers(told.of_one(facts)) == expected, given
        found.update(number for number, _ in expected)
        for other, broken in compared(given, (*relatives(given), *neighbours(given, random)), rules):
            kinds = told.of_two(facts, other)
            assert numbers(kinds) == broken, (given, other)
            assert ("silence_refuses" in {kind for kind, _ in kinds}) == refused_in_silence(given, now, broken)
            found.update(number for number, _ in broken)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_boxes_and_single_facts_agree(seed: int) -> None:
    random = Random(seed)
    agree(table(random), random)


@pytest.mark.parametrize(("broken", "rules"), [(entry[1], entry[2:]) for entry in BY_HAND], ids=[entry[0] for entry in BY_HAND])
def test_boxes_and_single_facts_agree_on_tables_written_by_hand(broken: int, rules: tuple[str, ...]) -> None:
    texts = (written(number, lines, identifier=f"r{number}") for number, lines in enumerate(rules, start=1))
    assert agree(parse_rules(texts={"small.toml": "".join(texts)}), Random(1))[broken]


def test_every_property_is_broken_often_enough() -> None:
    """What agrees on nothing but sound rules would show nothing."""
    found: Counter[int] = Counter()
    for seed in SEEDS:
        random = Random(seed)
        rules = table(random)
        for given in situations(random, 40):
            found.update(broken_alone(given, answer(given, rules)))
            found.update(number for _, broken in compared(given, relatives(given), rules) for number, _ in broken)
    assert {number for number in PROPERTIES if found[number] < 10} == {2}, found
