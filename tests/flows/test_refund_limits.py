"""What a channel allows: said before anybody confirms, and kept by the plan."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from anka.core import database
from anka.domain.refund_plan import ChannelLimit
from anka.flows.choose_wallet import choose_wallet
from anka.flows.open_case import quote_case
from anka.flows.steps.judge import Claim
from anka.flows.steps.plan_money_back import RefundWindowOver
from anka.flows.submit_attempt import submit_attempt
from anka.payments import arrangements
from anka.payments.arrangements import arrange
from tests import builders
from tests.builders import Order, at, wallet
from tests.flows.ladder import PRICE, S, numbers, queue, refund, say, states


@pytest.fixture
def window_over() -> Iterator[None]:
    """The channel takes money back for a minute only."""
    arrange(windows={"sandbox": timedelta(minutes=1)})
    yield
    arrange()


def quoted(order: Order, refund_to: str = "original") -> dict[str, Any]:
    claim = Claim(reason=builders.CHANGED_MIND, refund_to=refund_to)
    return quote_case(actor=order.buyer, order_number=order.number, claim=claim, at=at(5))


@pytest.mark.usefixtures("window_over")
def test_money_its_channel_no_longer_takes_back_says_so_before_anybody_confirms() -> None:
    order = builders.a_sealed_order()
    said = quoted(order)
    assert (said["allowed"], said["why_not"]["code"], said["other_ways"]) == (False, "refund_window_over", ["wallet", "hand"])
    with pytest.raises(RefundWindowOver):
        order.cancel()
    for way in said["other_ways"]:
        assert [leg["channel"] for leg in quoted(order, way)["legs"]] == [way]


def test_nobody_transfers_by_hand_what_a_channel_takes_back() -> None:
    order = builders.a_sealed_order()
    said = quoted(order, "hand")
    assert (said["allowed"], said["why_not"]["code"], said["other_ways"]) == (False, "hands_not_needed", [])
    assert quoted(order)["other_ways"] == []


def test_two_refunds_of_one_payment_keep_the_channels_distance() -> None:
    order = builders.a_sealed_order(quantity=3)
    minute = ChannelLimit(None, None, timedelta(minutes=1))
    with limited({"sandbox": minute}):
        for position in (1, 2, 3):
            order.cancel(Claim(reason=builders.CHANGED_MIND, positions=(position,)), when=at(5))
    asked = "SELECT due_at FROM core_outbox WHERE shop_id = %s AND topic = 'refund' ORDER BY id"
    assert [due for (due,) in database.rows(asked, (order.shop.id,))] == [at(5).now, at(6).now, at(7).now]
    (payment,) = order.state.payments
    assert (payment.refunds_made, payment.last_refund_at) == (3, at(7).now)


def test_a_channel_that_was_asked_too_often_takes_no_more() -> None:
    order = builders.a_sealed_order(quantity=2)
    with limited({"sandbox": ChannelLimit(None, 1, timedelta(0))}):
        order.cancel(Claim(reason=builders.CHANGED_MIND, positions=(1,)))
        with pytest.raises(RefundWindowOver):
            order.cancel(Claim(reason=builders.CHANGED_MIND, positions=(2,)))
        order.cancel(Claim(reason=builders.CHANGED_MIND, positions=(2,), refund_to="wallet"))
    (payment,) = order.state.payments
    assert (payment.refunds_made, payment.refunded_minor) == (1, 2 * PRICE)


@contextmanager
def limited(limits: dict[str, ChannelLimit]) -> Iterator[None]:
    before = arrangements.limits()
    arrangements.arrange_limits(limits=limits)
    yield
    arrangements.arrange_limits(limits=before)


@pytest.mark.usefixtures("window_over")
def test_a_refund_by_hand_is_nobodys_call_and_its_buyer_may_still_choose_the_wallet() -> None:
    order = builders.a_cancelled_order(refund_to="hand")
    number = numbers(order)[0][0]
    submit_attempt(number=number, at=at(6))
    say(order, S.MANUAL)
    assert (states(order), queue(order)) == (["hand manual"], [("by_hand", None, None)])
    assert order.shop.balance("refund_payable:hand") == PRICE
    choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    assert states(order) == ["hand failed", "wallet created"]
    submit_attempt(number=numbers(order)[-1][0], at=at(9))
    say(order, S.SUCCEEDED, minutes=9)
    assert (wallet(order.buyer), order.shop.balance("refund_payable:hand")) == (PRICE, 0)
