"""A transfer made by hand that the bank sends back: two people say so, then it is owed again, and its money goes out once more."""

import pytest

from anka.core.actors import Actor
from anka.core.refusals import BadInput, MovedMeanwhile, NotFound
from anka.flows.choose_wallet import choose_wallet
from anka.flows.decide_proof import approve_proof, refuse_proof
from anka.flows.return_transfer import return_transfer
from anka.flows.steps.stuck_leg import OutcomeStillOpen, RefundNotStuck, SecondPersonNeeded
from anka.flows.transfer_by_hand import begin_transfer, transfer_by_hand
from tests.builders import Order, at
from tests.flows.ladder import PRICE, S, a_transfer, arrived_in_wallet, finance, owed, queue, refund, say, status, stuck, told


def sent_by_hand() -> tuple[Order, Actor, Actor]:
    """A refund that somebody has transferred, and a second person approved."""
    order, first, second, sent = stuck(), finance(), finance(), a_transfer()
    begin_transfer(actor=first, refund_number=refund(order), leg=1, at=at(8))
    transfer_by_hand(actor=first, refund_number=refund(order), leg=1, transfer=sent, at=at(9))
    approve_proof(actor=second, refund_number=refund(order), leg=1, reference=sent.reference, at=at(10))
    assert (status(order), owed(order), order.shop.balance("bank:1")) == ("succeeded", 0, -PRICE)
    return order, first, second


def test_a_transfer_that_came_back_is_owed_again_when_two_people_say_so_and_can_go_out_again() -> None:
    order, first, second = sent_by_hand()
    for turn in range(2):
        number, back = refund(order), f"BACK-{turn}"
        for _ in range(2):
            return_transfer(actor=first, refund_number=number, leg=1, reference=back, at=at(days=1 + turn))
        assert (status(order), owed(order), queue(order)[-1][0]) == ("succeeded", 0, "returned")
        with pytest.raises(SecondPersonNeeded):
            approve_proof(actor=first, refund_number=number, leg=1, reference=back, at=at(days=1 + turn, minutes=1))
        for _ in range(2):
            assert approve_proof(actor=second, refund_number=number, leg=1, reference=back, at=at(days=1 + turn, minutes=2)) == "reversed"
        assert (status(order), owed(order), order.shop.balance("bank:1")) == ("stuck", PRICE, 0)
        assert (order.moneys, queue(order)[-1]) == (["refunding"], ("reversed", None, None))
        begin_transfer(actor=first, refund_number=number, leg=1, at=at(days=1 + turn, minutes=3))
        again = a_transfer()
        transfer_by_hand(actor=first, refund_number=number, leg=1, transfer=again, at=at(days=1 + turn, minutes=4))
        approve_proof(actor=second, refund_number=number, leg=1, reference=again.reference, at=at(days=1 + turn, minutes=5))
        assert (status(order), owed(order), order.shop.balance("bank:1"), order.moneys) == ("succeeded", 0, -PRICE, ["refunded"])
    assert told(order, "buyer") == ["refund_stuck", "refund_arrived", "refund_stuck", "refund_arrived", "refund_stuck", "refund_arrived"]


def test_what_came_back_may_be_taken_into_the_wallet() -> None:
    order, first, second = sent_by_hand()
    return_transfer(actor=first, refund_number=refund(order), leg=1, reference="BACK", at=at(days=1))
    with pytest.raises(RefundNotStuck):
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(days=1))
    approve_proof(actor=second, refund_number=refund(order), leg=1, reference="BACK", at=at(days=1))
    choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(days=1, minutes=1))
    arrived_in_wallet(order)


def test_a_return_that_was_a_mistake_changes_nothing() -> None:
    order, first, second = sent_by_hand()
    return_transfer(actor=first, refund_number=refund(order), leg=1, reference="BACK", at=at(days=1))
    refuse_proof(actor=second, refund_number=refund(order), leg=1, reference="BACK", at=at(days=1))
    assert (status(order), owed(order), queue(order)[-1]) == ("succeeded", 0, ("returned", None, "looked_into"))
    return_transfer(actor=second, refund_number=refund(order), leg=1, reference="BACK", at=at(days=2))
    assert queue(order)[-1] == ("returned", None, None)


def test_only_what_went_out_by_hand_comes_back_by_hand_once_under_a_name_of_its_own() -> None:
    arrived, in_hand, who = stuck(), stuck(), finance()
    say(arrived, S.SUCCEEDED, minutes=60, source="notice")
    begin_transfer(actor=who, refund_number=refund(in_hand), leg=1, at=at(8))
    for order in (arrived, in_hand, stuck()):
        with pytest.raises(MovedMeanwhile):
            return_transfer(actor=who, refund_number=refund(order), leg=1, reference="BACK", at=at(9))
    order, first, _second = sent_by_hand()
    for reference in ("", " ", "x" * 201):
        with pytest.raises(BadInput):
            return_transfer(actor=first, refund_number=refund(order), leg=1, reference=reference, at=at(days=1))
    for nobody in (order.buyer, order.shop.owner):
        with pytest.raises(NotFound):
            return_transfer(actor=nobody, refund_number=refund(order), leg=1, reference="BACK", at=at(days=1))
    return_transfer(actor=first, refund_number=refund(order), leg=1, reference="BACK", at=at(days=1))
    with pytest.raises(MovedMeanwhile):
        return_transfer(actor=first, refund_number=refund(order), leg=1, reference="OTHER", at=at(days=1))


def test_a_leg_that_its_channel_paid_as_well_is_looked_into_before_anything_comes_back() -> None:
    order, first, _second = sent_by_hand()
    say(order, S.SUCCEEDED, attempt=0, minutes=60, source="notice")
    assert queue(order)[-1][0] == "paid_twice"
    with pytest.raises(OutcomeStillOpen):
        return_transfer(actor=first, refund_number=refund(order), leg=1, reference="BACK", at=at(days=1))
