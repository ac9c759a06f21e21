"""How the gateway is played over signed HTTP: outcomes of payments and refunds, whatever their protocol, and faults to come."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from anka.adapters.channels import sandbox_wire
from anka.core.clock import Moment
from anka.sandbox import disputes, payments, presets, refunds
from anka.sandbox.exchange import Reply, Request, json_reply
from anka.sandbox.faults import POSSIBLE, REFUND_FAULTS, Fault, Operation, read_faults
from anka.sandbox.issuer_routes import IssuerRoutes
from anka.sandbox.notices import PAIR_GAP, Draft, enqueue
from anka.sandbox.payments import Number
from anka.sandbox.protocols.own import CashierRequestRefused, OwnProtocol, RouteUnknown, read_body
from anka.sandbox.spoken import Spoken
from anka.sandbox.store import Connection, Store

Deliver = Literal["return", "send"]


class PlayPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An outcome to be played for a payment."""

    outcome: payments.Outcome
    faults: list[Any] = []
    request: Annotated[str, msgspec.Meta(max_length=sandbox_wire.LONGEST_TOKEN)] = ""
    deliver: Deliver = "send"
    amount_minor: payments.Amount | None = None


class PlayRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An outcome to be played for a refund."""

    outcome: refunds.Outcome
    faults: list[Any] = []
    deliver: Deliver = "send"


class PlayDispute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a chargeback of a payment; `amount_minor` where the bank takes back less than was captured."""

    outcome: disputes.Outcome
    faults: list[Any] = []
    deliver: Deliver = "send"
    amount_minor: payments.Amount | None = None


class PlayFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults for operations to come, all of them or those about one number."""

    operation: Operation
    fault: Any
    times: Annotated[int, msgspec.Meta(ge=1, le=presets.MOST_TIMES)] = 1
    seed: int | None = None
    number: Annotated[str, msgspec.Meta(max_length=64)] = ""


class LiftFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operation whose waiting faults are to be forgotten."""

    operation: Operation


