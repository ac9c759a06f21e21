"""A refund goes back the way the money came, in as few parts as possible, within what each channel allows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain.refund_plan import (
    LIMITS,
    ChannelLimit,
    ChannelLimitReached,
    Destination,
    Paid,
    PlannedLeg,
    RefundNotCoverable,
    limits_with,
    plan,
)

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


def plans(payment: Paid) -> bool:
    try:
        return plan(refund_minor=payment.refundable_minor, payments=[payment], now=NOW) != ()
    except RefundNotCoverable:
        return False


@pytest.mark.parametrize(("channel", "days"), [("wechat", 365), ("alipay", 90)])
def test_a_window_ends_after_its_last_moment(channel: str, days: int) -> None:
    last = NOW - timedelta(days=days)
    assert plans(Paid(1, channel, 5, paid_at=last))
    assert not plans(Paid(1, channel, 5, paid_at=last - timedelta(microseconds=1)))
    assert plans(Paid(1, channel, 5)), "when it was paid is not known"


def test_a_payment_bears_as_many_refunds_as_its_channel_allows() -> None:
    assert plans(Paid(1, "wechat", 5, paid_at=NOW, refunds_made=49))
    assert not plans(Paid(1, "wechat", 5, paid_at=NOW, refunds_made=50))
    once = MappingProxyType({"odd": ChannelLimit(None, 1, timedelta(0))})
    assert plan(refund_minor=5, payments=[Paid(1, "odd", 5)], now=NOW, limits=once) == (PlannedLeg(1, "odd", 5),)
    never = MappingProxyType({"odd": ChannelLimit(None, 0, timedelta(0))})
    with pytest.raises(RefundNotCoverable):
        plan(refund_minor=5, payments=[Paid(1, "odd", 5)], now=NOW, limits=never)


@pytest.mark.parametrize("channel", ["wallet", "sandbox", "nobody-knows"])
def test_other_channels_have_no_limits(channel: str) -> None:
    worn = Paid(1, channel, 5, paid_at=NOW - timedelta(days=9999), refunds_made=9999, last_refund_at=NOW)
    assert plan(refund_minor=5, payments=[worn], now=NOW) == (PlannedLeg(1, channel, 5),)
    soon = NOW + timedelta(seconds=1)
    assert plan(refund_minor=5, payments=[replace(worn, last_refund_at=soon)], now=NOW)[0].not_before == soon


def test_every_channel_that_is_limited_is_known() -> None:
    assert {channel for channel, limit in LIMITS.items() if limit.window} == {"wechat", "alipay"}
    assert {channel for channel, limit in LIMITS.items() if not limit.window} == {"wallet", "sandbox", "epay", "epay_v2", "stripe"}


def test_a_window_is_as_the_contract_says_and_nothing_else_changes() -> None:
    limits = limits_with(windows={"alipay": timedelta(days=365), "odd": timedelta(days=7)})
    assert limits["alipay"] == ChannelLimit(timedelta(days=365), None, timedelta(seconds=3))
    assert limits["odd"] == ChannelLimit(timedelta(days=7), None, timedelta(0))
    assert {code: limit for code, limit in limits.items() if code not in ("alipay", "odd")} == {
        code: limit for code, limit in LIMITS.items() if code != "alipay"
    }


def test_money_that_only_its_channel_will_not_take_back_says_so() -> None:
    old = Paid(1, "alipay", 500, paid_at=NOW - timedelta(days=91))
    with pytest.raises(ChannelLimitReached) as reached:
        plan(refund_minor=500, payments=[old], now=NOW)
    assert (reached.value.refund_minor, reached.value.coverable_minor) == (500, 0)
    assert (reached.value.code, reached.value.status) == ("refund_limit_reached", 409)
    with pytest.raises(RefundNotCoverable) as refused:
        plan(refund_minor=501, payments=[old], now=NOW)
    assert not isinstance(refused.value, ChannelLimitReached)
    assert (refused.value.code, refused.value.status) == ("refund_not_coverable", 409)
    assert plan(refund_minor=500, payments=[old], now=NOW, destination=Destination.HAND) == (PlannedLeg(1, "hand", 500),)


def test_money_in_and_out_of_its_window_goes_by_what_can_take_it() -> None:
    """Wallet and channel, the channel's time over: what the wallet paid can still go back to it."""
    payments = [Paid(1, "alipay", 500, paid_at=NOW - timedelta(days=91)), Paid(2, "wallet", 300)]
    assert plan(refund_minor=300, payments=payments, now=NOW) == (PlannedLeg(2, "wallet", 300),)
    with pytest.raises(ChannelLimitReached) as reached:
        plan(refund_minor=301, payments=payments, now=NOW)
    assert reached.value.coverable_minor == 300


def test_of_equal_payments_the_earlier_one_bears_a_part_and_the_later_one_is_emptied_first() -> None:
    equal = [Paid(2, "sandbox", 500), Paid(1, "sandbox", 500)]
    assert plan(refund_minor=400, payments=equal, now=NOW) == (PlannedLeg(1, "sandbox", 400),)
    assert [leg.payment_id for leg in plan(refund_minor=600, payments=equal, now=NOW)] == [2, 1]


def test_a_payment_with_nothing_left_bears_nothing_and_one_overdrawn_takes_nothing_away() -> None:
    payments = [Paid(1, "sandbox", 0), Paid(2, "sandbox", -300), Paid(3, "sandbox", 500)]
    for destination in Destination:
        assert [leg.payment_id for leg in plan(refund_minor=500, payments=payments, now=NOW, destination=destination)] == [3]
    with pytest.raises(RefundNotCoverable) as refused:
        plan(refund_minor=501, payments=payments, now=NOW)
    assert (refused.value.refund_minor, refused.value.coverable_minor) == (501, 500)
    assert str(refused.value) == "a refund of 501 minor units cannot go back this way: 500 at most"


@pytest.mark.parametrize(("channel", "apart"), [("wechat", timedelta(minutes=1)), ("alipay", timedelta(seconds=3))])
def test_a_part_goes_at_once_when_the_distance_is_kept(channel: str, apart: timedelta) -> None:
    def leg(last: datetime) -> PlannedLeg:
        return plan(refund_minor=1, payments=[Paid(1, channel, 5, paid_at=NOW, refunds_made=1, last_refund_at=last)], now=NOW)[0]

    assert leg(NOW - apart).not_before is None
    soon = timedelta(microseconds=1)
    assert leg(NOW - apart + soon).not_before == NOW + soon


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
