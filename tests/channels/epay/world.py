"""A merchant of 易支付 and the sandbox's gateway, talking over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from anka.adapters.channels.epay import EpayChannel
from anka.adapters.channels.epay_keys import sandbox_settings, sandbox_settings_v2
from anka.adapters.channels.epay_v2 import EpayV2Channel
from anka.adapters.channels.port import Incoming, PaymentRequest, RefundRequest
from anka.adapters.channels.sandbox_play import FaultWish, ReturnedNotice, play_payment, play_refund, preset_fault
from anka.sandbox.gateway import Gateway
from tests.sandbox.world import PATIENCE, Merchant, World, build

AMOUNT = 1_000
NOTIFY = "http://shop.test/api/v1/notify/"


@dataclass
class Epay:
    """Both channels, the gateway, and its clock."""

    world: World
    v1: EpayChannel
    v1_mapi: EpayChannel
    v2: EpayV2Channel

    @property
    def gateway(self) -> Gateway:
        return self.world.gateway

    @property
    def now(self) -> datetime:
        return self.world.now()

    def channel(self, code: str) -> EpayChannel | EpayV2Channel:
        named: dict[str, EpayChannel | EpayV2Channel] = {"epay": self.v1, "epay_mapi": self.v1_mapi, "epay_v2": self.v2}
        return named[code]

    def wanted(self, number: str = "Q1-000001", amount_minor: int = AMOUNT, **more: Any) -> PaymentRequest:
        return PaymentRequest(
            number=number,
            amount_minor=amount_minor,
            currency=more.pop("currency", "CNY"),
            subject=more.pop("subject", "云晶 100 枚"),
            expires_at=more.pop("expires_at", self.now + timedelta(minutes=15)),
            return_url=more.pop("return_url", f"http://shop.test/orders/{number}"),
            **more,
        )

    def start(self, code: str = "epay", number: str = "Q1-000001", amount_minor: int = AMOUNT) -> None:
        """Let a payment reach the gateway, as a buyer's browser or the merchant's call does."""
        began = self.channel(code).start(payment=self.wanted(number, amount_minor), now=self.now)
        if code == "epay":
            assert httpx.get(began.cashier_url, trust_env=False).status_code == 302

    def pay(self, code: str = "epay", number: str = "Q1-000001", *faults: FaultWish, amount_minor: int = AMOUNT) -> list[ReturnedNotice]:
        self.start(code, number, amount_minor)
        return self.play(number, "paid", *faults)

    def play(self, number: str, outcome: Any, *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_payment(channel=self.world.channel, number=number, outcome=outcome, faults=faults).notices)

    def play_refund(self, number: str, outcome: Any) -> None:
        play_refund(channel=self.world.channel, number=number, outcome=outcome)

    def preset(self, operation: str, fault: FaultWish, **more: Any) -> None:
        preset_fault(channel=self.world.channel, operation=operation, fault=fault, **more)

    def refunds(self, payment: str = "Q1-000001") -> list[tuple[str, int]]:
        """What the gateway itself knows of refunds."""
        with self.gateway.store.transaction() as connection:
            found = connection.execute(
                "SELECT status, amount_minor FROM sandbox.refund WHERE payment_number = %s ORDER BY changed_at, number", (payment,)
            )
            return [(row[0], row[1]) for row in found.fetchall()]

    def trade_no(self, payment: str = "Q1-000001") -> str:
        return str(self.world.one(f"SELECT transaction_number FROM sandbox.payment WHERE number = '{payment}'"))


def a_refund(number: str = "R-000001", amount_minor: int = AMOUNT, **more: Any) -> RefundRequest:
    return RefundRequest(
        payment_number=more.pop("payment_number", "Q1-000001"),
        refund_number=number,
        amount_minor=amount_minor,
        currency="CNY",
        payment_amount_minor=AMOUNT,
        **more,
    )


def got(query: str, **more: Any) -> Incoming:
    return Incoming(headers={}, body=b"", method=more.pop("method", "GET"), query=query)


@contextmanager
def open_world(*, home: Path, database_url: str) -> Iterator[Epay]:
    merchant = Merchant()
    world, running = build(home=home, database_url=database_url, merchant=merchant)
    v1 = sandbox_settings(home, f"{world.gateway_url}/epay")
    channels = (
        EpayChannel(settings=v1, notify_url=f"{NOTIFY}epay", real_clock=world.real),
        EpayChannel(settings=replace(v1, start="mapi"), notify_url=f"{NOTIFY}epay", real_clock=world.real),
        EpayV2Channel(
            settings=sandbox_settings_v2(home, f"{world.gateway_url}/epay_v2"), notify_url=f"{NOTIFY}epay_v2", real_clock=world.real
        ),
    )
    for channel in channels:
        channel.patience = PATIENCE
    try:
        yield Epay(world, *channels)
    finally:
        for channel in channels:
            channel.close_connections()
        world.channel.close_connections()
        world.gateway.end_delays()
        running.stop()
        merchant.close()
