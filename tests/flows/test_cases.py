"""The life of a case: answered, refused, offered, withdrawn, left alone, ruled on, appealed against — and what becomes of the money."""

from datetime import timedelta

import pytest

from anka.catalog.models import Terms
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone
from anka.core.refusals import BadInput, NotFound, NotPermitted
from anka.flows.add_evidence import add_evidence, request_evidence
from anka.flows.answer_offer import OfferNotOpen, accept_offer, decline_offer
from anka.flows.appeal_case import appeal_case
from anka.flows.appoint_staff import appoint_staff
from anka.flows.confirm_order import UnitUnderCaseNotConfirmable, auto_confirm_order, confirm_order
from anka.flows.escalate_case import escalate_case
from anka.flows.fall_case_clocks import fall_case_clocks, fall_one_case
from anka.flows.make_offer import TooManyOffers, make_offer, offer_replacement
from anka.flows.reveal_unit import UnitUnderCase
from anka.flows.rule_on_case import Finding, NoRulingToApprove, SamePerson, approve_ruling, rule_on_case
from anka.flows.settle_order import settle_order
from anka.flows.steps.case_parties import NotYourTurn, PartyToTheCase
from anka.flows.steps.judge import AskRequired, Claim
from anka.flows.steps.replace_units import NoStockToReplace
from anka.flows.withdraw_case import withdraw_case
from tests.builders import OPERATOR, a_key, a_product, a_revealed_order, a_sealed_order, at
from tests.builders.cases import Case, a_case, an_arbiter
from tests.builders.orders import Order
from tests.flows.test_first_path import arrive

HALF = Finding(fault="both", reasons=("SHARED_FAULT",), text="Both sides.", refund_percent=50)


def test_agreeing_pays_what_was_asked_and_the_rest_goes_to_the_shop() -> None:
    case = a_case()
    assert case.status == "merchant_turn"
    assert case.order.state.units[0].frozen_minor == 4000
    case.agree(key="once")
    state = case.state
    assert (state.status, state.outcome, state.refund_minor) == ("closed", "partial", 4000)
    assert case.order.stages == ["voided"]
    assert case.order.moneys == ["refunding"]
    assert case.order.escrow == 0
    assert case.order.shop.balance(f"merchant:{case.order.shop.id}:pending") == 5700
    with pytest.raises(AlreadyDone):
        case.agree(key="once")


def test_the_rest_of_a_partly_refunded_unit_settles_once_the_refund_has_arrived() -> None:

    case = a_case()
    case.agree()
    late = at(days=3)
    assert not settle_order(order_number=case.order.number, at=late)
    arrive(case.order, when=at(30))
    assert settle_order(order_number=case.order.number, at=late)
    assert case.order.moneys == ["settled"]
    assert case.order.shop.balance(f"merchant:{case.order.shop.id}:available") == 5700


def test_a_refusal_needs_a_text_and_goes_to_the_platform() -> None:
    case = a_case()
    case.refuse()
    state = case.state
    assert (state.status, state.merchant_answer) == ("evidence", "refused")
    assert state.answers[-1].code == "KEY_WORKED"
    assert {clock.kind for clock in state.clocks} == {"look", "evidence", "ceiling"}
    with pytest.raises(NotYourTurn):
        case.refuse()


def test_the_merchant_may_still_agree_while_the_platform_looks() -> None:
    case = a_case()
    case.refuse()
    case.agree(when=at(40))
    assert case.state.outcome == "partial"


def test_silence_on_an_opened_key_goes_to_the_platform() -> None:
    case = a_case()
    assert not fall_one_case(case_number=case.number, at=at(60))
    assert case.fall()
    assert (case.status, case.state.merchant_answer) == ("evidence", "silent")


def test_an_amount_has_to_be_asked_for_and_be_within_what_is_left() -> None:
    order = a_revealed_order()
    with pytest.raises(AskRequired):
        order.cancel(Claim(reason="KEY_INVALID"))
    for wrong in (0, 10001):
        with pytest.raises(BadInput):
            order.cancel(Claim(reason="KEY_INVALID", ask_minor=wrong))
    assert order.state.units[0].case_count == 0


