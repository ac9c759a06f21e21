"""The gateway itself: who may ask what, and which answer they get. One request in, one reply out, no sockets here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import psycopg

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.adapters.channels.sandbox_wire import Envelope, Expected, Purpose, WireRefused
from anka.core.clock import Moment
from anka.sandbox import clock
from anka.sandbox.cashier_routes import CashierRoutes
from anka.sandbox.exchange import Refused, Reply, Request, json_reply
from anka.sandbox.issuer_routes import IssuerRoutes
from anka.sandbox.merchant_routes import MerchantRoutes
from anka.sandbox.sender import Sender
from anka.sandbox.store import Store, use_nonce

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """How one gateway runs. `base_url` is how browsers reach it; a refund left alone succeeds after `refund_delay_seconds`."""

    mode: Mode
    home: Path
    database_url: str
    base_url: str
    refund_delay_seconds: int = 5


class NonceReused(Refused):
    """A signed request was sent a second time."""

    code = "nonce_reused"
    status = 409


class Gateway:
    """One gateway: routes, outbox and clock together."""

    def __init__(self, *, settings: GatewaySettings, real_clock: Callable[[], datetime] = sandbox_wire.real_now) -> None:
        keys = load_keys(home=settings.home, mode=settings.mode)
        self._gateway_key = keys.gateway
        self._merchant_key = keys.merchant.public_key()
        self._home = settings.home
        self._real_clock = real_clock
        self.store = Store(database_url=settings.database_url)
        self.store.create_schema()
        self.sender = Sender(store=self.store, key=self._gateway_key, clock=self.moment)
        self._cashier = CashierRoutes(store=self.store, merchant_key=self._merchant_key, base_url=settings.base_url, wake=self.sender.wake)
        self._issuer = IssuerRoutes(store=self.store, merchant_key=self._merchant_key, issuer_key=keys.issuer, real_clock=self._real_clock)
        self._merchant = MerchantRoutes(
            store=self.store,
            issuer=self._issuer,
            merchant_key=self._merchant_key,
            gateway_key=self._gateway_key,
            sender=self.sender,
            refund_delay_seconds=settings.refund_delay_seconds,
        )
        self._style = files("anka.sandbox").joinpath("style.css").read_bytes()

    def close(self) -> None:
        """Stop sending and close the connections."""
        self._merchant.stop()
        self._issuer.stop()
        self.sender.stop()
        self.store.close()

    def moment(self) -> Moment:
        """Return this instant on both clocks."""
        real = self._real_clock()
        return Moment(real=real, now=real + clock.offset(home=self._home))

    def answer(self, *, request: Request) -> Reply:
        """Answer one request. Raises HungUp when a fault wants the connection closed without a word."""
        try:
            return self._route(request)
        except Refused as refusal:
            return json_reply(status=refusal.status, message={"code": refusal.code, "detail": str(refusal)})
        except psycopg.Error as trouble:
            log.warning("The sandbox lost its database: %s", str(trouble).strip())
            detail = "The sandbox cannot reach its database; nothing was lost. Try again in a moment."
            return json_reply(status=503, message={"code": "database_unreachable", "detail": detail})

    def _route(self, request: Request) -> Reply:
        path = request.path
        if path.startswith(("/api/", "/play/")):
            return self._for_merchant(request)
        if path.startswith("/issuer/"):
            return self._issuer.answer(request=request, moment=self.moment())
        if path == "/cashier" or path.startswith("/cashier/"):
            return self._cashier.answer(request=request, moment=self.moment())
        if path == "/style.css":
            return Reply(status=200, body=self._style, content_type="text/css; charset=utf-8")
        if path == "/livez":
            return json_reply(status=200, message={"ok": True})
        if path == "/readyz":
            with self.store.transaction() as connection:
                connection.execute("SELECT FROM sandbox.payment LIMIT 1")
            return json_reply(status=200, message={"ok": True})
        return json_reply(status=404, message={"code": "not_found", "detail": "There is nothing here."})

    def _for_merchant(self, request: Request) -> Reply:
        moment = self.moment()
        expected = Expected(purpose=Purpose.REQUEST, method=request.method, path=request.target)
        try:
            asked = sandbox_wire.verify(
                key=self._merchant_key, headers=request.headers, body=request.body, expected=expected, real_now=moment.real
            )
        except WireRefused as refused:
            # Whoever cannot sign gets no signature back.
            return json_reply(status=refused.status, message={"code": refused.code, "detail": str(refused)})
        try:
            with self.store.transaction() as connection:
                if not use_nonce(connection=connection, nonce=asked.nonce, real_now=moment.real):
                    raise NonceReused("Nothing was changed: this very request was sent before. Sign a new one.")
            reply = self._merchant.answer(request=request, moment=moment)
        except Refused as refusal:
            reply = json_reply(status=refusal.status, message={"code": refusal.code, "detail": str(refusal)})
        return self._signed(request=request, reply=reply, nonce=asked.nonce)

    def _signed(self, *, request: Request, reply: Reply, nonce: str) -> Reply:
        if reply.headers.get("Anka-Signature"):
            # A fault has already put its own signature there.
            return reply
        envelope = Envelope(
            purpose=Purpose.ANSWER,
            method=str(reply.status),
            path=request.target,
            timestamp=int(self._real_clock().timestamp()),
            nonce=nonce,
        )
        headers = sandbox_wire.signed_headers(key=self._gateway_key, envelope=envelope, body=reply.body)
        return Reply(status=reply.status, body=reply.body, content_type=reply.content_type, headers={**reply.headers, **headers})
