"""A market whose buyers pay through every channel that has bills, each in its own protocol, over the real gateway."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import httpx

from anka.adapters.channels import alipay_keys, sandbox_play, stripe_settings, wechat_keys
from anka.adapters.channels.alipay import AlipayChannel
from anka.adapters.channels.stripe import StripeChannel
from anka.adapters.channels.wechat import WechatChannel
from anka.core import database
from anka.jobs import channels, payments, reconcile
from anka.payments import bills
from anka.payments.bills import CHINA, Difference, DifferenceState, KeptBill
from tests.builders import Order, a_key
from tests.jobs.market import PATH, Market, attempts, open_market
from tests.sandbox.world import PATIENCE

CODES = ("sandbox", "alipay", "wechat", "stripe")
# What every shop's books hold in one of a channel's accounts.
HELD = "SELECT coalesce(sum(account_balance(shop_id, code, 'CNY')), 0) FROM ledger_account WHERE code = %s"


def make_keys(*, home: Path) -> None:
    """Make the keys of both sides of every protocol; RSA keys are slow to make, so once."""
    alipay_keys.sandbox_keys(home=home)
    wechat_keys.sandbox_keys(home)


@dataclass
class EveryChannel:
    """The market, and what its buyers and its gateway can do through a channel."""

    market: Market

    @property
    def today(self) -> date:
        """The day it is in China."""
        return self.market.now.now.astimezone(CHINA).date()

    def paid(self, code: str, *, quantity: int = 1) -> Order:
        """Return an order that was paid through a channel, its notice taken."""
        order = self.market.an_order(quantity=quantity)
        for notice in self.unnoticed(code, order).notices:
            assert self.market.give(notice, channel=code) // 100 == 2
        return order

    def unnoticed(self, code: str, order: Order) -> sandbox_play.Played:
        """Pay an order through a channel and hand its notices back."""
        if code == "sandbox":
            return self.market.play(order, self.market.begin(order))
        begun = payments.begin(actor=order.buyer, order_number=order.number, channel=code, request=a_key(order.buyer), at=self.market.now)
        assert begun.started is not None
        if code == "alipay":
            # Alipay hears of a payment when the buyer's browser brings it.
            assert httpx.get(begun.started.cashier_url, trust_env=False).status_code == 302
        return self.market.play_known(begun.number)

    def refunded(self, code: str, *, quantity: int = 1, positions: Sequence[int] = ()) -> Order:
        """Return an order of which these units, or all, were cancelled; the worker has not sent anything yet."""
        order = self.paid(code, quantity=quantity)
        self.market.cancel(order, *positions)
        return order

    def attempt(self, order: Order) -> str:
        """Return the number of an order's only refund attempt."""
        ((number, _status),) = attempts(order)
        return number

    def noon(self) -> None:
        """Move to the next noon in China, so that nothing happens around midnight, whenever the tests run."""
        self._move_to(self.today + timedelta(days=1), time(12))

    def next_morning(self) -> date:
        """Move to the next morning, when bills are ready, and return the day that is over."""
        day = self.today
        self._move_to(day + timedelta(days=1), time(10, 31))
        return day

    def _move_to(self, day: date, hour: time) -> None:
        self.market.move(minutes=(datetime.combine(day, hour, tzinfo=CHINA) - self.market.now.now) / timedelta(minutes=1))

    def reconcile(self, code: str, day: date) -> list[Difference]:
        """Let the worker ask a channel for its bill and compare it to its end; return what is open."""
        for _step in range(10):
            if reconcile.pursue(subject=f"{code}:{day}", at=self.market.now) != timedelta(0):
                return bills.inbox(status=DifferenceState.OPEN, channel=code, day=day, after=None, limit=100)
        raise AssertionError(f"the bill of {code} was not compared")

    def bill(self, code: str, day: date) -> KeptBill:
        """Return the bill that counts."""
        found = bills.current_bill(channel=code, day=day)
        assert found is not None
        return found

    def told(self, code: str, day: date, kind: str) -> tuple[int, int]:
        """Return the sums of amounts and fees of a bill's lines of a kind, as its reader gave them."""
        found = self.bill(code, day)
        sums = "SELECT coalesce(sum(amount_minor), 0), coalesce(sum(fee_minor), 0) FROM payments_bill_line WHERE bill_id = %s AND kind = %s"
        ((amount, fee),) = database.rows(sums, (found.id, kind))
        return int(amount), int(fee)

    def held(self, code: str, account: str) -> int:
        """Return what all books together have in an account of a channel."""
        return int(database.value(HELD, (f"psp:{code}:{account}",)))

    def number(self, order: Order) -> str:
        """Return the number of the payment an order was paid by."""
        (payment,) = [one.number for one in order.state.payments if one.transaction_number]
        return payment

    def change_gateway(self, statement: str, *parameters: object) -> None:
        """Change the gateway's own books, behind our back; exactly one row."""
        with self.market.gateway.store.transaction() as connection:
            assert connection.execute(statement.encode(), parameters).rowcount == 1


@contextmanager
def open_every_channel(*, home: Path, keys: Path, gateway_database: str) -> Iterator[EveryChannel]:
    """Start a gateway with every protocol and wire our adapters in."""
    shutil.copytree(keys / "sandbox", home / "sandbox")
    with open_market(home=home, gateway_database=gateway_database) as market:
        base, notify = market.channel._base_url, f"{market.endpoint.address}{PATH}"
        mine: dict[str, AlipayChannel | WechatChannel | StripeChannel] = {
            "alipay": AlipayChannel(
                settings=alipay_keys.sandbox_settings(home=home, base_url=f"{base}/alipay"),
                notify_url=f"{notify}alipay",
                real_clock=market.real,
            ),
            "wechat": WechatChannel(
                settings=wechat_keys.sandbox_settings(home, f"{base}/wechat"), notify_url=f"{notify}wechat", real_clock=market.real
            ),
            "stripe": StripeChannel(
                settings=stripe_settings.sandbox_settings(home, f"{base}/stripe"), notify_url=f"{notify}stripe", real_clock=market.real
            ),
        }
        for code, channel in mine.items():
            channel.patience = PATIENCE
            channels.channels[code] = channel
        try:
            yield EveryChannel(market)
        finally:
            for channel in mine.values():
                channel.close_connections()
