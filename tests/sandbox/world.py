"""A merchant and a gateway that talk over real HTTP, on clocks the test moves."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from anka.adapters.channels.port import Evidence, Incoming, Notice, PaymentRequest, RefundRequest
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.adapters.channels.sandbox_play import FaultWish, PaymentOutcome, Played, ReturnedNotice, play_payment, preset_fault
from anka.sandbox import clock
from anka.sandbox.gateway import Gateway, GatewaySettings
from anka.sandbox.server import RunningGateway

ALL_IS_WELL = (200, b'{"ok":true}')
# Nobody is slow here unless a test wants it so; a machine may be.
PATIENCE = 60.0


@dataclass(frozen=True)
class Received:
    headers: Mapping[str, str]
    body: bytes


class Merchant:
    """Takes notices and answers them as told: first what is in `answers`, then always well."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Received] = queue.Queue()
        self.answers: queue.Queue[tuple[int, bytes]] = queue.Queue()
        merchant = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                merchant.inbox.put(Received(headers=dict(self.headers.items()), body=body))
                try:
                    status, answer = merchant.answers.get_nowait()
                except queue.Empty:
                    status, answer = ALL_IS_WELL
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def received(self) -> list[Received]:
        """Everything received so far, in order; the inbox is empty afterwards."""
        return [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Clock:
    """Real time as the test wants it."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at

    def tick(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class World:
    home: Path
    real: Clock
    gateway: Gateway
    channel: SandboxChannel
    merchant: Merchant
    gateway_url: str

    def now(self) -> datetime:
        return self.real() + clock.offset(home=self.home)

    def start(self, number: str = "Q1", amount_minor: int = 10_000, **more: Any) -> str:
        payment = PaymentRequest(
            number=number,
            amount_minor=amount_minor,
            currency="CNY",
            subject=more.pop("subject", "云晶 100 枚"),
            expires_at=more.pop("expires_at", self.now() + timedelta(minutes=15)),
            return_url=f"{self.merchant.address}/orders/{number}",
            **more,
        )
        return self.channel.start(payment=payment, now=self.now()).cashier_url

    def play(self, number: str = "Q1", outcome: PaymentOutcome = "paid", faults: list[FaultWish] | None = None, **more: Any) -> Played:
        url = more.pop("cashier_url", None) or self.start(number)
        return play_payment(channel=self.channel, number=number, outcome=outcome, faults=faults or [], cashier_url=url, **more)

    def refund(self, number: str = "R1", amount_minor: int = 10_000, payment: str = "Q1", currency: str = "CNY") -> Evidence:
        return self.channel.submit_refund(request=a_refund(number, amount_minor, payment, currency), now=self.now())

    def query_refund(self, number: str = "R1") -> Evidence:
        return self.channel.query_refund(request=a_refund(number), now=self.now())

    def read(self, notice: Received | ReturnedNotice) -> Notice:
        """What the channel makes of a notice."""
        return self.channel.read_notice(message=Incoming(headers=notice.headers, body=notice.body), now=self.now())

    def query_payment(self, number: str = "Q1") -> Evidence:
        return self.channel.query_payment(number=number, now=self.now())

    def preset(self, operation: str, fault: Any, **more: Any) -> None:
        preset_fault(channel=self.channel, operation=operation, fault=fault, **more)

    def one(self, query: str) -> Any:
        with self.gateway.store.transaction() as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def visit(self, address: str) -> httpx.Response:
        return httpx.get(address, trust_env=False)

    def press(self, number: str, outcome: str, *faults: str) -> httpx.Response:
        token = self.one(f"SELECT token FROM sandbox.payment WHERE number = '{number}'")
        return httpx.post(f"{self.gateway_url}/cashier/{token}", data={"outcome": outcome, "fault": list(faults)}, trust_env=False)


def a_refund(number: str = "R1", amount_minor: int = 10_000, payment: str = "Q1", currency: str = "CNY") -> RefundRequest:
    return RefundRequest(
        payment_number=payment, refund_number=number, amount_minor=amount_minor, currency=currency, payment_amount_minor=amount_minor
    )


def build(*, home: Path, database_url: str, merchant: Merchant) -> tuple[World, RunningGateway]:
    real = Clock()
    settings = GatewaySettings(mode=Mode.SANDBOX, home=home, database_url=database_url, base_url="http://sandbox.test")
    gateway = Gateway(settings=settings, real_clock=real)
    running = RunningGateway(gateway=gateway, host="127.0.0.1", port=0)
    url = f"http://127.0.0.1:{running.port}"
    channel = SandboxChannel(
        mode=Mode.SANDBOX, home=home, base_url=url, notify_url=f"{merchant.address}/api/v1/notify/sandbox", real_clock=real
    )
    channel.patience = PATIENCE
    return World(home=home, real=real, gateway=gateway, channel=channel, merchant=merchant, gateway_url=url), running


def said(body: bytes) -> dict[str, Any]:
    read = json.loads(body)
    assert isinstance(read, dict)
    return read
