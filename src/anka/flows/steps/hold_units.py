"""Freeze what a case argues about, and let it go again: the units' clocks stand still, and money the merchant already has is set aside."""

from anka.domain.liability import Free, Hold
from anka.flows.steps.change import Change, Clock
from anka.flows.steps.give_back import account_of, merchant_part, units_at
from anka.orders.models import OrderState

# What runs for a unit by itself and must not while somebody argues about it.
HALTED = ("confirm", "settle")


def hold_units(*, state: OrderState, change: Change, case_number: str, positions: tuple[int, ...], frozen_each: tuple[int, ...]) -> None:
    """Add to a change what halts units: clocks paused, the merchant's part of the argued amount out of their reach.

    What the merchant has withdrawn meanwhile cannot be set aside; a refund will find its way by the waterfall.
    """
    for unit, amount in zip(units_at(state=state, positions=positions), frozen_each, strict=True):
        change.clocks += [Clock(kind=kind, position=unit.position, ends_as="paused") for kind in HALTED]
        if unit.confirmed_at is not None and amount:
            part = merchant_part(unit=unit, amount_minor=amount)
            place = f"{state.id}-{unit.position}"
            change.claims.append(Hold(case_number=case_number, unit=place, place=account_of(unit), amount_minor=part))


def free_money(*, state: OrderState, change: Change, case_number: str, positions: tuple[int, ...]) -> None:
    """Add to a change what gives frozen money back to the balance it came from; a refund then takes it from there."""
    for unit in units_at(state=state, positions=positions):
        if unit.confirmed_at is not None and unit.frozen_minor:
            change.claims.append(Free(case_number=case_number, unit=f"{state.id}-{unit.position}"))


def resume_units(*, state: OrderState, change: Change, case_number: str, positions: tuple[int, ...]) -> None:
    """Add to a change what lets units go on as if nobody had argued: money freed, clocks with as much time left as they had."""
    free_money(state=state, change=change, case_number=case_number, positions=positions)
    resume_clocks(change=change, positions=positions)


def resume_clocks(*, change: Change, positions: tuple[int, ...]) -> None:
    """Add to a change what lets the halted clocks of units run on, with as much time left as they had."""
    change.clocks += [Clock(kind=kind, position=position, ends_as="resumed") for position in positions for kind in HALTED]
