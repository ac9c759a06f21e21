"""Thousands of random refunds against a channel in this process: every one ends where it belongs, none is paid twice, none is forgotten.

The channel is a second, small gateway in pure Python: it keeps the truth in a table and answers through the same port as every adapter,
as badly as it likes. What goes over the wire is tested beside it (test_refunds.py), with fewer scripts. One order with ten units carries
ten scripts, time is shared by a batch, and the audit looks at everything at its end.

    ANKA_TEST_REFUND_SCRIPTS=10000 pytest tests/jobs/test_refund_scripts.py
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from anka.adapters.channels.port import Evidence, EvidenceSource, EvidenceStatus, Manners, RefundRequest
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.choose_wallet import choose_wallet
from anka.flows.confirm_outcome import confirm_outcome
from anka.flows.decide_proof import approve_proof
from anka.flows.steps.judge import Claim
from anka.flows.stuck_refund import close_look, retry_refund
from anka.flows.transfer_by_hand import Transfer, begin_transfer, transfer_by_hand
from anka.jobs import audit, refunds, sweeps
from anka.jobs.channels import channels
from tests import builders
from tests.builders import Order, at
from tests.databases import Database

BATCHES, UNITS, PRICE = 20, 10, 100
SCRIPTS = int(os.environ.get("ANKA_TEST_REFUND_SCRIPTS", "10000" if os.environ.get("ANKA_NIGHTLY") else "2000"))
ORDERS = max(1, SCRIPTS // (BATCHES * UNITS))
END = datetime(2100, 1, 1, tzinfo=UTC)
MANNERS = {
    "again": Manners(),
    "mends": Manners(mends_abnormal=True),
    "once": Manners(retries_refunds=False),
}
E = EvidenceStatus
UNDER_WAY = "SELECT number FROM payments_attempt WHERE status NOT IN ('succeeded', 'closed', 'failed', 'reversed') ORDER BY number"
STUCK = """
SELECT refund.number, stuck.leg, stuck.reason, newest.number, newest.status, o.buyer_id, leg.amount_minor
FROM payments_stuck AS stuck JOIN payments_refund AS refund ON refund.shop_id = stuck.shop_id AND refund.id = stuck.refund_id
    JOIN payments_leg AS leg ON leg.shop_id = stuck.shop_id AND leg.refund_id = stuck.refund_id AND leg.leg = stuck.leg
    JOIN orders_order AS o ON o.shop_id = refund.shop_id AND o.id = refund.order_id
    CROSS JOIN LATERAL (SELECT * FROM payments_attempt AS attempt WHERE attempt.shop_id = leg.shop_id
        AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg ORDER BY attempt.id DESC LIMIT 1) AS newest
