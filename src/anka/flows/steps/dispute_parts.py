"""What a dispute is about in its order: open cases, the units in play, and each unit's share of what was charged back."""

from collections import Counter

from anka.cases.models import CaseState, decoder
from anka.core import database
from anka.core.actors import system
from anka.domain.dispute_states import DisputeKind
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.case_parts import Notice
from anka.flows.steps.file_case import share_out
from anka.flows.steps.judge import ENDED
from anka.orders.models import OpenDispute, OrderState, Unit

DISPUTES = system("disputes")
EVERYBODY = ("buyer", "shop", "platform")
CLOCKS = ("external_reply", "external_done")
IN_PLAY = frozenset({UnitMoney.HELD, UnitMoney.RELEASED, UnitMoney.SETTLED, UnitMoney.PART_REFUNDED})
CASES = "SELECT case_state(shop_id, id) FROM cases_case WHERE shop_id = %s AND order_id = %s AND closed_at IS NULL ORDER BY id"


def open_cases(*, state: OrderState) -> list[CaseState]:
    """Return the open cases of a locked order."""
    return [decoder.decode(found) for (found,) in database.rows(CASES, (state.shop_id, state.id))]


def in_play(*, state: OrderState) -> list[Unit]:
    """Return the units whose money somebody still waits for."""
    return [unit for unit in state.units if unit.stage not in ENDED and unit.money in IN_PLAY]


def others(*, state: OrderState, dispute: OpenDispute) -> tuple[OpenDispute, ...]:
    """Return the disputes that are open beside this one."""
    return tuple(one for one in state.disputes if one.id != dispute.id)


def spread(*, state: OrderState, dispute: OpenDispute) -> dict[int, int]:
    """Return what a chargeback takes of each unit if it is lost, by position: in proportion to what each has left.

    No more than the payment has left, and nothing that another open chargeback takes already.
    """
    beside = [one for one in others(state=state, dispute=dispute) if one.kind == DisputeKind.CHARGEBACK]
    spoken_for: Counter[int] = Counter()
    for one in beside:
        spoken_for.update({part.position: part.share_minor for part in one.units})
    paid = [unit for unit in state.units if unit.money != UnitMoney.NONE]
    most = tuple(max(unit.left_minor - spoken_for[unit.position], 0) for unit in paid)
    amount = min(dispute.amount_minor, _left(state, dispute, beside))
    return dict(zip((unit.position for unit in paid), share_out(amount_minor=amount, most=most), strict=True))


def label(*, state: OrderState, dispute: OpenDispute, position: int) -> str:
    """Return under what name the merchant's money of a unit is set aside for a dispute."""
    return f"{state.id}-{position}:{dispute.number}"


def tell_all(*, dispute: OpenDispute, kind: str, case_number: str | None = None) -> list[Notice]:
    """Return one notice each for the buyer, the shop and the platform."""
    details = {"dispute": dispute.number, "amount_minor": dispute.amount_minor}
    return [Notice(audience=audience, kind=kind, case_number=case_number, details=details) for audience in EVERYBODY]


def about(*, dispute: OpenDispute) -> dict[str, object]:
    """Return what an event says about a dispute."""
    return {"dispute": dispute.number, "channel": dispute.channel, "amount_minor": dispute.amount_minor}


def _left(state: OrderState, dispute: OpenDispute, beside: list[OpenDispute]) -> int:
    payment = next(payment for payment in state.payments if payment.id == dispute.payment_id)
    taken = sum(part.share_minor for one in beside if one.payment_id == payment.id for part in one.units)
    return max(payment.amount_minor - payment.refunded_minor - taken, 0)
