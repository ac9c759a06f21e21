"""Orders on which the clauses of the invariants can be broken, brought there by the real flows."""

from anka.flows.answer_offer import accept_offer
from anka.flows.confirm_order import confirm_order
from anka.flows.make_offer import offer_replacement
from anka.flows.steps.judge import Claim
from tests import builders
from tests.builders import Order, a_key, at
from tests.builders.cases import a_case
from tests.faults.odd import kept, match


def confirmed() -> Order:
    """Opened and confirmed."""
    order = builders.a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(5))
    return order


def argued() -> Order:
    """A case about an opened key waits for the merchant."""
    return a_case().order


def argued_after_confirmation() -> Order:
    """What the merchant has already is set aside for a case."""
    return a_case(confirmed()).order


def agreed() -> Order:
    """A case was settled by agreement, and the key is void."""
    case = a_case()
    case.agree()
    return case.order


def replaced() -> Order:
    """A bad key was replaced."""
    order = builders.a_sealed_order(product=builders.a_product(stock=2))
    order.reveal(when=at(4))
    a_case(order, claim=Claim(reason="KEY_INVALID", ask_replacement=True)).agree()
    return order


def replacement_on_offer() -> Order:
    """A key is set aside for a replacement."""
    order = builders.a_sealed_order(product=builders.a_product(stock=2))
    order.reveal(when=at(4))
    case = a_case(order)
    offer_replacement(actor=case.merchant, case_number=case.number, text="", request=a_key(case.merchant), at=at(20))
    return order


def offer_accepted() -> Order:
    """An offer was accepted."""
    case = a_case()
    offer = case.offer(2500)
    buyer = case.order.buyer
    accept_offer(actor=buyer, case_number=case.number, offer_id=offer, request=a_key(buyer), at=at(30))
    return case.order


def was_ruled_on() -> Order:
    """The platform has ruled."""
    case = a_case()
    case.refuse()
    case.rule()
    return case.order


def two_paid() -> Order:
    """Two units, paid."""
    return builders.a_paid_order(quantity=2)


def two_reserved() -> Order:
    """Two units, not paid."""
    return builders.a_placed_order(quantity=2)


def matched() -> Order:
    """Money of nobody's paid an order."""
    ground = kept()
    match(ground)
    return ground.order
