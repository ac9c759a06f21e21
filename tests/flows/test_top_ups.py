"""Filling a wallet or a deposit through a channel, and sending unused money back: once, the payer's whatever happens, never too much."""

import msgspec
import pytest
from django.test import override_settings

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone
from anka.core.refusals import NotPermitted
from anka.domain.payment_states import PaymentState
from anka.domain.postings_wallet import unused_returned
from anka.domain.refund_states import AttemptState
from anka.flows.begin_top_up import TooManyTopUps, TopUpOutOfBounds, Wanted, begin_deposit_top_up, begin_top_up
from anka.flows.pay_from_wallet import BalanceTooLow, pay_from_wallet
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.return_unused import ReturnsLess, return_unused, returnable_now
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import AmountDiffers, PaymentUnknown, TransactionAlreadyTaken, take_payment
from anka.flows.take_top_up import end_top_up, take_top_up
from anka.ledger.mode import NotOursToHold
from anka.payments.top_ups import returns_of, top_up
from tests import builders
from tests.builders import at
from tests.builders.top_ups import a_top_up
from tests.builders.top_ups import top_up as fill

ATTEMPTS = """
SELECT attempt.number, attempt.channel, attempt.amount_minor FROM payments_attempt AS attempt
    JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
WHERE refund.shop_id = 0 AND refund.number = %s ORDER BY attempt.leg
"""


def give_back(buyer: Actor, amount_minor: int, *, key: str | None = None, when: Moment | None = None) -> str:
    return return_unused(actor=buyer, amount_minor=amount_minor, request=builders.a_key(buyer, key), at=when or at(5))


def test_a_captured_top_up_is_in_the_wallet_once() -> None:
    buyer = builders.a_buyer()
    paid = a_top_up(buyer, 5_000)
    assert builders.wallet(buyer) == 0
    assert [take_top_up(paid=paid, at=at(2)).outcome for _time in range(3)] == ["topped_up", "repeated", "repeated"]
    assert builders.wallet(buyer) == 5_000
    assert top_up(number=paid.payment_number).status == PaymentState.PAID


def test_what_does_not_fit_is_not_taken() -> None:
    buyer = builders.a_buyer()
    paid = a_top_up(buyer, 5_000)
    with pytest.raises(AmountDiffers):
        take_top_up(paid=msgspec.structs.replace(paid, amount_minor=4_999), at=at(2))
    with pytest.raises(AmountDiffers):
        take_top_up(paid=msgspec.structs.replace(paid, currency="USD"), at=at(2))
    with pytest.raises(PaymentUnknown):
        take_top_up(paid=msgspec.structs.replace(paid, channel="wechat"), at=at(2))
    with pytest.raises(PaymentUnknown):
        take_payment(paid=paid, at=at(2))
    take_top_up(paid=paid, at=at(2))
    with pytest.raises(TransactionAlreadyTaken):
        take_top_up(paid=msgspec.structs.replace(paid, transaction_number="another"), at=at(3))
    twin = a_top_up(buyer, 6_000)
    with pytest.raises(TransactionAlreadyTaken):
        take_top_up(paid=msgspec.structs.replace(twin, transaction_number=paid.transaction_number), at=at(3))
    assert builders.wallet(buyer) == 5_000


def test_money_that_comes_after_the_end_is_the_payers_still() -> None:
    buyer = builders.a_buyer()
    paid = a_top_up(buyer, 5_000)
    assert end_top_up(channel="sandbox", number=paid.payment_number, outcome=PaymentState.CLOSED, at=at(40))
    assert not end_top_up(channel="sandbox", number=paid.payment_number, outcome=PaymentState.CLOSED, at=at(41))
    with override_settings(FUNDS_MODE="psp_mirror"):
        assert take_top_up(paid=paid, at=at(days=3)).outcome == "topped_up"
    assert builders.wallet(buyer) == 5_000


def test_amounts_have_bounds_and_open_ones_are_few() -> None:
    buyer = builders.a_buyer()
    for amount in (0, 99, 500_001, -100):
        with pytest.raises(TopUpOutOfBounds):
            a_top_up(buyer, amount)
    first = a_top_up(buyer, 100)
    assert a_top_up(buyer, 100).payment_number == first.payment_number
    for amount in (101, 102, 103, 500_000):
        a_top_up(buyer, amount)
    with pytest.raises(TooManyTopUps):
        a_top_up(buyer, 104)
    assert a_top_up(buyer, 104, when=at(32)).payment_number != first.payment_number
    with override_settings(FUNDS_MODE="psp_mirror"), pytest.raises(NotOursToHold):
        a_top_up(buyer, 100)


def test_a_request_is_carried_out_once_and_by_a_buyer_only() -> None:
    buyer, wanted = builders.a_buyer(), Wanted(amount_minor=700, channel="sandbox")
    key = builders.a_key(buyer)
    number = begin_top_up(actor=buyer, wanted=wanted, request=key, at=at(1))
    with pytest.raises(AlreadyDone) as done:
        begin_top_up(actor=buyer, wanted=wanted, request=key, at=at(50))
    assert done.value.reference == number
    merchant = Actor(kind=ActorKind.MERCHANT, person_id=buyer.person_id)
    with pytest.raises(NotPermitted):
        begin_top_up(actor=merchant, wanted=wanted, request=builders.a_key(merchant), at=at(1))


