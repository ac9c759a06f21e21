"""A payer's bank takes a payment back: nothing is paid beside it, the money is frozen, and whoever has it bears the loss."""

import pytest

from anka.core import database
from anka.domain.dispute_states import DisputeKind, DisputeState
from anka.domain.liability import Position
from anka.domain.refund_states import AttemptState
from anka.flows.choose_wallet import choose_wallet
from anka.flows.confirm_order import UnitUnderCaseNotConfirmable, auto_confirm_order, confirm_order
from anka.flows.decide_proof import approve_proof
from anka.flows.open_case import open_case, quote_case
from anka.flows.record_dispute import Recorded, record_dispute
from anka.flows.reveal_unit import UnitUnderCase
from anka.flows.settle_order import settle_order
from anka.flows.steps.case_parties import NotYourTurn
from anka.flows.steps.dispute_notice import DisputeDiffers, DisputeNotice, DisputePaymentUnknown
from anka.flows.steps.judge import Claim
from anka.flows.steps.plan_money_back import PaymentDisputed
from anka.flows.steps.stuck_leg import RefundNotStuck
from anka.flows.submit_attempt import HeldByDispute, submit_attempt
from anka.flows.transfer_by_hand import abandon_transfer, begin_transfer, transfer_by_hand
from anka.flows.withdraw_case import withdraw_case
from anka.funds.queries import position
from anka.payments.disputes import Dispute, by_number
from anka.payments.refund_queue import steps_for
from anka.payments.stuck import stuck_refund
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import a_case
from tests.builders.funds import withdrawn
from tests.faults.flows import attempts, events
from tests.faults.odd import finance
from tests.flows.ladder import a_transfer, refund, states, stuck

PRICE, PART = 10000, 9500
OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST


def a_notice(order: Order, said: DisputeState = OPEN, **more: object) -> DisputeNotice:
    """What the sandbox's bank says about an order's payment."""
    (payment,) = [one for one in order.state.payments if one.status == "paid" and one.channel == "sandbox"]
    told = {"channel_number": f"dp_{order.number}", **more}
    return DisputeNotice(said=said, channel="sandbox", payment_number=payment.number, **told)  # type: ignore[arg-type]


def hear(order: Order, said: DisputeState = OPEN, when: float = 20, **more: object) -> Recorded:
    return record_dispute(notice=a_notice(order, said, **more), at=at(when))


def kept(recorded: Recorded) -> Dispute:
    found = by_number(number=recorded.number)
    assert found is not None
    return found


def balances(order: Order) -> tuple[int, int, int]:
    """Escrow, what the bank holds in dispute, and what the channel took out of our balance with it."""
    return order.escrow, order.shop.balance("dispute:sandbox"), order.shop.balance("psp:sandbox:available")


def cases(order: Order) -> list[tuple[str, str, str | None]]:
    asked = "SELECT kind, status, outcome FROM cases_case WHERE shop_id = %s AND order_id = %s ORDER BY id"
    return [(kind, status, outcome) for kind, status, outcome in database.rows(asked, (order.shop.id, order.state.id))]


def has(order: Order) -> Position:
    return position(shop_id=order.shop.id, currency="CNY")


def confirmed(order: Order | None = None) -> Order:
    order = order or builders.a_revealed_order(product=builders.a_product(stock=3))
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(10))
    return order


def test_escrow_is_frozen_and_nothing_moves_beside_it() -> None:
    order = builders.a_sealed_order()
    told = hear(order)
    assert (told.status, told.is_news) == (OPEN, True)
    assert balances(order) == (PRICE, PRICE, -PRICE)
    assert [unit.frozen_minor for unit in order.state.units] == [PRICE]
    assert cases(order) == [("external", "external", None)]
    with pytest.raises(PaymentDisputed):
        order.cancel(when=at(21))
    with pytest.raises(UnitUnderCase):
        order.reveal()
    with pytest.raises(UnitUnderCaseNotConfirmable):
        confirm_order(actor=order.buyer, order_number=order.number, positions=(1,), request=builders.a_key(order.buyer), at=at(22))
    assert not auto_confirm_order(order_number=order.number, at=at(days=30))


def test_the_verdict_says_that_the_channel_decides() -> None:
    order = builders.a_sealed_order()
    hear(order)
    said = quote_case(actor=order.buyer, order_number=order.number, claim=Claim(reason=builders.CHANGED_MIND), at=at(21))
    assert (said["allowed"], said["why_not"]["code"]) == (False, "payment_disputed")
    assert [decision["rule"] for decision in said["decisions"]] == ["chargeback"]


