"""The chart of accounts: every account there can be, its normal side, and whether it may fall below zero.

An account belongs to the books of one shop (0 = wallets and the platform's own). Platform accounts are *lazy*: they are appended to and
rolled up later, have no floor, and nobody waits for them. What belongs to a person or an order can never be overdrawn.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

PLATFORM_SHOP = 0
"""The shop_id of the books that hold the wallets and the platform's own accounts."""


class Side(StrEnum):
    """The side on which an account grows."""

    DEBIT = "debit"
    CREDIT = "credit"


class UnknownAccount(Exception):
    """The chart has no account of this name."""

    code, status = "unknown_account", 500


@dataclass(frozen=True, slots=True)
class AccountKind:
    """One line of the chart. `floored`: the balance never goes below zero. `lazy`: rolled up later, no lock."""

    pattern: str
    side: Side
    floored: bool
    lazy: bool


def _owned(pattern: str, side: Side) -> AccountKind:
    return AccountKind(pattern=pattern, side=side, floored=True, lazy=False)


def _platform(pattern: str, side: Side) -> AccountKind:
    return AccountKind(pattern=pattern, side=side, floored=False, lazy=True)


CHART: tuple[AccountKind, ...] = (
    _owned("order:{id}:escrow", Side.CREDIT),
    _owned("order:{id}:hold", Side.CREDIT),
    _owned("buyer:{id}:wallet", Side.CREDIT),
    _owned("merchant:{id}:pending", Side.CREDIT),
    _owned("merchant:{id}:available", Side.CREDIT),
    _owned("merchant:{id}:frozen", Side.CREDIT),
    _owned("merchant:{id}:deposit", Side.CREDIT),
    _owned("merchant:{id}:withdrawing", Side.CREDIT),
    _owned("recv:merchant:{id}", Side.DEBIT),
    _owned("supplier:{id}:prepaid", Side.DEBIT),
    _platform("psp:{channel}:clearing", Side.DEBIT),
    _platform("psp:{channel}:available", Side.DEBIT),
    _platform("bank:{id}", Side.DEBIT),
    _platform("dispute:{channel}", Side.DEBIT),
    _platform("suspense:{channel}", Side.DEBIT),
    _platform("refund_payable:{channel}", Side.CREDIT),
    _platform("unidentified:{channel}", Side.CREDIT),
    _platform("bridge:{id}", Side.CREDIT),
    _platform("commission", Side.CREDIT),
    _platform("withdraw_fee", Side.CREDIT),
    _platform("penalty", Side.CREDIT),
    _platform("psp_fee", Side.DEBIT),
    _platform("compensation", Side.DEBIT),
    _platform("promo", Side.DEBIT),
    _platform("bad_debt", Side.DEBIT),
    _platform("recon_diff", Side.DEBIT),
)

_PARTS = {"{id}": "[A-Za-z0-9_-]{1,64}", "{channel}": "[a-z][a-z0-9_]{0,31}"}


def _expression(pattern: str) -> str:
    for name, part in _PARTS.items():
        pattern = pattern.replace(name, part)
    return f"^{pattern}$"


@lru_cache(maxsize=4096)
def kind_of(code: str) -> AccountKind:
    """Return the chart's line for an account code such as `order:7:escrow`.

    Raises:
        UnknownAccount: the chart has no such account.
    """
    for kind in CHART:
        if re.fullmatch(_expression(kind.pattern), code, re.ASCII):
            return kind
    raise UnknownAccount(f"{code!r} is not an account of the chart")


def table() -> list[tuple[str, str, bool, bool]]:
    """Return the chart as sorted rows (regular expression, side, floored, lazy), the form PostgreSQL holds."""
    return sorted((_expression(kind.pattern), str(kind.side), kind.floored, kind.lazy) for kind in CHART)
