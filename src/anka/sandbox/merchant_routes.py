"""What a merchant may ask over signed HTTP, and the faults that may come between question and answer."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qs

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_wire import WireRefused
from anka.core.clock import Moment
from anka.sandbox import payments, presets, refunds
from anka.sandbox.exchange import HungUp, Refused, Reply, Request, json_reply
from anka.sandbox.faults import (
    LONGEST_ANSWER_DELAY_SECONDS,
    POSSIBLE,
    REFUND_FAULTS,
    Fault,
    FaultName,
    Operation,
    named,
    read_faults,
)
from anka.sandbox.issuer_routes import IssuerRoutes
from anka.sandbox.notices import PAIR_GAP, Draft, enqueue, written
from anka.sandbox.payments import CashierRequest, Number
from anka.sandbox.refunds import RefundOrder
from anka.sandbox.sender import Sender
from anka.sandbox.store import Connection, Store

Body = TypeVar("Body")
Message = dict[str, object]
Deliver = Literal["return", "send"]


class RouteUnknown(Refused):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class BodyMalformed(Refused):
    """The body is not the JSON this address takes."""

    code = "malformed"
    status = 422


class CashierRequestRefused(Refused):
    """The signed cashier request given to a play is not ours."""

    code = "bad_cashier_request"
    status = 422


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of both numbers."""

    payment: Number | None = None
    refund: Number | None = None


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payment to be closed."""

    number: Number


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


class PlayFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults for operations to come."""

    operation: Operation
    fault: Any
    times: Annotated[int, msgspec.Meta(ge=1, le=presets.MOST_TIMES)] = 1
    seed: int | None = None


