"""What may be asked of the issuer simulator over signed HTTP, the faults between question and answer, and how it is played."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_wire import Envelope, Expected, Purpose, WireRefused
from anka.adapters.issuers.sandbox import NOTICE_PATH
from anka.core.clock import Moment
from anka.sandbox import issuer, presets
from anka.sandbox.exchange import HungUp, Refused, Reply, Request, json_reply
from anka.sandbox.faults import LONGEST_ANSWER_DELAY_SECONDS, Fault, FaultName, Operation, named
from anka.sandbox.issuer import IssuerSilent, Message, NotVoidable, PlayIssuer
from anka.sandbox.payments import Number
from anka.sandbox.store import Connection, Store, use_nonce

Body = TypeVar("Body")
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unit: Number
    key_sha256: Digest


class _Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    questions: Annotated[list[_Question], msgspec.Meta(max_length=200)]


class _Void(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unit: Number
    key_sha256: Digest
    number: Number


class QuestionMalformed(Refused):
    """The body is not a question of this protocol."""

    code = "malformed"
    status = 422


class QuestionRepeated(Refused):
    """A signed question was sent a second time."""

    code = "nonce_reused"
    status = 409


class IssuerRoutes:
    """Answers whoever signs with the merchant's key for the purpose `issuer_request`, and signs every answer."""

    def __init__(
        self, *, store: Store, merchant_key: Ed25519PublicKey, issuer_key: Ed25519PrivateKey, real_clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._merchant_key = merchant_key
        self._issuer_key = issuer_key
        self._real_clock = real_clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End every delay that is being waited for."""
        self._stopped.set()

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer one question. Raises HungUp."""
        expected = Expected(purpose=Purpose.ISSUER_REQUEST, method=request.method, path=request.target)
        try:
            asked = sandbox_wire.verify(
                key=self._merchant_key, headers=request.headers, body=request.body, expected=expected, real_now=moment.real
            )
        except WireRefused as refused:
            # Whoever cannot sign gets no signature back.
            return json_reply(status=refused.status, message={"code": refused.code, "detail": str(refused)})
        try:
            with self._store.transaction() as connection:
                if not use_nonce(connection=connection, nonce=asked.nonce, real_now=moment.real):
                    raise QuestionRepeated("Nothing was changed: this very question was asked before. Sign a new one.")
            reply = self._route(request)
        except Refused as refusal:
            reply = json_reply(status=refusal.status, message={"code": refusal.code, "detail": str(refusal)})
        return self._signed(request, reply, asked.nonce)

    def play(self, *, request: Request, moment: Moment, unit: Number) -> Message:
        """Set what the issuer knows of a unit and return its notice about it, None where it stays silent."""
        known = _read(request, PlayIssuer)
        with self._store.transaction() as connection:
            issuer.play(connection=connection, unit=unit, known=known, moment=moment)
            words = issuer.words(connection=connection, units=[unit])
        return {"notice": self._notice(words) if words else None}

    def _route(self, request: Request) -> Reply:
        if (request.method, request.path) == ("POST", "/issuer/status"):
            units = [question.unit for question in _read(request, _Questions).questions]
            return self._faulty(units, lambda connection: {"words": issuer.words(connection=connection, units=units)})
        if (request.method, request.path) == ("POST", "/issuer/void"):
            wish = _read(request, _Void)
            return self._faulty([wish.unit], lambda connection: issuer.void(connection=connection, unit=wish.unit, number=wish.number))
        return json_reply(status=404, message={"code": "not_found", "detail": "There is nothing here."})

    def _faulty(self, units: list[str], act: Callable[[Connection], Message]) -> Reply:
        with self._store.transaction() as connection:
            faults = presets.next_fault(connection=connection, operation=Operation.ISSUER, numbers=tuple(units))
        if named(faults=faults, name=FaultName.TIMEOUT_BEFORE):
            raise HungUp
        if named(faults=faults, name=FaultName.ERROR_500):
            return json_reply(status=500, message={"code": "internal", "detail": "The sandbox was asked to fail; nothing was changed."})
        try:
            with self._store.transaction() as connection:
                message = act(connection)
        except NotVoidable as refusal:
            return json_reply(status=refusal.status, message={"code": refusal.code, "unit": units[0], "detail": str(refusal)})
        except IssuerSilent as silent:
            raise HungUp from silent
        return self._late(message, faults)

    def _late(self, message: Message, faults: tuple[Fault, ...]) -> Reply:
        delay = named(faults=faults, name=FaultName.DELAY)
        if delay:
            self._stopped.wait(min(delay.seconds, LONGEST_ANSWER_DELAY_SECONDS))
        if named(faults=faults, name=FaultName.TIMEOUT_AFTER):
            raise HungUp
        forged = {"Anka-Signature": "forged"} if named(faults=faults, name=FaultName.FORGED) else None
        return json_reply(status=200, message=message, headers=forged)

    def _signed(self, request: Request, reply: Reply, nonce: str) -> Reply:
        envelope = Envelope(
            purpose=Purpose.ISSUER_ANSWER,
            method=str(reply.status),
            path=request.target,
            timestamp=int(self._real_clock().timestamp()),
            nonce=nonce,
        )
        headers = sandbox_wire.signed_headers(key=self._issuer_key, envelope=envelope, body=reply.body)
        # A fault's own signature stays.
        return Reply(status=reply.status, body=reply.body, content_type=reply.content_type, headers={**headers, **reply.headers})

    def _notice(self, words: list[Message]) -> Message:
        body = msgspec.json.encode({"words": words})
        envelope = Envelope(
            purpose=Purpose.ISSUER_NOTICE,
            method="POST",
            path=NOTICE_PATH,
            timestamp=int(self._real_clock().timestamp()),
            nonce=sandbox_wire.new_nonce(),
        )
        headers = sandbox_wire.signed_headers(key=self._issuer_key, envelope=envelope, body=body)
        return {"headers": headers, "body": base64.b64encode(body).decode()}


def _read(request: Request, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(request.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as reason:
        raise QuestionMalformed(f"Nothing was changed: {reason}") from reason
