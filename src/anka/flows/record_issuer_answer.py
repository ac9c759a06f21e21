"""Keep what an issuer said about units of an order, and what follows from it. Whoever asked did so before; nothing is called here."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.domain.delivery_states import Move, Stage
from anka.domain.issuer import KeyFacts, Opened, facts_of, merged
from anka.flows.steps.change import Change, Event, UnitMove, apply, unit_move
from anka.orders.models import OrderState, Unit
from anka.orders.queries import lock_order
from anka.vault import writes
from anka.vault.issuer import Answer
from anka.vault.models import IssuerAnswer

ISSUER = system("issuer")
# What the order promised when it was placed, whatever the product says now.
PROMISED = """
SELECT promised ->> 'face_value', promised ->> 'region'
FROM (SELECT convert_from(snapshot, 'UTF8')::jsonb AS promised FROM orders_order WHERE shop_id = %s AND id = %s) AS placed
"""
KNOW = """
UPDATE orders_unit AS unit SET use_check = told.use_check, used_by = told.used_by, voidable = told.voidable,
    matches_order = told.matches_order, delivered_percent = told.delivered_percent, issuer_asked_at = %s
FROM unnest(%s::integer[], %s::text[], %s::text[], %s::boolean[], %s::text[], %s::integer[])
    AS told (position, use_check, used_by, voidable, matches_order, delivered_percent)
WHERE unit.shop_id = %s AND unit.order_id = %s AND unit.position = told.position
"""


class Occasion(msgspec.Struct, frozen=True):
    """Which issuer spoke, and why: it was asked at delivery, reveal, claim or void, or told us by itself (notice)."""

    issuer: str
    occasion: str


def record_issuer_answer(*, order_number: str, occasion: Occasion, heard: Mapping[int, Answer], at: Moment) -> None:
    """Write down answers by position, also those that say nothing, and bring the facts of the units up to date.

    A later word that says nothing never erases an earlier one. Harmless to repeat with the same answers and moment; positions the order
    does not have are passed over.

    Raises:
        NotFound: there is no such order. Busy: somebody else holds it; nothing was recorded.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=ISSUER, request=unrepeated(str(ISSUER)), at=at)
        units = {unit.position: unit for unit in state.units if unit.position in heard}
        promised = _promised(state, heard)
        said = {position: facts_of(said=heard[position].said, opened=_opened(unit, promised)) for position, unit in units.items()}
        answers = [_kept(position, facts, heard[position], occasion, at.now) for position, facts in said.items()]
        new = writes.add_issuer_answers(shop_id=state.shop_id, order_id=state.id, answers=answers) if answers else set()
        spoken = {
            position: merged(known=_known(units[position]), newer=said[position]) for position in sorted(new) if heard[position].digest
        }
        if spoken:
            database.rows(KNOW, (at.now, *_columns(spoken), state.shop_id, state.id))
        events = [_event(positions, facts, why, occasion) for facts, why, positions in _alike(said, heard, sorted(new))]
        if events:
            used = _used([unit for unit in units.values() if spoken.get(unit.position, _known(unit)).use_check == "used_after_reveal"])
            apply(state=state, change=Change(moves=used, events=events), actor=ISSUER, request=unrepeated(str(ISSUER)), at=at)


def _used(units: Sequence[Unit]) -> list[UnitMove]:
    """An opened key that its issuer knows to be redeemed since is used: a record says so. What is argued about stays as it was judged."""
    opened = [unit for unit in units if unit.stage == Stage.REVEALED and not unit.under_case]
    if not opened:
        return []
    positions = [unit.position for unit in opened]
    return [unit_move(goods=opened[0].goods, positions=positions, stage=Stage.REVEALED, move=Move.USE, what="units_used")]


def _promised(state: OrderState, heard: Mapping[int, Answer]) -> tuple[str, str]:
    if all(answer.said.face_value is None and answer.said.region is None for answer in heard.values()):
        return "", ""
    face_value, region = database.rows(PROMISED, (state.shop_id, state.id))[0]
    return face_value or "", region or ""


def _opened(unit: Unit, promised: tuple[str, str]) -> Opened:
    return Opened(revealed_at=unit.revealed_at, face_value=promised[0], region=promised[1])


def _known(unit: Unit) -> KeyFacts:
    return KeyFacts(
        use_check=unit.use_check,
        used_by=unit.used_by,
        voidable=unit.voidable,
        matches_order=unit.matches_order,
        delivered_percent=unit.delivered_percent,
    )


def _kept(position: int, facts: KeyFacts, answer: Answer, occasion: Occasion, now: datetime) -> IssuerAnswer:
    return IssuerAnswer(
        position=position,
        issuer=occasion.issuer,
        occasion=occasion.occasion,
        asked_at=now,
        use_check=facts.use_check,
        used_by=facts.used_by,
        voidable=facts.voidable,
        matches_order=facts.matches_order,
        delivered_percent=facts.delivered_percent,
        receipt=answer.receipt if occasion.occasion == "void" else None,
        reason=answer.reason,
        digest=answer.digest,
    )


def _columns(facts: Mapping[int, KeyFacts]) -> tuple[list[object], ...]:
    names = ("use_check", "used_by", "voidable", "matches_order", "delivered_percent")
    return (list(facts), *([getattr(one, name) for one in facts.values()] for name in names))


def _alike(said: Mapping[int, KeyFacts], heard: Mapping[int, Answer], positions: Sequence[int]) -> list[tuple[KeyFacts, str, list[int]]]:
    """Group the positions of which the same was said, so that a large order has few events."""
    groups: dict[tuple[KeyFacts, str], list[int]] = {}
    for position in positions:
        groups.setdefault((said[position], heard[position].reason), []).append(position)
    return [(facts, why, alike) for (facts, why), alike in groups.items()]


def _event(positions: list[int], facts: KeyFacts, why: str, occasion: Occasion) -> Event:
    silence = {"silence": why} if why else {}
    details = {"issuer": occasion.issuer, "occasion": occasion.occasion, **facts.to_json(), **silence}
    return Event(what="issuer_answered", positions=positions, details=details)
