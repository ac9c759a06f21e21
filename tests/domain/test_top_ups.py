"""What may be paid in at once, and what of a wallet goes back: the newest top-up first, never more than each brought."""

from datetime import UTC, datetime, timedelta

import pytest

from anka.domain.refund_plan import Paid
from anka.domain.top_ups import ASKED_FOR, LASTS, MOST_OPEN, Purpose, bounds, plan_return, topped_up_left

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def paid(payment_id: int, left: int, channel: str = "sandbox", days_ago: int = 0, refunds_made: int = 0) -> Paid:
    return Paid(payment_id, channel, left, NOW - timedelta(days=days_ago), refunds_made)


def test_the_bounds_and_times_are_those_written_down() -> None:
    assert bounds(purpose=Purpose.WALLET) == (100, 500_000)
    assert bounds(purpose=Purpose.DEPOSIT) == (100, 10_000_000)
    assert (timedelta(minutes=30), timedelta(days=1), 5) == (LASTS, ASKED_FOR, MOST_OPEN)


@pytest.mark.parametrize(("balance", "left"), [(0, 0), (99, 99), (150, 150), (151, 150), (900, 150)])
def test_what_came_otherwise_is_spent_first(balance: int, left: int) -> None:
    assert topped_up_left(balance_minor=balance, payments=[paid(1, 100), paid(2, 50)]) == left


@pytest.mark.parametrize(
    ("amount", "legs"),
    [
        (1, [(3, 1)]),
        (30, [(3, 30)]),
        (31, [(3, 30), (2, 1)]),
        (80, [(3, 30), (2, 50)]),
        (180, [(3, 30), (2, 50), (1, 100)]),
        (999, [(3, 30), (2, 50), (1, 100)]),
        (0, []),
    ],
)
def test_the_newest_goes_back_first(amount: int, legs: list[tuple[int, int]]) -> None:
    found = plan_return(amount_minor=amount, payments=[paid(1, 100), paid(3, 30), paid(2, 50)], now=NOW)
    assert [(leg.payment_id, leg.amount_minor) for leg in found.legs] == legs
    assert found.amount_minor == sum(part for _payment, part in legs)
    assert found.blocked_minor == 0


def test_what_has_gone_back_whole_has_no_leg() -> None:
    found = plan_return(amount_minor=10, payments=[paid(1, 10), paid(2, 0)], now=NOW)
    assert [(leg.payment_id, leg.amount_minor, leg.channel) for leg in found.legs] == [(1, 10, "sandbox")]


@pytest.mark.parametrize(
    ("payments", "amount", "goes", "blocked"),
    [
        # Too long ago for Alipay: the older one bears it, as far as it can.
        ([paid(1, 100), paid(2, 50, "alipay", days_ago=91)], 100, 100, 0),
        ([paid(1, 100), paid(2, 50, "alipay", days_ago=91)], 120, 100, 20),
        ([paid(1, 100), paid(2, 50, "alipay", days_ago=91)], 500, 100, 50),
        # Too often for WeChat Pay.
        ([paid(1, 100, "wechat", refunds_made=50)], 60, 0, 60),
        ([paid(1, 100, "wechat", refunds_made=49)], 60, 60, 0),
    ],
)
def test_what_its_channel_does_not_take_back_is_passed_over(payments: list[Paid], amount: int, goes: int, blocked: int) -> None:
    found = plan_return(amount_minor=amount, payments=payments, now=NOW)
    assert (found.amount_minor, found.blocked_minor) == (goes, blocked)
