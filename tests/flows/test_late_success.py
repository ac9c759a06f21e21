"""A channel pays a refund that our books had given up there: it counts where nothing has gone another way, or a person has to look."""

import pytest

from anka.domain.refund_states import AttemptState
from anka.flows.choose_wallet import choose_wallet
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.steps.stuck_leg import (
    OutcomeStillOpen,
    RefundNotStuck,
)
from anka.flows.stuck_refund import close_look, retry_refund
from anka.flows.submit_attempt import submit_attempt
from anka.flows.transfer_by_hand import begin_transfer
from tests import builders
from tests.builders import at, wallet
from tests.flows.ladder import (
    PRICE,
    S,
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
)


def test_money_the_channel_pays_after_all_is_a_persons_to_settle() -> None:
    order = stuck()
    choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    arrived_in_wallet(order)
    assert say(order, S.SUCCEEDED, attempt=0, minutes=9.5, source="notice") == "failed"
    assert queue(order)[-1] == ("paid_twice", None, None)
    assert told(order, "platform")[-1] == "refund_paid_twice"
    close_look(actor=finance(), refund_number=refund(order), leg=1, text="asked back", at=at(10))
    assert queue(order)[-1][2] == "looked_into"


@pytest.mark.parametrize("way", ["wallet", "hand", "again"])
def test_money_that_an_old_number_paid_calls_off_a_way_that_nothing_has_gone(way: str) -> None:
    order, who = stuck(), finance()
    number = refund(order)
    if way == "wallet":
        choose_wallet(actor=order.buyer, refund_number=number, leg=1, at=at(8))
    elif way == "hand":
        begin_transfer(actor=who, refund_number=number, leg=1, at=at(8))
    else:
        retry_refund(actor=who, refund_number=number, leg=1, at=at(8))
    assert say(order, S.SUCCEEDED, attempt=0, minutes=9, source="notice") == "succeeded"
    over = {"wallet": "wallet closed", "hand": "hand failed", "again": "sandbox closed"}[way]
    assert states(order) == ["sandbox succeeded", over]
    assert (status(order), owed(order), wallet(order.buyer), order.moneys) == ("succeeded", 0, 0, ["refunded"])
    assert {ended for _reason, _owner, ended in queue(order)} <= {"another_way", "arrived"}
    # Whoever takes the work up later finds nothing to do.
    assert submit_attempt(number=numbers(order)[-1][0], at=at(10)) is None
    # It is the payment that counts, so it is also the one that may come back.
    assert say(order, S.FAILED, attempt=0, minutes=20, source="bill") == "reversed"
    assert (status(order), owed(order)) == ("stuck", PRICE)
    choose_wallet(actor=order.buyer, refund_number=number, leg=1, at=at(21))
    submit_attempt(number=numbers(order)[-1][0], at=at(22))
    say(order, S.SUCCEEDED, minutes=22)
    assert (states(order)[-1], wallet(order.buyer), owed(order)) == ("wallet succeeded", PRICE, 0)


def test_another_sum_that_an_old_number_paid_calls_nothing_off() -> None:
    order = stuck()
    choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(8))
    odd = Evidence(status=S.SUCCEEDED, source="poll", observed_at=at(9).now, amount_minor=PRICE - 1)
    assert record_refund_outcome(number=numbers(order)[0][0], evidence=odd, at=at(9)) == "failed"
    assert (states(order), queue(order)[-1]) == (["sandbox failed", "wallet created"], ("paid_twice", None, None))


@pytest.mark.parametrize("said", [S.FAILED, S.CLOSED])
def test_money_that_an_old_number_paid_counts_when_it_is_said_again_after_the_new_one_is_over(said: AttemptState) -> None:
    order = builders.a_cancelled_order()
    submit_attempt(number=numbers(order)[0][0], at=at(6))
    say(order, S.CLOSED)
    submit_attempt(number=numbers(order)[1][0], at=at(8))
    assert say(order, S.SUCCEEDED, attempt=0, minutes=9, source="notice") == "closed"
    say(order, said, minutes=10)
    # No third number goes out while somebody may have been paid.
    assert (status(order), states(order), queue(order)) == ("stuck", ["sandbox closed", f"sandbox {said}"], [("paid_twice", None, None)])
    assert say(order, S.SUCCEEDED, attempt=0, minutes=11, source="bill") == "succeeded"
    assert (status(order), owed(order), queue(order)) == ("succeeded", 0, [("paid_twice", None, "arrived")])


@pytest.mark.parametrize("said", [S.FAILED, S.ABNORMAL, S.MANUAL])
def test_money_that_an_old_number_paid_stays_a_persons_to_settle_when_the_new_one_is_refused(said: AttemptState) -> None:
    order, who = builders.a_cancelled_order(), finance()
    submit_attempt(number=numbers(order)[0][0], at=at(6))
    say(order, S.CLOSED)
    submit_attempt(number=numbers(order)[1][0], at=at(8))
    assert say(order, S.SUCCEEDED, attempt=0, minutes=8, source="notice") == "closed"
    say(order, said, minutes=9)
    assert (status(order), states(order)) == ("stuck", ["sandbox closed", f"sandbox {said}"])
    assert queue(order) == [("paid_twice", None, None)]
    # The buyer may have the money already, so no other way is open before somebody has looked.
    for another_way in (retry_refund, begin_transfer):
        with pytest.raises(OutcomeStillOpen):
            another_way(actor=who, refund_number=refund(order), leg=1, at=at(10))
    with pytest.raises(OutcomeStillOpen):
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(10))
    close_look(actor=who, refund_number=refund(order), leg=1, text="it was a mistake of theirs", at=at(11))
    assert queue(order) == [("outcome_unknown" if said == S.MANUAL else str(said), who.person_id, None)]


def test_a_late_success_without_another_way_is_the_end_of_it() -> None:
    order = stuck()
    assert say(order, S.SUCCEEDED, minutes=60, source="notice") == "succeeded"
    assert (status(order), owed(order), queue(order)) == ("succeeded", 0, [("failed", None, "arrived")])
    with pytest.raises(RefundNotStuck):
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(61))
