"""What a decision is worth in money. Whole minor units; the only divisions are those of `domain.money`."""

from anka.domain.money import fee, share
from anka.domain.policy.decision import Decision

_BASIS_POINTS_OF_A_PERCENT = 100


class NoShareToPay(Exception):
    """The decision leaves the amount to the parties or the platform, so that nothing can be computed from it."""

    code, status = "no_share_to_pay", 422


def refund_minor(*, decision: Decision, amount_minor: int) -> int:
    """Return what goes back of an amount paid: the decision's share, less its fee on that share, less what is kept; never below 0.

    The fee is rounded down, in the buyer's favour. A compensation is no part of it: the merchant pays that on top, out of the deposit.

    Raises:
        NoShareToPay: the decision has no percentage.
        BadAmount: the amount is out of bounds.
    """
    if decision.refund_percent is None:
        raise NoShareToPay(f"{decision.rule}: the refund is {decision.refund}, its amount is agreed or ruled on")
    gross = share(amount_minor=amount_minor, percent=decision.refund_percent)
    taken = fee(amount_minor=gross, basis_points=(decision.fee_percent or 0) * _BASIS_POINTS_OF_A_PERCENT)
    return max(0, gross - taken - (decision.keep_minor or 0))
