"""A refund its channel cannot complete: who looks after it, which other ways it may take, and that its money goes out once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import BadInput, MovedMeanwhile, NotFound, Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.choose_wallet import choose_wallet
from anka.flows.confirm_outcome import confirm_outcome
from anka.flows.decide_proof import approve_proof, refuse_proof
from anka.flows.steps.stuck_leg import (
    OutcomeStillOpen,
    OwnRefund,
    RefundNotStuck,
    SecondPersonNeeded,
    SomebodyElseHasIt,
)
from anka.flows.stuck_refund import close_look, note_stuck_refund, retry_refund, take_stuck_refund
from anka.flows.submit_attempt import Asking, submit_attempt
from anka.flows.transfer_by_hand import Transfer, abandon_transfer, begin_transfer, transfer_by_hand
from tests import builders
from tests.builders import Order, at
from tests.flows.ladder import (
    PRICE,
    S,
    a_transfer,
    arrived_in_wallet,
    finance,
    numbers,
    owed,
    queue,
    refund,
    say,
    states,
    status,
    stuck,
    told,
    unknown_for_good,
)


def test_a_stuck_refund_stands_in_the_queue_and_people_are_told() -> None:
    order = stuck()
    assert queue(order) == [("failed", None, None)]
    assert (told(order, "buyer"), told(order, "platform")) == (["refund_stuck"], ["refund_stuck"])
    due = database.value("SELECT due_at FROM payments_stuck WHERE shop_id = %s", (order.shop.id,))
    assert due == at(7).now + timedelta(days=1)


@pytest.mark.parametrize("said", [S.FAILED, S.ABNORMAL])
def test_the_buyer_alone_takes_it_into_the_wallet(said: AttemptState) -> None:
    order = stuck(said)
    for other in (builders.a_buyer(), finance()):
        with pytest.raises(NotFound):
            choose_wallet(actor=other, refund_number=refund(order), leg=1, at=at(8))
    chosen = choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    assert choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8)) == chosen
    over = "closed" if said == S.ABNORMAL else "failed"
    assert states(order) == [f"sandbox {over}", "wallet created"]
    assert (status(order), queue(order)) == ("processing", [(str(said), None, "another_way")])
    arrived_in_wallet(order)


def test_the_wallet_is_not_offered_while_the_channel_may_still_pay() -> None:
    order = builders.a_cancelled_order()
    with pytest.raises(RefundNotStuck):
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    order = unknown_for_good()
    with pytest.raises(OutcomeStillOpen):
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    with pytest.raises(OutcomeStillOpen):
        retry_refund(actor=finance(), refund_number=refund(order), leg=1, at=at(8))
    with pytest.raises(OutcomeStillOpen):
        begin_transfer(actor=finance(), refund_number=refund(order), leg=1, at=at(8))
    assert states(order) == ["sandbox manual"]


def test_finance_sends_it_again_under_a_new_number_only_where_the_old_one_is_over() -> None:
    order, who = stuck(), finance()
    number = retry_refund(actor=who, refund_number=refund(order), leg=1, at=at(8))
    assert numbers(order)[1][0] == number
    assert states(order) == ["sandbox failed", "sandbox created"]
    with pytest.raises(RefundNotStuck):
        retry_refund(actor=who, refund_number=refund(order), leg=1, at=at(8))
    with pytest.raises(OutcomeStillOpen):
        retry_refund(actor=who, refund_number=refund(stuck(S.ABNORMAL)), leg=1, at=at(8))


def test_one_person_looks_after_it_until_their_time_is_over() -> None:
    order, first, second = stuck(), finance(), finance()
    for _ in range(2):
        take_stuck_refund(actor=first, refund_number=refund(order), leg=1, at=at(8))
    note_stuck_refund(actor=second, refund_number=refund(order), leg=1, text="the bank was called", at=at(8))
    with pytest.raises(SomebodyElseHasIt):
        retry_refund(actor=second, refund_number=refund(order), leg=1, at=at(9))
    take_stuck_refund(actor=second, refund_number=refund(order), leg=1, at=at(days=2))
    assert queue(order) == [("failed", second.person_id, None)]
    with pytest.raises(BadInput):
        note_stuck_refund(actor=second, refund_number=refund(order), leg=1, text=" ", at=at(8))
    with pytest.raises(NotFound):
        take_stuck_refund(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    with pytest.raises(NotFound):
        take_stuck_refund(actor=first, refund_number=refund(order), leg=2, at=at(8))


def test_nobody_decides_about_a_refund_to_themselves() -> None:
    order = stuck()
    appoint_staff(actor=builders.OPERATOR, person_id=order.buyer.person_id, role="finance")
    self = Actor(kind=ActorKind.PLATFORM, person_id=order.buyer.person_id)
    with pytest.raises(OwnRefund):
        begin_transfer(actor=self, refund_number=refund(order), leg=1, at=at(8))


def test_a_transfer_by_hand_needs_proof_and_two_people() -> None:
    order, first, second = stuck(), finance(), finance()
    begin_transfer(actor=first, refund_number=refund(order), leg=1, at=at(8))
    with pytest.raises(OutcomeStillOpen):
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    transfer = a_transfer()
    for _ in range(2):
        transfer_by_hand(actor=first, refund_number=refund(order), leg=1, transfer=transfer, at=at(9))
    assert told(order, "platform") == ["refund_stuck", "refund_needs_approval"]
    with pytest.raises(SecondPersonNeeded):
        approve_proof(actor=first, refund_number=refund(order), leg=1, reference=transfer.reference, at=at(9))
    with pytest.raises(MovedMeanwhile):
        approve_proof(actor=second, refund_number=refund(order), leg=1, reference="another", at=at(9))
    assert order.shop.balance("bank:1") == 0
    for _ in range(2):
        assert approve_proof(actor=second, refund_number=refund(order), leg=1, reference=transfer.reference, at=at(10)) == "succeeded"
    assert states(order) == ["sandbox failed", "hand succeeded"]
    assert (status(order), owed(order), order.moneys) == ("succeeded", 0, ["refunded"])
    assert order.shop.balance("bank:1") == -PRICE
    assert queue(order) == [("by_hand", first.person_id, "arrived")]


@pytest.mark.parametrize(
    ("transfer", "field"),
    [
        (Transfer(payee=" ", bank="1", reference="R", amount_minor=PRICE), "payee"),
        (Transfer(payee="P", bank="no bank", reference="R", amount_minor=PRICE), "bank"),
        (Transfer(payee="P", bank="1", reference="", amount_minor=PRICE), "reference"),
        (Transfer(payee="P", bank="1", reference="R", amount_minor=PRICE - 1), "amount_minor"),
    ],
)
def test_a_proof_says_everything_and_the_whole_sum(transfer: Transfer, field: str) -> None:
    order, who = stuck(), finance()
    begin_transfer(actor=who, refund_number=refund(order), leg=1, at=at(8))
    with pytest.raises(BadInput) as refused:
        transfer_by_hand(actor=who, refund_number=refund(order), leg=1, transfer=transfer, at=at(9))
    assert list(refused.value.fields) == [field]


def test_a_transfer_of_the_bank_repays_one_refund() -> None:
    who, second, shop = finance(), finance(), builders.a_product(stock=2)
    first, other = (builders.a_sealed_order(product=shop) for _ in range(2))
    transfer = a_transfer()
    for order in (first, other):
        order.cancel()
        submit_attempt(number=numbers(order)[0][0], at=at(6))
        say(order, S.FAILED)
        begin_transfer(actor=who, refund_number=refund(order), leg=1, at=at(8))
    transfer_by_hand(actor=who, refund_number=refund(first), leg=1, transfer=transfer, at=at(9))
    with pytest.raises(BadInput):
        transfer_by_hand(actor=who, refund_number=refund(other), leg=1, transfer=transfer, at=at(9))
    refuse_proof(actor=second, refund_number=refund(first), leg=1, reference=transfer.reference, at=at(9))
    transfer_by_hand(actor=who, refund_number=refund(other), leg=1, transfer=transfer, at=at(9))


def test_a_transfer_that_was_never_made_can_be_given_up_and_one_that_was_proved_cannot() -> None:
    order, who, second = stuck(), finance(), finance()
    begin_transfer(actor=who, refund_number=refund(order), leg=1, at=at(8))
    abandon_transfer(actor=who, refund_number=refund(order), leg=1, at=at(9))
    assert (states(order), queue(order)) == (["sandbox failed", "hand failed"], [("failed", who.person_id, None)])
    begin_transfer(actor=who, refund_number=refund(order), leg=1, at=at(9))
    transfer = a_transfer()
    transfer_by_hand(actor=who, refund_number=refund(order), leg=1, transfer=transfer, at=at(9))
    with pytest.raises(MovedMeanwhile):
        abandon_transfer(actor=who, refund_number=refund(order), leg=1, at=at(9))
    refuse_proof(actor=second, refund_number=refund(order), leg=1, reference=transfer.reference, at=at(9))
    with pytest.raises(MovedMeanwhile):
        abandon_transfer(actor=who, refund_number=refund(order), leg=1, at=at(9))


def test_a_channel_that_pays_while_a_transfer_is_made_stops_its_approval() -> None:
    order, who, second = stuck(), finance(), finance()
    begin_transfer(actor=who, refund_number=refund(order), leg=1, at=at(8))
    transfer = a_transfer()
    transfer_by_hand(actor=who, refund_number=refund(order), leg=1, transfer=transfer, at=at(9))
    say(order, S.SUCCEEDED, attempt=0, minutes=9.5, source="notice")
    with pytest.raises(OutcomeStillOpen):
        approve_proof(actor=second, refund_number=refund(order), leg=1, reference=transfer.reference, at=at(10))
    close_look(actor=who, refund_number=refund(order), leg=1, text="both paid; the channel's was asked back", at=at(11))
    assert queue(order) == [("by_hand", who.person_id, None)]
    approve_proof(actor=second, refund_number=refund(order), leg=1, reference=transfer.reference, at=at(12))
    assert status(order) == "succeeded"


@pytest.mark.parametrize(("says", "becomes"), [(S.SUCCEEDED, "succeeded"), (S.FAILED, "stuck")])
def test_what_nobody_can_ask_is_seen_by_one_person_and_approved_by_another(says: AttemptState, becomes: str) -> None:
    order, first, second = unknown_for_good(), finance(), finance()
    assert queue(order) == [("outcome_unknown", None, None)]
    with pytest.raises(BadInput):
        confirm_outcome(actor=first, refund_number=refund(order), leg=1, says=S.CLOSED, reference="C1", at=at(8))
    for _ in range(2):
        confirm_outcome(actor=first, refund_number=refund(order), leg=1, says=says, reference="C1", at=at(8))
    with pytest.raises(SecondPersonNeeded):
        approve_proof(actor=first, refund_number=refund(order), leg=1, reference="C1", at=at(9))
    approve_proof(actor=second, refund_number=refund(order), leg=1, reference="C1", at=at(9))
    assert status(order) == becomes
    if says == S.FAILED:
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(9))
        arrived_in_wallet(order)


def test_a_clear_answer_that_comes_late_ends_what_was_unknown() -> None:
    order = unknown_for_good()
    assert say(order, S.SUCCEEDED) == "succeeded"
    assert (status(order), queue(order)) == ("succeeded", [("outcome_unknown", None, "arrived")])


def test_want_of_funds_stops_nothing_and_finance_hears_of_it_once() -> None:
    order = builders.a_cancelled_order()
    submit_attempt(number=numbers(order)[0][0], at=at(6))
    for minutes in (7, 8, 9):
        assert say(order, S.WAITING_FUNDS, minutes=minutes) == "waiting_funds"
    assert (status(order), queue(order)) == ("processing", [])
    assert told(order, "platform") == ["refund_waiting_funds"]
    assert say(order, S.PROCESSING) == "processing"
    assert say(order, S.SUCCEEDED) == "succeeded"


def test_a_channel_that_is_asked_once_may_be_asked_again_after_want_of_funds() -> None:
    order = builders.a_cancelled_order()
    number = numbers(order)[0][0]

    def once(_channel: str) -> Asking:
        return Asking.ONCE

    submit_attempt(number=number, at=at(6), asking=once)
    say(order, S.WAITING_FUNDS)
    found = submit_attempt(number=number, at=at(8), asking=once)
    assert found is not None
    assert found.status == "waiting_funds"
    assert states(order) == ["sandbox submitting"]


def test_money_that_bounces_is_owed_again_and_can_arrive_again() -> None:
    order = builders.a_cancelled_order()
    for turn in range(2):
        submit_attempt(number=numbers(order)[-1][0], at=at(10 * turn + 6))
        say(order, S.SUCCEEDED, minutes=10 * turn + 7)
        assert (status(order), owed(order), order.moneys) == ("succeeded", 0, ["refunded"])
        assert say(order, S.FAILED, minutes=10 * turn + 8, source="bill") == "reversed"
        assert (status(order), owed(order), order.moneys) == ("stuck", PRICE, ["refunding"])
        retry_refund(actor=finance(), refund_number=refund(order), leg=1, at=at(10 * turn + 9))
    assert states(order) == ["sandbox reversed", "sandbox reversed", "sandbox created"]
    # An old copy of the first success changes nothing, and is nobody's second payment.
    assert say(order, S.SUCCEEDED, attempt=0, minutes=30, source="notice") == "reversed"
    assert [reason for reason, _owner, ended in queue(order) if ended is None] == []
    submit_attempt(number=numbers(order)[-1][0], at=at(31))
    say(order, S.SUCCEEDED, minutes=32)
    assert (status(order), owed(order)) == ("succeeded", 0)


def test_a_message_alone_takes_no_success_back() -> None:
    order = builders.a_cancelled_order()
    submit_attempt(number=numbers(order)[0][0], at=at(6))
    say(order, S.SUCCEEDED)
    for said in (S.FAILED, S.CLOSED, S.ABNORMAL):
        assert say(order, said, minutes=8, source="notice") == "succeeded"
    assert (status(order), queue(order)) == ("succeeded", [])


def test_the_alarm_is_raised_once_and_a_person_comes_on_the_sixth_day() -> None:
    order = builders.a_cancelled_order()
    submit_attempt(number=numbers(order)[0][0], at=at(6))
    days: list[tuple[float, list[str]]] = [
        (0.01, []),
        (0.04, ["refund_overdue"]),
        (3, ["refund_overdue"]),
        (6.1, ["refund_overdue", "refund_late"]),
        (7, ["refund_overdue", "refund_late"]),
    ]
    for day, heard in days:
        say(order, S.PROCESSING, minutes=day * 1440)
        assert told(order, "platform") == heard
    assert (status(order), queue(order)) == ("processing", [("late", None, None)])
    # It goes on by itself all the while; looking after it opens no other way.
    with pytest.raises(RefundNotStuck):
        begin_transfer(actor=finance(), refund_number=refund(order), leg=1, at=at(days=7))
    say(order, S.SUCCEEDED, minutes=8 * 1440)
    assert (status(order), queue(order)) == ("succeeded", [("late", None, "arrived")])


Step = Callable[[Order, Actor, Moment], object]
WAYS: dict[str, Step] = {
    "wallet": lambda order, _who, when: choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=when),
    "again": lambda order, who, when: retry_refund(actor=who, refund_number=refund(order), leg=1, at=when),
    "hand": lambda order, who, when: begin_transfer(actor=who, refund_number=refund(order), leg=1, at=when),
}


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_of_two_ways_the_first_one_counts(first: str, second: str) -> None:
    if first == second:
        return
    order, who = stuck(), finance()
    WAYS[first](order, who, at(8))
    with pytest.raises(Refusal) as refused:
        WAYS[second](order, who, at(9))
    assert refused.value.status == 409
    assert len(numbers(order)) == 2
