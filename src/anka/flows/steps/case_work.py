"""One step of one open case on a locked order: what every flow about cases does with clocks, offers, units and money."""

from dataclasses import dataclass, field

from anka.cases.models import CaseState
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.domain.case_states import CaseStatus
from anka.domain.deadlines import clock_named, due
from anka.domain.facts import Facts
from anka.flows.steps.award import Remedies, award
from anka.flows.steps.case_parts import CaseStep, Receipt, receipt_of, tell
from anka.flows.steps.change import Change, Clock, apply
from anka.flows.steps.file_case import platform_clocks, share_out
from anka.flows.steps.give_back import Grant, give_back, units_at
from anka.flows.steps.hold_units import free_money, resume_clocks, resume_units
from anka.flows.steps.judge import Verdict, judge_again
from anka.flows.steps.plan_money_back import plan_legs
from anka.flows.steps.replace_units import replace_units
from anka.orders.models import OrderState

EXECUTED = ["executing", "closed"]
BOTH_PARTIES = ("buyer", "shop")


@dataclass(slots=True)
class CaseWork:
    """An open case, its locked order, and the change that a step of it is written into."""

    state: OrderState
    case: CaseState
    actor: Actor
    at: Moment
    change: Change = field(default_factory=Change)

    @property
    def left_each_minor(self) -> tuple[int, ...]:
        """What each unit of the case has left."""
        return tuple(unit.left_minor for unit in units_at(state=self.state, positions=self.case.positions))

    def judged(self) -> list[tuple[int, Facts]]:
        """Return the units with the facts they were judged on last."""
        receipt = self.case.last_receipt
        return receipt.judged() if receipt else []

    def judge_again(self, **changed: object) -> tuple[Verdict, ...]:
        """Judge the case again with some facts changed."""
        return judge_again(state=self.state, judged=self.judged(), **changed)

    def receipts(self, verdicts: tuple[Verdict, ...]) -> list[Receipt]:
        """Return the receipts of a new judgement."""
        return [
            receipt_of(positions=v.positions, facts=v.facts, decision=v.decision, policy_version=self.state.policy_version)
            for v in verdicts
        ]

    def start(self, kind: str, *, due_at_most: Clock | None = None) -> None:
        """Start a clock of the case with its default length."""
        clock = due_at_most or Clock(
            kind=kind, position=self.case.clock_position, due_at=due(clock=clock_named(name=kind), started_at=self.at.now)
        )
        self.change.clocks.append(clock)

    def stop_clocks(self, *, fallen: str | None = None, keep: frozenset[str] = frozenset()) -> None:
        """End every clock of the case but those to keep; the one that brought us here has fallen, the others have no more reason."""
        for clock in self.case.clocks:
            if clock.kind not in keep:
                ends_as = "fallen" if clock.kind == fallen else "stopped"
                self.change.clocks.append(Clock(kind=clock.kind, position=self.case.clock_position, ends_as=ends_as))

    def end_offer(self, step: CaseStep, ends_as: str) -> None:
        """End the open offer, if there is one; keys set aside for it go back on the shelf unless it was accepted."""
        offer = self.case.open_offer
        if offer is None:
            return
        step.offer_ends = ends_as
        if ends_as != "accepted":
            self.change.freed_keys += offer.key_ids

    def pay(self, step: CaseStep, grants: list[Grant], *, before: tuple[str, ...] = (), fallen: str | None = None) -> None:
        """End the case by giving money back, or by letting it be where nothing is granted.

        What the rules promise on top (`compensate`) is called for beside it.

        Raises:
            MoneyCannotGoBackThisWay: the payments cannot bear it.
        """
        total = sum(grant.refund_minor for grant in grants)
        self.stop_clocks(fallen=fallen)
        step.path = [*before, *EXECUTED]
        step.refund_minor = total
        if total == 0:
            step.outcome = "rejected"
            resume_units(state=self.state, change=self.change, case_number=self.case.number, positions=self.case.positions)
        else:
            step.outcome = "refunded" if total == sum(self.left_each_minor) else "partial"
            free_money(state=self.state, change=self.change, case_number=self.case.number, positions=self.case.positions)
            legs = plan_legs(state=self.state, amounts=[total], refund_to=self.case.refund_to, at=self.at)[0]
            give_back(state=self.state, change=self.change, case_number=self.case.number, grants=grants, legs=legs, at=self.at)
            granted = {position for grant in grants for position in grant.positions}
            resume_clocks(change=self.change, positions=tuple(p for p in self.case.positions if p not in granted))
        self.change.notices += tell(case=self.case, audiences=BOTH_PARTIES, kind="case_closed", details={"refund_minor": total})

    def compensate(self, step: CaseStep, verdicts: tuple[Verdict, ...]) -> None:
        """Pay what the rules promise beside the refund, per unit; after `pay`. Nothing where they promise nothing."""
        amount, fault = sum(verdict.compensation_minor for verdict in verdicts), verdicts[0].decision.fault
        if amount:
            step.compensation_minor = amount
            step.details = {**step.details, "compensation_minor": amount}
        award(state=self.state, change=self.change, case_number=self.case.number, fault=fault, remedies=Remedies(amount))

    def replace(self, step: CaseStep, key_ids: tuple[int, ...]) -> None:
        """End the case by replacing its units with these keys."""
        self.stop_clocks()
        step.path, step.outcome = [*EXECUTED], "replaced"
        free_money(state=self.state, change=self.change, case_number=self.case.number, positions=self.case.positions)
        replace_units(state=self.state, change=self.change, positions=self.case.positions, key_ids=key_ids, at=self.at)
        self.change.notices += tell(case=self.case, audiences=BOTH_PARTIES, kind="case_closed")

    def let_go(self, step: CaseStep, outcome: str, *, fallen: str | None = None) -> None:
        """End the case without money: its units go on as if nobody had argued."""
        self.stop_clocks(fallen=fallen)
        step.path, step.outcome = ["closed"], outcome
        resume_units(state=self.state, change=self.change, case_number=self.case.number, positions=self.case.positions)
        self.change.notices += tell(case=self.case, audiences=BOTH_PARTIES, kind="case_closed")

    def to_platform(self, step: CaseStep, *, fallen: str | None = None) -> None:
        """Hand the case to the platform: frozen as it is, its look clock started."""
        self.stop_clocks(fallen=fallen, keep=frozenset({"ceiling"}))
        step.path = [CaseStatus.EVIDENCE]
        self.change.clocks += platform_clocks(state=self.state, place=self.case.clock_position, at=self.at)
        if not any(clock.kind == "ceiling" for clock in self.case.clocks):
            self.start("ceiling")
        self.change.notices += tell(case=self.case, audiences=("platform", *BOTH_PARTIES), kind="case_escalated")

    def grants_of(self, verdicts: tuple[Verdict, ...], amount_minor: int) -> list[Grant]:
        """Return what an amount for the whole case means for each unit, with the goods going where each verdict says.

        Units to which nothing falls, because the amount is so small, go on as if nobody had argued.
        """
        each = dict(zip(self.case.positions, share_out(amount_minor=amount_minor, most=self.left_each_minor), strict=True))
        paid = [(v, tuple(position for position in v.positions if each[position])) for v in verdicts]
        return [Grant(some, tuple(each[position] for position in some), v.decision.goods_after) for v, some in paid if some]

    def write(self, step: CaseStep, request: RequestKey) -> None:
        """Write the step and everything that follows from it. A repeated request is answered with the case's number."""
        self.change.steps.append(step)
        apply(state=self.state, change=self.change, actor=self.actor, request=request, reference=self.case.number, at=self.at)