WHERE stuck.ended_at IS NULL AND leg.status = 'stuck' ORDER BY refund.number
"""
WAYS = "SELECT channel, count(*), sum(amount_minor) FROM payments_attempt WHERE status = 'succeeded' GROUP BY channel"


class Killed(BaseException):
    """The worker dies in the middle of a call."""


class Gateway:
    """A channel that knows what it did and says so badly. `truth` holds state and amount of every number it ever saw."""

    code = "sandbox"

    def __init__(self, manners: Manners, chance: random.Random) -> None:
        self.manners, self.chance, self.is_calm = manners, chance, False
        self.truth: dict[str, tuple[EvidenceStatus, int]] = {}
        self.sent: dict[str, int] = {}

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        self.sent[request.refund_number] = self.sent.get(request.refund_number, 0) + 1
        fault = "" if self.is_calm else self.chance.choice(("", "", "", "before", "after", "funds", "failed", "dies"))
        if fault == "before":
            return self._said(request, E.UNKNOWN, now, "answer")
        if fault in ("funds", "failed") and request.refund_number not in self.truth:
            return self._said(request, E.WAITING_FUNDS if fault == "funds" else E.FAILED, now, "answer")
        self.truth.setdefault(request.refund_number, (E.PROCESSING, request.amount_minor))
        if fault == "dies":
            raise Killed
        if not self.manners.retries_refunds and not fault:
            self.truth[request.refund_number] = (E.SUCCEEDED, request.amount_minor)
        return self._said(request, E.UNKNOWN if fault else self.truth[request.refund_number][0], now, "answer")

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        assert self.manners.retries_refunds, "this channel cannot be asked"
        if request.refund_number not in self.truth:
            return Evidence(status=E.UNKNOWN, number=request.refund_number, source="poll", observed_at=now, reason="refund_not_found")
        is_silent = not self.is_calm and self.chance.random() < 0.3
        return self._said(request, E.UNKNOWN if is_silent else self.truth[request.refund_number][0], now, "poll")

    def mend_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        assert self.truth[request.refund_number][0] == E.ABNORMAL
        if self.is_calm or self.chance.random() < 0.6:
            self.truth[request.refund_number] = (E.PROCESSING, request.amount_minor)
        return self._said(request, self.truth[request.refund_number][0], now, "answer")

    def _said(self, request: RefundRequest, status: EvidenceStatus, now: datetime, source: EvidenceSource) -> Evidence:
        known = status not in (E.UNKNOWN, E.FAILED, E.WAITING_FUNDS)
        is_wrong = known and not self.is_calm and self.chance.random() < 0.05
        amount = request.amount_minor + is_wrong if known else None
        return Evidence(status=status, number=request.refund_number, source=source, observed_at=now, amount_minor=amount, currency="CNY")

    def go_on(self) -> list[str]:
        """Let some refunds get further, and return about which the channel sends a notice."""
        open_now = [number for number, (status, _amount) in self.truth.items() if status in (E.PROCESSING, E.ABNORMAL)]
        moved = open_now if self.is_calm else self.chance.sample(open_now, k=len(open_now) // 2)
        for number in moved:
            outcomes = [E.SUCCEEDED] if self.is_calm else [E.SUCCEEDED] * 4 + [E.CLOSED, E.ABNORMAL]
            status, amount = self.truth[number]
            self.truth[number] = (self.chance.choice(outcomes) if status == E.PROCESSING else E.SUCCEEDED, amount)
        return [number for number in moved if self.chance.random() < 0.5]


class Forgetful(Gateway):
    """A channel that knows no numbers of refunds and does not say so: it pays as often as it is asked."""

    paid = 0

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        before = self.sent.get(request.refund_number, 0)
        said = super().submit_refund(request=request, now=now)
        self.paid += request.refund_number in self.truth and self.sent[request.refund_number] > before
        return said

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        return Evidence(status=E.UNKNOWN, number=request.refund_number, source="poll", observed_at=now, reason="refund_not_found")


class Batch:
    """Many refunds at once, on one clock."""

    def __init__(self, seed: int, manners: Manners, *, kind: type[Gateway] = Gateway, orders: int = ORDERS) -> None:
        self.chance = random.Random(seed)
        self.gateway = kind(manners, self.chance)
        channels["sandbox"] = self.gateway  # type: ignore[assignment]
        self.minutes = 10.0
        self.staff = [finance() for _ in range(2)]
        self.orders = [self.an_order() for _ in range(orders)]

    def an_order(self) -> Order:
        """An order of ten units, each of which goes back by itself."""
        product = builders.a_product(price_minor=PRICE, stock=UNITS)
        order = builders.a_sealed_order(quantity=UNITS, product=product)
        for position in range(1, UNITS + 1):
            order.cancel(Claim(reason=builders.CHANGED_MIND, positions=(position,)))
        return order

    def work(self) -> None:
        """Let workers do what is due; one that dies leaves its lease behind, and another takes it over in the end."""
        for _ in range(60):
            with suppress(Killed):
                if sweeps.work_off(at=at(self.minutes)) == 0:
                    return

    def step(self) -> None:
        self.minutes += self.chance.choice((0.3, 1, 1, 2, 16))
        self.work()
        for number in self.gateway.go_on():
            status, amount = self.gateway.truth[number]
            told = Evidence(
                status=status, number=number, source="notice", observed_at=at(self.minutes).now, amount_minor=amount, currency="CNY"
            )
            for _ in range(self.chance.randint(1, 2)):
                refunds.apply_notice(evidence=told, channel="sandbox", payment_number=payment_of(number), at=at(self.minutes))
        for line in database.rows(STUCK):
            if self.chance.random() < 0.3:
                self.look_after(line)

    def look_after(self, line: database.Row) -> None:
        """Somebody does what the queue offers; what is refused is left to the next."""
        refund, leg, reason, number, status, buyer, amount = line
        when, (first, second) = at(self.minutes), self.staff
        with suppress(Refusal):
            if reason == "paid_twice":
                # The channel spoke of another sum; it is asked, and says that it was a mistake.
                close_look(actor=first, refund_number=refund, leg=leg, text="asked the channel", at=when)
            elif reason == "outcome_unknown":
                says = AttemptState.SUCCEEDED if self.gateway.truth.get(number, (E.FAILED, 0))[0] == E.SUCCEEDED else AttemptState.FAILED
                confirm_outcome(actor=first, refund_number=refund, leg=leg, says=says, reference=number, at=when)
                approve_proof(actor=second, refund_number=refund, leg=leg, reference=number, at=when)
                if says == AttemptState.FAILED:
                    # The console is read and the channel told to leave it.
                    self.gateway.truth.pop(number, None)
            elif reason == "by_hand":
                made = Transfer(payee="Zhang San", bank="1", reference=f"B{refund}", amount_minor=amount)
                transfer_by_hand(actor=first, refund_number=refund, leg=leg, transfer=made, at=when)
                approve_proof(actor=second, refund_number=refund, leg=leg, reference=made.reference, at=when)
            elif self.chance.random() < 0.5 and status not in ("abnormal", "manual"):
                retry_refund(actor=first, refund_number=refund, leg=leg, at=when)
            else:
                if self.chance.random() < 0.6:
                    choose_wallet(actor=Actor(kind=ActorKind.BUYER, person_id=buyer), refund_number=refund, leg=leg, at=when)
                else:
                    begin_transfer(actor=first, refund_number=refund, leg=leg, at=when)
                if status == "abnormal":
                    self.gateway.truth.pop(number, None)

    def calm_down(self) -> None:
        """The channel behaves from now on, and somebody looks after everything that is stuck."""
        self.gateway.is_calm = True
        for _ in range(40):
            self.gateway.go_on()
            self.minutes += 61
            self.work()
            lines = database.rows(STUCK)
            for line in lines:
                self.look_after(line)
            if not lines and not database.rows(UNDER_WAY):
                return

    def check(self) -> None:
        assert database.rows(UNDER_WAY) == []
        assert [order.shop.balance("refund_payable:sandbox") for order in self.orders] == [0] * len(self.orders)
        assert all(order.moneys == ["refunded"] * UNITS for order in self.orders)
        ways = {channel: int(times) for channel, times, _sum in database.rows(WAYS)}
        assert sum(ways.values()) == len(self.orders) * UNITS
        paid = [number for number, (status, _amount) in self.gateway.truth.items() if status == E.SUCCEEDED]
        assert len(paid) == ways.get("sandbox", 0), ways
        if not self.gateway.manners.retries_refunds:
            again = "SELECT count(*) FROM payments_evidence WHERE status = 'waiting_funds'"
            assert sum(self.gateway.sent.values()) - len(self.gateway.sent) == database.value(again)
        assert audit.audit(now=END) == []


def finance() -> Actor:
    person = builders.a_person()
    appoint_staff(actor=builders.OPERATOR, person_id=person, role="finance")
    return Actor(kind=ActorKind.PLATFORM, person_id=person)


def payment_of(number: str) -> str:
    asked = (
        "SELECT payment.number FROM payments_attempt AS attempt JOIN payments_leg AS leg ON leg.shop_id = attempt.shop_id AND"
        " leg.refund_id = attempt.refund_id AND leg.leg = attempt.leg JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id"
        " AND payment.id = leg.payment_id WHERE attempt.number = %s"
    )
    return str(database.value(asked, (number,)))


@pytest.fixture
def wired(fresh_database: Database) -> Iterator[None]:
    """A database of its own, so that sweeps find these refunds alone; the channels of others are put back."""
    assert fresh_database
    before = dict(channels)
    yield
    channels.clear()
    channels.update(before)


@pytest.mark.usefixtures("wired")
@pytest.mark.parametrize("seed", range(BATCHES))
def test_random_refunds_end_where_they_belong(seed: int) -> None:
    batch = Batch(seed, list(MANNERS.values())[seed % len(MANNERS)])
    for _ in range(8):
        batch.step()
    batch.calm_down()
    batch.check()


@pytest.mark.usefixtures("wired")
def test_a_channel_that_knows_no_numbers_pays_twice_when_it_is_asked_like_one_that_does() -> None:
    """The control: without `retries_refunds=False` the scripts find second payments."""
    batch = Batch(1, Manners(), kind=Forgetful, orders=2)
    for _ in range(8):
        batch.step()
    assert isinstance(batch.gateway, Forgetful)
    assert batch.gateway.paid > 2 * UNITS
