"""Deciding that a difference was corrected posts what makes our books agree with the bill, once; explaining it posts nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from anka.adapters.channels.port import BillLine
from anka.core import database
from anka.domain.dispute_states import DisputeState
from anka.flows.decide_difference import CorrectionDiffers, DifferenceDecided, decide_difference
from anka.flows.record_dispute import record_dispute
from anka.flows.steps.dispute_notice import DisputeNotice
from anka.jobs import audit
from anka.payments.bills import Difference
from anka.payments.differences import correction_of, places
from tests.builders import Order, Shop, a_paid_order, at
from tests.jobs.billing import MORNING, PRICE, a_line, compared, found, inbox, line_of, refund_line, refunded, staff
from tests.jobs.conftest import END

pytestmark = [pytest.mark.no_database, pytest.mark.usefixtures("quiet_day")]
CLEARING, AVAILABLE = "psp:sandbox:clearing", "psp:sandbox:available"
POSTED = "SELECT shop_id, journal_key, corrected_minor FROM payments_difference_step WHERE journal_key IS NOT NULL ORDER BY id"


def decide(one: Difference, decision: str = "corrected", **more: Any) -> str:
    return decide_difference(actor=staff(), difference_id=one.id, decision=decision, note="the bill is right", at=MORNING, **more)


def balances(shop: Shop) -> dict[str, int]:
    return {account: shop.balance(account) for account in (CLEARING, AVAILABLE, "psp_fee", "recon_diff")}


def moved(shop: Shop, act: Callable[[], object]) -> dict[str, int]:
    """What changed in a shop's books while something was done."""
    before = balances(shop)
    act()
    return {account: value - before[account] for account, value in balances(shop).items() if value != before[account]}


def violations(one: Difference) -> list[audit.Violation]:
    """What the audit finds about bills, or about this difference; what other tests corrected has lost its difference."""
    about = ("bill of", f"difference {one.id} ", f"journal recon:{one.id}:")
    return [found for found in audit.audit(now=END) if found.invariant == "I23" and found.where.startswith(about)]


def planted(lines: tuple[BillLine, ...]) -> Difference:
    compared(*lines)
    (one,) = inbox()
    return one


def payment_of(sum_minor: int) -> tuple[Order, tuple[BillLine, ...]]:
    order = a_paid_order()
    return order, (line_of(order, amount_minor=sum_minor),)


def refund_of(sum_minor: int) -> tuple[Order, tuple[BillLine, ...]]:
    order, number = refunded()
    return order, (line_of(order), refund_line(order, number, amount_minor=sum_minor))


def refund_twice() -> tuple[Order, tuple[BillLine, ...]]:
    order, number = refunded()
    return order, (line_of(order), refund_line(order, number), refund_line(order, number))


def payment_twice() -> tuple[Order, tuple[BillLine, ...]]:
    order = a_paid_order()
    return order, (line_of(order), line_of(order))


def payment_missing() -> tuple[Order, tuple[BillLine, ...]]:
    return a_paid_order(), ()


CASES: list[tuple[str, Callable[[], tuple[Order, tuple[BillLine, ...]]], dict[str, int]]] = [
    ("amount_differs", lambda: payment_of(PRICE - 30), {CLEARING: -30, "recon_diff": 30}),
    ("amount_differs", lambda: payment_of(PRICE + 30), {CLEARING: 30, "recon_diff": -30}),
    ("not_on_bill", payment_missing, {CLEARING: -PRICE, "recon_diff": PRICE}),
    ("refund_differs", lambda: refund_of(PRICE + 5), {AVAILABLE: -5, "recon_diff": 5}),
    ("refund_differs", lambda: refund_of(PRICE - 5), {AVAILABLE: 5, "recon_diff": -5}),
    ("twice", payment_twice, {CLEARING: PRICE, "recon_diff": -PRICE}),
    ("twice", refund_twice, {AVAILABLE: -PRICE, "recon_diff": PRICE}),
]


@pytest.mark.parametrize(("kind", "plant", "moves"), CASES)
def test_what_is_corrected_is_posted_once_and_named(
    kind: str, plant: Callable[[], tuple[Order, tuple[BillLine, ...]]], moves: dict[str, int]
) -> None:
    order, lines = plant()
    one = planted(lines)
    assert one.kind == kind
    assert moved(order.shop, lambda: decide(one)) == moves
    amount = next(value for account, value in moves.items() if account != "recon_diff")
    assert database.rows(POSTED) == [(order.shop.id, f"recon:{one.id}:1", amount)]

    def again() -> None:
        with pytest.raises(DifferenceDecided):
            decide(one)
        compared(*lines)

    assert (moved(order.shop, again), found()) == ({}, [])
    assert violations(one) == []


@pytest.mark.parametrize(("kind", "plant", "moves"), CASES)
def test_what_is_explained_posts_nothing(kind: str, plant: Callable[[], tuple[Order, tuple[BillLine, ...]]], moves: dict[str, int]) -> None:
    order, lines = plant()
    one = planted(lines)
    assert (one.kind, bool(moves)) == (kind, True)
    assert moved(order.shop, lambda: decide(one, "explained")) == {}
    assert database.rows(POSTED) == []


