"""Reads about what became of orders: their cases with receipts, their refunds, their timeline."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from anka.cases.models import CaseState
from anka.cases.models import decoder as case_decoder
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.refusals import NotFound
from anka.domain.case_states import CaseStatus
from anka.domain.case_turns import Turn, turn_of
from anka.orders.models import OrderState
from anka.orders.models import decoder as order_decoder

DOSSIER = "SELECT order_dossier(%s, %s)"
LOCK_CASE = "SELECT state, argued FROM lock_case($1, $2, $3, $4, $5, $6, $7)"
READ_CASE = "SELECT state, argued FROM read_case($1, $2, $3, $4)"
FALLEN = "SELECT state, argued, clock_kind FROM lock_fallen_cases(%s, %s, %s)"
BOTH = "SELECT state, dossier FROM read_order_with_dossier($1, $2, $3, $4)"
ORDER_OF_CASE = """
SELECT o.number FROM cases_case AS argued JOIN orders_order AS o ON o.shop_id = argued.shop_id AND o.id = argued.order_id
WHERE argued.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%s, '-', 1)) AND argued.number = %s
"""
ORDER_OF_REFUND = """
SELECT o.number FROM payments_refund AS refund JOIN orders_order AS o ON o.shop_id = refund.shop_id AND o.id = refund.order_id
WHERE refund.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%s, '-', 1)) AND refund.number = %s
"""
# The clock of the turn stands at the case's first unit; which clock that is in which status the domain says, not this statement.
LINES = """
SELECT argued.number, o.number, argued.kind, argued.status, argued.asker, argued.reason, argued.statement, argued.positions,
       argued.refund_minor, o.currency, argued.opened_at, argued.closed_at, argued.outcome, argued.ask_minor, turn.due_at,
       (SELECT convert_from(receipt.decision, 'UTF8')::jsonb ->> 'on_silence' FROM cases_receipt AS receipt
        WHERE receipt.shop_id = argued.shop_id AND receipt.case_id = argued.id ORDER BY receipt.sequence DESC LIMIT 1)
FROM cases_case AS argued JOIN orders_order AS o ON o.shop_id = argued.shop_id AND o.id = argued.order_id
LEFT JOIN unnest(%(statuses)s::text[], %(clocks)s::text[]) AS waits (status, clock) ON waits.status = argued.status
LEFT JOIN core_clock AS turn ON turn.shop_id = argued.shop_id AND turn.order_id = argued.order_id AND turn.kind = waits.clock
    AND turn.position = (SELECT min(position) FROM unnest(argued.positions) AS position) AND turn.state IN ('running', 'paused')
WHERE
"""
CASES = """(o.buyer_id = %(buyer)s OR o.shop_id = ANY (%(shops)s::bigint[]))
  AND (%(status)s::text IS NULL OR argued.status = %(status)s)
  AND (%(before)s::timestamptz IS NULL OR (argued.opened_at, argued.number) < (%(before)s::timestamptz, %(before_number)s))
ORDER BY argued.opened_at DESC, argued.number DESC LIMIT %(limit)s
"""
# What waits for nobody's clock comes last.
QUEUE = """argued.closed_at IS NULL AND argued.status = ANY (%(wanted)s::text[])
  AND (%(shops)s::bigint[] IS NULL OR argued.shop_id = ANY (%(shops)s::bigint[]))
  AND (%(after)s::timestamptz IS NULL
       OR (coalesce(turn.due_at, '9999-12-31Z'), argued.number) > (%(after)s::timestamptz, %(after_number)s))
