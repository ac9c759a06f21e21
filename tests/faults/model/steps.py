"""What the worker and each action of a side are in the model."""

from collections.abc import Callable

from tests.faults.model.arguments import Ask
from tests.faults.model.life import Life
from tests.faults.model.things import Case


def sweep(market: Life, index: int) -> None:
    """What the worker does about one order when it comes by."""
    order = market.orders[index]
    market.deliver(order)
    market.expire(order)
    market.auto_confirm(order)
    market.settle(order)
    for case in order.cases:
        for _clock in range(20):
            if not market.fall(case):
                break
    if market.untouched(order):
        market.claim(order, Ask("buyer", "LATE_DELIVERY", tuple(unit.position for unit in market.untouched(order))))


def step_of(name: str, side: str, percent: int) -> Callable[[Life, Case], object]:
    """Return what an action of a side is in the model."""
    if side.startswith("arbiter"):
        who = int(side[-1])
        return {
            "ask_for_evidence": lambda m, case: m.request_evidence(case),
            "rule": lambda m, case: m.rule(case, who, percent=percent),
            "approve": lambda m, case: m.approve(case, who),
            "add_evidence": lambda m, case: m.add_evidence(case),
        }[name]
    return {
        "agree": lambda m, case: m.agree(case),
        "refuse": lambda m, case: m.refuse(case),
        "offer": lambda m, case: m.offer(case, side, max(1, sum(case.lefts) * percent // 100)),
        "offer_replacement": lambda m, case: m.offer(case, side, None),
        "accept_offer": lambda m, case: m.accept(case, side),
        "decline_offer": lambda m, case: m.decline(case, side),
        "withdraw": lambda m, case: m.withdraw(case),
        "escalate": lambda m, case: m.escalate(case),
        "add_evidence": lambda m, case: m.add_evidence(case),
        "appeal": lambda m, case: m.appeal(case),
    }[name]