def test_an_offer_is_accepted_and_pays_by_itself() -> None:
    case = a_case()
    offer = case.offer(2500)
    assert case.status == "buyer_turn"
    buyer = case.order.buyer
    accept_offer(actor=buyer, case_number=case.number, offer_id=offer, request=a_key(buyer), at=at(30))
    assert (case.state.outcome, case.state.refund_minor, case.state.offers[-1].status) == ("partial", 2500, "accepted")
    with pytest.raises(NotYourTurn):
        accept_offer(actor=buyer, case_number=case.number, offer_id=offer, request=a_key(buyer), at=at(31))


def test_bargaining_ends_after_three_offers_and_a_declined_one_goes_to_the_platform() -> None:
    case = a_case()
    buyer, shop = case.order.buyer, case.merchant
    case.offer(2000)
    counter = case.offer(3500, actor=buyer, when=at(21))
    assert case.status == "merchant_turn"
    last = case.offer(3000, when=at(22))
    with pytest.raises(TooManyOffers):
        make_offer(actor=buyer, case_number=case.number, refund_minor=3200, text="", request=a_key(buyer), at=at(23))
    with pytest.raises(OfferNotOpen):
        accept_offer(actor=shop, case_number=case.number, offer_id=counter, request=a_key(shop), at=at(23))
    decline_offer(actor=buyer, case_number=case.number, offer_id=last, request=a_key(buyer), at=at(24))
    assert case.status == "evidence"


def test_an_offer_nobody_answers_goes_to_the_platform() -> None:
    case = a_case()
    case.offer()
    assert case.fall()
    assert (case.status, case.state.offers[-1].status) == ("evidence", "expired")


def test_nobody_accepts_an_offer_of_their_own_or_of_another_case() -> None:
    case, other = a_case(), a_case()
    offer = case.offer()
    with pytest.raises(NotYourTurn):
        accept_offer(actor=case.merchant, case_number=case.number, offer_id=offer, request=a_key(case.merchant), at=at(30))
    with pytest.raises(NotFound):
        accept_offer(actor=other.order.buyer, case_number=case.number, offer_id=offer, request=a_key(other.order.buyer), at=at(30))


def a_replacement_case(stock: int) -> Case:
    product = a_product(stock=stock)
    order = a_sealed_order(product=product)
    order.reveal(when=at(4))
    return a_case(order, claim=Claim(reason="KEY_INVALID", ask_replacement=True))


def test_an_agreed_replacement_hands_out_a_new_key_and_carries_the_money_on() -> None:
    case = a_replacement_case(stock=2)
    case.agree()
    assert case.state.outcome == "replaced"
    assert case.order.stages == ["replaced", "sealed"]
    assert case.order.moneys == ["none", "held"]
    assert case.order.reveal(2, when=at(30)) == case.order.product.secrets[1]
    assert case.order.state.units[1].case_count == 1


def test_no_stock_no_replacement() -> None:
    case = a_replacement_case(stock=1)
    with pytest.raises(NoStockToReplace):
        case.agree()
    with pytest.raises(NoStockToReplace):
        offer_replacement(actor=case.merchant, case_number=case.number, text="", request=a_key(case.merchant), at=at(20))
    assert case.status == "merchant_turn"


def test_an_offered_replacement_sets_stock_aside_and_gives_it_back_when_declined() -> None:
    case = a_replacement_case(stock=2)
    product = case.order.product
    offer_replacement(actor=case.merchant, case_number=case.number, text="", request=a_key(case.merchant), at=at(20))
    assert product.available == 0
    buyer = case.order.buyer
    decline_offer(actor=buyer, case_number=case.number, offer_id=case.state.offers[-1].id, request=a_key(buyer), at=at(21))
    assert product.available == 1
    assert case.status == "evidence"


