"""What a decision grants beside the refund: a compensation for the buyer, a penalty for the shop."""

from typing import NamedTuple

from anka.domain.case_states import Fault
from anka.domain.liability import Compensate, Penalise
from anka.flows.steps.change import Change
from anka.orders.models import OrderState


class Remedies(NamedTuple):
    """A compensation into the buyer's wallet and a penalty out of the shop's deposit, in minor units."""

    compensation_minor: int = 0
    penalty_minor: int = 0


def award(*, state: OrderState, change: Change, case_number: str, fault: str, remedies: Remedies) -> None:
    """Add what is granted to a change; the shop bears the compensation, or the platform where the platform is at fault.

    Call it after everything else that the case claims of the shop's money: the refund comes first.
    """
    if remedies.compensation_minor:
        bearer = "platform" if fault == Fault.PLATFORM else "merchant"
        change.claims.append(
            Compensate(case_number=case_number, buyer_id=state.buyer_id, amount_minor=remedies.compensation_minor, bearer=bearer)
        )
    if remedies.penalty_minor:
        change.claims.append(Penalise(case_number=case_number, amount_minor=remedies.penalty_minor))
