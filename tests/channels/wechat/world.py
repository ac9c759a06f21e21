"""WeChat Pay's pretended gateway over real HTTP, our adapter and the public SDK on it, on clocks the test moves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from wechatpayv3 import WeChatPay, WeChatPayType

from anka.adapters.channels import sandbox_play
from anka.adapters.channels.port import Evidence, Incoming, Notice, PaymentRequest, RefundRequest, Started
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.adapters.channels.sandbox_play import FaultWish, Played
from anka.adapters.channels.wechat import WechatChannel
from anka.adapters.channels.wechat_keys import SandboxWechat, sandbox_keys
from anka.sandbox import clock
from anka.sandbox.gateway import Gateway, GatewaySettings
from anka.sandbox.protocols.wechat import WechatProtocol
from anka.sandbox.server import RunningGateway
from tests.sandbox.world import PATIENCE, Clock

NOTIFY = "http://127.0.0.1:9/api/v1/notify/wechat"
TABLES = ("payment", "closed_unseen", "refund", "foretold", "notice", "preset", "nonce")
_numbers = count(1)


def a_number(letter: str = "Q") -> str:
    """A number nobody used before."""
    return f"WX-{letter}{next(_numbers):013d}"


def a_payment(*, now: datetime, number: str = "", amount_minor: int = 10_000, **more: Any) -> PaymentRequest:
    asked = PaymentRequest(
        number=number or a_number(),
        amount_minor=amount_minor,
        currency="CNY",
        subject="云晶 100 枚",
        expires_at=now + timedelta(minutes=15),
        return_url="https://market.example/orders/1",
    )
    return replace(asked, **more)


def a_refund(payment: PaymentRequest, *, amount_minor: int = 4_000, number: str = "") -> RefundRequest:
    return RefundRequest(
        payment_number=payment.number,
        refund_number=number or a_number("R"),
        amount_minor=amount_minor,
        currency="CNY",
        payment_amount_minor=payment.amount_minor,
    )


@dataclass
class World:
    """One merchant at the pretended WeChat Pay."""

    home: Path
    real: Clock
    gateway: Gateway
    base: str
    keys: SandboxWechat
    sandbox: SandboxChannel
    channel: WechatChannel

    def now(self) -> datetime:
        return self.real() + clock.offset(home=self.home)

    def move(self, **by: Any) -> None:
        """Move the instance's clock."""
        clock.set_now(home=self.home, at=self.now() + timedelta(**by), real_now=self.real())

    def start(self, payment: PaymentRequest | None = None) -> tuple[PaymentRequest, Started]:
        payment = payment or a_payment(now=self.now())
        return payment, self.channel.start(payment=payment, now=self.now())

    def play(self, number: str, outcome: Any = "paid", *faults: FaultWish) -> Played:
        return sandbox_play.play_payment(channel=self.sandbox, number=number, outcome=outcome, faults=faults)

    def play_refund(self, number: str, outcome: Any, *faults: FaultWish) -> Played:
        return sandbox_play.play_refund(channel=self.sandbox, number=number, outcome=outcome, faults=faults)

    def preset(self, operation: str, fault: Any, **more: Any) -> None:
        sandbox_play.preset_fault(channel=self.sandbox, operation=operation, fault=fault, **more)

    def paid(self, **more: Any) -> PaymentRequest:
        """A payment that was opened and paid."""
        payment, _ = self.start(a_payment(now=self.now(), **more))
        self.play(payment.number)
        return payment

    def refunded(self, request: RefundRequest) -> Evidence:
        return self.channel.submit_refund(request=request, now=self.now())

    def asked(self, request: RefundRequest) -> Evidence:
        return self.channel.query_refund(request=request, now=self.now())

    def read(self, message: Incoming) -> Notice:
        return self.channel.read_notice(message=message, now=self.now())

    def another(self, **more: Any) -> WechatChannel:
        """Our adapter with other settings; the caller closes it."""
        channel = WechatChannel(settings=replace(self.keys.settings, **more), notify_url=NOTIFY, real_clock=self.real)
        channel.patience = PATIENCE
        return channel

    def protocol(self) -> WechatProtocol:
        """The gateway's side, without its HTTP."""
        protocol = self.gateway.spoken.named("wechat")
        assert isinstance(protocol, WechatProtocol)
        return protocol


def an_sdk(keys: SandboxWechat, base: str, kind: WeChatPayType = WeChatPayType.NATIVE, **more: Any) -> WeChatPay:
    """The public SDK as this merchant, talking to the pretended gateway."""
    settings = keys.settings
    given = {
        "wechatpay_type": kind,
        "mchid": settings.mchid,
        "private_key": settings.merchant_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "cert_serial_no": settings.merchant_serial,
        "appid": settings.appid,
        "apiv3_key": settings.api_v3_key.decode(),
        "notify_url": NOTIFY,
        "public_key": keys.platform_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "public_key_id": settings.platform_serial,
        "timeout": PATIENCE,
    }
    client = WeChatPay(**{**given, **more})
    client._core._gate_way = base
    return client


def said(answer: tuple[int, Any]) -> dict[str, Any]:
    """What the SDK got, when it got a 200."""
    status, text = answer
    assert status == 200, answer
    read = json.loads(text)
    assert isinstance(read, dict)
    return read


@contextmanager
def open_world(*, home: Path, database_url: str, keys_file: Path) -> Iterator[World]:
    """Start a gateway that has its keys already."""
    (home / "sandbox" / "channels").mkdir(parents=True)
    shutil.copy(keys_file, home / "sandbox" / "channels" / "wechat.json")
    real = Clock()
    settings = GatewaySettings(mode=Mode.SANDBOX, home=home, database_url=database_url, base_url="http://sandbox.test")
    gateway = Gateway(settings=settings, real_clock=real)
    running = RunningGateway(gateway=gateway, host="127.0.0.1", port=0)
    address = f"http://127.0.0.1:{running.port}"
    base = f"{address}/wechat"
    keys = sandbox_keys(home, base)
    sandbox = SandboxChannel(mode=Mode.SANDBOX, home=home, base_url=address, notify_url=NOTIFY, real_clock=real)
    channel = WechatChannel(settings=keys.settings, notify_url=NOTIFY, real_clock=real)
    sandbox.patience = channel.patience = PATIENCE
    try:
        yield World(home=home, real=real, gateway=gateway, base=base, keys=keys, sandbox=sandbox, channel=channel)
    finally:
        channel.close_connections()
        sandbox.close_connections()
        running.stop()
