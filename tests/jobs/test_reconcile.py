"""A channel's bill against our books: what agrees is posted once, what differs is found, in both directions, and settles by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import BadInput, NotFound
from anka.domain.dispute_states import DisputeState
from anka.domain.refund_states import AttemptState
from anka.flows.decide_difference import DifferenceDecided, SecondDecisionNeeded, decide_difference
from anka.flows.record_dispute import record_dispute
from anka.flows.steps.dispute_notice import DisputeNotice
from anka.flows.stuck_refund import retry_refund
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import take_payment
from anka.jobs import reconcile
from anka.payments import bills
from anka.payments.bills import CHINA
from tests.builders import Order, a_cancelled_order, a_paid_order, a_payment, a_placed_order, at
from tests.faults.flows import attempts
from tests.flows.ladder import finance, refund, say
from tests.jobs.billing import DAY, MORNING, NEXT, PRICE, a_bill, a_line, compared, found, inbox, line_of, refund_line, refunded, staff

pytestmark = [pytest.mark.no_database, pytest.mark.usefixtures("quiet_day")]


def everything() -> dict[str, str]:
    tables = ("payments_bill", "payments_bill_line", "payments_difference", "payments_difference_step", "ledger_journal", "ledger_transfer")
    return {
        table: database.value(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} AS t") for table in tables
    }


def test_what_agrees_is_clean_and_its_fee_is_posted_once() -> None:
    order = a_paid_order()
    for _ in range(2):
        outcome = compared(line_of(order, fee_minor=60))
        assert (dict(outcome.lines), outcome.absent, found()) == ({"matched": 1}, 0, [])
        assert order.shop.balance("psp_fee") == 60
        assert order.shop.balance("psp:sandbox:clearing") == PRICE - 60


def test_a_day_compared_twice_changes_nothing() -> None:
    order, number = refunded()
    lines = (
        line_of(order, fee_minor=60),
        refund_line(order, number, fee_minor=-60),
        a_line("settlement", channel_number="SET1", amount_minor=5_000),
        a_line(number="QM-NOBODY", channel_number="TX-NOBODY"),
        a_line("other", channel_number="ODD"),
    )
    compared(*lines)
    before = everything()
    compared(*lines)
    after = everything()
    assert {table for table in before if before[table] != after[table]} <= {"payments_bill"}
    assert found() == [("not_taken", None, PRICE), ("other", None, PRICE)]
    assert (order.shop.balance("psp_fee"), order.shop.balance("psp:sandbox:clearing")) == (0, PRICE)


def drawable() -> int:
    return int(database.value("SELECT account_balance(0, 'psp:sandbox:available', 'CNY')"))


def test_a_settlement_moves_what_the_channel_paid_out() -> None:
    order, before = a_paid_order(), drawable()
    settled = a_line("settlement", channel_number="SET9", amount_minor=9_940)
    compared(line_of(order, fee_minor=60), settled)
    assert drawable() - before == 9_940
    # Another sum under the same number is not posted a second time: somebody has to look.
    compared(line_of(order, fee_minor=60), replace(settled, amount_minor=9_000))
    assert found() == [("settlement_differs", 9_940, 9_000)]
    assert drawable() - before == 9_940


@pytest.mark.parametrize(
    ("change", "kind", "ours", "theirs"),
    [
        ({"amount_minor": PRICE - 1}, "amount_differs", PRICE, PRICE - 1),
        ({"currency": "USD"}, "amount_differs", PRICE, PRICE),
        ({"channel_number": "TX-OTHER"}, "not_taken", None, PRICE),
    ],
)
def test_a_payment_that_differs(change: dict[str, Any], kind: str, ours: int | None, theirs: int) -> None:
    order = a_paid_order()
    compared(replace(line_of(order), **change))
    assert (kind, ours, theirs) in found()


def test_what_the_bill_says_twice_is_told_twice() -> None:
    order = a_paid_order()
    compared(line_of(order), line_of(order))
    assert found() == [("twice", PRICE, PRICE)]
    # Also where the second stands on the bill of another day.
    compared(line_of(order), day=NEXT, when=at(days=2))
    assert found() == [("twice", PRICE, PRICE)] * 2


def test_two_refunds_of_one_payment_are_not_the_same() -> None:
    """Some channels give a payment and all its refunds one number."""
    first, number = refunded()
    other, another = refunded()
    compared(line_of(first), line_of(other), refund_line(first, number), replace(refund_line(other, another), channel_number=f"RF{number}"))
    assert found() == []


def test_taken_here_and_not_on_the_bill() -> None:
    order = a_paid_order()
    compared()
    assert found() == [("not_on_bill", PRICE, None)]
    # The channel corrects its bill.
    outcome = compared(line_of(order))
    assert (found(), outcome.settled) == ([], 1)
    assert found("corrected") == [("not_on_bill", PRICE, None)]
    # And takes the correction back.
    compared()
    assert found() == [("not_on_bill", PRICE, None)]


def taken_at(when: datetime) -> Order:
    order = a_placed_order()
    take_payment(paid=a_payment(order), at=Moment(now=when, real=when))
    return order


def test_what_crosses_midnight_is_looked_for_on_both_days() -> None:
    midnight = datetime.combine(NEXT, datetime.min.time(), tzinfo=CHINA)
    crossing = taken_at(midnight - timedelta(minutes=1))
    outcome = compared()
    assert (outcome.absent, outcome.waiting, found()) == (0, 1, [])
    outcome = compared(replace(line_of(crossing), occurred_at=midnight + timedelta(seconds=1)), day=NEXT, when=at(days=2))
    assert (outcome.waiting, found()) == (0, [])


def test_what_crosses_midnight_and_never_comes_is_a_difference() -> None:
    midnight = datetime.combine(NEXT, datetime.min.time(), tzinfo=CHINA)
    taken_at(midnight - timedelta(minutes=1))
    assert compared().waiting == 1
    compared(day=NEXT, when=at(days=2))
    assert found() == [("not_on_bill", PRICE, None)]


def test_a_neighbour_that_is_never_read_is_not_waited_for_long() -> None:
    midnight = datetime.combine(NEXT, datetime.min.time(), tzinfo=CHINA)
    taken_at(midnight - timedelta(minutes=1))
    assert compared(when=at(days=1)).waiting == 1
    outcome = compared(when=at(days=6))
    assert (outcome.waiting, found()) == (0, [("not_on_bill", PRICE, None)])


def test_a_refund_that_agrees() -> None:
    order, number = refunded()
    compared(line_of(order), refund_line(order, number))
    assert found() == []


def test_a_refund_paid_there_and_open_here_is_done_by_the_bill() -> None:
    order = a_cancelled_order()
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    compared(line_of(order), refund_line(order, number))
    assert found() == []
    assert database.rows("SELECT source, status, applied FROM payments_evidence") == [("bill", "succeeded", True)]
    assert order.shop.balance("refund_payable:sandbox") == 0


def test_a_refund_of_another_sum_stays_open() -> None:
    order = a_cancelled_order()
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    compared(line_of(order), refund_line(order, number, amount_minor=1))
    assert found() == [("refund_open", None, 1)]
    assert order.shop.balance("refund_payable:sandbox") == PRICE


def test_refunds_that_differ() -> None:
    order, number = refunded()
    compared(line_of(order), refund_line(order, number, amount_minor=PRICE - 1), refund_line(order, "QM-TNOBODY"))
    assert found() == [("refund_differs", PRICE, PRICE - 1), ("refund_unknown", None, PRICE)]


def test_a_refund_done_here_and_not_there() -> None:
    order, _number = refunded()
    compared(line_of(order))
    assert found() == [("refund_not_on_bill", PRICE, None)]


def test_a_reversal_is_owed_to_the_buyer_again_and_waits_for_a_person() -> None:
    order, number = refunded()
    lines = (line_of(order), refund_line(order, number), replace(refund_line(order, number), kind="refund_reversed"))
    for _ in range(2):
        compared(*lines)
        assert found() == []
        assert order.shop.balance("refund_payable:sandbox") == PRICE
    assert database.rows("SELECT source, status, applied FROM payments_evidence ORDER BY id")[-1] == ("bill", "failed", True)
    assert database.rows("SELECT reason FROM payments_stuck WHERE shop_id = %s", (order.shop.id,)) == [("reversed",)]


def fees(order: Order) -> int:
    """What channels kept of this shop's money, on balance."""
    return order.shop.balance("psp_fee")