def test_won_goes_on_as_before() -> None:
    order = builders.a_sealed_order()
    hear(order)
    assert hear(order, WON, 60).status == WON
    assert balances(order) == (PRICE, 0, 0)
    assert cases(order) == [("external", "closed", "resumed")]
    assert order.cancel(when=at(70))
    assert order.shop.balance("refund_payable:sandbox") == PRICE


@pytest.mark.parametrize(
    ("make", "stage"),
    [(builders.a_paid_order, "released"), (builders.a_sealed_order, "recalled"), (builders.a_revealed_order, "closed_out")],
)
def test_lost_in_escrow(make: object, stage: str) -> None:
    order: Order = make()  # type: ignore[operator]
    hear(order)
    told = hear(order, LOST, 60)
    assert (order.stages, order.moneys) == ([stage], ["refunded"])
    assert balances(order) == (0, 0, -PRICE)
    assert (order.state.refunded_minor, order.state.payments[0].refunded_minor) == (PRICE, PRICE)
    assert cases(order) == [("external", "closed", "settled_outside")]
    assert (kept(told).lost_minor, kept(told).unborne_minor) == (PRICE, 0)


@pytest.mark.parametrize("settles", [False, True])
def test_the_merchant_bears_it_where_it_has_the_money(settles: bool) -> None:
    order = confirmed()
    if settles:
        assert settle_order(order_number=order.number, at=at(days=4))
    hear(order, when=6000)
    assert has(order) == Position(frozen=PART)
    assert not settle_order(order_number=order.number, at=at(days=30))
    hear(order, LOST, 7000)
    assert has(order) == Position()
    assert (order.shop.balance("commission"), balances(order)) == (0, (0, 0, -PRICE))
    assert order.moneys == ["refunded"]


def test_what_the_merchant_no_longer_has_becomes_a_debt() -> None:
    order = confirmed()
    assert settle_order(order_number=order.number, at=at(days=4))
    withdrawn(order.shop, 9000)
    hear(order, when=6000)
    assert has(order) == Position(frozen=500)
    hear(order, LOST, 7000)
    assert has(order) == Position(receivable=9000)


def test_won_gives_the_merchant_back_what_was_set_aside() -> None:
    order = confirmed()
    hear(order, when=30)
    hear(order, WON, 60)
    assert has(order) == Position(pending=PART)
    assert settle_order(order_number=order.number, at=at(days=5))


def test_a_refund_that_was_not_sent_waits_and_is_paid_by_the_bank() -> None:
    order = builders.a_cancelled_order()
    (number,) = attempts(order)
    told = hear(order)
    with pytest.raises(HeldByDispute):
        submit_attempt(number=number, at=at(21))
    assert cases(order)[1:] == []
    hear(order, LOST, 60)
    assert (kept(told).repaid_minor, kept(told).lost_minor) == (PRICE, 0)
    assert (order.shop.balance("refund_payable:sandbox"), balances(order)) == (0, (0, 0, -PRICE))
    assert order.moneys == ["refunded"]
    assert submit_attempt(number=number, at=at(61)) is None
    assert events(order, "refund_by_bank") == 1


def test_a_refund_goes_on_when_the_dispute_is_won() -> None:
    order = builders.a_cancelled_order()
    (number,) = attempts(order)
    hear(order)
    hear(order, WON, 60)
    attempt = submit_attempt(number=number, at=at(61))
    assert attempt is not None
    assert attempt.status == AttemptState.CREATED


def test_money_that_went_back_twice_is_nobody_elses_loss() -> None:
    """The refund was on its way already when the bank took the payment back as well."""
    order = builders.a_cancelled_order()
    assert submit_attempt(number=attempts(order)[0], at=at(10)) is not None
    told = hear(order, LOST)
    assert (kept(told).repaid_minor, kept(told).lost_minor, kept(told).unborne_minor) == (0, 0, PRICE)
    assert (order.shop.balance("bad_debt"), has(order)) == (PRICE, Position())


def test_the_same_notice_often_and_in_any_order() -> None:
    order = builders.a_sealed_order()
    assert [hear(order, LOST, 20 + n).is_news for n in range(8)] == [True] + [False] * 7
    assert [hear(order, OPEN, 40 + n).is_news for n in range(2)] == [False, False]
    assert balances(order) == (0, 0, -PRICE)
    assert (events(order, "payment_disputed"), events(order, "dispute_lost")) == (1, 1)
    asked = "SELECT count(*) FROM payments_dispute_evidence WHERE shop_id = %s"
    assert database.value(asked, (order.shop.id,)) == 10