def test_a_fee_is_corrected_and_every_later_bill_starts_from_there() -> None:
    order = a_paid_order()
    compared(line_of(order, fee_minor=60))
    for told, moves in ((70, 10), (65, -5), (60, -5)):
        compared(line_of(order, fee_minor=told))
        (one,) = inbox()
        assert moved(order.shop, partial(decide, one)) == {"psp_fee": moves, CLEARING: -moves}
    assert order.shop.balance("psp_fee") == 60
    assert [key.rpartition(":")[2] for _shop, key, _minor in database.rows(POSTED)] == ["1", "2", "3"]


def test_a_settlement_is_corrected() -> None:
    def platform(code: str) -> int:
        return int(database.value("SELECT account_balance(0, %s, 'CNY')", (code,)))

    settled = a_line("settlement", channel_number="SET-CORRECTED", amount_minor=9_940)
    compared(settled)
    compared(replace(settled, amount_minor=9_900))
    (one,) = inbox()
    before = (platform(AVAILABLE), platform(CLEARING))
    decide(one)
    assert (platform(AVAILABLE), platform(CLEARING)) == (before[0] - 40, before[1] + 40)


def test_a_refund_nobody_asked_for_is_the_platforms_loss() -> None:
    one = planted((a_line("refund", number="QM-TNOBODY", channel_number="RF-CONSOLE", amount_minor=70),))
    before = int(database.value("SELECT account_balance(0, 'recon_diff', 'CNY')"))
    decide(one)
    assert int(database.value("SELECT account_balance(0, 'recon_diff', 'CNY')")) == before + 70


@pytest.mark.parametrize(
    "plant",
    [
        lambda: (line_of(a_paid_order(), currency="USD", amount_minor=PRICE - 1),),
        lambda: (a_line("other", channel_number="MONTHLY"),),
        lambda: (a_line("dispute", channel_number="DP1"),),
        lambda: (a_line(number="QM-NOBODY", channel_number="TX-NOBODY"),),
    ],
    ids=["another currency", "other", "dispute", "nobody's payment"],
)
def test_what_a_correction_cannot_put_right_posts_nothing(plant: Callable[[], tuple[BillLine, ...]]) -> None:
    one = planted(plant())
    assert correction_of(difference=one, place=places(ids=[one.id])[one.id]) is None
    before = database.value("SELECT count(*) FROM ledger_journal")
    assert decide(one) == "corrected"
    assert database.value("SELECT count(*) FROM ledger_journal") == before


def test_a_disputed_payment_leads_to_its_order() -> None:
    order = a_paid_order()
    (payment,) = [one.number for one in order.state.payments if one.transaction_number]
    notice = DisputeNotice(said=DisputeState.OPEN, channel="sandbox", payment_number=payment, channel_number="DP-KNOWN")
    record_dispute(notice=notice, at=at(3))
    compared(line_of(order), a_line("dispute", channel_number="DP-KNOWN", amount_minor=PRICE - 1))
    (one,) = inbox()
    assert places(ids=[one.id])[one.id].order == order.number


def test_nothing_is_posted_that_was_not_read() -> None:
    order, lines = payment_of(PRICE - 30)
    one = planted(lines)
    for seen in (0, 30, -31):
        with pytest.raises(CorrectionDiffers):
            decide(one, seen_minor=seen)
    assert moved(order.shop, lambda: decide(one, seen_minor=-30)) == {CLEARING: -30, "recon_diff": 30}


def test_a_proposal_about_other_sums_is_none() -> None:
    compared(a_line("other", channel_number="LARGE", amount_minor=100_000))
    (one,) = inbox()
    assert decide(one) == "proposed"
    compared(a_line("other", channel_number="LARGE", amount_minor=200_000))
    assert decide(one) == "proposed"
    assert decide(one) == "corrected"


def test_what_a_later_bill_takes_back_waits_for_a_person_again() -> None:
    order, lines = payment_of(PRICE - 30)
    decide(planted(lines))
    compared(line_of(order))
    (one,) = inbox()
    assert (one.ours_minor, one.theirs_minor, one.corrected_minor) == (PRICE, PRICE, -30)
    # Nothing settles that by itself, and it is found once.
    compared(line_of(order))
    assert database.value("SELECT count(*) FROM payments_difference_step WHERE step = 'found_again'") == 1
    assert moved(order.shop, lambda: decide(one)) == {CLEARING: 30, "recon_diff": -30}
    compared(line_of(order))
    assert (found(), order.shop.balance(CLEARING)) == ([], PRICE)


def test_a_payment_that_comes_on_a_later_bill_after_all() -> None:
    order = a_paid_order()
    decide(planted(()))
    compared(line_of(order))
    (one,) = inbox()
    assert moved(order.shop, lambda: decide(one)) == {CLEARING: PRICE, "recon_diff": -PRICE}
    assert violations(one) == []
