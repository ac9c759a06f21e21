"""What a decision moves beside the refund: a compensation for the buyer, a penalty for the shop, the channel's fee where terms say so."""

from typing import NamedTuple

from anka.domain.case_states import Fault
from anka.domain.deposits import borne_fee
from anka.domain.liability import BearFee, Compensate, Penalise
from anka.domain.refund_plan import HAND, WALLET
from anka.flows.steps.change import Change
from anka.funds.queries import terms
from anka.orders.models import OrderState

OUR_OWN = (WALLET, HAND)


class Remedies(NamedTuple):
    """A compensation into the buyer's wallet and a penalty out of the shop's deposit, in minor units."""

    compensation_minor: int = 0
    penalty_minor: int = 0


def bearer_of(*, fault: str) -> str:
    """Return who pays a compensation: the shop, or the platform where the platform is at fault."""
    return "platform" if fault == Fault.PLATFORM else "merchant"


def bear_fee(*, state: OrderState, change: Change, case_number: str, fault: str) -> bool:
    """Let a shop that is at fault bear the channel's fee for what this case refunds, where its terms say so; tell whether it does."""
    if fault != Fault.MERCHANT:
        return False
    legs = [(refund.number, leg) for refund in change.refunds if refund.case_number == case_number for leg in refund.legs]
    through = sum(leg.amount_minor for _number, leg in legs if leg.channel not in OUR_OWN)
    if not through:
        return False
    held = terms(shop_id=state.shop_id)
    amount = borne_fee(bearer=held.fee_bearer, basis_points=held.fee_basis_points, fault=fault, refunded_minor=through)
    if amount:
        change.claims.append(BearFee(refund_number=legs[0][0], amount_minor=amount))
    return amount > 0


def award(*, state: OrderState, change: Change, case_number: str, fault: str, remedies: Remedies) -> None:
    """Add what is granted to a change; the shop bears the compensation, or the platform where the platform is at fault.

    Call it after everything else that the case claims of the shop's money: the refund comes first.
    """
    bear_fee(state=state, change=change, case_number=case_number, fault=fault)
    if remedies.compensation_minor:
        bearer = bearer_of(fault=fault)
        change.claims.append(
            Compensate(case_number=case_number, buyer_id=state.buyer_id, amount_minor=remedies.compensation_minor, bearer=bearer)
        )
    if remedies.penalty_minor:
        change.claims.append(Penalise(case_number=case_number, amount_minor=remedies.penalty_minor))
