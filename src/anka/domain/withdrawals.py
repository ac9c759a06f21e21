"""A merchant's withdrawal on its way: asked, approved by finance (by two people where it is much), being paid, paid or failed."""

import re
from datetime import datetime, timedelta
from enum import StrEnum

from anka.domain.money import fee, require_amount
from anka.domain.transitions import transitions

LEAST_MINOR = 1_000
"""Less than this (10.00) is not worth the bank's way."""
FOUR_EYES_FROM_MINOR = 500_000
"""From this much on (5,000.00) two people of the finance staff have to approve."""
FEE_BASIS_POINTS, LEAST_FEE_MINOR, MOST_FEE_MINOR = 10, 100, 2_500
DECIDED_WITHIN = timedelta(days=1)
PAID_WITHIN = timedelta(days=3)
_ACCOUNT = re.compile(r"[0-9A-Za-z]{6,34}", re.ASCII)


class WithdrawalState(StrEnum):
    """How far a withdrawal is. `paying`: somebody of finance is telling the bank, so nobody else may."""

    ASKED = "asked"
    APPROVED = "approved"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"
    REFUSED = "refused"


class BadBankAccount(Exception):
    """This is no number of a bank account."""

    code, status = "bad_bank_account", 422


W = WithdrawalState
WITHDRAWAL_CHANGES = transitions(
    what="withdrawal",
    changes={W.ASKED: (W.APPROVED, W.REFUSED), W.APPROVED: (W.PAYING, W.REFUSED), W.PAYING: (W.PAID, W.FAILED)},
)
OPEN = frozenset({W.ASKED, W.APPROVED, W.PAYING})


def fee_of(*, amount_minor: int) -> int:
    """Return the fee of a withdrawal: a thousandth, at least 1.00 and at most 25.00.

    Raises:
        BadAmount: the amount is out of bounds.
    """
    return max(
        LEAST_FEE_MINOR, min(MOST_FEE_MINOR, fee(amount_minor=require_amount(amount_minor=amount_minor), basis_points=FEE_BASIS_POINTS))
    )


def masked(*, account: str) -> str:
    """Return a bank account as it may be kept and shown: its last four characters.

    Raises:
        BadBankAccount: it is not 6 to 34 letters and digits.
    """
    bare = account.replace(" ", "").replace("-", "")
    if not _ACCOUNT.fullmatch(bare):
        raise BadBankAccount("an account number is 6 to 34 letters and digits")
    return f"•••• {bare[-4:]}"


def needs_two(*, amount_minor: int) -> bool:
    """Tell whether two people have to approve a withdrawal of this much."""
    return amount_minor >= FOUR_EYES_FROM_MINOR


def due_at(*, status: WithdrawalState, asked_at: datetime) -> datetime | None:
    """Return by when the next step is promised, or None where it is over."""
    if status == W.ASKED:
        return asked_at + DECIDED_WITHIN
    return asked_at + PAID_WITHIN if status in OPEN else None


def table() -> list[tuple[str, str]]:
    """Return every allowed change as sorted rows (from, to)."""
    return WITHDRAWAL_CHANGES.table()
