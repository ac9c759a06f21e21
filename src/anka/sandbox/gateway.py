"""The gateway itself: who may ask what, and which answer they get. One request in, one reply out, no sockets here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import psycopg

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.core.clock import Moment
from anka.sandbox import clock
from anka.sandbox.cashier_routes import CashierRoutes
from anka.sandbox.exchange import Refused, Reply, Request, json_reply
from anka.sandbox.issuer_routes import IssuerRoutes
from anka.sandbox.play_routes import PlayRoutes
from anka.sandbox.protocols import PROTOCOLS
from anka.sandbox.protocols.base import Core, Ground, Setup
from anka.sandbox.protocols.own import OwnProtocol
from anka.sandbox.sender import Sender
from anka.sandbox.spoken import Spoken
from anka.sandbox.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """How one gateway runs. `base_url` is how browsers reach it; a refund left alone succeeds after `refund_delay_seconds`."""

    mode: Mode
    home: Path
    database_url: str
    base_url: str
    refund_delay_seconds: int = 5


class Gateway:
    """One gateway: routes, outbox and clock together."""

    def __init__(self, *, settings: GatewaySettings, real_clock: Callable[[], datetime] = sandbox_wire.real_now) -> None:
        keys = load_keys(home=settings.home, mode=settings.mode)
        self._home = settings.home
        self._real_clock = real_clock
        self._stopped = threading.Event()
        self.store = Store(database_url=settings.database_url)
        self.store.create_schema()
        self.spoken = Spoken(factories=PROTOCOLS, setup=self._setup)
        self.sender = Sender(store=self.store, protocols=self.spoken.named, clock=self.moment)
        self._ground = Ground(
            store=self.store,
            base_url=settings.base_url.rstrip("/"),
            refund_delay_seconds=settings.refund_delay_seconds,
            work=self.sender.work_once,
            wake=self.sender.wake,
            stopped=self._stopped,
        )
        self._own = OwnProtocol(self._setup("sandbox"))
        self._cashier = CashierRoutes(store=self.store, own=self._own, base_url=settings.base_url, wake=self.sender.wake)
        self._issuer = IssuerRoutes(
            store=self.store, merchant_key=keys.merchant.public_key(), issuer_key=keys.issuer, real_clock=self._real_clock
        )
        self._play = PlayRoutes(store=self.store, spoken=self.spoken, own=self._own, issuer=self._issuer, wake=self.sender.wake)
        self._style = files("anka.sandbox").joinpath("style.css").read_bytes()

    def _setup(self, code: str) -> Setup:
        return Setup(core=Core(ground=self._ground, protocol=code), home=self._home, clock=self.moment)

    def end_delays(self) -> None:
        """End every delay that a fault makes somebody wait for, now and from now on."""
        self._stopped.set()
        self._issuer.stop()

    def close(self) -> None:
        """Stop sending and close the connections."""
        self.end_delays()
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
        protocol = self.spoken.at(path)
        if protocol is not None:
            stripped = Request(
                method=request.method, target=request.target[len(protocol.prefix) :], headers=request.headers, body=request.body
            )
            return protocol.answer(request=stripped, moment=self.moment())
        if path.startswith("/play/"):
            return self._own.door.answer(request=request, moment=self.moment(), handle=self._play.answer)
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