@pytest.mark.parametrize("back", [0, 60, 40])
def test_the_fee_of_a_reversal_is_its_own(back: int) -> None:
    order, number = refunded()
    reversal = replace(refund_line(order, number), kind="refund_reversed", fee_minor=back)
    lines = (line_of(order, fee_minor=60), replace(refund_line(order, number), fee_minor=-60), reversal)
    for _ in range(2):
        compared(*lines)
        assert (found(), fees(order)) == ([], back)
    compared(*lines[:2], replace(reversal, fee_minor=70))
    assert (found(), fees(order)) == ([("fee_differs", back, 70)] if back else [], back or 70)


def test_a_refund_that_came_back_and_went_out_again_is_compared_with_its_own_round() -> None:
    order, number = refunded()
    first, reversal = refund_line(order, number), replace(refund_line(order, number), kind="refund_reversed")
    compared(line_of(order), first, reversal)
    again = retry_refund(actor=finance(), refund_number=refund(order), leg=1, at=at(days=1, minutes=1))
    submit_attempt(number=again, at=at(days=1, minutes=2))
    second = replace(refund_line(order, again), channel_number=f"RF{again}")
    compared(line_of(order), first, reversal, replace(second, amount_minor=PRICE - 1))
    # The first round's journal, of the right sum, says nothing about the second.
    assert [kind for kind, _ours, _theirs in found()] == ["refund_open"]
    say(order, AttemptState.SUCCEEDED, minutes=24 * 60 + 3)
    compared(line_of(order), first, reversal, second)
    assert (found(), order.shop.balance("refund_payable:sandbox")) == ([], 0)
    compared(line_of(order), first, reversal, second, replace(reversal, number=again, channel_number=f"RF{again}"))
    assert (found(), order.shop.balance("refund_payable:sandbox")) == ([], PRICE)


