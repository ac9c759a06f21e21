"""A shop's own money: withdrawals with their people, the deposit and its floor, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from django.utils.translation import override

from anka.core import database, freezes
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone
from anka.core.refusals import BadInput, MovedMeanwhile, NotFound, Refusal
from anka.domain.deposits import FeeBearer, Tier
from anka.domain.liability import Position
from anka.domain.withdrawals import WithdrawalState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.ask_withdrawal import WithdrawalAsked, ask_withdrawal
from anka.flows.confirm_order import confirm_order
from anka.flows.decide_withdrawal import SecondApproverNeeded, approve_withdrawal, refuse_withdrawal
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from anka.flows.place_order import DepositTooLow
from anka.flows.record_payout import BankReferenceUsed, PaidBySomebodyElse, begin_payout, record_paid, record_payout_failed
from anka.flows.release_deposit import DepositBound, NoDeposit, ShopStillOpen, release_deposit
from anka.flows.set_funds_terms import NewTerms, set_funds_terms
from anka.flows.settle_order import settle_order
from anka.flows.steps.funds_desk import NotEnoughAvailable, OwnShop
from anka.funds import queries
from anka.ledger.mode import NotOursToHold
from anka.messaging.queries import notices_of
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import an_arbiter
from tests.builders.funds import a_deposit, withdrawn
from tests.builders.people import OPERATOR
from tests.flows.test_remedies import finding, refused_case, ruled
from tests.flows.test_waterfall import PART, has, refunded, settled

ACCOUNT = "6222 0000 1234 5678"
LATER = at(days=5)
STEP = "SELECT record_funds_step(%s, %s, %s, 'deposit_released', %s, %s::jsonb)"


def ask(order: Order, amount: int = 5000, *, key: str | None = None) -> str:
    owner = order.shop.owner
    asked = WithdrawalAsked(amount_minor=amount, account=ACCOUNT)
    return ask_withdrawal(actor=owner, shop_id=order.shop.id, asked=asked, request=builders.a_key(owner, key), at=LATER)


def finance() -> Actor:
    return an_arbiter("finance")


def approve(number: str, actor: Actor | None = None) -> WithdrawalState:
    actor = actor or finance()
    return approve_withdrawal(actor=actor, number=number, request=builders.a_key(actor), at=LATER)


def begin(number: str, actor: Actor | None = None) -> None:
    actor = actor or finance()
    begin_payout(actor=actor, number=number, request=builders.a_key(actor), at=LATER)


def paid(number: str, reference: str = "ICBC-0001") -> None:
    actor = finance()
    record_paid(actor=actor, number=number, bank_reference=reference, request=builders.a_key(actor), at=LATER)


def status(number: str) -> WithdrawalState:
    return queries.withdrawal(number=number).status


def enrich(order: Order, amount: int) -> None:
    """Give a shop available money that nobody argues about."""
    shop = order.shop.id
    a_deposit(order.shop, amount)
    number = f"RICH{builders.serial()}"
    database.value(STEP, (shop, at(0).now, str(order.shop.owner), number, f'{{"amount_minor": {amount}}}'))
    moved = "SELECT post_journal(%s, %s, 'deposit_released', %s, 'CNY', ARRAY[%s], ARRAY[%s], ARRAY[%s::bigint])"
    places = (f"merchant:{shop}:deposit", f"merchant:{shop}:available")
    database.value(moved, (shop, f"deposit:{number}:released", at(0).now, *places, amount))


def test_a_withdrawal_goes_its_way() -> None:
    order = settled()
    number = ask(order)
    found = queries.withdrawal(number=number)
    assert (found.account, found.fee_minor, found.paid_out_minor) == ("•••• 5678", 100, 4900)
    assert number.split("-")[1].startswith("W")
    assert has(order) == Position(available=PART - 5000, withdrawing=5000)
    assert approve(number) == "approved"
    begin(number)
    paid(number)
    assert has(order) == Position(available=PART - 5000)
    assert (order.shop.balance("bank:main"), order.shop.balance("withdraw_fee")) == (-4900, 100)
    assert queries.withdrawal(number=number).bank_reference == "ICBC-0001"


def test_what_failed_or_was_refused_is_available_again() -> None:
    order = settled()
    failed, refused = ask(order, 2000), ask(order, 3000)
    approve(failed)
    begin(failed)
    actor = finance()
    record_payout_failed(actor=actor, number=failed, reason="account closed", request=builders.a_key(actor), at=LATER)
    refuse_withdrawal(actor=actor, number=refused, reason="no papers", request=builders.a_key(actor), at=LATER)
    assert (status(failed), status(refused)) == ("failed", "refused")
    assert has(order) == Position(available=PART)


def test_much_needs_two_people() -> None:
    order = settled()
    enrich(order, 500_000)
    number, first = ask(order, 500_000), finance()
    assert approve(number, first) == "asked"
    with pytest.raises(SecondApproverNeeded):
        approve(number, first)
    assert approve(number) == "approved"


def test_the_database_does_not_believe_in_one_person() -> None:
    order = settled()
    enrich(order, 500_000)
    number = ask(order, 500_000)
    alone = "UPDATE funds_withdrawal SET status = 'approved', decided_by = 9, decided_at = asked_at WHERE number = %s"
    with pytest.raises(Exception, match="withdrawal_by_two"):
        database.rows(alone, (number,))


def test_no_party_decides() -> None:
    order = settled()
    number = ask(order)
    insider = Actor(kind=ActorKind.PLATFORM, person_id=order.shop.owner.person_id)
    with pytest.raises(NotFound):
        approve(number, insider)
    appoint(insider)
    with pytest.raises(OwnShop):
        approve(number, insider)
    with pytest.raises(NotFound):
        approve(number, an_arbiter("agent"))


def appoint(actor: Actor) -> None:
    appoint_staff(actor=OPERATOR, person_id=actor.person_id, role="finance")


def test_steps_out_of_order_change_nothing() -> None:
    order = settled()
    number = ask(order)
    early: tuple[Callable[[str], None], ...] = (begin, paid)
    for step in early:
        with pytest.raises(MovedMeanwhile):
            step(number)
    approve(number)
    with pytest.raises(MovedMeanwhile):
        approve(number)
    begin(number)
    with pytest.raises(PaidBySomebodyElse):
        begin(number)
    paid(number)
    with pytest.raises(MovedMeanwhile):
        paid(number, "ICBC-0002")
    again = ask(order, 1000)
    approve(again)
    begin(again)
    with pytest.raises(BankReferenceUsed):
        paid(again)


def test_nobody_asks_for_more_than_there_is_or_for_anothers() -> None:
    order = settled()
    asked_for: tuple[tuple[int, type[Refusal]], ...] = ((PART + 1, NotEnoughAvailable), (999, BadInput))
    for amount, refusal in asked_for:
        with pytest.raises(refusal):
            ask(order, amount)
    stranger = builders.a_shop().owner
    asked = WithdrawalAsked(amount_minor=2000, account=ACCOUNT)
    with pytest.raises(NotFound):
        ask_withdrawal(actor=stranger, shop_id=order.shop.id, asked=asked, request=builders.a_key(stranger), at=LATER)
    assert has(order) == Position(available=PART)


def test_asking_twice_under_one_key_asks_once() -> None:
    order = settled()
    number = ask(order, key="one")
    with pytest.raises(AlreadyDone, match=number):
        ask(order, key="one")
    assert has(order).withdrawing == 5000


def test_a_debt_is_paid_before_anything_is_withdrawn() -> None:
    order = settled()
    number = ask(order, PART)
    refunded(order)
    assert has(order) == Position(withdrawing=PART, receivable=PART)
    actor = finance()
    refuse_withdrawal(actor=actor, number=number, reason="owes", request=builders.a_key(actor), at=LATER)
    with pytest.raises(NotEnoughAvailable):
        ask(order, 1000)


def test_frozen_payouts_stop_approvals_and_payments_but_not_what_the_bank_did() -> None:
    order = settled()
    going, waiting, asked = ask(order, 2000), ask(order, 2000), ask(order, 2000)
    approve(going)
    begin(going)
    approve(waiting)
    stopped_steps: tuple[tuple[Callable[[str], object], str], ...] = ((approve, asked), (begin, waiting))
    with database.transaction():
        number = freezes.freeze(actor="system:test", reason="I1", at=LATER.now)
    try:
        for step, stopped in stopped_steps:
            with pytest.raises(freezes.PayoutsFrozen):
                step(stopped)
        paid(going)
    finally:
        with database.transaction():
            freezes.thaw(freeze_id=number, actor="system:test", reason="seen", asked_by=None, at=LATER.now)
    begin(waiting)


def test_a_deposit_below_the_floor_stops_new_orders_only() -> None:
    order = settled(builders.a_revealed_order(product=builders.a_product(stock=4)))
    shop = order.shop
    set_terms(shop, tier=Tier.TRUSTED)
    assert queries.terms(shop_id=shop.id).floor_minor == 10_000
    with pytest.raises(DepositTooLow):
        builders.a_placed_order(product=order.product)
    enrich(order, 10_000)
    pay_deposit_from_balance(actor=shop.owner, shop_id=shop.id, amount_minor=10_000, request=builders.a_key(shop.owner), at=LATER)
    assert has(order) == Position(available=PART, deposit=10_000)
    assert builders.a_placed_order(product=order.product).number


def test_where_an_institution_holds_deposits_none_is_put_down_here_and_none_is_asked_for() -> None:
    order = settled(builders.a_revealed_order(product=builders.a_product(stock=4)))
    shop = order.shop
    set_terms(shop, tier=Tier.TRUSTED)
    enrich(order, 10_000)
    with override_settings(FUNDS_MODE="psp_mirror"):
        with pytest.raises(NotOursToHold):
            pay_deposit_from_balance(actor=shop.owner, shop_id=shop.id, amount_minor=10_000, request=builders.a_key(shop.owner), at=LATER)
        assert builders.a_placed_order(product=order.product).number
    assert has(order) == Position(available=PART + 10_000)


def set_terms(shop: builders.Shop, actor: Actor = OPERATOR, when: Moment = LATER, **asked: Any) -> None:
    terms = NewTerms(**{"tier": Tier.OPEN, "reason": "as agreed", **asked})
    set_funds_terms(actor=actor, shop_id=shop.id, terms=terms, request=builders.a_key(actor), at=when)


def test_only_finance_sets_terms_and_within_bounds() -> None:
    shop = builders.a_shop()
    for stranger in (shop.owner, an_arbiter("arbiter"), builders.a_buyer()):
        with pytest.raises(NotFound):
            set_terms(shop, stranger)
    insider = Actor(kind=ActorKind.PLATFORM, person_id=shop.owner.person_id)
    appoint(insider)
    with pytest.raises(OwnShop):
        set_terms(shop, insider)
    outside: tuple[dict[str, Any], ...] = (
        {"settle_minutes": 43_201},
        {"settle_minutes": -1},
        {"settle_minutes": 10**18},
        {"required_minor": -1},
        {"required_minor": 5, "floor_minor": 6},
        {"fee_basis_points": 201},
        {"reason": "  "},
    )
    for asked in outside:
        with pytest.raises(BadInput):
            set_terms(shop, finance(), **asked)
    assert queries.terms(shop_id=shop.id) == queries.UNASKED
    set_terms(shop, finance(), tier=Tier.NEW, required_minor=70_000, fee_bearer=FeeBearer.MERCHANT, reason="sells accounts soon")
    found = queries.terms(shop_id=shop.id)
    assert (found.required_minor, found.floor_minor, found.fee_bearer) == (70_000, 50_000, "merchant")
    (step,) = queries.steps(shop_id=shop.id, what="terms_set")
    assert (step.number, step.details["reason"]) == (shop.code, "sells accounts soon")
    assert told(shop) == ["deposit_low", "funds_terms_set"]


def told(shop: builders.Shop) -> list[str]:
    """What the shop was told of its money, newest first."""
    return [notice.kind for notice in notices_of(person_id=shop.owner.person_id, before=None, limit=50) if notice.order_number is None]


def test_a_shop_is_told_what_becomes_of_its_withdrawals() -> None:
    order = settled()
    failed, refused = ask(order, 2000), ask(order, 3000)
    actor = finance()
    refuse_withdrawal(actor=actor, number=refused, reason="no papers", request=builders.a_key(actor), at=LATER)
    approve(failed)
    begin(failed)
    record_payout_failed(actor=actor, number=failed, reason="account closed", request=builders.a_key(actor), at=LATER)
    withdrawn(order.shop, PART)
    refunded(order)
    settled(builders.a_revealed_order(product=order.product))
    kinds = ["refused", "approved", "failed", "approved", "paid"]
    assert told(order.shop)[::-1] == [*(f"withdrawal_{kind}" for kind in kinds), "receivable_arose", "receivable_collected"]


def test_a_merchant_at_fault_bears_the_channels_fee_where_the_terms_say_so() -> None:
    order = settled()
    set_terms(order.shop, fee_bearer=FeeBearer.MERCHANT, fee_basis_points=100)
    case = refused_case(order)
    ruled(case, finding(refund_percent=40))
    assert has(order) == Position(available=PART - 3800 - 40)
    assert order.shop.balance("psp_fee") == -40


@pytest.mark.parametrize(("terms", "fault"), [({}, "merchant"), ({"fee_bearer": FeeBearer.MERCHANT}, "none")])
def test_a_fee_is_borne_by_nobody_else(terms: dict[str, Any], fault: str) -> None:
    order = settled()
    set_terms(order.shop, **terms)
    ruled(refused_case(order), finding(refund_percent=40, fault=fault))
    assert (has(order), order.shop.balance("psp_fee")) == (Position(available=PART - 3800), 0)


def test_what_falls_below_the_floor_is_told_once() -> None:
    order = settled()
    a_deposit(order.shop, 60_000)
    set_terms(order.shop, tier=Tier.NEW)
    ruled(refused_case(order), finding(refund_percent=0, penalty_minor=15_000))
    assert told(order.shop) == ["deposit_low", "funds_terms_set"]
    assert has(order).deposit == 45_000


def test_a_shops_money_settles_after_its_own_time() -> None:
    order = builders.a_revealed_order()
    set_terms(order.shop, settle_minutes=0, when=at(0))
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(10))
    assert settle_order(order_number=order.number, at=at(11))


def release(order: Order, *, days: int) -> str:
    owner = order.shop.owner
    return release_deposit(actor=owner, shop_id=order.shop.id, request=builders.a_key(owner), at=at(days=days))


def test_a_deposit_is_released_when_nothing_can_be_complained_about_any_more() -> None:
    order = settled()
    shop = order.shop
    pay_deposit_from_balance(actor=shop.owner, shop_id=shop.id, amount_minor=4000, request=builders.a_key(shop.owner), at=LATER)
    with pytest.raises(ShopStillOpen):
        release(order, days=6)
    database.rows("UPDATE accounts_shop SET is_open = false WHERE id = %s", (shop.id,))
    with pytest.raises(DepositBound) as bound:
        release(order, days=6)
    assert bound.value.fields
    release(order, days=400)
    assert has(order) == Position(available=PART)
    with pytest.raises(NoDeposit):
        release(order, days=401)


def test_a_refusal_says_what_to_do() -> None:
    refusals: tuple[type[Refusal], ...] = (NotEnoughAvailable, OwnShop, BankReferenceUsed, PaidBySomebodyElse, DepositTooLow, NoDeposit)
    with override("en"):
        assert all("Nothing" in str(refusal()) for refusal in refusals)
