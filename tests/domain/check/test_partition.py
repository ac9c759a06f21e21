"""The boxes hold all facts, none twice, and in each the rule decides that `decide` says: compared over many facts."""

from random import Random

import pytest

from anka.domain.facts import Facts
from anka.domain.goods import Goods
from anka.domain.policy.check.checker import judge
from anka.domain.policy.check.regions import Judged
from anka.domain.policy.decide import decide
from anka.domain.policy.table import RuleSet, default_rules, parse_rules
from tests.domain.check.made import repaired_texts, written
from tests.domain.check.places import Places, the_scene
from tests.domain.oracle import random_facts

STRANGE = written(
    205,
    """when = [
    { goods = ["account", "card_key"], consumed = true, merchant_answer = ["silent", "agreed"], upstream_minutes = "< warranty" },
    { consumed = false, group = ["delay", "quality"], ago = ["> refund_window", "= warranty"], short = false },
    { progress = [">= 10", "< 20"], ago = "= 30" },
]
pattern = "turn"
refund = "unused_share"
fault = [{ when = { consumed = true, bad = false }, is = "buyer" }, { when = { ago = "> 5000" }, is = "platform" }, { is = "none" }]
goods = [{ when = { notice = ["shown"] }, is = "returned" }, { when = { wrong = true }, is = "unopened" }, { is = "spoiled" }]
clock = [{ when = { delivered_percent = "<= 40" }, is = 7 }, { is = 8 }]
silence = "escalate"
""",
    identifier="strange",
)


PLAIN = 'refund = "full"\nfault = "none"\ngoods = "'
ALONE = [
    *(f'route = "instant"\n{PLAIN}{term}"' for term in ("spoiled", "unopened", "returned")),
    f'pattern = "turn"\n{PLAIN}unopened"\nclock = 5\nsilence = "refund"',
    'pattern = "platform"\nrefund = "full"',
    'pattern = "refusal"',
]
"""Outcomes of a rule for everything: what default rules say of some stages only is looked at in all of them."""


@pytest.mark.parametrize("outcome", ALONE)
def test_one_rule_for_everything_is_decided_the_same(outcome: str) -> None:
    assert_same(parse_rules(texts={"one.toml": written(1, outcome)}), Random(4), 1500)


@pytest.mark.parametrize(("rules", "seed"), [(default_rules(), 1), (parse_rules(texts={**repaired_texts(), "strange.toml": STRANGE}), 2)])
def test_the_boxes_say_what_decide_says(rules: RuleSet, seed: int) -> None:
    assert_same(rules, Random(seed), 10_000)


def assert_same(rules: RuleSet, random: Random, count: int) -> None:
    scenes = judge(rules=rules)
    places = {str(goods[0].space.goods): Places(goods[0].space) for goods in scenes}
    for _ in range(count):
        facts = Facts.from_json(random_facts(random))
        judged, place = the_scene(scenes, facts), places[facts.goods].of(facts)
        decision = decide(facts, rules)
        (region,) = [region for region in judged.regions if not place & ~region.box]
        assert region.rule.id == decision.rule.partition(".")[0]
        (verdict,) = [verdict for verdict in judged.verdicts if not place & ~verdict.box]
        ((_, outcome),) = [(box, outcome) for box, outcome in judged.whole(verdict) if not place & ~box]
        cap = rules.complaint_cap_minutes if facts.dispute == "complaint" else 10**9
        clock = min(outcome[4], cap) if isinstance(outcome[4], int) else None
        assert (*outcome[:4], clock, outcome[5], outcome[6]) == (
            decision.route,
            decision.refund,
            decision.fault,
            decision.goods_after,
            decision.answer_within_minutes,
            decision.on_silence,
            decision.replacement_first,
        ), facts


def members(judged: Judged, box: int) -> int:
    """Return how many combinations of values a box holds."""
    count = 1
    for fact in judged.space.facts.values():
        count *= (box & fact.mask).bit_count()
    return count


@pytest.mark.parametrize("rules", [default_rules(), parse_rules(texts={"one.toml": STRANGE})], ids=["default", "with gaps"])
def test_the_boxes_hold_everything_once(rules: RuleSet) -> None:
    for judged in (scene for goods in judge(rules=rules) for scene in goods):
        boxes = [*(region.box for region in judged.regions), *judged.gaps]
        assert sum(members(judged, box) for box in boxes) == members(judged, judged.looking.box)
        for index, box in enumerate(boxes):
            assert all(judged.space.is_empty(box & other) for other in boxes[:index])


def test_every_smallest_member_is_a_possible_situation_and_is_decided_so() -> None:
    rules = default_rules()
    for judged in (scene for goods in judge(rules=rules) for scene in goods):
        places = Places(judged.space)
        for region in judged.regions:
            facts = judged.space.smallest(region.box, judged.scene)
            assert Facts.from_json(facts.to_json()) == facts
            assert decide(facts, rules).rule.partition(".")[0] == region.rule.id
            assert not places.of(facts) & ~region.box


def test_a_wrong_partition_would_be_noticed() -> None:
    """The negative control: judged by other rules, the boxes do not say what `decide` says."""
    other = parse_rules(texts={**repaired_texts(), "strange.toml": STRANGE})
    scenes = judge(rules=other)
    random = Random(3)
    different = 0
    for _ in range(300):
        facts = Facts.from_json(random_facts(random))
        judged = the_scene(scenes, facts)
        place = Places(judged.space).of(facts)
        (region,) = [region for region in judged.regions if not place & ~region.box]
        different += region.rule.id != decide(facts, default_rules()).rule.partition(".")[0]
    assert different > 3


def test_every_scene_is_looked_at() -> None:
    scenes = judge(rules=default_rules())
    assert len(scenes) == len(Goods)
    assert sum(len(goods) for goods in scenes) == 7 + 5 + 8 + 5 + 6 + 3