def test_what_contradicts_a_decision_is_said_once_and_changes_nothing() -> None:
    order = builders.a_sealed_order()
    hear(order, LOST)
    assert [hear(order, WON, 30 + n).status for n in range(3)] == [LOST] * 3
    assert (balances(order), events(order, "dispute_contradicted")) == ((0, 0, -PRICE), 1)


def test_what_does_not_fit_is_refused() -> None:
    order = builders.a_sealed_order()
    hear(order)
    for more in ({"amount_minor": PRICE - 1}, {"currency": "USD"}, {"amount_minor": PRICE + 1}, {"kind": DisputeKind.COMPLAINT}):
        with pytest.raises(DisputeDiffers):
            hear(order, WON, 30, **more)
    stranger = builders.a_sealed_order()
    with pytest.raises(DisputeDiffers):
        hear(stranger, OPEN, 30, channel_number=f"dp_{order.number}")
    with pytest.raises(DisputePaymentUnknown):
        record_dispute(notice=DisputeNotice(said=OPEN, channel="sandbox", payment_number="QM-P0", channel_number="x"), at=at(30))


def test_a_part_of_the_payment_takes_its_part_of_each_unit() -> None:
    order = confirmed(builders.a_revealed_order(quantity=2))
    hear(order, when=30, amount_minor=PRICE)
    assert [unit.frozen_minor for unit in order.state.units] == [PRICE // 2, PRICE // 2]
    hear(order, LOST, 60, amount_minor=PRICE)
    assert order.moneys == ["part_refunded", "part_refunded"]
    assert has(order) == Position(pending=PART)
    assert settle_order(order_number=order.number, at=at(days=9))
    assert has(order) == Position(available=PART)


def test_a_part_in_escrow_leaves_the_rest_there() -> None:
    order = builders.a_revealed_order()
    hear(order, when=30, amount_minor=4000)
    hear(order, LOST, 60, amount_minor=4000)
    assert (order.moneys, order.escrow, order.stages) == (["held"], 6000, ["revealed"])
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(70))
    assert has(order) == Position(pending=5700)


def test_an_open_case_waits_for_the_channel() -> None:
    order = builders.a_revealed_order()
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=4000), when=at(15))
    hear(order)
    assert cases(order) == [("after_sale", "external", None)]
    assert [unit.frozen_minor for unit in order.state.units] == [PRICE]
    with pytest.raises(NotYourTurn):
        withdraw_case(actor=order.buyer, case_number=case.number, request=builders.a_key(order.buyer), at=at(21))
    hear(order, LOST, 60)
    assert cases(order) == [("after_sale", "closed", "settled_outside")]


@pytest.mark.parametrize("said", [WON, LOST])
def test_an_open_case_about_the_merchants_money(said: DisputeState) -> None:
    order = confirmed()
    a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=4000), when=at(15))
    assert has(order) == Position(pending=PART - 3800, frozen=3800)
    hear(order)
    assert has(order) == Position(frozen=PART)
    hear(order, said, 60)
    assert has(order) == (Position(pending=PART) if said == WON else Position())


def test_two_disputes_about_one_payment() -> None:
    order = confirmed()
    for number, amount in (("dp1", 3000), ("dp2", 5000)):
        hear(order, when=30, channel_number=f"{number}_{order.number}", amount_minor=amount)
    assert has(order) == Position(pending=1900, frozen=7600)
    hear(order, LOST, 40, channel_number=f"dp1_{order.number}", amount_minor=3000)
    assert cases(order) == [("external", "external", None)]
    assert has(order) == Position(pending=1900, frozen=4750)
    hear(order, WON, 50, channel_number=f"dp2_{order.number}", amount_minor=5000)
    assert cases(order) == [("external", "closed", "resumed")]
    assert has(order) == Position(pending=6650)


def test_a_complaint_moves_no_money() -> None:
    order = builders.a_sealed_order()
    hear(order, kind=DisputeKind.COMPLAINT)
    assert (balances(order), [unit.frozen_minor for unit in order.state.units]) == ((PRICE, 0, 0), [0])
    assert cases(order) == [("external", "external", None)]
    hear(order, WON, 60, kind=DisputeKind.COMPLAINT)
    assert cases(order) == [("external", "closed", "resumed")]
    assert order.cancel(when=at(70))


