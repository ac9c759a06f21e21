"""A merchant with an account at Stripe, the official SDK beside it, and the sandbox's gateway, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import stripe

from anka.adapters.channels.port import PaymentRequest, RefundRequest
from anka.adapters.channels.sandbox_play import FaultWish, ReturnedNotice, play_payment, play_refund, preset_fault
from anka.adapters.channels.stripe import StripeChannel
from anka.adapters.channels.stripe_settings import sandbox_settings
from tests.sandbox.world import PATIENCE, Merchant, World, build

AMOUNT = 1_000


@dataclass
class Cards:
    world: World
    channel: StripeChannel
    sdk: stripe.StripeClient
    secret: str

    @property
    def now(self) -> datetime:
        return self.world.now()

    def wanted(self, number: str = "Q1", amount_minor: int = AMOUNT, **more: Any) -> PaymentRequest:
        return PaymentRequest(
            number=number,
            amount_minor=amount_minor,
            currency=more.pop("currency", "USD"),
            subject="云晶 100 枚",
            expires_at=more.pop("expires_at", self.now + timedelta(minutes=15)),
            return_url=f"http://shop.test/orders/{number}",
            **more,
        )

    def pay(self, number: str = "Q1", *faults: FaultWish, **more: Any) -> list[ReturnedNotice]:
        self.channel.start(payment=self.wanted(number, **more), now=self.now)
        return self.play(number, "paid", *faults)

    def play(self, number: str, outcome: Any, *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_payment(channel=self.world.channel, number=number, outcome=outcome, faults=faults).notices)

    def play_refund(self, number: str, outcome: Any, *faults: FaultWish) -> list[ReturnedNotice]:
        return list(play_refund(channel=self.world.channel, number=number, outcome=outcome, faults=faults).notices)

    def preset(self, operation: str, fault: FaultWish, **more: Any) -> None:
        preset_fault(channel=self.world.channel, operation=operation, fault=fault, **more)

    def intent(self, number: str = "Q1") -> str:
        return str(self.world.one(f"SELECT transaction_number FROM sandbox.payment WHERE number = '{number}'"))

    def refunds(self) -> list[int]:
        with self.world.gateway.store.transaction() as connection:
            return [row[0] for row in connection.execute("SELECT amount_minor FROM sandbox.refund ORDER BY number").fetchall()]


def a_refund(number: str = "R1", amount_minor: int = AMOUNT, **more: Any) -> RefundRequest:
    return RefundRequest(
        payment_number=more.pop("payment_number", "Q1"),
        refund_number=number,
        amount_minor=amount_minor,
        currency=more.pop("currency", "USD"),
        payment_amount_minor=AMOUNT,
        **more,
    )


@contextmanager
def open_world(*, home: Path, database_url: str) -> Iterator[Cards]:
    merchant = Merchant()
    world, running = build(home=home, database_url=database_url, merchant=merchant)
    settings = sandbox_settings(home, f"{world.gateway_url}/stripe")
    channel = StripeChannel(settings=settings, notify_url="http://shop.test/api/v1/notify/stripe", real_clock=world.real)
    channel.patience = PATIENCE
    sdk = stripe.StripeClient(settings.secret_key, base_addresses={"api": settings.base_url}, max_network_retries=0)
    try:
        yield Cards(world, channel, sdk, settings.webhook_secrets[0])
    finally:
        channel.close_connections()
        world.channel.close_connections()
        world.gateway.end_delays()
        running.stop()
        merchant.close()