def test_withdrawing_lets_the_clocks_run_on_with_as_much_time_as_they_had() -> None:
    case = a_case(when=at(hours=70))
    buyer = case.order.buyer
    assert not auto_confirm_order(order_number=case.order.number, at=at(hours=80))
    withdraw_case(actor=buyer, case_number=case.number, request=a_key(buyer), at=at(hours=80))
    assert (case.status, case.state.outcome) == ("closed", "withdrawn")
    assert case.order.state.units[0].frozen_minor == 0
    assert not auto_confirm_order(order_number=case.order.number, at=at(hours=81))
    assert auto_confirm_order(order_number=case.order.number, at=at(hours=83))


def test_a_unit_under_a_case_is_neither_opened_nor_confirmed() -> None:
    order = a_sealed_order(quantity=2)
    order.reveal(1, when=at(4))
    a_case(order, claim=Claim(reason="KEY_INVALID", positions=(1,), ask_minor=100))
    with pytest.raises(UnitUnderCaseNotConfirmable):
        confirm_order(actor=order.buyer, order_number=order.number, positions=(1,), request=a_key(order.buyer), at=at(11))
    late = a_sealed_order()
    a_case(late, when=at(days=8), claim=Claim(reason="NO_LONGER_NEEDED", ask_minor=9000))
    with pytest.raises(UnitUnderCase):
        late.reveal(when=at(days=8, minutes=1))


def test_money_the_merchant_already_has_is_set_aside_and_comes_back_from_there() -> None:
    order = a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(5))
    pending, frozen = f"merchant:{order.shop.id}:pending", f"merchant:{order.shop.id}:frozen"
    case = a_case(order)
    assert (order.shop.balance(pending), order.shop.balance(frozen)) == (5700, 3800)
    case.agree()
    assert (order.shop.balance(pending), order.shop.balance(frozen)) == (5700, 0)
    assert order.state.units[0].merchant_minor == 5700
    second = a_revealed_order()
    confirm_order(actor=second.buyer, order_number=second.number, positions=None, request=a_key(second.buyer), at=at(5))
    left = a_case(second)
    withdraw_case(actor=second.buyer, case_number=left.number, request=a_key(second.buyer), at=at(11))
    assert second.shop.balance(f"merchant:{second.shop.id}:pending") == 9500


def test_a_ruling_is_carried_out_when_nobody_appeals() -> None:
    case = a_case()
    case.refuse()
    case.rule(HALF)
    assert case.status == "decided"
    assert case.order.moneys == ["held"]
    assert case.fall()
    assert (case.state.outcome, case.state.refund_minor, case.state.fault) == ("partial", 5000, "both")
    assert case.order.stages == ["closed_out"]


def test_a_ruling_for_the_merchant_lets_the_order_go_on() -> None:
    case = a_case()
    case.refuse()
    case.rule(Finding(fault="buyer", reasons=("EVIDENCE_INSUFFICIENT",), text="No proof.", refund_minor=0))
    case.fall()
    assert (case.state.outcome, case.order.stages, case.order.moneys) == ("rejected", ["revealed"], ["held"])


def test_an_appeal_is_decided_by_somebody_else_and_carried_out_at_once() -> None:
    case = a_case()
    case.refuse()
    first = case.rule(HALF)
    buyer = case.order.buyer
    appeal_case(actor=buyer, case_number=case.number, text="The issuer wrote to me.", request=a_key(buyer), at=at(70))
    assert case.status == "appeal"
    with pytest.raises(SamePerson):
        case.rule(HALF, actor=first, when=at(80))
    case.rule(Finding(fault="merchant", reasons=("BAD_BEFORE_REVEAL",), text="So it was.", refund_percent=100), when=at(80))
    assert (case.state.outcome, case.state.refund_minor) == ("refunded", 10000)
    with pytest.raises(NotYourTurn):
        appeal_case(actor=buyer, case_number=case.number, text="Again.", request=a_key(buyer), at=at(90))


def test_a_large_ruling_needs_a_second_person() -> None:
    order = a_sealed_order(product=a_product(stock=1, price_minor=80000))
    order.reveal(when=at(4))
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=80000))
    case.refuse()
    whole = Finding(fault="merchant", reasons=("EVIDENCE_SUFFICIENT",), text="Bad.", refund_percent=100)
    first, second = case.rule(whole), an_arbiter()
    assert case.status == "evidence"
    assert case.state.proposed_ruling is not None
    with pytest.raises(SamePerson):
        approve_ruling(actor=first, case_number=case.number, request=a_key(first), at=at(61))
    approve_ruling(actor=second, case_number=case.number, request=a_key(second), at=at(62))
    assert case.status == "decided"
    with pytest.raises(NoRulingToApprove):
        approve_ruling(actor=second, case_number=case.number, request=a_key(second), at=at(63))


