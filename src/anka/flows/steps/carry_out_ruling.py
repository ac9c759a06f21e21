"""Carry a ruling out: the amount it grants goes back, or the units go on; the goods follow the facts."""

from anka.cases.models import Ruling
from anka.domain.rulings import goods_after_ruling, remedy_of
from anka.flows.steps.award import Remedies, award
from anka.flows.steps.case_parts import CaseStep, NewRuling
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.file_case import share_out
from anka.flows.steps.give_back import Grant


def ruled_grants(*, work: CaseWork, refund_minor: int) -> list[Grant]:
    """Return what an amount for the whole case means for each unit, one grant per unit."""
    left = work.left_each_minor
    each = share_out(amount_minor=refund_minor, most=left)
    facts = dict(work.judged())
    return [
        Grant((position,), (amount,), goods_after_ruling(facts=facts[position], remedy=remedy_of(refund_minor=amount, left_minor=most)))
        for position, amount, most in zip(work.case.positions, each, left, strict=True)
        if amount
    ]


def carry_out_ruling(
    *, work: CaseWork, step: CaseStep, ruling: Ruling | NewRuling, before: tuple[str, ...] = (), fallen: str | None = None
) -> None:
    """End the case as a ruling says. Units to which it grants nothing go on as if nobody had argued."""
    step.fault = ruling.fault
    step.details = {**step.details, "fault": ruling.fault, **amounts(ruling=ruling)}
    step.compensation_minor, step.penalty_minor = ruling.compensation_minor or None, ruling.penalty_minor or None
    work.pay(step, ruled_grants(work=work, refund_minor=ruling.refund_minor), before=before, fallen=fallen)
    remedies = Remedies(ruling.compensation_minor, ruling.penalty_minor)
    award(state=work.state, change=work.change, case_number=work.case.number, fault=ruling.fault, remedies=remedies)


def amounts(*, ruling: Ruling | NewRuling) -> dict[str, object]:
    """Return what a ruling moves, as events and notices tell it; what it does not grant beside the refund is left out."""
    beside = {"compensation_minor": ruling.compensation_minor, "penalty_minor": ruling.penalty_minor}
    return {"refund_minor": ruling.refund_minor, **{name: minor for name, minor in beside.items() if minor}}
