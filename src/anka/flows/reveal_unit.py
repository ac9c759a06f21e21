"""Open a sealed unit. One way, recorded, and never after a cancel: whoever locks the order first wins."""

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.refusals import NotFound, Refusal
from anka.domain.deadlines import clock_named, due
from anka.domain.delivery_states import Move, Stage
from anka.flows.steps.change import Change, Clock, Event, apply, unit_move
from anka.orders.models import OrderState, Unit
from anka.orders.queries import lock_order
from anka.vault import queries as vault
from anka.vault.models import SealedKey


class UnitUnderCase(Refusal):
    """A case is open on this unit; it cannot be opened until the case is closed."""

    code, status = "unit_under_case", 409
    says = _("A case is open on this item, so it cannot be opened now. Nothing has changed; the case decides what happens.")


class NothingToReveal(Refusal):
    """The unit holds nothing that could be opened: not delivered yet, or taken back."""

    code, status = "nothing_to_reveal", 409
    says = _("There is nothing to open: the item is not delivered yet, or it was taken back. Nothing has changed.")


def reveal_unit(*, actor: Actor, order_number: str, position: int, open_secret: Callable[[SealedKey], str], at: Moment) -> str:
    """Return the unit's secret in plain text, having recorded who opened it and when.

    Opening it again returns the same secret and records the repeat; it changes nothing else. `open_secret` decrypts with a data key
    that was unwrapped before the transaction; where it fails, the reveal is rolled back and the unit stays sealed.

    Raises:
        NotFound: there is no such unit among the actor's.
        UnitUnderCase, NothingToReveal: nothing has changed.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=unrepeated(str(actor)), at=at)
        unit = state.unit(position)
        if unit is None or state.buyer_id != actor.person_id:
            raise NotFound
        change = _change(state, unit, actor, at)
        apply(state=state, change=change, actor=actor, request=unrepeated(str(actor)), at=at)
        if unit.key_id is None:
            raise NothingToReveal
        return open_secret(vault.sealed_key(shop_id=state.shop_id, key_id=unit.key_id))


def _change(state: OrderState, unit: Unit, actor: Actor, at: Moment) -> Change:
    if unit.revealed_by == actor.person_id and unit.stage in (Stage.REVEALED, Stage.USED):
        return Change(events=[Event(what="unit_opened_again", positions=[unit.position])])
    if unit.under_case:
        raise UnitUnderCase
    if unit.stage != Stage.SEALED:
        raise NothingToReveal
    move = unit_move(goods=unit.goods, positions=[unit.position], stage=Stage.SEALED, move=Move.REVEAL, what="unit_opened")
    clocks = []
    if unit.confirmed_at is None:
        confirmed_at = due(clock=clock_named(name=f"confirm_{unit.goods}"), started_at=at.now)
        clocks = [
            Clock(kind="confirm", position=unit.position, ends_as="stopped"),
            Clock(kind="confirm", position=unit.position, due_at=confirmed_at),
        ]
    return Change(moves=[move], clocks=clocks)
