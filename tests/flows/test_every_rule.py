"""From purchase to decision for every rule a card key can meet, through real orders; `anka policy decide` says the same to the facts."""

import json
from typing import Any

import pytest

from anka.cli.policy import answers
from anka.domain.goods import Goods
from anka.domain.policy.table import default_rules
from anka.flows.open_case import open_case, quote_case
from anka.flows.record_void import record_void
from anka.flows.steps.quote import RefusedByRule
from tests.builders import a_key, at
from tests.builders.cases import Case
from tests.flows.situations import LATER, SITUATIONS, Situation, stored_receipts


def name_of(situation: Situation) -> str:
    """How a failing test is called."""
    return situation.rule


def decided_by_command(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `anka policy decide` says to these facts, one per line."""
    return list(answers(lines=[json.dumps(one).encode() for one in facts], rules=default_rules()))


def filed(situation: Situation) -> Case:
    """The situation's claim, submitted."""
    order = situation.order()
    actor = situation.asker(order)
    (number,) = open_case(actor=actor, order_number=order.number, claim=situation.claim, request=a_key(actor), at=situation.when)
    return Case(number=number, order=order)


def require_agreed(case: Case) -> list[str]:
    """Compare every stored judgement with the command's, and return the rules that spoke."""
    spoke = []
    for rule, facts, decision in stored_receipts(case.number):
        judged = [unit["facts"] for unit in json.loads(facts)]
        assert [json.loads(decision)] * len(judged) == decided_by_command(judged)
        spoke.append(rule)
    return spoke


@pytest.mark.parametrize("situation", SITUATIONS, ids=name_of)
def test_the_rule_speaks(situation: Situation) -> None:
    if situation.rule == "merchant-may-not-recall":
        order = situation.order()
        actor = situation.asker(order)
        quoted = quote_case(actor=actor, order_number=order.number, claim=situation.claim, at=situation.when)
        assert [decision["rule"] for decision in quoted["decisions"]] == [situation.rule]
        with pytest.raises(RefusedByRule):
            open_case(actor=actor, order_number=order.number, claim=situation.claim, request=a_key(actor), at=situation.when)
        return
    case = filed(situation)
    assert require_agreed(case) == [situation.rule]


@pytest.mark.parametrize(
    ("situation", "answer"),
    [(situation, answer) for situation in SITUATIONS for answer in situation.answers],
    ids=lambda value: value if isinstance(value, str) else value.rule,
)
def test_the_answer_is_judged(situation: Situation, answer: str) -> None:
    case = filed(situation)
    if answer == "agreed":
        case.agree(when=situation.when)
    elif answer == "refused":
        case.refuse(when=situation.when)
    else:
        assert case.fall()
    assert require_agreed(case) == [situation.rule, f"{situation.rule}.{answer}"]
    assert case.status == ("evidence" if answer == "refused" or case.state.outcome is None else "closed")


@pytest.mark.parametrize("receipt", ["VOID-1", None])
def test_a_key_is_void_before_its_money_goes_back(receipt: str | None) -> None:
    situation = next(one for one in SITUATIONS if one.rule == "key-unused-voidable")
    case = filed(situation)
    assert (case.status, case.order.moneys) == ("open", ["held"])
    assert record_void(case_number=case.number, receipts={1: receipt}, at=at(11))
    if receipt:
        assert (case.state.outcome, case.order.stages, require_agreed(case)) == ("refunded", ["voided"], ["key-unused-voidable"])
    else:
        assert (case.status, require_agreed(case)) == ("merchant_turn", ["key-unused-voidable", "key-unused"])
    assert not record_void(case_number=case.number, receipts={1: receipt}, at=at(12))


def test_no_rule_a_card_key_can_meet_is_left_out() -> None:
    reachable = {
        rule.rule.id
        for (goods, _stage, _asker), scope in default_rules().scopes.items()
        if goods == Goods.CARD_KEY
        for _mask, rule in scope.rules
    }
    walked = {situation.rule.partition(".")[0] for situation in SITUATIONS}
    assert reachable - LATER == walked
