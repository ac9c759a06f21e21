"""What follows when the channel has decided a dispute. Won: everything goes on as before. Lost: who has the money bears it, and the units
count as paid back – by the bank, not by us."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from anka.cases.models import CaseState
from anka.core.clock import Moment
from anka.domain.case_states import CaseStatus
from anka.domain.delivery_states import Stage, move_for
from anka.domain.dispute_states import DisputeKind
from anka.domain.liability import Free, Lose
from anka.domain.postings_channel import chargeback_won
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.carry_out_ruling import carry_out_ruling
from anka.flows.steps.case_parts import CaseStep
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.change import Change, Clock, Event, MoneyMove, Share, UnitMove, Work, journals, unit_move
from anka.flows.steps.dispute_parts import DISPUTES, about, label, open_cases, others, tell_all
from anka.flows.steps.file_case import share_out
from anka.flows.steps.give_back import KEY_AFTER_RECALL, WAITING, account_of, add_sums, merchant_part, stop_waiting
from anka.flows.steps.hold_units import HALTED, free_money, resume_clocks
from anka.flows.steps.judge import ENDED
from anka.orders.models import OpenDispute, OrderState, Unit

Loss = tuple[Unit, int]


def won(*, state: OrderState, dispute: OpenDispute, attempts: Sequence[str], at: Moment) -> Change:
    """Return the change of a locked order whose dispute is over in our favour; refunds that were held (`attempts`) go on."""
    change = Change()
    cases = _cases(state, dispute)
    _free(state, change, dispute, cases)
    if dispute.kind == DisputeKind.CHARGEBACK:
        change.journals += journals(
            chargeback_won(shop_id=state.shop_id, channel=dispute.channel, dispute=dispute.number, amount_minor=dispute.amount_minor)
        )
        change.work += [Work(topic="refund", subject=number, due_at=at.now) for number in attempts]
    # What is decided from here on is decided without this dispute.
    after = replace(state, disputes=others(state=state, dispute=dispute))
    for case in cases if not after.disputes else ():
        after = _resume(after, change, case, at)
    change.events.append(Event(what="dispute_won", positions=_positions(cases), details=about(dispute=dispute)))
    change.notices += tell_all(dispute=dispute, kind="dispute_won", case_number=_first(cases))
    return change


def lost(*, state: OrderState, dispute: OpenDispute, repaid_minor: int, at: Moment) -> tuple[Change, dict[int, int]]:
    """Return the change of a locked order whose dispute is lost, and what each unit lost by it.

    `repaid_minor` of it has paid refunds that were owed; what no unit can bear is the platform's loss.
    """
    change = Change()
    cases = _cases(state, dispute)
    _free(state, change, dispute, cases)
    losses = _losses(state, dispute, repaid_minor)
    over = not others(state=state, dispute=dispute)
    for case in cases if over else ():
        _close(state, change, case, at)
    if dispute.kind == DisputeKind.CHARGEBACK:
        _bear(state, change, dispute, losses, repaid_minor)
        for unit, amount in losses:
            _take(change, unit, amount)
        _end_clocks(state, change, tuple(sorted(_gone(losses))))
    if over:
        resume_clocks(change=change, positions=tuple(p for p in _positions(cases) if p not in _gone(losses)))
    details = about(dispute=dispute) | {"repaid_minor": repaid_minor, "lost_minor": sum(amount for _unit, amount in losses)}
    change.events.append(Event(what="dispute_lost", positions=_positions(cases), details=details))
    change.notices += tell_all(dispute=dispute, kind="dispute_lost", case_number=_first(cases))
    return change, {unit.position: amount for unit, amount in losses}


def _cases(state: OrderState, dispute: OpenDispute) -> list[CaseState]:
    return [case for case in open_cases(state=state) if case.status == CaseStatus.EXTERNAL]


def _positions(cases: Sequence[CaseState]) -> list[int]:
    return sorted(position for case in cases for position in case.positions)


def _first(cases: Sequence[CaseState]) -> str | None:
    return cases[0].number if cases else None


def _gone(losses: Sequence[Loss]) -> frozenset[int]:
    return frozenset(unit.position for unit, amount in losses if amount == unit.left_minor)


def _free(state: OrderState, change: Change, dispute: OpenDispute, cases: Sequence[CaseState]) -> None:
    """Free what was set aside for this dispute: whoever bears it takes it from where it came, and takes it first."""
    at_case = {position: case.number for case in cases for position in case.positions}
    for part in dispute.units:
        if part.position in at_case and part.frozen_minor:
            place = label(state=state, dispute=dispute, position=part.position)
            change.claims.append(Free(case_number=at_case[part.position], unit=place))


def _resume(state: OrderState, change: Change, case: CaseState, at: Moment) -> OrderState:
    """Close a case that waited for the channel; a ruling given before is carried out. Return the order as the next case finds it."""
    work = CaseWork(state, case, DISPUTES, at, change)
    step = CaseStep(number=case.number, what="case_external_won")
    ruling = case.given_ruling
    before = len(change.refunds)
    if ruling is None:
        work.let_go(step, "resumed")
    else:
        carry_out_ruling(work=work, step=step, ruling=ruling)
    change.steps.append(step)
    taken: dict[int, int] = {}
    for leg in (leg for refund in change.refunds[before:] for leg in refund.legs):
        taken[leg.payment_id] = taken.get(leg.payment_id, 0) + leg.amount_minor
    payments = tuple(replace(p, refunded_minor=p.refunded_minor + taken.get(p.id, 0)) for p in state.payments)
    return replace(state, payments=payments)


def _close(state: OrderState, change: Change, case: CaseState, at: Moment) -> None:
    work = CaseWork(state, case, DISPUTES, at, change)
    step = CaseStep(number=case.number, what="case_external_lost", path=["closed"], outcome="settled_outside")
    work.stop_clocks()
    free_money(state=state, change=change, case_number=case.number, positions=case.positions)
    change.steps.append(step)


def _losses(state: OrderState, dispute: OpenDispute, repaid_minor: int) -> list[Loss]:
    """Return what each unit loses: its share, or less where refunds that were owed have taken part of the whole."""
    units = [(unit, min(part.share_minor, unit.left_minor)) for part in dispute.units if (unit := state.unit(part.position))]
    payment = next(payment for payment in state.payments if payment.id == dispute.payment_id)
    amount = min(dispute.amount_minor - repaid_minor, payment.amount_minor - payment.refunded_minor)
    shared = share_out(amount_minor=max(amount, 0), most=tuple(most for _unit, most in units))
    return [(unit, minor) for (unit, _most), minor in zip(units, shared, strict=True) if minor]


def _bear(state: OrderState, change: Change, dispute: OpenDispute, losses: Sequence[Loss], repaid_minor: int) -> None:
    total, escrow, own = sum(amount for _unit, amount in losses), 0, {"pending": 0, "available": 0}
    for unit, amount in losses:
        if unit.confirmed_at is None:
            escrow += amount
            continue
        part = merchant_part(unit=unit, amount_minor=amount)
        own[account_of(unit)] += part
        change.shares.append(Share(unit.position, unit.merchant_minor - part, confirmed=False))
    add_sums(change=change, refunded_minor=total, released_minor=escrow - total)
    change.claims.append(
        Lose(
            order_id=state.id,
            channel=dispute.channel,
            dispute=dispute.number,
            escrow_minor=escrow,
            commission_minor=total - escrow - sum(own.values()),
            unborne_minor=dispute.amount_minor - repaid_minor - total,
            own=own,
        )
    )


def _take(change: Change, unit: Unit, amount_minor: int) -> None:
    """Let a unit be paid back, goods and money; what is left of one that was not confirmed waits in escrow as before."""
    where = [unit.position]
    whole = amount_minor == unit.left_minor
    if unit.money == UnitMoney.REFUNDING or (unit.money == UnitMoney.HELD and not whole):
        change.money.append(MoneyMove(positions=where, money=unit.money, refund_each_minor=amount_minor))
        return
    move = _goods(unit) if whole else None
    if move is None:
        change.money.append(MoneyMove(positions=where, money=UnitMoney.REFUNDING, refund_each_minor=amount_minor))
    else:
        move.money, move.refund_each_minor = UnitMoney.REFUNDING, amount_minor
        change.moves.append(move)
    change.money.append(MoneyMove(positions=where, money=UnitMoney.REFUNDED if whole else UnitMoney.PART_REFUNDED))


def _goods(unit: Unit) -> UnitMove | None:
    """Return where the goods go: nobody delivers any more, what nobody has seen comes back to be checked, the rest stays with the buyer."""
    if unit.stage in ENDED:
        return None
    after = "release" if unit.stage in WAITING else "hold" if unit.stage == Stage.SEALED else "keep"
    move = move_for(goods=unit.goods, stage=unit.stage, goods_after=after)
    if move is None:
        return None
    step = unit_move(goods=unit.goods, positions=[unit.position], stage=unit.stage, move=move, what=f"units_{_WORDS[after]}")
    if after == "hold":
        step.key_status = KEY_AFTER_RECALL["hold"]
    return step


_WORDS: Mapping[str, str] = {"release": "released", "hold": "recalled", "keep": "kept"}


def _end_clocks(state: OrderState, change: Change, gone: tuple[int, ...]) -> None:
    change.clocks += [Clock(kind=kind, position=position, ends_as="stopped") for position in gone for kind in HALTED]
    if gone:
        stop_waiting(state=state, change=change, positions=gone)
