"""Carry out verdicts that need nobody's answer: close, and instant refund. Goods, money, case and receipt in one change."""

from dataclasses import dataclass
from datetime import UTC

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.numbers import new_number
from anka.domain import postings
from anka.domain.deadlines import arrival
from anka.domain.delivery_states import Move, Stage, move_for
from anka.domain.evidence import canonical_json
from anka.domain.money import fee, split
from anka.domain.refund_plan import PlannedLeg
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.change import (
    Change,
    Clock,
    ClosedCase,
    MoneyMove,
    OrderChange,
    Refund,
    RefundLeg,
    RefundUnit,
    UnitMove,
    journals,
    unit_move,
)
from anka.flows.steps.judge import Claim, Verdict
from anka.orders.models import OrderState, Unit

WAITING = frozenset({Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING})
# Recalled goods go back to the shelf, or wait until somebody has checked them.
KEY_AFTER_RECALL = {"restock": "available", "hold": "held"}


@dataclass(frozen=True, slots=True)
class Execution:
    """Verdicts about to be carried out on a locked order, and the change they are written into."""

    state: OrderState
    claim: Claim
    actor: Actor
    at: Moment
    change: Change

    def carry_out(self, *, verdict: Verdict, legs: tuple[PlannedLeg, ...]) -> str:
        """Add everything that carries out one verdict to the change, and return the number of its case."""
        number = new_number(shop_code=self.state.shop_code, letter="C")
        self.change.cases.append(_case(number, self.state, self.claim, verdict, self.actor))
        units = [unit for unit in self.state.units if unit.position in verdict.positions]
        if verdict.refund_minor:
            self._add_refund(number, verdict, units, legs)
        each = list(zip(units, verdict.refund_each_minor, strict=True))
        for stage, amount in sorted({(unit.stage, minor) for unit, minor in each}):
            alike = [unit.position for unit, minor in each if (unit.stage, minor) == (stage, amount)]
            _add_move(self.change, self.state, verdict, alike, amount)
        _add_clocks(self.change, self.state, units)
        return number

    def _add_refund(self, case_number: str, verdict: Verdict, units: list[Unit], legs: tuple[PlannedLeg, ...]) -> None:
        number = new_number(shop_code=self.state.shop_code, letter="R")
        self.change.refunds.append(
            Refund(
                number=number,
                cause="case",
                case_number=case_number,
                amount_minor=verdict.refund_minor,
                units=[RefundUnit(position=u.position, amount_minor=m) for u, m in zip(units, verdict.refund_each_minor, strict=True) if m],
                legs=[_leg(self.state, index, leg, self.at) for index, leg in enumerate(legs, start=1)],
            )
        )
        sources = _sources(self.state, verdict, units)
        owed = tuple((leg.channel, leg.amount_minor) for leg in legs)
        posting = postings.refund_accepted_from(
            shop_id=self.state.shop_id, order_id=self.state.id, refund_number=number, legs=owed, sources=sources
        )
        self.change.journals += journals(posting)
        sums = self.change.order or OrderChange()
        self.change.order = OrderChange(
            refunded_minor=sums.refunded_minor + verdict.refund_minor,
            released_minor=sums.released_minor - (verdict.refund_minor - sources["escrow"]),
        )


def _case(number: str, state: OrderState, claim: Claim, verdict: Verdict, actor: Actor) -> ClosedCase:
    decision = verdict.decision
    before_delivery = all(facts.stage in ("reserved", "queued", "accepted", "working") for facts in verdict.facts)
    whole = decision.refund_percent == 100
    judged = [{"position": p, "facts": facts.to_json()} for p, facts in zip(verdict.positions, verdict.facts, strict=True)]
    return ClosedCase(
        number=number,
        kind="cancellation" if before_delivery else "after_sale",
        asker=str(actor),
        reason=claim.reason,
        statement=claim.statement,
        positions=list(verdict.positions),
        refund_minor=verdict.refund_minor,
        outcome="released" if decision.route == "close" else "refunded" if whole else "partial",
        policy_version=state.policy_version,
        rule=decision.rule,
        route=decision.route,
        facts=canonical_json(judged).decode(),
        decision=canonical_json(decision.to_receipt()).decode(),
        because_zh=decision.because_zh,
        because_en=decision.because_en,
    )


def _add_move(change: Change, state: OrderState, verdict: Verdict, positions: list[int], amount_minor: int) -> None:
    """Move units that are in the same stage and get the same amount."""
    after = verdict.decision.goods_after
    stage = next(unit.stage for unit in state.units if unit.position == positions[0])
    move = move_for(goods=state.kind, stage=stage, goods_after=after)
    if move is None:
        change.money.append(MoneyMove(positions=positions, money=UnitMoney.REFUNDING, refund_each_minor=amount_minor))
        return
    what = "order_closed" if verdict.decision.route == "close" else f"units_{_WORDS[move]}"
    step: UnitMove = unit_move(goods=state.kind, positions=positions, stage=stage, move=move, what=what)
    step.money = UnitMoney.REFUNDING if amount_minor else None
    step.refund_each_minor = amount_minor
    if move == Move.RECALL:
        step.key_status = KEY_AFTER_RECALL[after]
    change.moves.append(step)
    if verdict.decision.route == "close":
        change.closed_by = "buyer"
        change.closed_payments = [payment.id for payment in state.live_payments()]


_WORDS = {Move.RELEASE: "released", Move.RECALL: "recalled", Move.VOID: "voided", Move.ROTATE: "rotated", Move.KEEP: "kept"}


def _leg(state: OrderState, index: int, leg: PlannedLeg, at: Moment) -> RefundLeg:
    return RefundLeg(
        leg=index,
        payment_id=leg.payment_id,
        channel=leg.channel,
        amount_minor=leg.amount_minor,
        arrives_by=arrival(channel=leg.channel, accepted_at=leg.not_before or at.now).latest_at.astimezone(UTC),
        attempt=new_number(shop_code=state.shop_code, letter="T"),
    )


def _sources(state: OrderState, verdict: Verdict, units: list[Unit]) -> dict[str, int]:
    """Take the money from where it is: escrow, or what the merchant and the platform got of it."""
    sources = {"escrow": 0, "pending": 0, "available": 0, "commission": 0}
    for unit, amount in zip(units, verdict.refund_each_minor, strict=True):
        if unit.confirmed_at is None:
            sources["escrow"] += amount
            continue
        commission = fee(amount_minor=unit.left_minor, basis_points=state.commission_basis_points)
        merchant_part, commission_part = split(amount_minor=amount, weights=[unit.left_minor - commission, commission])
        sources["available" if unit.money == UnitMoney.SETTLED else "pending"] += merchant_part
        sources["commission"] += commission_part
    return sources


def _add_clocks(change: Change, state: OrderState, units: list[Unit]) -> None:
    positions = {unit.position for unit in units}
    for position in sorted(positions):
        change.clocks += [Clock(kind=kind, position=position, ends_as="stopped") for kind in ("confirm", "settle")]
    others = [unit for unit in state.units if unit.position not in positions]
    if not any(unit.stage in WAITING for unit in others):
        change.clocks.append(Clock(kind="promise", position=0, ends_as="stopped"))
    if state.paid_at is None:
        change.clocks.append(Clock(kind="hold", position=0, ends_as="stopped"))
