"""What a flow wants to write about one order, as a value; carried out by one SQL function in one call.

The shapes mirror flows/sql/functions/change_order.sql, which reads from top to bottom as the list of everything a flow can do.
"""

from datetime import datetime
from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.domain.delivery_states import Move, Stage, after
from anka.domain.goods import Goods
from anka.domain.postings import Posting
from anka.flows.steps.case_parts import CaseStep, NewCase, Notice, Replacement
from anka.flows.steps.merchant_money import Due, post_dues
from anka.orders.models import OrderState

CHANGE = "SELECT change_order($1, $2, $3, $4, $5, $6)"

# What becomes of a unit's key when the unit moves. Moves that are not here leave the key as it is.
KEY_AFTER = {
    Move.SEAL: "sealed",
    Move.REVEAL: "revealed",
    Move.VOID: "voided",
    Move.RELEASE: "available",
    Move.REPLACE: "voided",
}


class UnitMove(msgspec.Struct, omit_defaults=True):
    """Units that make the same move together; one event. `refund_each_minor` is added to what each has had back."""

    what: str
    positions: list[int]
    move: str
    stage: str
    money: str | None = None
    key_status: str | None = None
    refund_each_minor: int = 0
    details: dict[str, Any] = {}


class MoneyMove(msgspec.Struct, omit_defaults=True):
    """Units whose money has moved while the goods stayed."""

    positions: list[int]
    money: str
    refund_each_minor: int = 0


class Event(msgspec.Struct, omit_defaults=True):
    """Something worth recording that moved no goods."""

    what: str
    positions: list[int] = []
    details: dict[str, Any] = {}


class Clock(msgspec.Struct, omit_defaults=True):
    """A clock to start (`due_at`), or to end or halt (`ends_as`: stopped, fallen, paused, resumed). Position 0 is the whole order."""

    kind: str
    position: int
    due_at: datetime | None = None
    ends_as: str | None = None


class Work(msgspec.Struct, omit_defaults=True):
    """Something for the worker to do after the commit."""

    topic: str
    subject: str
    due_at: datetime | None = None


class RefundLeg(msgspec.Struct, omit_defaults=True):
    """One way a refund takes, with the immutable number of its first attempt; `not_before` where its channel has to be given time."""

    leg: int
    payment_id: int
    channel: str
    amount_minor: int
    arrives_by: datetime
    attempt: str
    not_before: datetime | None = None


class RefundUnit(msgspec.Struct):
    """What a refund repays of one unit."""

    position: int
    amount_minor: int


class Refund(msgspec.Struct):
    """Money that is to go back."""

    number: str
    cause: str
    case_number: str | None
    amount_minor: int
    units: list[RefundUnit]
    legs: list[RefundLeg]


class Share(msgspec.Struct):
    """What the merchant has of a unit from now on, and whether the unit counts as confirmed."""

    position: int
    merchant_minor: int
    confirmed: bool


class HandedKey(msgspec.Struct):
    """A key the merchant hands over, for the unit at this position."""

    position: int
    key_id: int


class NewPayment(msgspec.Struct):
    """A payment about to begin."""

    number: str
    channel: str
    amount_minor: int
    expires_at: datetime


class TakenPayment(msgspec.Struct):
    """A payment that a channel has captured."""

    payment_number: str
    channel: str
    transaction_number: str


class TakenNotice(msgspec.Struct):
    """The message by which a channel said so, kept with the change it caused. `digest` is SHA-256 of its bytes, in hex."""

    channel: str
    digest: str
    payment_number: str
    received_at: datetime


class NewUnits(msgspec.Struct):
    """Units that late money buys after all."""

    product_id: int
    goods: str
    positions: list[int]
    amounts_minor: list[int]


class OrderChange(msgspec.Struct, omit_defaults=True):
    """What is added to the order's sums. `apart`: money that came and goes back, and the order waits to be paid as before."""

    paid_minor: int = 0
    refunded_minor: int = 0
    released_minor: int = 0
    apart: bool = False


class Change(msgspec.Struct, omit_defaults=True):
    """One decided change of a locked order. What is left out is not touched. `reopened`: late money is served after all; `held`: wallet
    money set aside for the order, `taken_hold`: what was set aside pays it, beside `taken`.

    `claims` (domain/liability.py) are on the merchant's money; what they take from where is decided last, under the lock of its balances.
    """

    taken: TakenPayment | None = None
    taken_hold: TakenPayment | None = None
    notice: TakenNotice | None = None
    new_payment: NewPayment | None = None
    held: NewPayment | None = None
    closed_payments: list[int] = []
    failed_payments: list[int] = []
    new_units: NewUnits | None = None
    cases: list[NewCase] = []
    steps: list[CaseStep] = []
    freed_keys: list[int] = []
    replacements: list[Replacement] = []
    handed_keys: list[HandedKey] = []
    moves: list[UnitMove] = []
    money: list[MoneyMove] = []
    shares: list[Share] = []
    order: OrderChange | None = None
    closed_by: str | None = None
    reopened: bool = False
    refunds: list[Refund] = []
    journals: list[Any] = []
    claims: list[Any] = []
    events: list[Event] = []
    clocks: list[Clock] = []
    work: list[Work] = []
    notices: list[Notice] = []
    request: dict[str, str | None] | None = None
    currency: str = ""


def unit_move(*, goods: Goods, positions: list[int], stage: Stage, move: Move, what: str) -> UnitMove:
    """Return the move of these units as the table of moves has it, their keys with them.

    Raises:
        IllegalMove: the table has no such move from this stage.
    """
    target = after(goods=goods, stage=stage, move=move)
    return UnitMove(what=what, positions=positions, move=move, stage=target, key_status=KEY_AFTER.get(move))


def apply(*, state: OrderState, change: Change, actor: Actor, request: RequestKey, reference: str = "", at: Moment) -> None:
    """Write a change of an order that this transaction has locked.

    `reference` is what a repeated request will be answered with.

    Raises:
        MovedMeanwhile: PostgreSQL's table of moves refuses it.
        OutOfStock, TransactionAlreadyTaken, TwinWon: as their names say. Nothing is written then.
    """
    change.currency = state.currency
    if request.key is not None:
        change.request = {**request.as_json(), "reference": reference, "made_at": at.real.isoformat()}
    due = due_of(state=state, change=change)
    body = msgspec.json.encode(change).decode()
    database.call(CHANGE, state.shop_id, state.id, at.now, str(actor), actor.person_id, body)
    if due is not None:
        post_dues(dues=(due,), at=at)


def due_of(*, state: OrderState, change: Change) -> Due | None:
    """Take what claims the merchant's money out of a change, with all its journals: they are posted after everything else is written."""
    if not change.claims:
        return None
    due = Due(shop_id=state.shop_id, currency=change.currency, claims=tuple(change.claims), journals=tuple(change.journals))
    change.claims, change.journals = [], []
    return due


def journals(posting: Posting) -> list[dict[str, Any]]:
    """Return a posting in the shape post_journals() takes."""
    found: list[dict[str, Any]] = msgspec.to_builtins(posting)
    return found