def test_a_deposit_is_filled_by_the_owner_and_lies_in_the_shops_books() -> None:
    shop = builders.a_shop()
    wanted = Wanted(amount_minor=900_000, channel="sandbox")
    number = begin_deposit_top_up(actor=shop.owner, shop_id=shop.id, wanted=wanted, request=builders.a_key(shop.owner), at=at(1))
    again = begin_deposit_top_up(actor=shop.owner, shop_id=shop.id, wanted=wanted, request=builders.a_key(shop.owner), at=at(1))
    assert again == number
    assert number.startswith(f"{shop.code}-")
    paid = a_top_up(builders.a_buyer(), 100)
    paid = msgspec.structs.replace(paid, payment_number=number, amount_minor=900_000)
    assert [take_top_up(paid=paid, at=at(2)).outcome for _time in range(2)] == ["topped_up", "repeated"]
    assert shop.balance(f"merchant:{shop.id}:deposit") == 900_000
    steps = database.rows("SELECT actor, what FROM funds_step WHERE shop_id = %s AND number = %s", (shop.id, number))
    assert steps == [("gateway:sandbox", "deposit_paid_in")]


def test_unused_money_goes_back_newest_first_and_leaves_the_wallet_at_once() -> None:
    buyer = builders.a_buyer()
    older, newer = fill(buyer, 3_000), fill(buyer, 2_000, when=at(3))
    number = give_back(buyer, 2_500)
    assert builders.wallet(buyer) == 2_500
    assert [(channel, amount) for _number, channel, amount in database.rows(ATTEMPTS, (number,))] == [("sandbox", 2_000), ("sandbox", 500)]
    assert [top_up(number=paid.payment_number).refunded_minor for paid in (older, newer)] == [500, 2_000]
    assert builders.balance("refund_payable:sandbox") >= 2_500
    (shown,) = returns_of(person_id=buyer.person_id, limit=5)
    assert (shown.number, shown.amount_minor, shown.status, len(shown.legs)) == (number, 2_500, "intended", 2)


def test_a_return_goes_the_way_of_every_refund() -> None:
    buyer = builders.a_buyer()
    fill(buyer, 3_000)
    number = give_back(buyer, 3_000)
    ((attempt, _channel, _amount),) = database.rows(ATTEMPTS, (number,))
    taken = submit_attempt(number=attempt, at=at(6))
    assert taken is not None
    assert (taken.order_id, taken.buyer_id) == (None, buyer.person_id)
    said = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=at(7).now)
    assert [record_refund_outcome(number=attempt, evidence=said, at=at(7)) for _time in range(2)] == [AttemptState.SUCCEEDED] * 2
    assert returns_of(person_id=buyer.person_id, limit=5)[0].status == "succeeded"
    assert builders.wallet(buyer) == 0


def test_only_what_was_topped_up_and_is_not_spent_goes_back() -> None:
    order = builders.a_placed_order(product=builders.a_product(price_minor=4_000))
    buyer = order.buyer
    builders.fill_wallet(buyer, 1_000)
    fill(buyer, 5_000)
    assert returnable_now(person_id=buyer.person_id, balance_minor=6_000, at=at(5)).amount_minor == 5_000
    with pytest.raises(ReturnsLess) as less:
        give_back(buyer, 5_001)
    assert less.value.fields == {"amount_minor": "1–5000"}
    assert "50.00" in str(less.value)
    for nonsense in (0, -1):
        with pytest.raises(ReturnsLess):
            give_back(buyer, nonsense)
    pay_from_wallet(actor=buyer, order_number=order.number, request=builders.a_key(buyer), at=at(3))
    with pytest.raises(ReturnsLess):
        give_back(buyer, 2_001)
    give_back(buyer, 2_000)
    assert builders.wallet(buyer) == 0
    with pytest.raises(ReturnsLess):
        give_back(buyer, 1)


def test_a_channel_that_takes_nothing_back_any_more_is_passed_over_and_said() -> None:
    buyer = builders.a_buyer()
    fill(buyer, 3_000, channel="alipay")
    fill(buyer, 1_000, when=at(3))
    later = at(days=100)
    found = returnable_now(person_id=buyer.person_id, balance_minor=4_000, at=later)
    assert (found.amount_minor, found.blocked_minor) == (1_000, 3_000)
    with pytest.raises(ReturnsLess):
        give_back(buyer, 1_001, when=later)
    give_back(buyer, 1_000, when=later)


def test_a_return_is_asked_for_once_and_works_in_any_mode() -> None:
    buyer = builders.a_buyer()
    fill(buyer, 3_000)
    with override_settings(FUNDS_MODE="psp_mirror"):
        number = give_back(buyer, 1_000, key="once")
    with pytest.raises(AlreadyDone) as done:
        give_back(buyer, 1_000, key="once", when=at(6))
    assert done.value.reference == number
    assert builders.wallet(buyer) == 2_000


def test_the_floor_of_the_wallet_stands_behind_it() -> None:
    # Somebody spends between the reading and the posting: the ledger refuses.
    buyer = builders.a_buyer()
    fill(buyer, 3_000)
    with pytest.raises(BalanceTooLow):
        builders.post(unused_returned(buyer_id=buyer.person_id, refund_number="00-R0", legs=(("sandbox", 3_001),)))
    assert builders.wallet(buyer) == 3_000
