"""A ruling can compensate the buyer and penalise the shop: whoever is at fault pays, once, and nobody else."""

import pytest

from anka.core.refusals import BadInput
from anka.domain.liability import Position
from anka.flows.rule_on_case import Finding, approve_ruling
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import Case, a_case, an_arbiter
from tests.builders.funds import a_deposit
from tests.flows.test_waterfall import ALL_OF_IT, PART, has, settled


def finding(**changed: object) -> Finding:
    told: dict[str, object] = {"fault": "merchant", "reasons": ("EVIDENCE_SUFFICIENT",), "text": "It was bad.", "refund_percent": 0}
    return Finding(**{**told, **changed})  # type: ignore[arg-type]  # each field has the type it is given here


def put_down(order: Order, amount: int) -> None:
    a_deposit(order.shop, amount)


def refused_case(order: Order | None = None, *, deposit: int = 0) -> Case:
    """A case about a settled order that the merchant has refused, and the platform has."""
    order = order or settled()
    if deposit:
        put_down(order, deposit)
    case = a_case(order, claim=ALL_OF_IT, when=at(days=5))
    case.refuse(when=at(days=5))
    return case


def ruled(case: Case, found: Finding) -> Case:
    """Rule, and let the time for an appeal pass."""
    case.rule(found, when=at(days=6))
    assert case.fall()
    assert case.status == "closed"
    return case


def test_the_shop_compensates_from_what_it_has_and_is_penalised_out_of_its_deposit() -> None:
    case = ruled(refused_case(deposit=4000), finding(compensation_minor=700, penalty_minor=3000))
    order = case.order
    assert builders.wallet(order.buyer) == 700
    assert has(order) == Position(available=PART - 700, deposit=1000)
    assert (order.shop.balance("penalty"), order.shop.balance("compensation")) == (3000, 0)
    assert (case.state.compensation_minor, case.state.penalty_minor) == (700, 3000)


def test_the_refund_comes_first_and_the_platform_pays_what_the_shop_cannot() -> None:
    case = ruled(refused_case(), finding(refund_percent=100, compensation_minor=700))
    assert has(case.order) == Position()
    assert (builders.wallet(case.order.buyer), case.order.shop.balance("compensation")) == (700, 700)


def test_the_platforms_fault_is_the_platforms_expense() -> None:
    case = ruled(refused_case(deposit=4000), finding(fault="platform", compensation_minor=700))
    assert has(case.order) == Position(available=PART, deposit=4000)
    assert (builders.wallet(case.order.buyer), case.order.shop.balance("compensation")) == (700, 700)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"fault": "buyer", "compensation_minor": 1}, "compensation_minor"),
        ({"fault": "none", "penalty_minor": 1}, "penalty_minor"),
        ({"penalty_minor": 4001}, "penalty_minor"),
        ({"compensation_minor": -1}, "compensation_minor"),
    ],
)
def test_nobody_pays_who_is_not_at_fault_or_cannot(changed: dict[str, object], field: str) -> None:
    case = refused_case(deposit=4000)
    with pytest.raises(BadInput) as refused:
        case.rule(finding(**changed), when=at(days=6))
    assert list(refused.value.fields) == [field]


def test_a_second_person_is_asked_about_everything_that_moves() -> None:
    case = refused_case(deposit=50_000)
    first = case.rule(finding(refund_percent=100, compensation_minor=5000, penalty_minor=35_001), when=at(days=6))
    assert case.state.proposed_ruling is not None
    second = an_arbiter()
    assert second != first
    approve_ruling(actor=second, case_number=case.number, request=builders.a_key(second), at=at(days=6))
    assert case.fall()
    assert (builders.wallet(case.order.buyer), case.order.shop.balance("penalty")) == (5000, 35_001)


def test_what_the_ruling_itself_releases_bears_the_compensation_before_the_deposit_and_the_platform() -> None:
    """The sale's money is in escrow until the ruling; half of it becomes the shop's by the very change that asks for the compensation."""
    case = a_case(claim=ALL_OF_IT, when=at(10))
    put_down(case.order, 300)
    case.refuse(when=at(20))
    ruled(case, finding(refund_percent=50, compensation_minor=2000))
    assert has(case.order) == Position(pending=PART // 2 - 2000, deposit=300)
    assert (builders.wallet(case.order.buyer), case.order.shop.balance("compensation")) == (2000, 0)
