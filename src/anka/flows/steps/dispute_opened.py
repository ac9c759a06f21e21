"""What follows when a payer disputes a payment: open cases wait for the channel, the rest becomes a case, the money is frozen."""

from collections.abc import Mapping
from typing import NamedTuple

from anka.cases.models import CaseState
from anka.core.clock import Moment
from anka.core.numbers import new_number
from anka.domain.case_states import CaseStatus
from anka.domain.deadlines import clock_named, due
from anka.domain.dispute_states import DisputeKind
from anka.domain.liability import Hold
from anka.domain.postings_channel import chargeback_opened
from anka.flows.steps.case_parts import CaseStep, NewCase, receipt_of
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.change import Change, Clock, Event, journals
from anka.flows.steps.dispute_parts import DISPUTES, about, in_play, label, open_cases, spread, tell_all
from anka.flows.steps.give_back import account_of, merchant_part
from anka.flows.steps.hold_units import HALTED
from anka.flows.steps.judge import Claim, Verdict, judge
from anka.orders.models import OpenDispute, OrderState, Unit

# What a bank says of its reasons is not about the goods; the rules do not ask for the reason of a chargeback either.
REASONS = {DisputeKind.CHARGEBACK: "UNAUTHORISED_PAYMENT", DisputeKind.COMPLAINT: "OTHER"}


class Part(NamedTuple):
    """A unit's share of a chargeback, and what is frozen of it beside what was frozen before."""

    position: int
    share_minor: int
    frozen_minor: int


def opened(*, state: OrderState, dispute: OpenDispute, at: Moment) -> tuple[Change, list[Part]]:
    """Return the change of a locked order that a new dispute brings, and the units it is about. A complaint moves no money."""
    change = Change()
    is_chargeback = dispute.kind == DisputeKind.CHARGEBACK
    shares = spread(state=state, dispute=dispute) if is_chargeback else {}
    argued = in_play(state=state)
    more = {unit.position: _more(state, unit, shares.get(unit.position, 0)) for unit in argued}
    cases = open_cases(state=state)
    for case in cases:
        _take_over(state, change, case, dispute, at)
    at_case = {position: case.number for case in cases for position in case.positions}
    at_case |= _file(state, change, dispute, more, at)
    if is_chargeback:
        _freeze(state, change, dispute, more, at_case)
        change.journals += journals(
            chargeback_opened(shop_id=state.shop_id, channel=dispute.channel, dispute=dispute.number, amount_minor=dispute.amount_minor)
        )
    for unit in argued:
        change.clocks += [Clock(kind=kind, position=unit.position, ends_as="paused") for kind in HALTED]
    what = "payment_disputed" if is_chargeback else "payment_complaint"
    change.events.append(Event(what=what, positions=sorted(at_case), details=about(dispute=dispute)))
    change.notices += tell_all(dispute=dispute, kind=what, case_number=next(iter(at_case.values()), None))
    return change, [Part(position, share, more.get(position, 0)) for position, share in shares.items() if share]


def _more(state: OrderState, unit: Unit, share_minor: int) -> int:
    """Return what has to be frozen of a unit beside what is, so that this share and those of other open chargebacks are."""
    wanted = share_minor + sum(part.share_minor for one in state.disputes for part in one.units if part.position == unit.position)
    return max(min(wanted, unit.left_minor) - unit.frozen_minor, 0)


def _take_over(state: OrderState, change: Change, case: CaseState, dispute: OpenDispute, at: Moment) -> None:
    """An open case waits for the channel from now on; nobody's answer counts meanwhile."""
    if case.status == CaseStatus.EXTERNAL:
        return
    if dispute.kind == DisputeKind.COMPLAINT:
        # The parties go on; that the channel is asked as well makes it urgent and changes nothing else.
        change.steps.append(CaseStep(number=case.number, what="case_complaint_outside", details={"dispute": dispute.number}))
        return
    work = CaseWork(state, case, DISPUTES, at, change)
    step = CaseStep(number=case.number, what="case_external", details={"dispute": dispute.number}, path=[CaseStatus.EXTERNAL])
    work.stop_clocks()
    work.end_offer(step, "superseded")
    change.steps.append(step)
    change.clocks += _clocks(case.clock_position, dispute, at)


def _file(state: OrderState, change: Change, dispute: OpenDispute, more: Mapping[int, int], at: Moment) -> dict[int, str]:
    """Open a case for the units that nobody argues about yet; return which unit is in which."""
    free = tuple(unit.position for unit in in_play(state=state) if not unit.under_case)
    if not free:
        return {}
    claim = Claim(reason=REASONS[dispute.kind], positions=free, issuer_asked=True, channels_asked=True)
    found: dict[int, str] = {}
    for verdict in judge(state=state, claim=claim, actor=DISPUTES, at=at):
        number = new_number(shop_code=state.shop_code, letter="C")
        change.cases.append(_case(state, verdict, number, claim, more))
        change.clocks += _clocks(min(verdict.positions), dispute, at)
        found |= dict.fromkeys(verdict.positions, number)
    return found


def _case(state: OrderState, verdict: Verdict, number: str, claim: Claim, more: Mapping[int, int]) -> NewCase:
    return NewCase(
        number=number,
        kind="external",
        path=[str(CaseStatus.EXTERNAL)],
        asker=str(DISPUTES),
        reason=claim.reason,
        statement="",
        positions=list(verdict.positions),
        frozen_each=[more[position] for position in verdict.positions],
        refund_minor=0,
        route=verdict.decision.route,
        refund_to="original",
        receipt=receipt_of(
            positions=verdict.positions, facts=verdict.facts, decision=verdict.decision, policy_version=state.policy_version
        ),
        fault=verdict.decision.fault,
    )


def _clocks(place: int, dispute: OpenDispute, at: Moment) -> list[Clock]:
    """Return by when the channel wants a first word, and by when all we have to say."""
    reply = due(clock=clock_named(name="external_reply"), started_at=at.now)
    return [
        Clock(kind="external_reply", position=place, due_at=min(reply, dispute.evidence_due_at)),
        Clock(kind="external_done", position=place, due_at=dispute.evidence_due_at),
    ]


def _freeze(state: OrderState, change: Change, dispute: OpenDispute, more: Mapping[int, int], at_case: Mapping[int, str]) -> None:
    """Set the merchant's part aside of what is frozen now; in escrow nothing has to move."""
    for unit in in_play(state=state):
        amount = more[unit.position]
        if unit.confirmed_at is None or not amount:
            continue
        before, after = (merchant_part(unit=unit, amount_minor=minor) for minor in (unit.frozen_minor, unit.frozen_minor + amount))
        place = label(state=state, dispute=dispute, position=unit.position)
        case = at_case[unit.position]
        change.claims.append(Hold(case_number=case, unit=place, place=account_of(unit), amount_minor=after - before))
