"""A refund of confirmed goods finds its money wherever the shop has it, and the platform advances the rest."""

from anka.domain.liability import Position
from anka.flows.confirm_order import confirm_order
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.flows.withdraw_case import withdraw_case
from anka.funds.queries import position
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import a_case
from tests.builders.funds import a_deposit, withdrawn

PART, PRICE = 9500, 10000
ALL_OF_IT = Claim(reason="KEY_INVALID", ask_minor=PRICE)


def settled(order: Order | None = None) -> Order:
    """An order that was opened, confirmed and settled."""
    order = order or builders.a_revealed_order(product=builders.a_product(stock=3))
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(10))
    assert settle_order(order_number=order.number, at=at(days=4))
    return order


def has(order: Order) -> Position:
    return position(shop_id=order.shop.id, currency="CNY")


def refunded(order: Order) -> None:
    """The merchant agrees to give all of it back."""
    case = a_case(order, claim=ALL_OF_IT, when=at(days=5))
    case.agree(when=at(days=5))
    assert order.shop.balance("refund_payable:sandbox") == PRICE


def test_money_that_was_withdrawn_is_advanced_and_owed() -> None:
    order = settled()
    assert has(order) == Position(available=PART)
    withdrawn(order.shop, 9000)
    refunded(order)
    assert has(order) == Position(receivable=9000)
    assert order.shop.balance("commission") == 0


def test_the_deposit_comes_before_a_debt() -> None:
    order = settled()
    withdrawn(order.shop, PART)
    a_deposit(order.shop, 4000)
    refunded(order)
    assert has(order) == Position(receivable=PART - 4000)


def test_later_sales_pay_the_debt_first() -> None:
    order = settled()
    withdrawn(order.shop, PART)
    refunded(order)
    assert has(order) == Position(receivable=PART)
    again = builders.a_revealed_order(product=order.product)
    settled(again)
    assert has(order) == Position()
    settled(builders.a_revealed_order(product=order.product))
    assert has(order) == Position(available=PART)


def test_another_sales_pending_money_bears_it_and_settles_less() -> None:
    order = settled()
    withdrawn(order.shop, PART - 500)
    other = builders.a_revealed_order(product=order.product)
    confirm_order(actor=other.buyer, order_number=other.number, positions=None, request=builders.a_key(other.buyer), at=at(10))
    refunded(order)
    assert has(order) == Position(pending=500)
    assert settle_order(order_number=other.number, at=at(days=6))
    assert has(order) == Position(available=500)


def test_a_rejected_case_gives_back_only_what_was_there_to_be_set_aside() -> None:
    order = settled()
    withdrawn(order.shop, 9000)
    case = a_case(order, claim=ALL_OF_IT, when=at(days=5))
    assert has(order) == Position(frozen=500)
    withdraw_case(actor=order.buyer, case_number=case.number, request=builders.a_key(order.buyer), at=at(days=5))
    assert case.status == "closed"
    assert has(order) == Position(available=500)
