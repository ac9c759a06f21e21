"""A market whose channel is the real gateway, over real HTTP both ways, on the instance's own movable clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from anka.adapters.channels import sandbox_play
from anka.adapters.channels.port import Incoming, PaymentRequest
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.adapters.channels.sandbox_play import FaultWish, Played, ReturnedNotice
from anka.core import clock, database
from anka.core.clock import Moment, moment
from anka.core.refusals import Refusal
from anka.flows.steps.judge import Claim
from anka.jobs import channels, claims, notices, payments, sweeps
from anka.payments.models import RefundView
from anka.payments.queries import refunds_of_order
from anka.sandbox import clock as sandbox_clock
from anka.sandbox.gateway import Gateway, GatewaySettings
from anka.sandbox.server import RunningGateway
from tests import databases
from tests.builders import CHANGED_MIND, Order, Product, a_key, a_placed_order, a_product
from tests.sandbox.world import PATIENCE, Clock

PATH = "/api/v1/notify/"
PRICE = 10_000
# Every table that a message from outside could change, and payments_notice, which it may.
TABLES = (
    "orders_order",
    "orders_unit",
    "payments_payment",
    "payments_transaction",
    "payments_refund",
    "payments_leg",
    "payments_refund_unit",
    "payments_attempt",
    "payments_evidence",
    "payments_unidentified",
    "ledger_account",
    "ledger_journal",
    "ledger_transfer",
    "vault_key",
    "vault_allocation",
    "cases_case",
    "core_event",
    "core_clock",
    "core_outbox",
    "core_request",
)


class Endpoint:
    """Our side of the wire: hands what comes in to the job, and answers as it says."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                path, _, query = self.path.removeprefix(PATH).partition("?")
                message = Incoming(headers=headers, body=body, method=self.command, query=query)
                status, content_type, answer = endpoint.answer(path, message)
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, channel: str, message: Incoming) -> tuple[int, str, bytes]:
        try:
            found = notices.receive(channel=channel, message=message, at=moment())
        except Refusal as refused:
            found = (refused.status, "application/json", b"{}")
        finally:
            databases.close_connection()
        self.answers.append(found[0])
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Market:
    """The instance under test with its gateway."""

    home: Path
    real: Clock
    gateway: Gateway
    channel: SandboxChannel
    endpoint: Endpoint

    @property
    def now(self) -> Moment:
        return moment()

    def an_order(self, *, quantity: int = 1, product: Product | None = None) -> Order:
        return a_placed_order(quantity=quantity, product=product or a_product(stock=quantity), when=self.now)

    def begin(self, order: Order, *, key: str | None = None) -> str:
        """Begin to pay at the gateway; the cashier is not visited."""
        begun = payments.begin(
            actor=order.buyer, order_number=order.number, channel="sandbox", request=a_key(order.buyer, key), at=self.now
        )
        assert begun.started is not None or begun.replayed
        return begun.number

    def cashier(self, order: Order, number: str) -> str:
        """The address of a payment's cashier, as it was when the payment began."""
        payment = order.state.payment(number)
        assert payment is not None
        when = Moment(now=payment.created_at, real=self.now.real)
        return payments.sign(state=order.state, payment=payment, at=when).cashier_url

    def play(self, order: Order, number: str, outcome: Any = "paid", *faults: FaultWish, **more: Any) -> Played:
        """Let something happen to a payment at the gateway; the notices are handed back unless `deliver` says send."""
        return sandbox_play.play_payment(
            channel=self.channel, number=number, outcome=outcome, faults=faults, cashier_url=self.cashier(order, number), **more
        )

    def capture(self, order: Order, number: str, amount_minor: int, *faults: FaultWish, **more: Any) -> Played:
        """Let the gateway capture another sum for a payment than was asked for."""
        url = self.cashier(order, number)
        return sandbox_play.play_capture(
            channel=self.channel, number=number, amount_minor=amount_minor, cashier_url=url, faults=faults, **more
        )

    def capture_for_nobody(self, number: str, amount_minor: int, *faults: FaultWish) -> Played:
        """Let the gateway capture money under a number nobody of ours began."""
        request = PaymentRequest(
            number=number,
            amount_minor=amount_minor,
            currency="CNY",
            subject="?",
            expires_at=self.now.now + timedelta(days=1),
            return_url="http://nowhere.invalid",
        )
        url = self.channel.start(payment=request, now=self.now.now).cashier_url
        return sandbox_play.play_capture(channel=self.channel, number=number, amount_minor=amount_minor, cashier_url=url, faults=faults)

    def play_known(self, number: str, outcome: Any = "paid", *faults: FaultWish) -> Played:
        """Let something happen to a payment of any protocol that the gateway knows."""
        return sandbox_play.play_payment(channel=self.channel, number=number, outcome=outcome, faults=faults)

    def visit(self, address: str) -> None:
        """Open a cashier as a browser would."""
        assert httpx.get(address, trust_env=False, follow_redirects=False, timeout=PATIENCE).status_code < 400

    def play_refund(self, number: str, outcome: Any, *faults: FaultWish, **more: Any) -> Played:
        return sandbox_play.play_refund(channel=self.channel, number=number, outcome=outcome, faults=faults, **more)

    def preset(self, operation: str, fault: FaultWish | Sequence[FaultWish], **more: Any) -> None:
        sandbox_play.preset_fault(channel=self.channel, operation=operation, fault=fault, **more)

    def give(self, notice: ReturnedNotice, *, channel: str = "sandbox") -> int:
        return notices.receive(channel=channel, message=notice.incoming, at=self.now)[0]

    def post(self, *, headers: Mapping[str, str], body: bytes, channel: str = "sandbox") -> int:
        """Hand a message to the job and return the HTTP status it is answered with."""
        return notices.receive(channel=channel, message=Incoming(headers=headers, body=body), at=self.now)[0]

    def send(self) -> int:
        """Let the gateway send what is due over the wire; return how many notices it tried."""
        return sum(self.gateway.sender.work_once() for _ in range(6))

    def pay(self, order: Order) -> str:
        """Pay an order at the gateway and take the notice."""
        number = self.begin(order)
        for notice in self.play(order, number).notices:
            assert self.give(notice) == 200
        return number

    def a_paid_order(self, *, quantity: int = 1, product: Product | None = None) -> Order:
        order = self.an_order(quantity=quantity, product=product)
        self.pay(order)
        return order

    def cancel(self, order: Order, *positions: int, to: str = "original", key: str | None = None) -> tuple[str, ...]:
        claim = Claim(reason=CHANGED_MIND, positions=positions or None, refund_to=to)
        return claims.submit(actor=order.buyer, order_number=order.number, claim=claim, request=a_key(order.buyer, key), at=self.now)

    def run(self) -> int:
        """Let a worker do everything that is due now."""
        return sweeps.run_due(at=self.now)

    def move(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the market's clock past everything in between; nothing is run."""
        clock.set_now(self.now.now + timedelta(minutes=minutes, hours=hours, days=days))

    def run_for(self, *, minutes: int, step: int = 1) -> None:
        """Let a worker look each so many minutes."""
        for _ in range(0, minutes, step):
            self.move(minutes=step)
            self.run()

    def ask(self, query: str, *parameters: object) -> Any:
        """Look into the gateway's own books."""
        with self.gateway.store.transaction() as connection:
            row = connection.execute(query.encode(), parameters).fetchone()
        return row[0] if row else None

    def paid_back(self, order: Order) -> int:
        """What the gateway has really paid back of an order's payments."""
        return sum(
            int(
                self.ask(
                    "SELECT coalesce(sum(amount_minor), 0) FROM sandbox.refund WHERE payment_number = %s AND status = 'succeeded'", p.number
                )
            )
            for p in order.state.payments
        )

    def captured_really(self) -> int:
        """What the gateway has really taken for anybody, other sums than were asked for included."""
        return int(self.ask("SELECT coalesce(sum(coalesce(captured_minor, amount_minor)), 0) FROM sandbox.payment WHERE status = 'paid'"))

    def captured(self, order: Order) -> int:
        """What the gateway has really taken for an order."""
        return sum(
            int(self.ask("SELECT coalesce(sum(amount_minor), 0) FROM sandbox.payment WHERE number = %s AND status = 'paid'", p.number))
            for p in order.state.payments
        )


def refunds(order: Order) -> list[RefundView]:
    return refunds_of_order(shop_id=order.shop.id, order_id=order.state.id)


def attempts(order: Order) -> list[tuple[str, str]]:
    """Number and status of every refund attempt of an order, oldest first."""
    found = database.rows(
        "SELECT attempt.number, attempt.status FROM payments_attempt AS attempt JOIN payments_refund AS refund "
        "ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id WHERE refund.shop_id = %s AND refund.order_id = %s "
        "ORDER BY attempt.id",
        (order.shop.id, order.state.id),
    )
    return [(number, status) for number, status in found]


def events(order: Order) -> list[str]:
    """What happened to an order, in order."""
    found = database.rows(
        "SELECT what FROM core_event WHERE shop_id = %s AND order_id = %s ORDER BY sequence", (order.shop.id, order.state.id)
    )
    return [what for (what,) in found]


def owed(order: Order) -> int:
    """What our books say is still on its way back through the channel."""
    return order.shop.balance("refund_payable:sandbox")


def work(order: Order, topic: str) -> list[tuple[datetime, int, str | None, datetime | None]]:
    """Outbox rows of a topic in an order's shop: due, tries, failure, done."""
    found = database.rows(
        "SELECT due_at, tries, failure, done_at FROM core_outbox WHERE shop_id = %s AND topic = %s ORDER BY id", (order.shop.id, topic)
    )
    return [(row[0], row[1], row[2], row[3]) for row in found]


def snapshot() -> dict[str, str]:
    """A digest of everything a message could have changed. Asking a channel what it meant is no change."""
    rows = {"core_outbox": "(SELECT * FROM core_outbox WHERE topic <> 'question')"}
    digest = "SELECT md5(coalesce(string_agg(row::text, '|' ORDER BY row::text), '')) FROM {} AS row"
    return {table: str(database.value(digest.format(rows.get(table, table)))) for table in TABLES}


def questions() -> list[tuple[str, str | None]]:
    """Payment and answer of every question a channel was asked, oldest first."""
    found = database.rows("SELECT payment_number, answer FROM payments_question ORDER BY asked_at, payment_number")
    return [(number, answer) for number, answer in found]


def kept() -> list[tuple[str, str, str | None]]:
    """Verdict, reason and payment of every notice, oldest first."""
    found = database.rows("SELECT verdict, reason, payment_number FROM payments_notice ORDER BY id")
    return [(verdict, reason, number) for verdict, reason, number in found]


def _move(home: Path, at: datetime) -> None:
    real = datetime.now(UTC)
    if at > real + sandbox_clock.offset(home=home):
        sandbox_clock.set_now(home=home, at=at, real_now=real)


@contextmanager
def open_market(*, home: Path, gateway_database: str) -> Iterator[Market]:
    """Start a gateway, wire it in as config/wiring.py does, and take everything out again afterwards."""
    real, endpoint = Clock(), Endpoint()
    gateway = Gateway(
        settings=GatewaySettings(mode=Mode.SANDBOX, home=home, database_url=gateway_database, base_url="http://sandbox.test"),
        real_clock=real,
    )
    running = RunningGateway(gateway=gateway, host="127.0.0.1", port=0)
    channel = SandboxChannel(
        mode=Mode.SANDBOX,
        home=home,
        base_url=f"http://127.0.0.1:{running.port}",
        notify_url=f"{endpoint.address}{PATH}sandbox",
        real_clock=real,
    )
    channel.patience = PATIENCE
    before = (clock.offset, clock.set_now, dict(channels.channels))
    clock.offset, clock.set_now = lambda: sandbox_clock.offset(home=home), lambda at: _move(home, at)
    channels.channels["sandbox"] = channel
    try:
        yield Market(home=home, real=real, gateway=gateway, channel=channel, endpoint=endpoint)
    finally:
        clock.offset, clock.set_now = before[0], before[1]
        channels.channels.clear()
        channels.channels.update(before[2])
        tables = ("payment", "closed_unseen", "refund", "foretold", "notice", "preset", "nonce")
        with gateway.store.transaction() as connection:
            connection.execute(f"TRUNCATE {', '.join(f'sandbox.{table}' for table in tables)}".encode())
        channel.close_connections()
        running.stop()
        endpoint.close()
