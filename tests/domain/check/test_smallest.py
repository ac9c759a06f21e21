"""The counter-examples are the smallest there are: compared with looking at every single fact of small tables, one by one."""

import json
from collections.abc import Iterator
from itertools import product
from random import Random

import pytest

from anka.domain.facts import VALUES, Facts
from anka.domain.policy.check import check, short_facts
from anka.domain.policy.check.numbers import KEYS, Number, kinds, order, within
from anka.domain.policy.table import RuleSet, parse_rules
from anka.domain.policy.vocabulary import Bound
from tests.domain.check.independent import NUMBER_FACTS, Json, Key, smallest_by_force
from tests.domain.check.made import written
from tests.domain.oracle import STAGES

TIMED = ("sealed", "revealed", "delivered", "used")
ONE_OF_EACH_GROUP = ["DUPLICATE", "LATE_DELIVERY", "WRONG_GOODS_SENT", "UNAUTHORISED_PAYMENT", "FAKE_OR_ILLICIT"]
GROUPS = ["change_of_mind", "delay", "quality", "protected", "special"]
SOMETIMES = ("asker", "matches_order", "notice", "login_seen", "dispute")
BREAKING = {"matches_order": "no", "login_seen": "yes", "dispute": "chargeback"}
"""What properties speak of, whether a table does or not."""
Values = dict[str, list[str]]
AGES: list[Number] = [None, 0, 5, 10_081]
BOUNDS = ["<= 4", "> 4", ">= 5", "<= refund_window", "> warranty"]
"""AGES has the least age within each of them, and without."""
OUTCOMES = [
    'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "{goods}"',
    'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "{goods}"\nfee_percent = 5',
    'route = "instant"\nrefund = "missing_share"\nfault = "none"\ngoods = "{goods}"',
    'route = "upstream"\nrefund = "none"\nfault = "none"\ngoods = "{goods}"',
    'pattern = "turn"\nrefund = "full"\nfault = "none"\ngoods = "{goods}"\nclock = 5\nsilence = "refund"',
    'pattern = "turn"\nrefund = "negotiable"\nfault = "none"\ngoods = "{goods}"\nclock = 5\nsilence = "escalate"',
    'pattern = "platform"\nrefund = "negotiable"',
    'pattern = "platform!"\nrefund = "full"',
    'pattern = "refusal"',
]
OTHERS = written(
    1,
    'when = { goods = ["card_key", "top_up", "boosting", "rental"] }\nroute = "upstream"\nrefund = "none"\nfault = "none"\ngoods = "hold"',
)


def values_of(random: Random) -> Values:
    """Return the facts a table may speak of besides stage and reason, with all their values, the usual one first."""
    return {name: list(VALUES[name]) for name in ("merchant_answer", *sorted(random.sample(SOMETIMES, 2)))}


def condition(random: Random, values: Values) -> str:
    spoken_of = {**values, "stage": STAGES["account"], "group": GROUPS}
    names = random.sample(sorted(spoken_of), random.randint(1, 3))
    parts = [f"{name} = {json.dumps(some(random, spoken_of[name]))}" for name in names]
    parts += [f'ago = "{random.choice(BOUNDS)}"'] if random.random() < 0.4 else []
    return f"{{ {', '.join(parts)} }}"


def some(random: Random, values: list[str]) -> list[str]:
    return random.sample(values, random.randint(1, max(1, len(values) // 2)))


def small_table(random: Random, values: Values) -> RuleSet:
    """Return rules for accounts made at random; they break many properties in many ways."""
    rules = [OTHERS]
    for number in range(2, 11):
        whens = ", ".join({condition(random, values): None for _ in range(random.randint(1, 2))})
        outcome = random.choice(OUTCOMES).format(goods=random.choice(["keep", "rotate", "restock", "unopened", "returned"]))
        rules.append(written(number, f"when = [{whens}]\n{outcome}", identifier=f"r{number}"))
    return parse_rules(texts={"small.toml": "".join(rules)})


def small_space(values: Values) -> Iterator[Json]:
    """Yield every set of facts that such a table, or a property, can tell from a smaller one."""
    told = {**values, **{name: [VALUES[name][0], breaking] for name, breaking in BREAKING.items() if name not in values}}
    scenes = [{"stage": stage} for stage in STAGES["account"]]
    scenes += [{"stage": "working", "upstream": upstream} for upstream in ("unknown", "done")]
    for scene, ago in product(scenes, AGES):
        if ago is None and scene["stage"] in TIMED:
            continue
        for reason, *rest in product(ONE_OF_EACH_GROUP, *told.values()):
            facts: Json = {"goods": "account", **scene, "reason": reason, **dict(zip(told, rest, strict=True))}
            yield facts if ago is None else {**facts, "delivered_minutes_ago": ago}


def counter_examples(rules: RuleSet) -> dict[Key, tuple[Json | None, ...]]:
    found: dict[Key, tuple[Json | None, ...]] = {}
    for finding in check(rules=rules).findings:
        if finding.property != 2 and finding.facts is not None:
            other = None if finding.other is None else short_facts(facts=finding.other[0])
            found[finding.key] = short_facts(facts=finding.facts), other
    return found


@pytest.mark.parametrize(("seed", "broken"), [(4, {1, 3, 4, 7, 8, 9, 10, 11}), (6, {1, 3, 5, 6, 7, 8, 10, 11})])
def test_no_smaller_one_exists(seed: int, broken: set[int]) -> None:
    random = Random(seed)
    values = values_of(random)
    rules = small_table(random, values)
    by_force = {key: tuple(short(facts) for facts in shown) for key, shown in smallest_by_force(small_space(values), rules).items()}
    assert {number for number, _ in by_force} == broken
    assert counter_examples(rules) == by_force


def short(facts: Json | None) -> Json | None:
    return None if facts is None else short_facts(facts=Facts.from_json(facts))


MINUTES: list[Number] = [None, *range(9), *range(10_078, 10_087)]


@pytest.mark.parametrize("seed", range(30))
def test_every_kind_of_numbers_is_there_with_the_least_of_it(seed: int) -> None:
    random = Random(seed)
    subjects = ("ago", "upstream_minutes") if seed % 3 == 0 else ("ago",)
    names = (*subjects, "refund_window", "warranty")
    limits = ["3", "4", "6", "10079", "10080", "10082", "refund_window", "warranty"]
    bounds = tuple({Bound(random.choice(subjects), random.choice(["<=", ">=", "<", ">", "="]), random.choice(limits)) for _ in range(5)})
    least: dict[object, tuple[Number, ...]] = {}
    terms = range(10_080, 10_088)
    for numbers in product(MINUTES, MINUTES[1:], terms, terms) if len(subjects) > 1 else product(MINUTES, terms, terms):
        named = dict(zip(names, numbers, strict=True))
        kind = (frozenset(bound for bound in bounds if within(bound=bound, numbers=named)), numbers[0] is None)
        if kind not in least or order(names, numbers) < order(names, least[kind]):
            least[kind] = numbers
    assert {(kind.holds, kind.least[0] is None): kind.least for kind in kinds(names=names, bounds=bounds)} == least


def test_numbers_are_never_left_out() -> None:
    assert set(KEYS.values()) == set(NUMBER_FACTS)