class PlayRoutes:
    """Answers requests whose signature has been checked."""

    def __init__(self, *, store: Store, spoken: Spoken, own: OwnProtocol, issuer: IssuerRoutes, wake: Callable[[], None]) -> None:
        self._store = store
        self._spoken = spoken
        self._own = own
        self._issuer = issuer
        self._wake = wake

    def answer(self, request: Request, moment: Moment) -> Reply:
        """Answer one request. Raises Refused."""
        if request.method != "POST":
            raise RouteUnknown("There is nothing here.")
        if request.path == "/play/faults":
            return self._play_faults(request)
        if request.path == "/play/faults/lift":
            return self._lift_faults(request)
        place, _, number = request.path.rpartition("/")
        if place == "/play/payments":
            return self._play_payment(request, moment, _number(number))
        if place == "/play/refunds":
            return self._play_refund(request, moment, _number(number))
        if place == "/play/disputes":
            return self._play_dispute(request, moment, _number(number))
        if place == "/play/issuer":
            return json_reply(status=200, message=self._issuer.play(request=request, moment=moment, unit=_number(number)))
        raise RouteUnknown("There is nothing here.")

    def _play_payment(self, request: Request, moment: Moment, number: str) -> Reply:
        play = read_body(request, PlayPayment)
        now_faults, later_faults = _divided(read_faults(wishes=play.faults), Operation.PAY)
        with self._store.transaction() as connection:
            if play.request:
                self._register(connection=connection, token=play.request, number=number, moment=moment)
            preset = presets.next_fault(connection=connection, operation=Operation.PAY, numbers=(number,))
            payment, drafts = payments.decide(
                connection=connection,
                number=number,
                outcome=play.outcome,
                faults=now_faults + preset,
                moment=moment,
                captured_minor=play.amount_minor if play.outcome == "paid" else None,
            )
            for fault in later_faults:
                presets.preset(connection=connection, operation=Operation.REFUND, faults=(fault,), times=1, number=number)
            returned = _handed_out(connection=connection, drafts=drafts, deliver=play.deliver, moment=moment)
        return self._played(status=payment.status, drafts=returned, moment=moment)

    def _play_refund(self, request: Request, moment: Moment, number: str) -> Reply:
        play = read_body(request, PlayRefund)
        now_faults, later_faults = _divided(read_faults(wishes=play.faults), Operation.SETTLE_REFUND)
        with self._store.transaction() as connection:
            preset = presets.next_fault(connection=connection, operation=Operation.SETTLE_REFUND, numbers=(number,))
            status, drafts = refunds.decide(
                connection=connection, number=number, outcome=play.outcome, faults=now_faults + preset, moment=moment
            )
            for fault in later_faults:
                operation = Operation.REFUND if fault.fault in REFUND_FAULTS else Operation.QUERY_REFUND
                presets.preset(connection=connection, operation=operation, faults=(fault,), times=1, number=number)
            returned = _handed_out(connection=connection, drafts=drafts, deliver=play.deliver, moment=moment)
        return self._played(status=status, drafts=returned, moment=moment)

    def _play_dispute(self, request: Request, moment: Moment, number: str) -> Reply:
        play = read_body(request, PlayDispute)
        faults, _later = _divided(read_faults(wishes=play.faults), Operation.SETTLE_REFUND)
        with self._store.transaction() as connection:
            told = disputes.Told(outcome=play.outcome, amount_minor=play.amount_minor)
            drafts = disputes.tell(connection=connection, number=number, told=told, faults=faults, moment=moment)
            returned = _handed_out(connection=connection, drafts=drafts, deliver=play.deliver, moment=moment)
        return self._played(status=play.outcome, drafts=returned, moment=moment)

    def _register(self, *, connection: Connection, token: str, number: str, moment: Moment) -> None:
        wanted = self._own.wanted(token=token)
        if wanted.number != number:
            raise CashierRequestRefused("Nothing was played: the cashier request is for another payment.")
        payments.register(connection=connection, wanted=wanted, protocol=self._own.code, moment=moment)

    def _played(self, *, status: str, drafts: tuple[Draft, ...], moment: Moment) -> Reply:
        self._wake()
        notices = [notice for draft in drafts for notice in self._written(draft, moment)]
        return json_reply(status=200, message={"status": status, "notices": notices})

    def _written(self, draft: Draft, moment: Moment) -> list[dict[str, object]]:
        outgoing = self._spoken.named(draft.protocol).written(draft=draft, moment=moment)
        if outgoing is None:
            return []
        body = base64.b64encode(outgoing.body).decode()
        sent = {"method": outgoing.method, "url": outgoing.url, "protocol": draft.protocol}
        return [{"headers": dict(outgoing.headers), "body": body, **sent}]

    def _play_faults(self, request: Request) -> Reply:
        play = read_body(request, PlayFaults)
        wishes = play.fault if isinstance(play.fault, list) else [play.fault]
        if wishes == ["any"]:
            wishes = sorted(POSSIBLE[play.operation])
        faults = tuple(fault for part in range(0, len(wishes), 8) for fault in read_faults(wishes=wishes[part : part + 8]))
        with self._store.transaction() as connection:
            presets.preset(
                connection=connection, operation=play.operation, faults=faults, times=play.times, seed=play.seed, number=play.number
            )
        return json_reply(status=200, message={"ok": True})

    def _lift_faults(self, request: Request) -> Reply:
        operation = read_body(request, LiftFaults).operation
        with self._store.transaction() as connection:
            presets.lift(connection=connection, operation=operation)
        return json_reply(status=200, message={"ok": True})


def _number(word: str) -> str:
    try:
        return msgspec.convert(word, type=Number)
    except msgspec.ValidationError as reason:
        raise RouteUnknown("There is nothing here.") from reason


def _divided(faults: tuple[Fault, ...], operation: Operation) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    # Faults of answers cannot show in an outcome: they wait for the next question about the same number.
    here = tuple(fault for fault in faults if fault.fault in POSSIBLE[operation])
    return here, tuple(fault for fault in faults if fault not in here)


def _handed_out(*, connection: Connection, drafts: tuple[Draft, ...], deliver: Deliver, moment: Moment) -> tuple[Draft, ...]:
    soon = moment.real + PAIR_GAP
    returned = tuple(draft for draft in drafts if deliver == "return" and draft.due_clock == "real" and draft.due_at <= soon)
    enqueue(connection=connection, drafts=tuple(draft for draft in drafts if draft not in returned))
    return returned
