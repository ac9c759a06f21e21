"""Our adapter, somebody else's SDK and the pretended Alipay, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from alipay import AliPay
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels.alipay import AlipayChannel, AlipaySettings
from anka.adapters.channels.alipay_keys import APP_ID, sandbox_keys, sandbox_settings
from anka.adapters.channels.alipay_settings import PRODUCTS
from anka.adapters.channels.port import Incoming, PaymentRequest, RefundRequest, Started
from anka.adapters.channels.sandbox_play import FaultWish, ReturnedNotice, play_payment, play_refund
from tests.sandbox.world import PATIENCE, Merchant, World, build

_numbers = count(1)


@dataclass
class Alipay:
    """One gateway, our adapter and the SDK, all with the same keys. Each payment of a test has a number of its own."""

    world: World
    channel: AlipayChannel
    settings: AlipaySettings
    sdk: Any
    notify_url: str
    alipay_key: RSAPrivateKey

    def a_number(self, letter: str = "Q") -> str:
        return f"{letter}{next(_numbers):06d}"

    def request(self, *, number: str = "", amount_minor: int = 10_000, **more: Any) -> PaymentRequest:
        return PaymentRequest(
            number=number or self.a_number(),
            amount_minor=amount_minor,
            currency=more.pop("currency", "CNY"),
            subject=more.pop("subject", "云晶 100 枚"),
            expires_at=more.pop("expires_at", self.world.now() + timedelta(minutes=15)),
            return_url=f"{self.world.merchant.address}/orders/1",
            **more,
        )

    def start(self, **more: Any) -> tuple[str, Started]:
        request = self.request(**more)
        return request.number, self.channel.start(payment=request, now=self.world.now())

    def an_open_payment(self, **more: Any) -> str:
        """A payment whose page somebody has opened."""
        number, started = self.start(**more)
        assert self.world.visit(started.cashier_url).status_code == 302
        return number

    def decide(self, number: str, outcome: Any = "paid", *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_payment(channel=self.world.channel, number=number, outcome=outcome, faults=faults).notices)

    def a_paid_payment(self, **more: Any) -> str:
        number = self.an_open_payment(**more)
        self.decide(number)
        return number

    def decide_refund(self, number: str, outcome: Any = "succeeded", *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_refund(channel=self.world.channel, number=number, outcome=outcome, faults=faults).notices)

    def refund_request(self, payment: str, *, number: str = "", amount_minor: int = 10_000, currency: str = "CNY") -> RefundRequest:
        return RefundRequest(
            payment_number=payment,
            refund_number=number or self.a_number("R"),
            amount_minor=amount_minor,
            currency=currency,
            payment_amount_minor=10_000,
        )

    def submit(self, request: RefundRequest) -> Any:
        return self.channel.submit_refund(request=request, now=self.world.now())

    def ask_refund(self, request: RefundRequest) -> Any:
        return self.channel.query_refund(request=request, now=self.world.now())

    def ask(self, number: str) -> Any:
        return self.channel.query_payment(number=number, now=self.world.now())

    def read(self, notice: ReturnedNotice | Incoming) -> Any:
        message = notice.incoming if isinstance(notice, ReturnedNotice) else notice
        return self.channel.read_notice(message=message, now=self.world.now())

    def wait(self, seconds: int = 6) -> None:
        self.world.real.tick(seconds)

    def resigned(self, notice: ReturnedNotice, **changes: str) -> Incoming:
        """A notice as Alipay would have signed it with other fields."""
        fields = {**fields_of(notice), **changes}
        content = wire.notice_text(parameters=fields)
        return a_form({**fields, "sign": wire.sign(key=self.alipay_key, content=content)})

    def with_settings(self, **changes: Any) -> AlipayChannel:
        """Another adapter for the same gateway; close its connections."""
        settings = replace(self.settings, **changes)
        channel = AlipayChannel(settings=settings, notify_url=self.notify_url, real_clock=self.world.real)
        channel.patience = PATIENCE
        return channel


def fields_of(notice: ReturnedNotice) -> dict[str, str]:
    return dict(parse_qsl(notice.body.decode(), keep_blank_values=True))


def a_form(fields: dict[str, str]) -> Incoming:
    return Incoming(headers={}, body=str(httpx.QueryParams(fields)).encode())


def asked_of(address: str) -> dict[str, str]:
    """The parameters of a page to pay at."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@contextmanager
def open_alipay(*, home: Path, database_url: str, merchant: Merchant) -> Iterator[Alipay]:
    world, running = build(home=home, database_url=database_url, merchant=merchant)
    notify_url = f"{merchant.address}/api/v1/notify/alipay"
    settings = replace(sandbox_settings(home=home, base_url=f"{world.gateway_url}/alipay"), products=PRODUCTS)
    channel = AlipayChannel(settings=settings, notify_url=notify_url, real_clock=world.real)
    channel.patience = PATIENCE
    keys = sandbox_keys(home=home)
    sdk = AliPay(
        appid=APP_ID,
        app_notify_url=notify_url,
        app_private_key_string=private_pem(keys.app_key),
        alipay_public_key_string=public_pem(keys.alipay_key.public_key()),
    )
    sdk._gateway = f"{settings.base_url}/gateway.do"
    try:
        yield Alipay(world=world, channel=channel, settings=settings, sdk=sdk, notify_url=notify_url, alipay_key=keys.alipay_key)
    finally:
        # Refunds that are due would settle for the next module's gateway, on another clock.
        with world.gateway.store.transaction() as connection:
            connection.execute("TRUNCATE sandbox.payment, sandbox.refund, sandbox.notice, sandbox.preset, sandbox.foretold, sandbox.nonce")
        channel.close_connections()
        world.channel.close_connections()
        running.stop()


@contextmanager
def scripted(alipay: Alipay, *nodes: str) -> Iterator[AlipayChannel]:
    """Our adapter in front of an Alipay that says these things, one after the other, each under the method that was asked, well signed."""
    left = list(nodes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            node = left.pop(0)
            sign = wire.sign(key=alipay.alipay_key, content=node.encode())
            body = f'{{"{wire.node_name(method=asked["method"])}":{node},"sign":"{sign}"}}'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    channel = alipay.with_settings(base_url=f"http://127.0.0.1:{server.server_address[1]}")
    try:
        yield channel
    finally:
        channel.close_connections()
        server.shutdown()
        server.server_close()
    assert not left, "not everything was asked for"