class MerchantRoutes:
    """Answers requests whose signature has been checked."""

    def __init__(
        self,
        *,
        store: Store,
        merchant_key: Ed25519PublicKey,
        gateway_key: Ed25519PrivateKey,
        sender: Sender,
        issuer: IssuerRoutes,
        refund_delay_seconds: int,
    ) -> None:
        self._store = store
        self._issuer = issuer
        self._merchant_key = merchant_key
        self._gateway_key = gateway_key
        self._sender = sender
        self._refund_delay_seconds = refund_delay_seconds
        self._stopped = threading.Event()
        self._routes: dict[tuple[str, str], Callable[[Request, Moment], Reply]] = {
            ("POST", "/api/query"): self._query,
            ("POST", "/api/close"): self._close,
            ("POST", "/api/refund"): self._refund,
            ("GET", "/api/bill"): self._bill,
            ("POST", "/play/faults"): self._play_faults,
        }

    def stop(self) -> None:
        """End every delay that is being waited for."""
        self._stopped.set()

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer one request. Raises Refused, HungUp."""
        handler = self._routes.get((request.method, request.path))
        if handler is not None:
            return handler(request, moment)
        place, _, number = request.path.rpartition("/")
        if request.method == "POST" and place == "/play/payments":
            return self._play_payment(request, moment, _number(number))
        if request.method == "POST" and place == "/play/refunds":
            return self._play_refund(request, moment, _number(number))
        if request.method == "POST" and place == "/play/issuer":
            return json_reply(status=200, message=self._issuer.play(request=request, moment=moment, unit=_number(number)))
        raise RouteUnknown("There is nothing here.")

    def _query(self, request: Request, moment: Moment) -> Reply:
        asked = _read(request, Query)
        if (asked.payment is None) == (asked.refund is None):
            raise BodyMalformed("Ask for a payment or for a refund.")
        if asked.payment is not None:
            number = asked.payment
            return self._faulty(
                Operation.QUERY, (number,), lambda connection, _: payments.query(connection=connection, number=number, moment=moment)
            )
        number = asked.refund or ""
        with self._store.transaction() as connection:
            refunds.settle_due(connection=connection, moment=moment)
        return self._faulty(Operation.QUERY_REFUND, (number,), lambda connection, _: refunds.query(connection=connection, number=number))

    def _close(self, request: Request, moment: Moment) -> Reply:
        number = _read(request, Close).number
        return self._faulty(
            Operation.CLOSE, (number,), lambda connection, _: payments.close(connection=connection, number=number, moment=moment)
        )

    def _refund(self, request: Request, moment: Moment) -> Reply:
        order = _read(request, RefundOrder)

        def act(connection: Connection, faults: tuple[Fault, ...]) -> Message:
            return refunds.submit(
                connection=connection, order=order, faults=faults, moment=moment, delay_seconds=self._refund_delay_seconds
            )

        return self._faulty(Operation.REFUND, (order.payment_number, order.refund_number), act)

    def _bill(self, request: Request, moment: Moment) -> Reply:
        day = parse_qs(request.query).get("date", [""])[0]
        try:
            date.fromisoformat(day)
        except ValueError as reason:
            raise BodyMalformed("Ask for a day, as in ?date=2026-01-31.") from reason
        with self._store.transaction() as connection:
            return json_reply(status=200, message={"date": day, "lines": refunds.bill(connection=connection, day=day)})

    def _faulty(self, operation: Operation, numbers: tuple[str, ...], act: Callable[[Connection, tuple[Fault, ...]], Message]) -> Reply:
        with self._store.transaction() as connection:
            faults = presets.next_fault(connection=connection, operation=operation, numbers=numbers)
        if named(faults=faults, name=FaultName.TIMEOUT_BEFORE):
            raise HungUp
        if named(faults=faults, name=FaultName.ERROR_500):
            return json_reply(status=500, message={"code": "internal", "detail": "The sandbox was asked to fail; nothing was changed."})
        with self._store.transaction() as connection:
            message = act(connection, faults)
        if named(faults=faults, name=FaultName.NOTICE_BEFORE_ANSWER):
            self._sender.work_once()
        return self._answered(message=message, faults=faults)

    def _answered(self, *, message: Message, faults: tuple[Fault, ...]) -> Reply:
        delay = named(faults=faults, name=FaultName.DELAY)
        if delay:
            self._stopped.wait(min(delay.seconds, LONGEST_ANSWER_DELAY_SECONDS))
        if named(faults=faults, name=FaultName.TIMEOUT_AFTER):
            raise HungUp
        if named(faults=faults, name=FaultName.WRONG_AMOUNT):
            message = {**message, "amount_minor": 1 if message.get("amount_minor") != 1 else 2}
        forged = {"Anka-Signature": "forged"} if named(faults=faults, name=FaultName.FORGED) else None
        return json_reply(status=200, message=message, headers=forged)

    def _play_payment(self, request: Request, moment: Moment, number: str) -> Reply:
        play = _read(request, PlayPayment)
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
        play = _read(request, PlayRefund)
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

    def _register(self, *, connection: Connection, token: str, number: str, moment: Moment) -> None:
        wanted = read_cashier_request(key=self._merchant_key, token=token)
        if wanted.number != number:
            raise CashierRequestRefused("Nothing was played: the cashier request is for another payment.")
        payments.register(connection=connection, wanted=wanted, token=token, moment=moment)

    def _played(self, *, status: str, drafts: tuple[Draft, ...], moment: Moment) -> Reply:
        self._sender.wake()
        pairs = (written(draft=draft, key=self._gateway_key, real_now=moment.real) for draft in drafts)
        notices = [{"headers": headers, "body": base64.b64encode(body).decode()} for headers, body in pairs]
        return json_reply(status=200, message={"status": status, "notices": notices})

    def _play_faults(self, request: Request, moment: Moment) -> Reply:
        play = _read(request, PlayFaults)
        wishes = play.fault if isinstance(play.fault, list) else [play.fault]
        if wishes == ["any"]:
            wishes = sorted(POSSIBLE[play.operation])
        faults = tuple(fault for part in range(0, len(wishes), 8) for fault in read_faults(wishes=wishes[part : part + 8]))
        with self._store.transaction() as connection:
            presets.preset(connection=connection, operation=play.operation, faults=faults, times=play.times, seed=play.seed)
        return json_reply(status=200, message={"ok": True})


def read_cashier_request(*, key: Ed25519PublicKey, token: str) -> CashierRequest:
    """Check and read a signed cashier request. Raises CashierRequestRefused."""
    try:
        payload = sandbox_wire.open_cashier_request(key=key, token=token)
        return msgspec.json.decode(payload, type=CashierRequest)
    except (WireRefused, msgspec.MsgspecError) as reason:
        raise CashierRequestRefused("This cashier address is damaged or was not made by the merchant.") from reason


def _read(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(request.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as reason:
        raise BodyMalformed(f"Nothing was changed: {reason}") from reason


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
