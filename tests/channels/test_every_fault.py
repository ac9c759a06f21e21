"""Every fault of the gateway, in every operation, in every protocol: the lists are the gateway's own, so that nothing new goes untried.

What holds for all of them is little and strict. Without a believable answer the outcome is unknown, never failed; a sum that is not ours is
never told as ours; a notice is believed only for what the gateway really knows; and no money goes back twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from anka.adapters.channels import sandbox_play
from anka.adapters.channels.configured import sandbox_channels
from anka.adapters.channels.port import Channel, Evidence, EvidenceStatus, NoticeRefused, PaymentNotStarted, PaymentRequest, RefundRequest
from anka.sandbox.faults import ATTACKS, NOTICE_FAULTS, POSSIBLE, FaultName, Operation
from anka.sandbox.protocols import PROTOCOLS
from tests.databases import SharedServer
from tests.sandbox.world import PATIENCE, Merchant, World, build

S, Op, F = EvidenceStatus, Operation, FaultName
AMOUNT = 1_000
# Of these nothing is known afterwards, whatever happened at the gateway.
SILENT = frozenset({F.TIMEOUT_BEFORE, F.TIMEOUT_AFTER, F.ERROR_500, F.FORGED, F.DELAY})
# Operations a protocol has no word for; where it is asked nothing, nothing can go wrong with the answer.
NO_WORD = {
    "sandbox": {Op.START: "the browser brings the payment"},
    "alipay": {Op.START: "the browser brings the payment, but in WeChat", Op.MEND_REFUND: "there is no such call"},
    "epay": {
        Op.START: "the browser brings the payment",
        Op.CLOSE: "a payment cannot be closed; it is looked at instead",
        Op.QUERY_REFUND: "a refund has no number to ask by",
        Op.MEND_REFUND: "there is no such call",
    },
    "epay_v2": {Op.MEND_REFUND: "there is no such call"},
    "wechat": {},
    "stripe": {Op.MEND_REFUND: "there is no such call"},
}
# What is not a payment channel's.
NOT_HERE = {Op.ISSUER: "keys are asked about at the issuer: tests/sandbox/test_sandbox_issuer.py"}
COMBINATIONS = [
    pytest.param(code, operation, fault, id=f"{code} {operation} {fault}")
    for code in PROTOCOLS
    for operation, faults in POSSIBLE.items()
    if operation not in NOT_HERE
    for fault in sorted(faults)
]
_numbers = count(1)


@dataclass
class Everything:
    """One gateway with an adapter of ours for each of its protocols."""

    world: World
    channels: dict[str, Channel]

    def trade(self, code: str) -> Trade:
        self.world.real.at = datetime.now(UTC)
        return Trade(self, self.channels[code], f"Q{code.upper()}-{next(_numbers):06d}")


@dataclass
class Trade:
    """One payment at one channel, and its refund."""

    at: Everything
    channel: Channel
    number: str

    @property
    def now(self) -> datetime:
        return self.at.world.now()

    @property
    def currency(self) -> str:
        return "CNY"

    def start(self) -> None:
        wanted = PaymentRequest(
            number=self.number,
            amount_minor=AMOUNT,
            currency=self.currency,
            subject="云晶 100 枚",
            expires_at=self.now + timedelta(minutes=40),
            return_url="http://shop.test/orders/1",
        )
        started = self.channel.start(payment=wanted, now=self.now)
        if started.cashier_url.startswith(self.at.world.gateway_url):
            httpx.get(started.cashier_url, trust_env=False, follow_redirects=False, timeout=PATIENCE)

    def play(self, outcome: Any, *faults: Any) -> list[sandbox_play.ReturnedNotice]:
        told = sandbox_play.play_payment(channel=self.at.world.channel, number=self.number, outcome=outcome, faults=faults)
        return list(told.notices)

    def play_refund(self, outcome: Any, *faults: Any) -> list[sandbox_play.ReturnedNotice]:
        told = sandbox_play.play_refund(channel=self.at.world.channel, number=self.request.refund_number, outcome=outcome, faults=faults)
        return list(told.notices)

    @property
    def request(self) -> RefundRequest:
        found = self.at.world.one(f"SELECT transaction_number FROM sandbox.payment WHERE number = '{self.number}'")
        return RefundRequest(
            payment_number=self.number,
            refund_number=f"R{self.number}",
            amount_minor=AMOUNT,
            currency=self.currency,
            payment_amount_minor=AMOUNT,
            payment_channel_number=found,
        )

    def known(self, table: str) -> Any:
        """What the gateway knows of the payment, or of its refund."""
        number = self.number if table == "payment" else f"R{self.number}"
        return self.at.world.one(f"SELECT status FROM sandbox.{table} WHERE number = '{number}'")

    def refunded(self) -> int:
        """What the gateway has taken on to pay back."""
        asked = f"SELECT coalesce(sum(amount_minor), 0) FROM sandbox.refund WHERE payment_number = '{self.number}'"
        return int(self.at.world.one(asked))

    def do(self, operation: Operation) -> Evidence:
        """Ask the channel for one operation."""
        if operation is Op.QUERY:
            return self.channel.query_payment(number=self.number, now=self.now)
        if operation is Op.CLOSE:
            return self.channel.close(number=self.number, now=self.now).evidence
        acts = {Op.REFUND: self.channel.submit_refund, Op.QUERY_REFUND: self.channel.query_refund, Op.MEND_REFUND: self.channel.mend_refund}
        return acts[operation](request=self.request, now=self.now)

    def ready(self, operation: Operation) -> None:
        """Bring the payment to where the operation makes sense."""
        self.start()
        if operation is not Op.CLOSE:
            self.play("paid")
        if operation in (Op.QUERY_REFUND, Op.MEND_REFUND, Op.SETTLE_REFUND):
            self.channel.submit_refund(request=self.request, now=self.now)
        if operation is Op.MEND_REFUND:
            self.play_refund("abnormal")


@pytest.fixture(scope="module")
def everything(server: SharedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    home, merchant = tmp_path_factory.mktemp("every-fault"), Merchant()
    with server.empty("every_fault") as reached:
        world, running = build(home=home, database_url=reached, merchant=merchant)
        made, wrong = sandbox_channels(codes=PROTOCOLS, home=home, gateway_url=world.gateway_url, base_url="http://shop.test")
        assert wrong == {}
        channels: dict[str, Channel] = {"sandbox": world.channel, **made}
        for channel in channels.values():
            channel.patience = PATIENCE  # type: ignore[attr-defined]  # every adapter has it
        yield Everything(world, channels)
        for channel in channels.values():
            channel.close_connections()
        world.gateway.end_delays()
        running.stop()
        merchant.close()


@pytest.fixture
def trade(everything: Everything, code: str) -> Iterator[Trade]:
    yield everything.trade(code)
    for operation in POSSIBLE:
        sandbox_play.lift_faults(channel=everything.world.channel, operation=operation)


@pytest.mark.parametrize(("code", "operation", "fault"), COMBINATIONS)
def test_every_fault(trade: Trade, code: str, operation: Operation, fault: FaultName) -> None:
    if (fault in NOTICE_FAULTS and operation in (Op.PAY, Op.SETTLE_REFUND)) or fault is F.LATE:
        told_badly(trade, operation, fault)
    elif operation is Op.START:
        started_badly(trade, code, fault)
    else:
        answered_badly(trade, code, operation, fault)


def wish(fault: FaultName) -> Any:
    return {"fault": fault, "seconds": 30} if fault is F.DELAY else fault


def answered_badly(trade: Trade, code: str, operation: Operation, fault: FaultName) -> None:
    """An answer that cannot be believed leaves the outcome unknown; asked again, the truth is told, and nothing happened twice."""
    trade.ready(operation)
    trade.at.world.preset(operation, wish(fault))
    patience, trade.channel.patience = PATIENCE, 0.2 if fault is F.DELAY else PATIENCE  # type: ignore[attr-defined]
    try:
        heard = trade.do(operation)
    finally:
        trade.channel.patience = patience  # type: ignore[attr-defined]
    was_asked = trade.at.world.one("SELECT max(turn) FROM sandbox.preset") == 1
    assert was_asked == (operation not in NO_WORD[code])
    if was_asked and fault in SILENT:
        assert heard.status is S.UNKNOWN, heard
    if was_asked and fault is F.WRONG_AMOUNT:
        assert heard.status is S.UNKNOWN or heard.amount_minor != AMOUNT or operation is Op.CLOSE, heard
    assert heard.status is not S.FAILED, heard
    assert heard.status is not S.SUCCEEDED or trade.known("payment") == "paid"
    if trade.channel.manners.retries_refunds:
        assert trade.do(operation).status is not S.FAILED
    assert trade.refunded() <= AMOUNT


def started_badly(trade: Trade, code: str, fault: FaultName) -> None:
    """Where the channel is asked, no cashier is told of that nobody promised; the next try is the same payment."""
    trade.at.world.preset(Op.START, wish(fault))
    trade.channel.patience = 0.2 if fault is F.DELAY else PATIENCE  # type: ignore[attr-defined]
    try:
        if Op.START in NO_WORD[code]:
            trade.start()
        else:
            with pytest.raises(PaymentNotStarted):
                trade.start()
    finally:
        trade.channel.patience = PATIENCE  # type: ignore[attr-defined]
    trade.start()
    assert trade.known("payment") in (None, "open")


def told_badly(trade: Trade, operation: Operation, fault: FaultName) -> None:
    """Whatever comes in, only what the gateway knows is believed, for this number and this sum."""
    trade.ready(operation if operation is Op.SETTLE_REFUND else Op.CLOSE)
    play = trade.play_refund if operation is Op.SETTLE_REFUND else trade.play
    notices = play("succeeded" if operation is Op.SETTLE_REFUND else "paid", wish(fault))
    table = "refund" if operation is Op.SETTLE_REFUND else "payment"
    believed = 0
    for notice in notices:
        with suppress(NoticeRefused):
            said = trade.channel.read_notice(message=notice.incoming, now=trade.now)
            ours = said.number in (trade.number, trade.request.refund_number)
            good = said.kind in ("payment.paid", "refund.succeeded") and ours and said.evidence.amount_minor == AMOUNT
            believed += good
            assert not good or trade.known(table) in ("paid", "succeeded"), (notice, said)
    if fault in ATTACKS or fault in (F.NEVER, F.WRONG_AMOUNT):
        assert believed == 0


def test_every_operation_of_every_protocol_has_its_faults_tried() -> None:
    """The lists are the gateway's. What stands beside them is of protocols and operations that exist."""
    tried = {(param.values[0], param.values[1], param.values[2]) for param in COMBINATIONS}
    assert tried == {(c, o, f) for c in PROTOCOLS for o, faults in POSSIBLE.items() for f in faults if o not in NOT_HERE}
    assert set(NO_WORD) == set(PROTOCOLS)
    assert set(POSSIBLE) == set(Operation)
    assert {fault for faults in POSSIBLE.values() for fault in faults} == set(FaultName)
