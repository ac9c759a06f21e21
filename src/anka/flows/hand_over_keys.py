"""The merchant hands over keys by hand: each is sealed in the vault and into its unit. Once sealed it is the buyer's, and not recalled."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, Refusal
from anka.domain.delivery_states import Move, Stage
from anka.domain.goods import Goods
from anka.flows.accept_order import chosen_units
from anka.flows.steps.case_parties import require_merchant
from anka.flows.steps.case_parts import Notice
from anka.flows.steps.change import Change, Clock, HandedKey, Work, apply, unit_move
from anka.flows.steps.give_back import WAITING
from anka.orders.models import OrderState, Unit
from anka.orders.queries import lock_order
from anka.vault import queries, writes
from anka.vault.key_file import fault_of
from anka.vault.models import BatchRecord
from anka.vault.sealing import Sealer

HANDED_FROM = (Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING)


class NothingToDeliver(Refusal):
    """None of these units waits for its goods, or the goods come by themselves."""

    code, status = "nothing_to_deliver", 409
    says = _("There is nothing here to deliver: it is not paid, delivered already, cancelled, or argued about. Nothing has changed.")


class KeyDeliveredBefore(Refusal):
    """A key was handed over, or imported, for this product before."""

    code, status = "key_delivered_before", 409
    says = _("One of these keys was used for this product before, and no key is sold twice. Nothing was delivered; check the keys.")


@dataclass(frozen=True, slots=True)
class Handover:
    """Keys in plain text, one per unit in order (all units that wait, where `positions` is None). Never printed."""

    secrets: tuple[str, ...] = field(repr=False)
    positions: tuple[int, ...] | None = None


def hand_over_keys(*, actor: Actor, order_number: str, handover: Handover, sealer: Sealer, request: RequestKey, at: Moment) -> str:
    """Deliver keys by hand and return the order's number. `sealer` is the shop's, ready before the transaction.

    Raises:
        BadInput: not one key per unit, or something that cannot be a key; `fields` says which, never what it holds.
        NotFound, NotPermitted, NothingToDeliver, KeyDeliveredBefore: nothing was delivered.
        AlreadyDone: this request was carried out before; its reference is the order's number.
    """
    secrets = handover.secrets
    _check(secrets)
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_merchant(state=state, actor=actor)
        units = _waiting(state, handover.positions)
        if len(units) != len(secrets):
            raise BadInput(fields={"secrets": str(len(units))})
        key_ids = _store(state, actor, secrets, sealer, at)
        change = _change(state, units, key_ids, at)
        apply(state=state, change=change, actor=actor, request=request, reference=state.number, at=at)
        return state.number


def _check(secrets: Sequence[str]) -> None:
    faults = {f"secrets[{index}]": fault_of(secret=secret) for index, secret in enumerate(secrets) if fault_of(secret=secret)}
    if faults:
        raise BadInput(fields=faults)


def _waiting(state: OrderState, positions: tuple[int, ...] | None) -> list[Unit]:
    chosen = chosen_units(state=state, positions=positions)
    waiting = [unit for unit in chosen if unit.stage in HANDED_FROM and not unit.under_case]
    if state.kind != Goods.CARD_KEY or state.delivery != "manual" or not waiting or (positions is not None and len(waiting) < len(chosen)):
        raise NothingToDeliver
    return waiting


def _store(state: OrderState, actor: Actor, secrets: Sequence[str], sealer: Sealer, at: Moment) -> list[int]:
    key_ids = queries.new_key_ids(count=len(secrets))
    sealed = sealer.seal_all(product_id=state.product_id, key_ids=key_ids, secrets=list(secrets))
    batch = BatchRecord(state.shop_id, state.product_id, f"order {state.number}", imported_by=str(actor), imported_at=at.now)
    stored = writes.add_keys(batch=batch, data_key_version=sealer.data_key.version, sealed=sealed)
    if len(stored) < len(key_ids):
        raise KeyDeliveredBefore
    writes.note_duplicates(shop_id=state.shop_id, keys=sealed, at=at.now)
    return key_ids


def _change(state: OrderState, units: list[Unit], key_ids: list[int], at: Moment) -> Change:
    positions = [unit.position for unit in units]
    change = Change(handed_keys=[HandedKey(unit.position, key_id) for unit, key_id in zip(units, key_ids, strict=True)])
    for stage in HANDED_FROM:
        alike = [unit.position for unit in units if unit.stage == stage]
        if not alike:
            continue
        if stage == Stage.QUEUED:
            # Handing over without having taken up first is taking up: the history shows both steps.
            change.moves.append(unit_move(goods=state.kind, positions=alike, stage=stage, move=Move.OPEN, what="units_accepted"))
        taken_up = Stage.ACCEPTED if stage == Stage.QUEUED else stage
        change.moves.append(unit_move(goods=state.kind, positions=alike, stage=taken_up, move=Move.SEAL, what="units_sealed"))
    window_ends = at.now + timedelta(minutes=state.refund_window_minutes)
    change.clocks = [Clock(kind="confirm", position=position, due_at=window_ends) for position in positions]
    if not any(unit.stage in WAITING for unit in state.units if unit.position not in positions):
        change.clocks.append(Clock(kind="promise", position=0, ends_as="stopped"))
    change.work = [Work(topic="issuer", subject=state.number)] if state.issuer else []
    change.notices = [Notice(audience="buyer", kind="order_delivered")]
    return change
