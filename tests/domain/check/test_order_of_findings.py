"""In which order a check tells what it found, and which stages count as later than others."""

import re

import pytest

from anka.domain.goods import Goods
from anka.domain.policy.check import check
from anka.domain.policy.check.conditions import Looking, bounds_of
from anka.domain.policy.check.space import LOGGED_IN_LONG_AGO, Scene, Space
from anka.domain.policy.table import RuleSet, default_texts, parse_rules
from anka.domain.policy.vocabulary import Bound, Condition
from tests.domain.check.made import added, written


def restocked(rule: str) -> RuleSet:
    """Return the default rules with the goods of one rule going back to the shelf, whatever they are."""
    texts = dict(default_texts())
    (name,) = [name for name, text in texts.items() if f'\nid = "{rule}"\n' in text]
    start = texts[name].rindex("[[rule]]", 0, texts[name].index(f'\nid = "{rule}"\n'))
    end = texts[name].find("\n[[", start)
    block = re.sub(r"(?m)^goods = .*$", 'goods = "restock"', texts[name][start:end])
    return parse_rules(texts={**texts, name: texts[name][:start] + block + texts[name][end:]})


@pytest.mark.parametrize(
    ("rule", "keys"),
    [
        ("sealed", [(7, "merchant-refunds"), (7, "sealed"), (8, "short")]),
        ("upstream-ask", [(7, "merchant-refunds"), (7, "upstream-ask"), (8, "short"), (11, "upstream-ask")]),
    ],
)
def test_findings_come_by_property_then_as_the_rules_stand(rule: str, keys: list[tuple[int, str]]) -> None:
    assert [finding.key for finding in check(rules=restocked(rule)).findings] == keys


def test_what_only_a_supplier_says_is_no_later_stage() -> None:
    late = 'when = { goods = ["top_up"], upstream = ["done"], group = ["change_of_mind"] }\n'
    rules = added(1, f'{late}route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "keep"')
    assert 8 not in {finding.property for finding in check(rules=rules).findings}


def looking(goods: Goods, stage: str, *bounds: Bound) -> Looking:
    return Looking(space=Space(goods=goods, bounds=bounds), scene=Scene(goods=goods, stage=stage))


def test_only_an_account_is_consumed_by_a_login_long_ago() -> None:
    consumed = Condition(values=(("consumed", ("true",)),))
    here = looking(Goods.CARD_KEY, "revealed", LOGGED_IN_LONG_AGO)
    assert here.of(consumed) == (here.space.where(here.box, "use_check", "used_after_reveal"),)
    assert len(looking(Goods.ACCOUNT, "revealed", LOGGED_IN_LONG_AGO).of(consumed)) == 2


@pytest.mark.parametrize("values", [("goods", ("rental",)), ("stage", ("used",))])
def test_a_condition_on_other_goods_or_another_stage_never_holds(values: tuple[str, tuple[str, ...]]) -> None:
    here = looking(Goods.CARD_KEY, "revealed")
    for others in ((), (("asker", ("buyer",)), ("group", ("quality",)))):
        assert here.of(Condition(values=(values, *others))) == ()
        assert here.of(Condition(values=(*others, values))) == ()


TURN = 'pattern = "turn"\nrefund = "negotiable"\nfault = "none"\ngoods = "keep"\nclock = 5\nsilence = "escalate"\n'
AT_ONCE = 'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "keep"\nreplacement_first = true\n'


@pytest.mark.parametrize(
    ("lines", "field", "other"),
    [
        (TURN, 'fault = "none"', '"buyer"'),
        (TURN, 'goods = "keep"', '"hold"'),
        (TURN, "clock = 5", "7"),
        (AT_ONCE, "replacement_first = true", "false"),
    ],
)
def test_a_bound_anywhere_in_a_rule_is_looked_at(lines: str, field: str, other: str) -> None:
    name, _, value = field.partition(" = ")
    chosen = f'{name} = [{{ when = {{ ago = "> 777" }}, is = {other} }}, {{ is = {value} }}]'
    (rule,) = parse_rules(texts={"one.toml": written(1, lines.replace(field, chosen))}).rules
    assert list(bounds_of(rules=[rule])) == [Bound("ago", ">", "777")]


def small(*outcomes: tuple[str, str]) -> RuleSet:
    lines = [written(number, lines, identifier=name) for number, (name, lines) in enumerate(outcomes, start=1)]
    return parse_rules(texts={"small.toml": "".join(lines)})


def test_of_two_comparisons_that_show_the_same_facts_the_smaller_is_told() -> None:
    rules = small(
        ("less", 'when = { group = ["quality", "delay"] }\npattern = "platform"\nrefund = "negotiable"'),
        ("late", f'when = {{ reason = ["PRICE_CHANGED"] }}\n{AT_ONCE}'),
        ("soon", f'when = {{ reason = ["DUPLICATE"] }}\n{AT_ONCE}'),
        ("rest", 'pattern = "platform"\nrefund = "negotiable"'),
    )
    (found,) = [finding for finding in check(rules=rules).findings if finding.key == (9, "less")]
    assert found.other is not None
    assert found.other[0].reason == "DUPLICATE"


def test_of_two_breaches_by_the_same_facts_the_first_is_told() -> None:
    seen = 'when = { goods = ["account"], stage = ["revealed"], group = ["quality"] }\n'
    rules = small(
        ("both", f'{seen}route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "restock"\n'),
        ("rest", 'pattern = "platform"\nrefund = "negotiable"'),
    )
    (found,) = [finding for finding in check(rules=rules).findings if finding.key == (7, "both")]
    assert found.en.startswith("Rule both puts goods back into stock")
