"""Payments taken by hand: the same money once, two persons where it is much, nobody for themselves, and a notice that comes after all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anka.cases.queries import dossier
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import BadInput, MovedMeanwhile, NotFound
from anka.domain.by_hand import FOUR_EYES_FROM_MINOR, needs_two
from anka.flows.match_unidentified import OwnOrder
from anka.flows.take_by_hand import OtherWordsWait, PaymentTakenAlready, refuse_by_hand, take_by_hand
from anka.flows.take_payment import AmountDiffers, PaymentUnknown, TransactionAlreadyTaken, take_payment
from anka.payments.by_hand import payments_of_order, waiting_for_two
from tests import builders
from tests.builders import at
from tests.faults.by_hand import entered, ground, statement, taken_once
from tests.faults.flows import PRICE, events, paid_otherwise
from tests.faults.odd import finance
from tests.faults.races import refunds


def test_the_limit_stands_in_the_database_too() -> None:
    assert (needs_two(amount_minor=FOUR_EYES_FROM_MINOR - 1), needs_two(amount_minor=FOUR_EYES_FROM_MINOR)) == (False, True)
    guard = database.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'by_hand_by_two'")
    assert f"amount_minor < {FOUR_EYES_FROM_MINOR}" in guard


def test_one_person_takes_what_is_little_and_the_notice_changes_nothing() -> None:
    made = ground()
    assert take_by_hand(actor=made.first, said=made.said, at=at(3)) == "taken"
    taken_once(made)
    assert take_payment(paid=made.paid, at=at(4)).outcome == "repeated"
    assert take_by_hand(actor=made.second, said=made.said, at=at(5)) == "repeated"
    taken_once(made)


def test_much_needs_two_who_say_the_same() -> None:
    made = entered()
    assert take_by_hand(actor=made.first, said=made.said, at=at(4)) == "proposed"
    assert made.order.escrow == 0
    assert [one.number for one in waiting_for_two(limit=100)].count(made.paid.payment_number) == 1
    other = replace(made.said, transaction_number=f"OTHER-{builders.serial()}")
    with pytest.raises(OtherWordsWait):
        take_by_hand(actor=made.second, said=other, at=at(4))
    assert take_by_hand(actor=made.second, said=made.said, at=at(5)) == "taken"
    taken_once(made)
    (payment,) = payments_of_order(order_number=made.order.number)
    assert payment.said is not None
    assert (payment.said.made_by, payment.said.decided_by) == (made.first.person_id, made.second.person_id)


def test_what_was_refused_can_be_entered_again() -> None:
    made = entered()
    number = made.paid.payment_number
    with pytest.raises(MovedMeanwhile):
        refuse_by_hand(actor=made.second, payment_number=number, transaction_number="ANOTHER", at=at(4))
    refuse_by_hand(actor=made.second, payment_number=number, transaction_number=made.said.transaction_number, at=at(4))
    assert made.status == "refused"
    assert take_by_hand(actor=made.second, said=made.said, at=at(5)) == "proposed"
    assert take_by_hand(actor=made.first, said=made.said, at=at(6)) == "taken"


def test_only_finance_and_nobody_for_themselves() -> None:
    made = ground()
    for stranger in (made.order.buyer, Actor(kind=ActorKind.PLATFORM, person_id=builders.a_person())):
        with pytest.raises(NotFound):
            take_by_hand(actor=stranger, said=made.said, at=at(3))
    clerk = finance()
    own = builders.a_placed_order(buyer=Actor(kind=ActorKind.BUYER, person_id=clerk.person_id))
    with pytest.raises(OwnOrder):
        take_by_hand(actor=clerk, said=statement(builders.a_payment(own)), at=at(3))
    assert (own.escrow, made.order.escrow) == (0, 0)


def test_what_does_not_fit_is_refused() -> None:
    made = ground()
    for said, refusal in (
        (replace(made.said, amount_minor=PRICE - 1), AmountDiffers),
        (replace(made.said, payment_number="AB-P0000000000"), PaymentUnknown),
        (replace(made.said, proof="  "), BadInput),
        (replace(made.said, transaction_number="with blank"), BadInput),
    ):
        with pytest.raises(refusal):
            take_by_hand(actor=made.first, said=said, at=at(3))
    used = builders.a_paid_order().state.payments[0].transaction_number or ""
    with pytest.raises(TransactionAlreadyTaken):
        take_by_hand(actor=made.first, said=replace(made.said, transaction_number=used), at=at(3))
    assert take_by_hand(actor=made.first, said=made.said, at=at(3)) == "taken"
    with pytest.raises(PaymentTakenAlready):
        take_by_hand(actor=made.first, said=replace(made.said, transaction_number="ANOTHER"), at=at(4))


def test_money_found_for_an_order_paid_otherwise_goes_back() -> None:
    paid = paid_otherwise()
    assert take_by_hand(actor=finance(), said=statement(paid.notice), at=at(3)) == "double_refunded"
    assert (paid.order.escrow, refunds(paid.order)) == (PRICE, 1)


def test_its_buyer_is_told_and_the_history_names_both() -> None:
    made = entered()
    take_by_hand(actor=made.second, said=made.said, at=at(5))
    (details,) = [event.details for event in dossier(state=made.order.state).timeline if event.what == "payment_taken_by_hand"]
    assert (details["entered_by"], details["approved_by"]) == (made.first.person_id, made.second.person_id)
    told = "SELECT count(*) FROM messaging_notice WHERE shop_id = %s AND order_id = %s AND kind = 'payment_found' AND audience = 'buyer'"
    assert database.value(told, (made.order.shop.id, made.order.state.id)) == 1
    assert events(made.order, "payment_by_hand_entered") == 1