def test_only_an_arbiter_who_is_no_party_rules() -> None:
    case = a_case()
    case.refuse()
    agent = an_arbiter(role="agent")
    with pytest.raises(NotPermitted):
        case.rule(HALF, actor=agent)
    buyer = case.order.buyer
    with pytest.raises(NotFound):
        rule_on_case(actor=buyer, case_number=case.number, finding=HALF, request=a_key(buyer), at=at(60))

    appoint_staff(actor=OPERATOR, person_id=buyer.person_id, role="arbiter")
    with pytest.raises(PartyToTheCase):
        case.rule(HALF, actor=Actor(kind=ActorKind.PLATFORM, person_id=buyer.person_id))


def a_refused_case() -> Case:
    """A used key with a confirmed notice: the rules refuse, and the platform may be called."""

    order = a_sealed_order(product=a_product(stock=1, terms=Terms(notice_zh="用后不退", notice_en="No refund once used")))
    order.reveal(when=at(4))
    database.rows("UPDATE orders_unit SET use_check = 'used_after_reveal' WHERE order_id = %s", (order.state.id,))
    return a_case(order, claim=Claim(reason="NO_LONGER_NEEDED"))


def test_a_refused_claim_may_be_escalated_within_seven_days() -> None:
    case = a_refused_case()
    assert case.status == "refused"
    buyer = case.order.buyer
    escalate_case(actor=buyer, case_number=case.number, text="Please look.", request=a_key(buyer), at=at(days=6))
    assert case.status == "evidence"


def test_a_refused_claim_nobody_escalates_expires() -> None:
    case = a_refused_case()
    assert case.fall()
    assert (case.status, case.state.outcome) == ("closed", "expired")


def test_a_merchant_may_agree_out_of_goodwill() -> None:
    case = a_refused_case()
    case.agree()
    assert case.state.outcome == "refunded"


def test_evidence_is_kept_and_asked_for() -> None:
    case = a_case()
    buyer, arbiter = case.order.buyer, an_arbiter()
    add_evidence(actor=buyer, case_number=case.number, kind="OTHER", text="见聊天记录", request=a_key(buyer), at=at(11))
    case.refuse()
    case.fall()
    assert case.status == "review"
    request_evidence(actor=arbiter, case_number=case.number, side="buyer", text="A recording.", request=a_key(arbiter), at=at(days=2))
    assert case.status == "evidence"
    assert [item.kind for item in case.state.evidence] == ["OTHER"]


def test_the_platform_being_late_raises_an_alarm_and_the_ceiling_decides_for_the_buyer() -> None:
    case = a_case()
    case.refuse()
    for _clock in range(12):
        state = case.state
        if state.status == "closed":
            break
        due_at = min(clock.due_at for clock in state.clocks)
        fall_one_case(case_number=case.number, at=Moment(now=due_at + timedelta(seconds=1), real=at().real))
    assert (case.status, case.state.outcome, case.state.refund_minor) == ("closed", "partial", 4000)
    assert case.state.fault == "platform"
    assert case.state.closed_at is not None
    assert case.state.closed_at <= at(days=15, hours=1).now


def test_many_clocks_fall_in_one_transaction() -> None:
    cases = [a_case() for _ in range(5)]
    assert fall_case_clocks(at=cases[-1].due_at(), limit=1000) >= 5
    assert {case.status for case in cases} == {"evidence"}


def test_nobody_else_sees_the_case() -> None:
    case = a_case()
    stranger: Order = a_revealed_order()
    with pytest.raises(NotFound):
        withdraw_case(actor=stranger.buyer, case_number=case.number, request=a_key(stranger.buyer), at=at(30))
    with pytest.raises(NotFound):
        Case(case.number, stranger).agree()
