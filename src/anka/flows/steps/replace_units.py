"""Put new units in the place of bad ones: keys set aside, the money and the count of cases taken over, the warranty starts anew."""

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import Refusal, refused_by
from anka.domain.deadlines import clock_named, due
from anka.domain.delivery_states import Move, Stage
from anka.domain.goods import Goods
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.case_parts import Replacement
from anka.flows.steps.change import Change, Clock, MoneyMove, Share, UnitMove, unit_move
from anka.flows.steps.give_back import units_at
from anka.orders.models import OrderState, Unit

HOLD_KEYS = "SELECT hold_keys(%s, %s, %s)"


@refused_by("AN009")
class NoStockToReplace(Refusal):
    """There are not enough keys to replace these units with."""

    code, status = "no_stock_to_replace", 409
    says = _("There is no stock to replace this with. Nothing has changed; ask for the money instead.")


def set_aside(*, state: OrderState, count: int) -> tuple[int, ...]:
    """Reserve keys for a replacement, first in first out, before anybody is offered it; return their ids.

    Raises:
        NoStockToReplace: goods that are handed over by the merchant have no stock, and stock may have run out.
    """
    database.require_transaction()
    if state.kind != Goods.CARD_KEY or state.delivery != "auto":
        raise NoStockToReplace
    return tuple(database.value(HOLD_KEYS, (state.shop_id, state.product_id, count)))


def replace_units(
    *, state: OrderState, change: Change, positions: tuple[int, ...], key_ids: tuple[int, ...], at: Moment
) -> tuple[int, ...]:
    """Add to a change what replaces units by new ones with these keys, sealed at once; return the positions of the new ones."""
    old = units_at(state=state, positions=positions)
    first = max(unit.position for unit in state.units) + 1
    new = tuple(range(first, first + len(old)))
    change.replacements = [Replacement(position=p, key_id=k, replaces=u.position) for p, k, u in zip(new, key_ids, old, strict=True)]
    for stage in sorted({unit.stage for unit in old}):
        alike = [unit.position for unit in old if unit.stage == stage]
        gone = unit_move(goods=state.kind, positions=alike, stage=stage, move=Move.REPLACE, what="units_replaced")
        gone.money = UnitMoney.NONE
        change.moves.append(gone)
    change.moves += _served(state, list(new))
    window_ends = at.now + timedelta(minutes=state.refund_window_minutes)
    for position, unit in zip(new, old, strict=True):
        change.clocks += [Clock(kind=kind, position=unit.position, ends_as="stopped") for kind in ("confirm", "settle")]
        if unit.money == UnitMoney.HELD:
            change.clocks.append(Clock(kind="confirm", position=position, due_at=window_ends))
        else:
            _take_over(change, unit, position, window_ends, at)
    return new


def _served(state: OrderState, positions: list[int]) -> list[UnitMove]:
    """The money that pays the new units is that of the old ones, which the same change takes from them."""
    paid = unit_move(goods=state.kind, positions=positions, stage=Stage.RESERVED, move=Move.PAY, what="replacements_paid")
    paid.money = UnitMoney.HELD
    return [paid, unit_move(goods=state.kind, positions=positions, stage=Stage.QUEUED, move=Move.SEAL, what="units_sealed")]


def _take_over(change: Change, old: Unit, position: int, window_ends: datetime, at: Moment) -> None:
    """Of a confirmed unit the merchant has the money already; its successor counts as confirmed too.

    It is sealed, and can be sent back with one click for a while; until then the money is not let go.
    """
    change.money.append(MoneyMove(positions=[position], money=UnitMoney.RELEASED))
    change.shares.append(Share(position, old.merchant_minor, confirmed=True))
    if old.money == UnitMoney.SETTLED:
        change.money.append(MoneyMove(positions=[position], money=UnitMoney.SETTLED))
    else:
        settles_at = max(due(clock=clock_named(name="settle"), started_at=at.now), window_ends)
        change.clocks.append(Clock(kind="settle", position=position, due_at=settles_at))
