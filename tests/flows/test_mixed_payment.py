"""An order paid partly from the wallet: set aside once, used with the rest in one step, put back whenever the order goes another way."""

import pytest
from django.test import override_settings

from anka.core import database
from anka.core.idempotency import AlreadyDone
from anka.flows.begin_payment import WalletPartTooLarge, begin_payment
from anka.flows.expire_unpaid import expire_order, expire_unpaid
from anka.flows.pay_from_wallet import BalanceTooLow, pay_from_wallet
from anka.flows.steps.holds import held_minor
from anka.flows.take_payment import take_payment
from anka.ledger.mode import NotOursToHold
from anka.payments.queries import refunds_of_order
from anka.payments.top_ups import held_of
from tests import builders
from tests.builders import Order, at
from tests.builders.mixed import a_held_order, a_part

PRICE, PART, REST = 10_000, 3_000, 7_000


def hold(order: Order) -> int:
    return order.shop.balance(f"order:{order.state.id}:hold")


def stands(order: Order) -> tuple[int, int, int, int]:
    """Wallet, hold, escrow, and what the buyer's page calls held."""
    return builders.wallet(order.buyer), hold(order), order.escrow, held_of(person_id=order.buyer.person_id, currency="CNY")


def test_the_wallets_part_is_set_aside_and_pays_with_the_rest() -> None:
    order, paid = a_held_order()
    assert stands(order) == (0, PART, 0, PART)
    assert order.stages == ["reserved"]
    assert [take_payment(paid=paid, at=at(2)).outcome for _time in range(2)] == ["taken", "repeated"]
    assert stands(order) == (0, 0, PRICE, 0)
    state = order.state
    assert (order.stages, state.paid_minor) == (["queued"], PRICE)
    assert sorted((p.channel, p.amount_minor) for p in state.payments if p.status == "paid") == [("sandbox", REST), ("wallet", PART)]


def test_a_refund_goes_back_both_ways() -> None:
    order, paid = a_held_order()
    take_payment(paid=paid, at=at(2))
    order.cancel()
    (refund,) = refunds_of_order(shop_id=order.shop.id, order_id=order.state.id)
    assert sorted((leg.channel, leg.amount_minor) for leg in refund.legs) == [("sandbox", REST), ("wallet", PART)]
    assert order.escrow == 0


@pytest.mark.parametrize("close", ["buyer", "clock"])
def test_closing_an_unpaid_order_puts_it_back_and_the_part_that_comes_late_goes_back(close: str) -> None:
    order, paid = a_held_order()
    if close == "buyer":
        order.cancel()
    else:
        # The batch that closes what nobody holds open leaves it to the step that asks the channel first.
        expire_unpaid(at=at(20))
        assert order.state.closed_at is None
        assert expire_order(order_number=order.number, at=at(20))
    assert stands(order) == (PART, 0, 0, 0)
    assert take_payment(paid=paid, at=at(21)).outcome == "late_refunded"
    (refund,) = refunds_of_order(shop_id=order.shop.id, order_id=order.state.id)
    assert [(leg.channel, leg.amount_minor) for leg in refund.legs] == [("sandbox", REST)]
    assert stands(order) == (PART, 0, 0, 0)


def test_choosing_another_way_puts_it_back() -> None:
    order, paid = a_held_order()
    begin_payment(actor=order.buyer, order_number=order.number, channel="sandbox", request=builders.a_key(order.buyer), at=at(2))
    assert stands(order) == (PART, 0, 0, 0)
    closed = order.state.payment(paid.payment_number)
    assert closed is not None
    assert closed.status == "closed"


def test_a_part_that_comes_without_the_wallets_part_goes_back_and_the_order_still_waits() -> None:
    order, paid = a_held_order()
    whole = builders.a_payment(order)
    assert take_payment(paid=paid, at=at(2)).outcome == "late_refunded"
    state = order.state
    assert (state.paid_at, state.closed_at, order.stages) == (None, None, ["reserved"])
    assert take_payment(paid=whole, at=at(3)).outcome == "taken"
    assert stands(order) == (PART, 0, PRICE, 0)


def test_the_whole_price_by_another_way_puts_it_back() -> None:
    order = builders.a_placed_order()
    whole = builders.a_payment(order)
    builders.fill_wallet(order.buyer, PART)
    part = a_part(order)
    assert take_payment(paid=whole, at=at(2)).outcome == "taken"
    assert stands(order) == (PART, 0, PRICE, 0)
    assert take_payment(paid=part, at=at(3)).outcome == "double_refunded"
    assert stands(order) == (PART, 0, PRICE, 0)


def test_paying_all_of_it_from_the_wallet_uses_what_was_set_aside() -> None:
    order, part = a_held_order()
    builders.fill_wallet(order.buyer, REST)
    pay_from_wallet(actor=order.buyer, order_number=order.number, request=builders.a_key(order.buyer), at=at(2))
    assert stands(order) == (0, 0, PRICE, 0)
    assert take_payment(paid=part, at=at(3)).outcome == "double_refunded"


def test_the_same_choice_again_sets_nothing_aside_twice() -> None:
    order, paid = a_held_order()
    builders.fill_wallet(order.buyer, PART)
    assert a_part(order).payment_number == paid.payment_number
    assert stands(order) == (PART, PART, 0, PART)
    other = a_part(order, wallet_minor=5_000)
    assert stands(order) == (1_000, 5_000, 0, 5_000)
    another_channel = a_part(order, wallet_minor=5_000, channel="alipay")
    assert stands(order) == (1_000, 5_000, 0, 5_000)
    assert take_payment(paid=other, at=at(3)).outcome == "taken"
    assert take_payment(paid=another_channel, at=at(3)).outcome == "double_refunded"
    assert stands(order) == (1_000, 0, PRICE, 0)


def test_a_request_is_answered_with_its_payment_for_ever() -> None:
    order = builders.a_placed_order()
    builders.fill_wallet(order.buyer, PART)
    key = builders.a_key(order.buyer)
    asked = {"actor": order.buyer, "order_number": order.number, "channel": "sandbox", "request": key, "wallet_minor": PART}
    number = begin_payment(**asked, at=at(1))  # type: ignore[arg-type]
    with pytest.raises(AlreadyDone) as done:
        begin_payment(**asked, at=at(2))  # type: ignore[arg-type]
    assert (done.value.reference, hold(order)) == (number, PART)


@pytest.mark.parametrize("part", [-1, PRICE, PRICE + 1])
def test_the_wallets_part_leaves_something_for_the_channel(part: int) -> None:
    order = builders.a_placed_order()
    builders.fill_wallet(order.buyer, 2 * PRICE)
    with pytest.raises(WalletPartTooLarge):
        a_part(order, wallet_minor=part)


def test_nothing_is_set_aside_that_is_not_there() -> None:
    order = builders.a_placed_order()
    builders.fill_wallet(order.buyer, PART - 1)
    with pytest.raises(BalanceTooLow):
        a_part(order)
    assert (held_minor(order.state), len(order.state.payments)) == (0, 0)
    with override_settings(FUNDS_MODE="psp_mirror"), pytest.raises(NotOursToHold):
        a_part(order, wallet_minor=1)


def test_one_order_sets_aside_once_whoever_writes() -> None:
    order, _paid = a_held_order()
    payment = '{"number": "X-P1", "channel": "wallet", "amount_minor": 1, "expires_at": "2030-01-01"}'
    again = "SELECT begin_payment(%s, %s, %s, 'CNY', %s::jsonb)"
    with pytest.raises(Exception, match="payments_payment_one_hold"):
        database.rows(again, (order.shop.id, order.state.id, at().now, payment))
