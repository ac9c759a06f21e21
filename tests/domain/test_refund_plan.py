"""A refund goes back the way the money came, in as few parts as possible, within what each channel allows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain.refund_plan import Destination, Paid, PlannedLeg, RefundNotCoverable, plan

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
payments_of_any_kind = some.lists(some.integers(0, 1000), min_size=1, max_size=8).map(
    lambda amounts: [Paid(number, "sandbox", amount) for number, amount in enumerate(amounts)]
)


def test_an_exact_match_comes_first() -> None:
    legs = plan(refund_minor=500, payments=[Paid(1, "sandbox", 900), Paid(2, "wallet", 500), Paid(3, "sandbox", 600)], now=NOW)
    assert legs == (PlannedLeg(2, "wallet", 500),)


def test_else_one_part_of_the_smallest_payment_that_suffices() -> None:
    assert plan(refund_minor=500, payments=[Paid(1, "sandbox", 900), Paid(2, "wallet", 600)], now=NOW) == (PlannedLeg(2, "wallet", 500),)


def test_else_the_fewest_legs() -> None:
    legs = plan(refund_minor=1000, payments=[Paid(1, "sandbox", 300), Paid(2, "wallet", 600), Paid(3, "sandbox", 500)], now=NOW)
    assert [(leg.payment_id, leg.amount_minor) for leg in legs] == [(2, 600), (3, 400)]


@given(payments_of_any_kind, some.integers(1, 9000))
def test_the_legs_sum_to_the_refund_and_no_payment_gives_more_than_it_has(payments: list[Paid], refund: int) -> None:
    left = {payment.payment_id: payment.refundable_minor for payment in payments}
    if refund > sum(left.values()):
        with pytest.raises(RefundNotCoverable) as refused:
            plan(refund_minor=refund, payments=payments, now=NOW)
        assert refused.value.coverable_minor == sum(left.values())
        return
    legs = plan(refund_minor=refund, payments=payments, now=NOW)
    assert sum(leg.amount_minor for leg in legs) == refund
    assert len({leg.payment_id for leg in legs}) == len(legs)
    for leg in legs:
        assert 0 < leg.amount_minor <= left[leg.payment_id]


def test_a_payment_beyond_the_channels_window_or_count_is_not_used() -> None:
    old = Paid(1, "wechat", 500, paid_at=NOW - timedelta(days=366))
    worn = Paid(2, "wechat", 500, paid_at=NOW, refunds_made=50)
    for payment in (old, worn):
        with pytest.raises(RefundNotCoverable):
            plan(refund_minor=100, payments=[payment], now=NOW)
        assert plan(refund_minor=100, payments=[payment], now=NOW, destination=Destination.WALLET) == (
            PlannedLeg(payment.payment_id, "wallet", 100),
        )


def test_parts_keep_the_channels_distance() -> None:
    last = NOW - timedelta(seconds=20)
    (leg,) = plan(refund_minor=100, payments=[Paid(1, "wechat", 500, paid_at=NOW, refunds_made=1, last_refund_at=last)], now=NOW)
    assert leg.not_before == last + timedelta(minutes=1)


def test_never_to_the_wallet_by_itself() -> None:
    assert plan(refund_minor=1, payments=[Paid(1, "alipay", 5, paid_at=NOW)], now=NOW)[0].channel == "alipay"


@pytest.mark.parametrize("refund", [0, -1, True, 1.0])
def test_a_refund_is_a_positive_amount(refund: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        plan(refund_minor=refund, payments=[Paid(1, "sandbox", 5)], now=NOW)
