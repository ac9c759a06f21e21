"""Whose hands hold the money: ours (`self_held`) or a licensed payment institution's (`psp_mirror`), and what each allows us to do.

Holding other people's money needs a licence in most places. In mirror mode it stays with the institution, our ledger only mirrors what
it says, and everything that would make a balance of ours out of other people's money is not there. One table says what that is.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class FundsMode(StrEnum):
    """Who holds the money between payment and payout."""

    SELF_HELD = "self_held"
    PSP_MIRROR = "psp_mirror"


class Doing(StrEnum):
    """What only one who may hold money can do.

    Paying from a wallet, topping it up, refunding into it, keeping merchants' deposits, and paying withdrawals out of an account of ours.
    """

    PAY_FROM_WALLET = "pay_from_wallet"
    TOP_UP_WALLET = "top_up_wallet"
    REFUND_TO_WALLET = "refund_to_wallet"
    HOLD_DEPOSITS = "hold_deposits"
    PAY_OUT = "pay_out"


class UnknownFundsMode(Exception):
    """There is no such mode."""

    code, status = "unknown_funds_mode", 500


ALLOWED: Mapping[FundsMode, frozenset[Doing]] = MappingProxyType({FundsMode.SELF_HELD: frozenset(Doing), FundsMode.PSP_MIRROR: frozenset()})
"""What we do ourselves. Going back, a wallet's unused balance may in any mode, or a change of mode would lock it up."""


def read(*, text: str) -> FundsMode:
    """Return the mode that a setting names.

    Raises:
        UnknownFundsMode: it names none.
    """
    try:
        return FundsMode(text)
    except ValueError:
        raise UnknownFundsMode(f"{text!r} is not one of {', '.join(FundsMode)}") from None


def allows(*, mode: FundsMode, doing: Doing) -> bool:
    """Tell whether this may be done in this mode. A withdrawal that may not be paid out by us is an instruction to the institution."""
    return doing in ALLOWED[mode]