def test_a_reversal_of_another_sum_is_no_evidence() -> None:
    order, number = refunded()
    compared(line_of(order), refund_line(order, number), replace(refund_line(order, number), kind="refund_reversed", amount_minor=1))
    assert found() == [("reversal_open", None, 1)]
    assert order.shop.balance("refund_payable:sandbox") == 0


def test_a_fee_that_changes_is_not_posted_again() -> None:
    order = a_paid_order()
    compared(line_of(order, fee_minor=60))
    compared(line_of(order, fee_minor=70))
    assert found() == [("fee_differs", 60, 70)]
    assert order.shop.balance("psp_fee") == 60


def test_the_worker_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "BATCH", 2)
    orders = [a_paid_order() for _ in range(5)]
    kept = reconcile.keep(
        channel="sandbox", bill=a_bill(*(line_of(order, fee_minor=1) for order in orders)), origin=("asked", "system:test"), at=MORNING
    )
    reconcile._go_on(kept, MORNING)
    half = bills.current_bill(channel="sandbox", day=DAY)
    assert half is not None
    assert (half.compared_to, half.compared_at) == (4, None)
    reconcile._go_on(half, MORNING)
    whole = bills.current_bill(channel="sandbox", day=DAY)
    assert whole is not None
    assert (whole.compared_to, whole.compared_at) == (5, MORNING.now)
    assert [order.shop.balance("psp_fee") for order in orders] == [1] * 5


def test_a_small_difference_is_closed_by_one_with_a_note() -> None:
    compared(a_line("other", channel_number="ODD", amount_minor=500))
    (one,) = inbox()
    for note in ("", "x" * 2001):
        with pytest.raises(BadInput):
            decide_difference(actor=staff(), difference_id=one.id, decision="explained", note=note, at=MORNING)
    with pytest.raises(NotFound):
        decide_difference(actor=staff("arbiter"), difference_id=one.id, decision="explained", note="n", at=MORNING)
    assert decide_difference(actor=staff(), difference_id=one.id, decision="explained", note="a monthly fee", at=MORNING) == "explained"
    with pytest.raises(DifferenceDecided):
        decide_difference(actor=staff(), difference_id=one.id, decision="corrected", note="n", at=MORNING)
    # Comparing again leaves what a person has decided; another sum is another matter.
    compared(a_line("other", channel_number="ODD", amount_minor=500))
    assert found() == []
    compared(a_line("other", channel_number="ODD", amount_minor=501))
    assert found() == [("other", None, 501)]


def test_a_large_difference_needs_two() -> None:
    compared(a_line("other", channel_number="ODD", amount_minor=100_000))
    (one,) = inbox()
    first, second = staff(), staff("admin")
    assert decide_difference(actor=first, difference_id=one.id, decision="corrected", note="booked by hand", at=MORNING) == "proposed"
    with pytest.raises(SecondDecisionNeeded):
        decide_difference(actor=first, difference_id=one.id, decision="corrected", note="again", at=MORNING)
    assert decide_difference(actor=second, difference_id=one.id, decision="explained", note="no", at=MORNING) == "proposed"
    assert decide_difference(actor=first, difference_id=one.id, decision="explained", note="yes", at=MORNING) == "explained"
    steps: Sequence[tuple[str, str]] = database.rows("SELECT step, note FROM payments_difference_step ORDER BY id")
    assert [step for step, _note in steps] == ["found", "proposed", "proposed", "explained"]


def test_a_chargeback_on_the_bill_is_ours_or_a_difference() -> None:
    order = a_paid_order()
    known, unknown = f"dp_{order.number}", f"dp_{order.number}_2"
    payment = order.state.payments[0].number
    notice = DisputeNotice(said=DisputeState.OPEN, channel="sandbox", payment_number=payment, channel_number=known)
    record_dispute(notice=notice, at=at(3))
    outcome = compared(line_of(order), a_line("dispute", channel_number=known), a_line("dispute", channel_number=unknown))
    assert dict(outcome.lines) == {"matched": 2, "dispute": 1}
    assert found() == [("dispute", None, PRICE)]
    compared(line_of(order), a_line("dispute", channel_number=known, amount_minor=PRICE - 1))
    assert [one.kind for one in inbox()] == ["dispute"]