def test_a_complaint_leaves_an_open_case_alone() -> None:
    order = builders.a_revealed_order()
    a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=4000), when=at(15))
    hear(order, kind=DisputeKind.COMPLAINT)
    assert cases(order) == [("after_sale", "merchant_turn", None)]
    hear(order, LOST, 60, kind=DisputeKind.COMPLAINT)
    assert cases(order) == [("after_sale", "merchant_turn", None)]


def test_the_merchant_cannot_be_asked_to_refund_it_either() -> None:
    order = builders.a_sealed_order()
    hear(order)
    claim = Claim(reason="SELLER_ASKED", channels_asked=True)
    with pytest.raises(PaymentDisputed):
        open_case(actor=order.shop.owner, order_number=order.number, claim=claim, request=builders.a_key(order.shop.owner), at=at(21))


def test_nobody_transfers_by_hand_what_the_bank_may_have_paid() -> None:
    order, person = stuck(), finance()
    hear(order, when=40)
    with pytest.raises(PaymentDisputed):
        begin_transfer(actor=person, refund_number=refund(order), leg=1, at=at(50))
    told = hear(order, LOST, 60)
    assert kept(told).repaid_minor == PRICE
    assert order.moneys == ["refunded"]


def test_a_transfer_by_hand_that_was_begun_and_never_entered_is_what_the_bank_repaid() -> None:
    order, person = stuck(), finance()
    begin_transfer(actor=person, refund_number=refund(order), leg=1, at=at(30))
    hear(order, when=40)
    assert states(order) == ["sandbox failed", "hand manual"]
    assert kept(hear(order, LOST, 60)).repaid_minor == PRICE
    assert (states(order), order.moneys) == (["sandbox failed", "hand failed", "sandbox succeeded"], ["refunded"])
    with pytest.raises(RefundNotStuck):
        transfer_by_hand(actor=person, refund_number=refund(order), leg=1, transfer=a_transfer(), at=at(61))
    assert order.shop.balance("bank:1") == 0


@pytest.mark.parametrize("way", ["wallet", "hand"])
def test_what_the_bank_repaid_went_no_other_way(way: str) -> None:
    """A way that was opened, and given up or never gone, is not the one by which the payer has the money."""
    order, person = stuck(), finance()
    if way == "wallet":
        choose_wallet(actor=order.buyer, refund_number=refund(order), leg=1, at=at(30))
    else:
        begin_transfer(actor=person, refund_number=refund(order), leg=1, at=at(30))
        abandon_transfer(actor=person, refund_number=refund(order), leg=1, at=at(31))
    hear(order, when=40)
    assert kept(hear(order, LOST, 60)).repaid_minor == PRICE
    over = "wallet closed" if way == "wallet" else "hand failed"
    assert (states(order), order.moneys) == (["sandbox failed", over, "sandbox succeeded"], ["refunded"])
    assert builders.wallet(order.buyer) == 0


def test_a_transfer_by_hand_that_was_entered_was_made_and_the_bank_repaid_it_a_second_time() -> None:
    order, person, second = stuck(), finance(), finance()
    begin_transfer(actor=person, refund_number=refund(order), leg=1, at=at(30))
    hear(order, when=40)
    made = a_transfer()
    transfer_by_hand(actor=person, refund_number=refund(order), leg=1, transfer=made, at=at(41))
    told = kept(hear(order, LOST, 60))
    assert (told.repaid_minor, told.unborne_minor) == (0, PRICE)
    approve_proof(actor=second, refund_number=refund(order), leg=1, reference=made.reference, at=at(61))
    assert (states(order), order.shop.balance("bank:1")) == (["sandbox failed", "hand succeeded"], -PRICE)


def test_finance_staff_are_warned_of_a_transfer_that_the_bank_may_have_made() -> None:
    order, person = stuck(), finance()
    line = stuck_refund(refund_number=refund(order), leg=1)
    assert line is not None
    assert (line.chargeback, steps_for(line=line, person_id=person.person_id)) == (None, ["take", "note", "retry", "begin_transfer"])
    hear(order, when=40)
    line = stuck_refund(refund_number=refund(order), leg=1)
    assert line is not None
    assert (line.chargeback, steps_for(line=line, person_id=person.person_id)) == ("open", ["take", "note"])
    hear(order, WON, 60)
    line = stuck_refund(refund_number=refund(order), leg=1)
    assert line is not None
    assert line.chargeback is None
