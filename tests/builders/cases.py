"""Cases brought to a point of their life by the real flows."""

from dataclasses import dataclass
from datetime import timedelta

from anka.cases.models import CaseState
from anka.cases.queries import read_case
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.flows.answer_case import agree_case, refuse_case
from anka.flows.appoint_staff import appoint_staff
from anka.flows.fall_case_clocks import fall_one_case
from anka.flows.make_offer import make_offer
from anka.flows.rule_on_case import Finding, rule_on_case
from anka.flows.steps.judge import Claim
from tests.builders.moments import at
from tests.builders.orders import OBSERVER, Order, a_revealed_order
from tests.builders.people import OPERATOR, a_key, a_person

QUALITY = Claim(reason="KEY_INVALID", ask_minor=4000)


@dataclass(frozen=True)
class Case:
    """A case and the order it is about."""

    number: str
    order: Order

    @property
    def state(self) -> CaseState:
        """How it stands now."""
        return read_case(number=self.number, actor=OBSERVER, at=at())[1]

    @property
    def status(self) -> str:
        """Its status now."""
        return str(self.state.status)

    @property
    def merchant(self) -> Actor:
        """Who answers for the shop."""
        return self.order.shop.owner

    def agree(self, *, key: str | None = None, when: Moment | None = None) -> str:
        """Agree as the merchant."""
        return agree_case(actor=self.merchant, case_number=self.number, request=a_key(self.merchant, key), at=when or at(20))

    def refuse(self, *, when: Moment | None = None) -> str:
        """Refuse as the merchant."""
        actor = self.merchant
        return refuse_case(
            actor=actor, case_number=self.number, code="KEY_WORKED", text="It worked.", request=a_key(actor), at=when or at(20)
        )

    def offer(self, refund_minor: int = 3000, *, actor: Actor | None = None, when: Moment | None = None) -> int:
        """Offer an amount, as the merchant unless said otherwise; return the offer's id."""
        actor = actor or self.merchant
        make_offer(actor=actor, case_number=self.number, refund_minor=refund_minor, text="", request=a_key(actor), at=when or at(20))
        return self.state.offers[-1].id

    def rule(self, finding: Finding | None = None, *, actor: Actor | None = None, when: Moment | None = None) -> Actor:
        """Rule as an arbiter; return who did."""
        actor = actor or an_arbiter()
        finding = finding or Finding(fault="merchant", reasons=("EVIDENCE_SUFFICIENT",), text="It was bad.", refund_percent=50)
        rule_on_case(actor=actor, case_number=self.number, finding=finding, request=a_key(actor), at=when or at(60))
        return actor

    def fall(self) -> bool:
        """Let the clock of its turn fall; tell whether that did something."""
        return fall_one_case(case_number=self.number, at=self.due_at())

    def due_at(self, *, plus: timedelta = timedelta(seconds=1)) -> Moment:
        """A moment just after its clock has fallen."""
        due_at = self.state.due_at
        assert due_at is not None
        return Moment(now=due_at + plus, real=at().real)


def an_arbiter(role: str = "arbiter") -> Actor:
    """Somebody of the platform's staff."""
    person = a_person()
    appoint_staff(actor=OPERATOR, person_id=person, role=role)
    return Actor(kind=ActorKind.PLATFORM, person_id=person)


def a_case(order: Order | None = None, *, claim: Claim = QUALITY, when: Moment | None = None) -> Case:
    """A case that waits for the merchant, about an opened key, unless the claim brings it elsewhere."""
    order = order or a_revealed_order()
    (number,) = order.cancel(claim, when=when or at(10))
    return Case(number=number, order=order)
