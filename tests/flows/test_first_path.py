"""The first path: buy a card key, change your mind, have the money back — before paying, after paying, before opening."""

from datetime import timedelta

import pytest

from anka.core import database
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone
from anka.domain.refund_states import AttemptState
from anka.flows.confirm_order import NothingToConfirm, SealedNotConfirmable, auto_confirm_order, confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.expire_unpaid import expire_unpaid
from anka.flows.open_case import quote_case
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.reveal_unit import NothingToReveal
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import AskRequired, Claim, NothingLeftToCancel
from anka.flows.steps.quote import VerdictChanged
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import take_payment
from anka.payments.queries import refunds_of_order
from tests.builders import (
    CHANGED_MIND,
    Order,
    a_key,
    a_paid_order,
    a_payment,
    a_placed_order,
    a_revealed_order,
    a_sealed_order,
    at,
    wallet,
)


def attempts(order: Order) -> list[str]:
    """The numbers of the refund attempts of an order, oldest first."""
    state = order.state
    found = database.rows(
        "SELECT attempt.number FROM payments_attempt AS attempt JOIN payments_refund AS refund "
        "ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id "
        "WHERE refund.shop_id = %s AND refund.order_id = %s ORDER BY attempt.id",
        (state.shop_id, state.id),
    )
    return [row[0] for row in found]


def arrive(order: Order, *, when: Moment) -> None:
    """Let every open attempt of an order succeed at its channel."""
    for number in attempts(order):
        attempt = submit_attempt(number=number, at=when)
        assert attempt is not None
        said = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=when.now, channel_number=f"C{number}")
        assert record_refund_outcome(number=number, evidence=said, at=when) == AttemptState.SUCCEEDED


def test_cancel_before_paying_releases_the_goods_and_moves_no_money() -> None:
    order = a_placed_order(quantity=2)
    assert order.product.available == 0
    order.cancel()
    assert order.stages == ["released", "released"]
    assert order.moneys == ["none", "none"]
    assert order.product.available == 2
    assert order.state.closed_by == "buyer"
    assert refunds_of_order(shop_id=order.state.shop_id, order_id=order.state.id) == []


def test_cancel_while_queued_gives_everything_back() -> None:
    order = a_paid_order(quantity=2)
    assert order.escrow == order.state.amount_minor
    order.cancel()
    assert order.stages == ["released", "released"]
    assert order.moneys == ["refunding", "refunding"]
    assert order.escrow == 0
    arrive(order, when=at(6))
    assert order.moneys == ["refunded", "refunded"]
    assert order.product.available == 2
    assert [refund.status for refund in refunds_of_order(shop_id=order.state.shop_id, order_id=order.state.id)] == ["succeeded"]


def test_one_of_two_sealed_units_goes_back_and_the_other_stays() -> None:
    order = a_sealed_order(quantity=2)
    order.cancel(Claim(reason=CHANGED_MIND, positions=(2,)))
    assert order.stages == ["sealed", "recalled"]
    assert order.escrow == order.product.price_minor
    assert order.product.available == 1
    assert order.reveal(1) == order.product.secrets[0]
    with pytest.raises(NothingToReveal):
        order.reveal(2)
    with pytest.raises(NothingLeftToCancel):
        order.cancel(Claim(reason=CHANGED_MIND, positions=(2,)))


def test_refund_to_the_wallet_only_by_choice() -> None:
    order = a_sealed_order()
    order.cancel(Claim(reason=CHANGED_MIND, refund_to="wallet"))
    arrive(order, when=at(6))
    assert wallet(order.buyer) == order.product.price_minor


def test_a_quality_reason_on_a_sealed_unit_never_goes_back_on_the_shelf() -> None:
    order = a_sealed_order()
    order.cancel(Claim(reason="KEY_INVALID"))
    assert order.stages == ["recalled"]
    assert order.product.available == 0


def test_an_opened_key_is_quoted_truthfully_and_asks_for_an_amount() -> None:
    order = a_revealed_order()
    claim = Claim(reason="KEY_INVALID")
    quote = quote_case(actor=order.buyer, order_number=order.number, claim=claim, at=at(6))
    assert quote["decisions"][0]["route"] == "merchant"
    assert quote["ask_required"] is True
    with pytest.raises(AskRequired):
        order.cancel(claim)
    assert order.stages == ["revealed"]


