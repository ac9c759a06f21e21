"""A case at every point of its life, for pages that have to show each of them."""

from collections.abc import Callable

from anka.catalog.models import Terms
from anka.core import database
from anka.flows.appeal_case import appeal_case
from anka.flows.make_offer import offer_replacement
from anka.flows.rule_on_case import Finding
from anka.flows.steps.judge import Claim
from anka.flows.withdraw_case import withdraw_case
from tests.builders.cases import Case, a_case
from tests.builders.goods import a_product
from tests.builders.moments import at
from tests.builders.orders import a_sealed_order
from tests.builders.people import a_key

WHOLE = Finding(fault="merchant", reasons=("EVIDENCE_SUFFICIENT", "BAD_BEFORE_REVEAL"), text="It was bad.", refund_percent=100)


def refused_by_the_shop() -> Case:
    """A case the merchant refused: the platform collects evidence."""
    case = a_case()
    case.refuse(when=at(12))
    return case


def with_an_offer() -> Case:
    """A case whose buyer has an offer of money to answer."""
    case = a_case()
    case.offer(2500, when=at(12))
    return case


def wanting_a_replacement(*, stock: int = 2) -> Case:
    """A case whose buyer asks for another key."""
    order = a_sealed_order(product=a_product(stock=stock))
    order.reveal(when=at(4))
    return a_case(order, claim=Claim(reason="KEY_INVALID", ask_replacement=True))


def with_an_offered_replacement() -> Case:
    """A case whose buyer has a replacement to answer."""
    case = wanting_a_replacement()
    offer_replacement(actor=case.merchant, case_number=case.number, text="", request=a_key(case.merchant), at=at(12))
    return case


def replaced() -> Case:
    """A case that ended with another key."""
    case = wanting_a_replacement()
    case.agree(when=at(12))
    return case


def refused_by_rule() -> Case:
    """A used key with a confirmed notice: the rules refuse, and the platform may be called."""
    order = a_sealed_order(product=a_product(stock=1, terms=Terms(notice_zh="用后不退", notice_en="No refund once used")))
    order.reveal(when=at(4))
    database.rows("UPDATE orders_unit SET use_check = 'used_after_reveal' WHERE order_id = %s", (order.state.id,))
    return a_case(order, claim=Claim(reason="NO_LONGER_NEEDED"))


def ruled() -> Case:
    """A case the platform has ruled on; both sides may appeal."""
    case = refused_by_the_shop()
    case.rule(when=at(13))
    return case


def proposed() -> Case:
    """A case with a ruling so large that a second person has to approve it."""
    order = a_sealed_order(product=a_product(stock=1, price_minor=80000))
    order.reveal(when=at(4))
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=80000, statement="不能用"))
    case.refuse(when=at(12))
    case.rule(WHOLE, when=at(13))
    return case


def appealed() -> Case:
    """A case whose ruling the buyer appealed against."""
    case = ruled()
    buyer = case.order.buyer
    appeal_case(actor=buyer, case_number=case.number, text="The issuer wrote to me.", request=a_key(buyer), at=at(14))
    return case


def in_review() -> Case:
    """A case the platform has looked at and has to decide."""
    case = refused_by_the_shop()
    case.fall()
    return case


def refunded() -> Case:
    """A case that ended with money on its way."""
    case = a_case()
    case.agree(when=at(12))
    return case


def withdrawn() -> Case:
    """A case its buyer took back."""
    case = a_case()
    buyer = case.order.buyer
    withdraw_case(actor=buyer, case_number=case.number, request=a_key(buyer), at=at(12))
    return case


def rejected() -> Case:
    """A case in which the platform gave nothing."""
    case = refused_by_the_shop()
    case.rule(Finding(fault="buyer", reasons=("EVIDENCE_INSUFFICIENT",), text="No proof.", refund_minor=0), when=at(13))
    case.fall()
    return case


def expired() -> Case:
    """A refusal nobody took to the platform."""
    case = refused_by_rule()
    case.fall()
    return case


LIVES: dict[str, Callable[[], Case]] = {
    "merchant's turn": a_case,
    "offer": with_an_offer,
    "replacement wanted": wanting_a_replacement,
    "replacement offered": with_an_offered_replacement,
    "replaced": replaced,
    "refused by rule": refused_by_rule,
    "evidence": refused_by_the_shop,
    "review": in_review,
    "proposed": proposed,
    "ruled": ruled,
    "appealed": appealed,
    "refunded": refunded,
    "withdrawn": withdrawn,
    "rejected": rejected,
    "expired": expired,
}