ORDER BY coalesce(turn.due_at, '9999-12-31Z'), argued.number LIMIT %(limit)s
"""
MOST_LINES = 100
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class Attempt(msgspec.Struct, frozen=True):
    """One conversation with a channel."""

    number: str
    status: str
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    channel_number: str | None
    channel: str = ""


class Stuck(msgspec.Struct, frozen=True):
    """Why a person looks after a way of a refund, since when, by when, and whether somebody has taken it up."""

    reason: str
    since: datetime
    due_at: datetime
    has_owner: bool


class Leg(msgspec.Struct, frozen=True):
    """One way a refund takes. An attempt may go another way than its leg: to the wallet instead, or by hand."""

    leg: int
    channel: str
    amount_minor: int
    status: str
    arrives_by: datetime
    ended_at: datetime | None
    attempts: tuple[Attempt, ...]
    stuck: Stuck | None = None


class Refund(msgspec.Struct, frozen=True):
    """Money that goes back, and for which units."""

    number: str
    cause: str
    case_number: str | None
    amount_minor: int
    currency: str
    status: str
    intended_at: datetime
    ended_at: datetime | None
    positions: tuple[int, ...]
    legs: tuple[Leg, ...]


class Event(msgspec.Struct, frozen=True):
    """One event of the chain."""

    sequence: int
    at: datetime
    actor: str
    what: str
    positions: tuple[int, ...]
    details: dict[str, Any]
    proof: str


class Dossier(msgspec.Struct, frozen=True):
    """What stands beside an order; the timeline holds its newest 200 events, oldest first."""

    refunds: tuple[Refund, ...]
    cases: tuple[CaseState, ...]
    timeline: tuple[Event, ...]


class CaseLine(msgspec.Struct, frozen=True):
    """A case in a list."""

    number: str
    order_number: str
    kind: str
    status: str
    asker: str
    reason: str
    statement: str
    positions: list[int]
    refund_minor: int
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None
    ask_minor: int | None
    due_at: datetime | None
    on_silence: str | None

    @property
    def turn(self) -> Turn:
        """Whose turn it is, by which clock, and what follows if nobody moves."""
        return turn_of(status=CaseStatus(self.status), on_silence=self.on_silence)


class CaseCursor(msgspec.Struct, frozen=True):
    """Where a list goes on: after this case."""

    opened_at: datetime
    number: str


class QueueCursor(msgspec.Struct, frozen=True):
    """Where a queue goes on: after the case with this number, due at this moment."""

    due_at: datetime
    number: str


_decoder = msgspec.json.Decoder(Dossier)


def dossier(*, state: OrderState) -> Dossier:
    """Return the refunds, cases and timeline of an order that the caller may see."""
    return _decoder.decode(database.value(DOSSIER, (state.shop_id, state.id)))


def order_with_dossier(*, number: str, actors: Sequence[Actor], at: Moment) -> tuple[OrderState, Dossier, Actor]:
    """Return an order with its refunds, cases and timeline, and the first of these actors it exists for. Locks nothing.

    The actors are one person in different parts (buyer, merchant).

    Raises:
        NotFound: there is no such order for any of them; another's order looks the same.
    """
    found = database.ask(BOTH, number, actors[0].person_id, actors[0].token_id, at.real)
    if not found or found[0] is None or found[1] is None:
        raise NotFound
    state = order_decoder.decode(found[0])
    for actor in actors:
        if state.sees(actor):
            return state, _decoder.decode(found[1]), actor
    raise NotFound


def lock_case(*, number: str, actor: Actor, request: RequestKey, at: Moment) -> tuple[OrderState, CaseState]:
    """Lock the order of a case until the transaction ends and return both, read after the lock was had.

    Raises:
        NotFound: there is no such case for this actor (another's looks the same).
        IdempotencyConflict, Busy, TransactionRequired: as orders.queries.lock_order.
    """
    database.require_transaction()
    key = request.key
    found = database.ask(LOCK_CASE, number, actor.person_id, actor.token_id, at.real, request.caller, key, request.fingerprint)
    return _seen(found, actor)


def read_case(*, number: str, actor: Actor, at: Moment) -> tuple[OrderState, CaseState]:
    """Return a case and its order without locking them, for pages.

    Raises:
        NotFound: there is no such case for this actor.
    """
    return _seen(database.ask(READ_CASE, number, actor.person_id, actor.token_id, at.real), actor)


def _seen(found: Sequence[str | None] | None, actor: Actor) -> tuple[OrderState, CaseState]:
    if not found or found[0] is None or found[1] is None:
        raise NotFound
    state = order_decoder.decode(found[0])
    if not state.sees(actor):
        raise NotFound
    return state, case_decoder.decode(found[1])


def lock_fallen(*, limit: int, at: Moment) -> list[tuple[OrderState, CaseState, str]]:
    """Lock a batch of orders with a case whose clock has fallen; return order, case and the kind of clock. Others' locks are skipped."""
    database.require_transaction()
    found = database.rows(FALLEN, (at.now, at.real, limit))
    return [(order_decoder.decode(state), case_decoder.decode(argued), kind) for state, argued, kind in found]


def order_of_case(*, number: str) -> str | None:
    """Return the number of the order a case is about, or None."""
    found: str | None = database.value(ORDER_OF_CASE, (number, number))
    return found


def order_of_refund(*, number: str) -> str | None:
    """Return the number of the order a refund belongs to, or None."""
    found: str | None = database.value(ORDER_OF_REFUND, (number, number))
    return found


def cases_of(
    *, buyer_id: int, shop_ids: tuple[int, ...], after: CaseCursor | None, limit: int, status: str | None = None
) -> tuple[CaseLine, ...]:
    """Return the cases about a buyer's own orders and those of these shops, newest first, at most 100; of one status where one is named."""
    parameters = {
        "buyer": buyer_id,
        "shops": list(shop_ids),
        "status": status,
        "before": after.opened_at if after else None,
        "before_number": after.number if after else "",
    }
    return _lines(CASES, parameters, limit)


def cases_waiting(
    *, statuses: Collection[CaseStatus], shop_ids: tuple[int, ...] | None, after: QueueCursor | None, limit: int
) -> tuple[CaseLine, ...]:
    """Return the open cases in these statuses, of these shops or (None) of all, whoever is due soonest first, at most 100."""
    parameters = {
        "wanted": [str(status) for status in statuses],
        "shops": None if shop_ids is None else list(shop_ids),
        "after": after.due_at if after else None,
        "after_number": after.number if after else "",
    }
    return _lines(QUEUE, parameters, limit)


def queue_cursor(line: CaseLine) -> QueueCursor:
    """Return where a queue goes on after this case."""
    return QueueCursor(due_at=line.due_at or NEVER, number=line.number)


def _lines(condition: str, parameters: dict[str, Any], limit: int) -> tuple[CaseLine, ...]:
    clocks = {status: turn_of(status=status, on_silence=None).clock for status in CaseStatus}
    ticking = [(str(status), clock) for status, clock in clocks.items() if clock]
    given = {
        **parameters,
        "statuses": [status for status, _clock in ticking],
        "clocks": [clock for _status, clock in ticking],
        "limit": max(1, min(limit, MOST_LINES)),
    }
    return tuple(CaseLine(*row) for row in database.rows(LINES + condition, given))
