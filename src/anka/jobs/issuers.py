"""Asking issuers: who made a key is asked outside any transaction, within 2 s, by the key's SHA-256; the answer is then recorded.

Silence, refusals and nonsense are answers that say nothing: asking never fails because of an issuer.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from anka.core import database
from anka.core.actors import Actor, system
from anka.core.clock import Moment
from anka.core.refusals import Busy
from anka.domain.delivery_states import Stage
from anka.flows.record_issuer_answer import Occasion, record_issuer_answer
from anka.jobs import keys
from anka.orders.models import OrderState, Unit
from anka.orders.queries import read_order
from anka.vault import queries
from anka.vault.issuer import Answer, Issuer, Question
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing
from anka.vault.models import SealedKey, WrappedDataKey
from anka.vault.sealing import DataKeyMissing, SealBroken, normalised

log = logging.getLogger("anka.worker")
ASKER = system("issuer")
# A claim is judged by an answer that is at most so old; a younger one is not asked for again.
FRESH = timedelta(seconds=60)

# The composition root fills the table; a code that is not in it is nobody who could be asked.
issuers: dict[str, Issuer] = {}

ISSUER_OF = """
SELECT product.issuer FROM orders_order AS o JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
WHERE o.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%s, '-', 1)) AND o.number = %s
"""
# The data keys of a shop, and whom to ask before this buyer opens this sealed unit: one look for both.
BEFORE_REVEAL = """
SELECT data_key.version, data_key.wrapped, data_key.wrapped_by, (
    SELECT product.issuer FROM orders_order AS o
    JOIN orders_unit AS unit ON unit.shop_id = o.shop_id AND unit.order_id = o.id AND unit.position = %(position)s
    JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
    WHERE o.shop_id = %(shop)s AND o.number = %(number)s AND o.buyer_id = %(buyer)s AND unit.stage = 'sealed')
FROM vault_data_key AS data_key WHERE data_key.shop_id = %(shop)s ORDER BY data_key.version
"""


def ask(*, order_number: str, positions: Sequence[int], occasion: str, at: Moment) -> None:
    """Ask the issuer of an order's keys about these units and record what it says: `occasion` delivery, reveal or claim.

    Does nothing where the product names no issuer, where that issuer is not configured, and for units without a key. For a claim,
    units whose answer is younger than 60 s are not asked about again.

    Raises:
        NotFound: there is no such order. DatabaseUnavailable: as its name says.
    """
    code = database.value(ISSUER_OF, (order_number, order_number)) if issuers else None
    if code not in issuers:
        return
    state = read_order(number=order_number, actor=ASKER, at=at)
    units = [unit for unit in state.units if unit.position in positions and unit.key_id is not None and not _is_fresh(unit, occasion, at)]
    questions = _questions(state, units)
    if not questions:
        return
    answers = issuers[code].status(questions=list(questions.values()))
    _record(order_number, Occasion(issuer=code, occasion=occasion), dict(zip(questions, answers, strict=True)), at)


def ask_about_delivered(*, order_number: str, at: Moment) -> None:
    """Ask about every sealed unit of an order that was just delivered. Raises as `ask`."""
    state = read_order(number=order_number, actor=ASKER, at=at)
    sealed = tuple(unit.position for unit in state.units if unit.stage == Stage.SEALED)
    ask(order_number=order_number, positions=sealed, occasion="delivery", at=at)


def opener_before_reveal(*, actor: Actor, shop_id: int, order_number: str, position: int, at: Moment) -> Callable[[SealedKey], str]:
    """Return what opens the shop's keys, having asked the issuer where this buyer is about to open a sealed unit that has one.

    Where nobody is to be asked this costs what `keys.opener_for` costs: one look at the data keys.

    Raises:
        KeyEncryptionKeyMissing, DataKeyDidNotOpen: as `keys.opener_for`.
    """
    asked = {"position": position, "shop": shop_id, "number": order_number, "buyer": actor.person_id}
    found = database.rows(BEFORE_REVEAL, asked)
    if found and found[0][3] in issuers:
        ask(order_number=order_number, positions=(position,), occasion="reveal", at=at)
    return keys.opener_of(wrapped=[WrappedDataKey(shop_id, version, bytes(wrapped), name) for version, wrapped, name, _issuer in found])


# Who made a key that is to be voided: whom the product names, or else who has told us about this very order.
VOIDER_OF = """
SELECT coalesce(product.issuer, (SELECT told.issuer FROM vault_issuer_answer AS told WHERE told.shop_id = o.shop_id AND told.order_id = o.id
                                 ORDER BY told.id DESC LIMIT 1))
FROM orders_order AS o JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id
WHERE o.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%s, '-', 1)) AND o.number = %s
"""


def void(*, order_number: str, position: int, number: str, at: Moment) -> str | None:
    """Ask the issuer to make a unit's key worthless and return its receipt, None where there is none: decide again without it then.

    `number` makes it idempotent: the same number brings the same receipt. A receipt that is on record already is returned unasked.

    Raises:
        NotFound: there is no such order. Busy: the receipt could not be recorded; nothing was lost, ask again with the same number.
    """
    code = database.value(VOIDER_OF, (order_number, order_number)) if issuers else None
    if code not in issuers:
        return None
    state = read_order(number=order_number, actor=ASKER, at=at)
    known = queries.void_receipt(shop_id=state.shop_id, order_id=state.id, position=position)
    question = _questions(state, [unit for unit in state.units if unit.position == position and unit.key_id is not None]).get(position)
    if known is not None or question is None:
        return known
    answer = issuers[code].void(question=question, number=number)
    occasion = Occasion(issuer=code, occasion="void")
    record_issuer_answer(order_number=order_number, occasion=occasion, heard={position: answer}, at=at)
    return answer.receipt


def take_notice(*, issuer: str, order_number: str, heard: Mapping[int, Answer], at: Moment) -> None:
    """Record what an issuer told us by itself, whether or not the product names it.

    Raises:
        NotFound: there is no such order. Busy: nothing was recorded.
    """
    record_issuer_answer(order_number=order_number, occasion=Occasion(issuer=issuer, occasion="notice"), heard=heard, at=at)


def _is_fresh(unit: Unit, occasion: str, at: Moment) -> bool:
    return occasion == "claim" and unit.issuer_asked_at is not None and at.now - unit.issuer_asked_at < FRESH


def _questions(state: OrderState, units: Sequence[Unit]) -> dict[int, Question]:
    """Return the questions by position; the keys are opened here and go no further than their digests."""
    try:
        open_key = keys.opener_for(shop_id=state.shop_id)
        sealed = queries.sealed_keys(shop_id=state.shop_id, key_ids=[unit.key_id for unit in units if unit.key_id is not None])
        return {
            unit.position: Question(unit=state.unit_number(unit.position), key_sha256=_digest(open_key(sealed[unit.key_id])))
            for unit in units
            if unit.key_id is not None and unit.key_id in sealed
        }
    except (SealBroken, DataKeyMissing, KeyEncryptionKeyMissing, DataKeyDidNotOpen) as trouble:
        log.warning("%s: its keys could not be opened to ask the issuer (%s); nobody was asked", state.number, type(trouble).__name__)
        return {}


def _digest(secret: str) -> str:
    return hashlib.sha256(normalised(secret).encode()).hexdigest()


def _record(order_number: str, occasion: Occasion, heard: Mapping[int, Answer], at: Moment) -> None:
    try:
        record_issuer_answer(order_number=order_number, occasion=occasion, heard=heard, at=at)
    except Busy:
        log.warning("%s: somebody holds the order; what the issuer said was not recorded", order_number)