def test_a_verdict_that_got_worse_is_shown_again() -> None:
    order = a_sealed_order()
    claim = Claim(reason=CHANGED_MIND)
    quote = quote_case(actor=order.buyer, order_number=order.number, claim=claim, at=at(5))
    assert quote["refund_minor"] == order.product.price_minor
    order.reveal()
    with pytest.raises(VerdictChanged):
        order.cancel(Claim(reason=CHANGED_MIND, quote=quote["id"]))
    assert order.stages == ["revealed"]


def test_the_same_request_twice_cancels_once() -> None:
    order = a_sealed_order()
    numbers = order.cancel(key="one")
    with pytest.raises(AlreadyDone) as again:
        order.cancel(key="one")
    assert again.value.reference == ",".join(numbers)


def test_money_after_the_timeout_is_served_from_stock() -> None:
    order = a_placed_order()
    payment = a_payment(order)
    database.rows("UPDATE payments_payment SET status = 'closed' WHERE number = %s", (payment.payment_number,))
    assert expire_unpaid(at=at(16)) >= 1
    assert order.stages == ["released"]
    assert take_payment(paid=payment, at=at(17)).outcome == "late_kept"
    assert order.stages == ["released", "queued"]
    assert deliver_order(order_number=order.number, at=at(18))
    assert order.reveal(2, when=at(19)) == order.product.secrets[0]


def test_money_after_the_timeout_without_stock_goes_back() -> None:
    order = a_placed_order()
    payment = a_payment(order)
    database.rows("UPDATE payments_payment SET status = 'closed' WHERE number = %s", (payment.payment_number,))
    expire_unpaid(at=at(16))
    other = a_placed_order(product=order.product, when=at(16))
    assert take_payment(paid=payment, at=at(17)).outcome == "late_refunded"
    assert take_payment(paid=payment, at=at(17)).outcome == "repeated"
    arrive(order, when=at(18))
    assert order.stages == ["released"]
    assert other.stages == ["reserved"]


def test_money_after_the_buyers_own_cancel_always_goes_back() -> None:
    order = a_placed_order()
    payment = a_payment(order)
    order.cancel()
    assert order.product.available == 1
    assert take_payment(paid=payment, at=at(6)).outcome == "late_refunded"
    assert order.stages == ["released"]


def test_a_second_payment_of_a_paid_order_goes_back() -> None:
    order = a_placed_order()
    first = a_payment(order)
    database.rows("UPDATE payments_payment SET status = 'failed' WHERE number = %s", (first.payment_number,))
    second = a_payment(order)
    assert take_payment(paid=second, at=at(2)).outcome == "taken"
    assert take_payment(paid=first, at=at(3)).outcome == "double_refunded"
    arrive(order, when=at(4))
    assert order.escrow == order.product.price_minor


def test_confirm_pays_the_merchant_and_settles_after_two_days() -> None:
    order = a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(10))
    assert order.moneys == ["released"]
    assert order.escrow == 0
    assert order.shop.balance(f"merchant:{order.shop.id}:pending") == 9500
    later = Moment(now=at(10).now + timedelta(days=2), real=at(10).real)
    assert not settle_order(order_number=order.number, at=at(11))
    assert settle_order(order_number=order.number, at=later)
    assert order.shop.balance(f"merchant:{order.shop.id}:available") == 9500
    with pytest.raises(NothingToConfirm):
        confirm_order(actor=order.buyer, order_number=order.number, positions=(1,), request=a_key(order.buyer), at=later)


def test_a_sealed_unit_is_confirmed_only_when_its_refund_window_has_ended() -> None:
    order = a_sealed_order()
    with pytest.raises(SealedNotConfirmable):
        confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(10))
    assert not auto_confirm_order(order_number=order.number, at=at(60 * 24))
    assert auto_confirm_order(order_number=order.number, at=at(60 * 24 * 7 + 10))
    assert order.moneys == ["released"]
