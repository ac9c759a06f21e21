"""The facts about the cash of one unit. Whether it is frozen is a flag with an amount beside it, not a state."""

from enum import StrEnum

from anka.domain.transitions import transitions


class UnitMoney(StrEnum):
    """Where the unit's money is: nowhere, in escrow, with the merchant (pending, then available), or on its way back."""

    NONE = "none"
    HELD = "held"
    RELEASED = "released"
    SETTLED = "settled"
    REFUNDING = "refunding"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"


U = UnitMoney
# What is left after a partial refund goes on its way (released, settled) or back as well; a refund that bounced is under way again.
# The money of a unit that is replaced moves on to its successor: it becomes `none`, which the tables allow a replaced unit only.
MONEY_CHANGES = transitions(
    what="unit's money",
    changes={
        U.NONE: (U.HELD,),
        U.HELD: (U.RELEASED, U.REFUNDING, U.NONE),
        U.RELEASED: (U.SETTLED, U.REFUNDING, U.NONE),
        U.SETTLED: (U.REFUNDING, U.NONE),
        U.REFUNDING: (U.PART_REFUNDED, U.REFUNDED),
        U.PART_REFUNDED: (U.RELEASED, U.SETTLED, U.REFUNDING),
        U.REFUNDED: (U.REFUNDING,),
    },
)


def after(*, before: UnitMoney, after: UnitMoney) -> UnitMoney:
    """Return the new state, or raise IllegalChange."""
    return MONEY_CHANGES.require(before=before, after=after)


def table() -> list[tuple[str, str]]:
    """Return every allowed change as sorted rows (from, to)."""
    return MONEY_CHANGES.table()
