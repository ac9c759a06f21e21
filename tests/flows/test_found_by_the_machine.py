"""What writing the model of the life of orders, and walking beside it, has found (tests/faults/model), each as one small order."""

import pytest

from anka.cases.queries import dossier, read_case
from anka.core.actors import Actor
from anka.core.refusals import BadInput
from anka.flows.answer_case import AgreementNotAllowed
from anka.flows.confirm_order import confirm_order
from anka.flows.settle_order import settle_order
from anka.flows.steps.actions import actions_for
from anka.flows.steps.case_actions import case_actions
from anka.flows.steps.file_case import ShareTooSmall
from anka.flows.steps.judge import Claim
from anka.flows.steps.may_claim import TooManyCases
from anka.flows.withdraw_case import withdraw_case
from anka.orders.queries import read_order
from tests.builders import a_key, a_product, a_revealed_order, a_sealed_order, at
from tests.builders.cases import Case, a_case, an_arbiter
from tests.builders.issuers import issuer_says
from tests.builders.orders import Order
from tests.flows.situations import taken_up
from tests.flows.test_first_path import arrive

WEEK_LATER = at(days=8)


def case_offers(case: Case, actor: Actor) -> set[str]:
    """What a side is offered to do with a case."""
    state, argued = read_case(number=case.number, actor=actor, at=at(20))
    return {action.name for action in case_actions(state=state, case=argued, actor=actor, at=at(20)) if action.allowed}


def order_offers(order: Order, actor: Actor) -> set[str]:
    """What somebody is offered to do with an order."""
    state = read_order(number=order.number, actor=actor, at=at(20))
    return {action.name for action in actions_for(state=state, actor=actor, at=at(20)) if action.allowed}


def test_nobody_is_offered_to_settle_what_only_the_platform_may_decide() -> None:
    case = a_case(claim=Claim(reason="FAKE_OR_ILLICIT"))
    with pytest.raises(AgreementNotAllowed):
        case.agree()
    assert case_offers(case, case.merchant).isdisjoint({"agree", "offer"})
    assert "offer" not in case_offers(case, case.order.buyer)


def test_a_unit_that_gets_nothing_of_a_small_amount_goes_on_as_if_nobody_had_argued() -> None:
    order = a_revealed_order(quantity=2)
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=1))
    case.agree()
    assert sorted(zip(order.stages, order.moneys, strict=True)) == [("revealed", "held"), ("voided", "refunding")]
    assert order.escrow == 10000


def test_nobody_asks_for_nothing_of_some_units() -> None:
    order = a_revealed_order(quantity=2)
    issuer_says(order, use_check="used_after_reveal", position=2, when=at(6))
    with pytest.raises(BadInput):
        order.cancel(Claim(reason="KEY_INVALID", ask_minor=1), when=at(10))
    assert [unit.case_count for unit in order.state.units] == [0, 0]


def test_the_money_of_a_confirmed_unit_waits_until_its_sealed_successor_can_no_longer_be_sent_back() -> None:
    order = a_sealed_order(product=a_product(stock=2))
    order.reveal(when=at(4))
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(5))
    a_case(order, claim=Claim(reason="KEY_INVALID", ask_replacement=True)).agree()
    assert (order.stages, order.moneys) == (["replaced", "sealed"], ["none", "released"])
    assert not settle_order(order_number=order.number, at=at(days=3))
    assert settle_order(order_number=order.number, at=WEEK_LATER)


def test_what_a_sealed_unit_has_left_after_a_partial_refund_settles() -> None:
    order = a_sealed_order()
    a_case(order, claim=Claim(reason="NO_LONGER_NEEDED", ask_minor=9000), when=WEEK_LATER).agree(when=WEEK_LATER)
    arrive(order, when=WEEK_LATER)
    assert settle_order(order_number=order.number, at=at(days=12))
    assert (order.stages, order.moneys) == (["recalled"], ["settled"])


def test_what_is_left_of_an_undelivered_unit_after_a_partial_refund_settles() -> None:
    order = taken_up()
    a_case(order, claim=Claim(reason="NO_LONGER_NEEDED", ask_minor=9000), when=at(10)).agree()
    arrive(order, when=at(30))
    assert settle_order(order_number=order.number, at=at(days=3))
    assert (order.stages, order.moneys) == (["released"], ["settled"])


def test_staff_who_may_not_claim_for_others_are_not_offered_to() -> None:
    order = a_sealed_order()
    assert "cancel" not in order_offers(order, an_arbiter())
    assert "cancel" in order_offers(order, an_arbiter(role="agent"))


def test_nobody_is_offered_a_sixth_case_without_a_new_reason() -> None:
    order = a_revealed_order()
    for _time in range(5):
        (number,) = order.cancel(Claim(reason="KEY_INVALID", ask_minor=100), when=at(10))
        withdraw_case(actor=order.buyer, case_number=number, request=a_key(order.buyer), at=at(11))
    with pytest.raises(TooManyCases):
        order.cancel(Claim(reason="NO_LONGER_NEEDED", ask_minor=100), when=at(12))
    assert "cancel" not in order_offers(order, order.buyer)


def test_what_a_claim_brought_is_shown_though_its_case_ended_at_once() -> None:
    order = a_sealed_order()
    order.cancel(Claim(reason="NO_LONGER_NEEDED", evidence=(("OTHER", "See the chat."),)), when=at(10))
    (shown,) = dossier(state=order.state).cases
    assert (str(shown.status), [item.text for item in shown.evidence]) == ("closed", ["See the chat."])


def test_what_was_offered_and_withdrawn_in_one_moment_is_shown() -> None:
    case = a_case()
    case.offer(when=at(10))
    buyer = case.order.buyer
    withdraw_case(actor=buyer, case_number=case.number, request=a_key(buyer), at=at(10))
    (shown,) = dossier(state=case.order.state).cases
    assert [(offer.refund_minor, offer.status) for offer in shown.offers] == [(3000, "superseded")]
    assert [said.what for said in shown.answers] == ["withdrew"]


def test_a_share_that_rounds_to_nothing_takes_nothing() -> None:
    order = a_sealed_order(product=a_product(stock=1, price_minor=20))
    order.reveal(when=at(4))
    issuer_says(order, use_check="used_after_reveal", delivered_percent=99)
    with pytest.raises(ShareTooSmall):
        order.cancel(Claim(reason="KEY_SHORT_COUNT"), when=at(10))
    assert (order.stages, order.moneys) == (["used"], ["held"])
