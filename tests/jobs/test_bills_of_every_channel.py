"""Every protocol's own bill against our books, over the real gateway: what agrees leaves nothing over, what differs is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from anka.core.clock import moment
from anka.flows.decide_difference import decide_difference
from anka.jobs import audit, channels, reconcile
from anka.payments import bills
from anka.payments.bills import DifferenceState
from tests.builders import Order
from tests.databases import Database
from tests.jobs.billing import staff
from tests.jobs.conftest import END
from tests.jobs.every_channel import CODES, EveryChannel, make_keys, open_every_channel
from tests.jobs.market import PRICE, attempts, refunds


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("every-channel")
    make_keys(home=home)
    return home


@pytest.fixture
def every(fresh_database: Database, gateway_database: str, keys: Path, tmp_path: Path) -> Iterator[EveryChannel]:
    """The market with every channel; clean by every invariant afterwards."""
    with open_every_channel(home=tmp_path, keys=keys, gateway_database=gateway_database) as every:
        every.noon()
        yield every
        assert audit.audit(now=END) == []


def test_a_day_of_payments_and_refunds_agrees_to_the_last_cent(every: EveryChannel) -> None:
    for code in CODES:
        every.paid(code)
        every.refunded(code, quantity=2, positions=(1,))
        every.refunded(code)
    every.market.run()
    every.market.run_for(minutes=6)
    day = every.next_morning()
    for code in CODES:
        assert (code, every.reconcile(code, day)) == (code, [])
        assert every.told(code, day, "payment") == (4 * PRICE, 4 * 60)
        assert every.told(code, day, "refund") == (2 * PRICE, 0)
        settled, _fee = every.told(code, day, "settlement")
        # The channel owes us nothing any more, and what can be drawn is what it paid out less what went back.
        assert (every.held(code, "clearing"), every.held(code, "available")) == (4 * PRICE - 4 * 60 - settled, settled - 2 * PRICE)
        assert settled == 4 * PRICE - 4 * 60


@dataclass
class Planted:
    """What was made to differ at one channel's gateway, behind our back."""

    other_sum: Order
    not_billed: Order
    billed_only: Order
    paid_back_silently: Order


def plant(every: EveryChannel, code: str) -> Planted:
    """Let a channel bill another sum, forget a payment, bill one nobody told us of, and pay back without a word."""
    planted = Planted(every.paid(code), every.paid(code), every.market.an_order(), every.paid(code))
    every.change_gateway("UPDATE sandbox.payment SET captured_minor = amount_minor - 30 WHERE number = %s", every.number(planted.other_sum))
    every.change_gateway(
        "UPDATE sandbox.payment SET changed_at = changed_at - interval '30 days' WHERE number = %s", every.number(planted.not_billed)
    )
    every.unnoticed(code, planted.billed_only)
    every.market.preset("refund", "never")
    every.market.cancel(planted.paid_back_silently)
    every.market.run()
    every.change_gateway(
        "UPDATE sandbox.refund SET status = 'succeeded', succeeded_at = changed_at WHERE number = %s",
        every.attempt(planted.paid_back_silently),
    )
    return planted


def test_every_difference_is_found_and_corrected_by_every_bill(every: EveryChannel) -> None:
    planted = {code: plant(every, code) for code in CODES}
    day = every.next_morning()
    for code, made in planted.items():
        found = every.reconcile(code, day)
        assert sorted((one.kind.value, one.ours_minor, one.theirs_minor) for one in found) == [
            ("amount_differs", PRICE, PRICE - 30),
            ("not_on_bill", PRICE, None),
        ]
        # What the bill knew and we did not is in our books by now.
        assert made.billed_only.state.paid_minor == PRICE
        assert attempts(made.paid_back_silently) == [(every.attempt(made.paid_back_silently), "succeeded")]
        before = every.held(code, "clearing")
        for one in found:
            note = "the channel is right"
            assert decide_difference(actor=staff(), difference_id=one.id, decision="corrected", note=note, at=moment()) == "corrected"
        assert every.held(code, "clearing") == before - 30 - PRICE
        # With that, and the fees, our books say to the last cent what the channel's bill says.
        settled, fees = every.told(code, day, "settlement")[0], every.told(code, day, "payment")[1]
        billed, back = every.told(code, day, "payment")[0], every.told(code, day, "refund")[0]
        assert (every.held(code, "clearing"), every.held(code, "available")) == (billed - fees - settled, settled - back)
        assert (settled, every.reconcile(code, day)) == (billed - fees, [])


def test_a_refund_that_came_back_is_taken_back_by_the_bill(every: EveryChannel) -> None:
    # The other two protocols' bills have no line for it.
    orders = {code: every.refunded(code) for code in ("sandbox", "stripe")}
    every.market.run()
    every.market.run_for(minutes=6)
    for order in orders.values():
        every.market.play_refund(every.attempt(order), "failed")
    day = every.next_morning()
    for code, order in orders.items():
        assert (code, every.reconcile(code, day)) == (code, [])
        assert attempts(order) == [(every.attempt(order), "reversed")]
        assert [refund.status for refund in refunds(order)] == ["stuck"]
        assert order.shop.balance(f"refund_payable:{code}") == PRICE
        assert every.told(code, day, "refund_reversed") == (PRICE, 0)
        settled, _fee = every.told(code, day, "settlement")
        assert (every.held(code, "clearing"), every.held(code, "available")) == (0, settled)


def test_a_refund_that_wechat_gave_back_to_us_is_for_a_person(every: EveryChannel) -> None:
    order = every.refunded("wechat")
    every.market.run()
    every.market.play_refund(every.attempt(order), "abnormal")
    every.market.run_for(minutes=4)
    assert attempts(order) == [(every.attempt(order), "failed")]
    day = every.next_morning()
    assert [(one.kind.value, one.number, one.theirs_minor) for one in every.reconcile("wechat", day)] == [
        ("other", every.attempt(order), PRICE)
    ]


@pytest.mark.parametrize("kind", ["payment", "refund"])
def test_a_line_that_stands_twice_is_told_once_and_its_fee_is_posted_once(every: EveryChannel, kind: str) -> None:
    for code in CODES:
        every.refunded(code)
    every.market.run()
    every.market.run_for(minutes=6)
    day = every.next_morning()
    for code in CODES:
        told = channels.channel(code).bill(day=day, now=every.market.now.now)
        (line,) = [line for line in told.lines if line.kind == kind]
        doubled = replace(told, lines=(*told.lines, line), digest="ab" * 32)
        kept = reconcile.keep(channel=code, bill=doubled, origin=("file", "operator:test"), at=every.market.now)
        reconcile.compare(bill=kept, at=every.market.now)
        found = bills.inbox(status=DifferenceState.OPEN, channel=code, day=day, after=None, limit=10)
        assert [(code, one.kind.value, one.theirs_minor) for one in found] == [(code, "twice", PRICE)]
        assert (every.held(code, "clearing"), every.held(code, "available")) == (0, PRICE - 60 - PRICE)
