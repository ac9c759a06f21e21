"""Every flow of a case, with the ground it starts from and the proof that it happened exactly once."""

from collections.abc import Callable
from dataclasses import dataclass

from anka.catalog.models import Terms
from anka.core.actors import Actor
from anka.core.idempotency import RequestKey
from anka.flows.accept_order import accept_order
from anka.flows.add_evidence import add_evidence, request_evidence
from anka.flows.answer_case import agree_case, refuse_case
from anka.flows.answer_offer import accept_offer, decline_offer
from anka.flows.appeal_case import appeal_case
from anka.flows.escalate_case import escalate_case
from anka.flows.fall_case_clocks import fall_one_case
from anka.flows.hand_over_keys import Handover, hand_over_keys
from anka.flows.make_offer import make_offer, offer_replacement
from anka.flows.open_case import open_case
from anka.flows.record_void import record_void
from anka.flows.rule_on_case import Finding, approve_ruling, rule_on_case
from anka.flows.steps.judge import Claim
from anka.flows.withdraw_case import withdraw_case
from anka.jobs import keys
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import QUALITY, Case, a_case, an_arbiter
from tests.builders.issuers import issuer_says
from tests.faults.crash import Flow
from tests.faults.flows import events
from tests.faults.races import refunds

HALF = Finding(fault="both", reasons=("SHARED_FAULT",), text="Both sides.", refund_percent=50)
WHOLE = Finding(fault="merchant", reasons=("EVIDENCE_SUFFICIENT",), text="It was bad.", refund_percent=100)
CONSENTED = Terms(notice_zh="用后不退", notice_en="No refund once used")


@dataclass(frozen=True)
class Argument:
    """A case, who is about to act, the key of the request that is about to come, and what else it needs."""

    case: Case
    actor: Actor
    key: RequestKey
    secret: str = ""

    @property
    def number(self) -> str:
        """The case's number."""
        return self.case.number

    @property
    def offer(self) -> int:
        """The open offer's id."""
        return self.case.state.offers[-1].id


def argued(make: Callable[[], Case], who: Callable[[Case], Actor]) -> Callable[[], Argument]:
    """A ground whose case this builder makes, and somebody about to act on it."""

    def prepare() -> Argument:
        case = make()
        actor = who(case)
        return Argument(case=case, actor=actor, key=builders.a_key(actor))

    return prepare


def by_buyer(case: Case) -> Actor:
    return case.order.buyer


def by_merchant(case: Case) -> Actor:
    return case.merchant


def by_arbiter(_case: Case) -> Actor:
    return an_arbiter()


def offered() -> Case:
    """The merchant has offered an amount."""
    case = a_case()
    case.offer(3000)
    return case


def replaceable() -> Case:
    """A case about an opened key of a product that has another key."""
    order = builders.a_sealed_order(product=builders.a_product(stock=2))
    order.reveal(when=at(4))
    return a_case(order)


def replacement_offered() -> Case:
    """The merchant has offered another key."""
    case = replaceable()
    offer_replacement(actor=case.merchant, case_number=case.number, text="", request=builders.a_key(case.merchant), at=at(20))
    return case


def escalated() -> Case:
    """The merchant has refused; the platform has the case."""
    case = a_case()
    case.refuse()
    return case


def ruled() -> Case:
    """The platform has ruled; the appeal window runs."""
    case = escalated()
    case.rule(HALF)
    return case


def proposed() -> Case:
    """A ruling above the limit waits for a second person."""
    order = builders.a_sealed_order(product=builders.a_product(stock=1, price_minor=80000))
    order.reveal(when=at(4))
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=80000))
    case.refuse()
    case.rule(WHOLE)
    return case


def refused_by_rule() -> Case:
    """The rules refuse: the notice was confirmed, the key is used."""
    order = builders.a_sealed_order(product=builders.a_product(stock=1, terms=CONSENTED))
    order.reveal(when=at(4))
    issuer_says(order, use_check="used_after_reveal")
    return a_case(order, claim=Claim(reason="NO_LONGER_NEEDED"))


def to_be_void() -> Case:
    """A key that works and can be voided: its case waits for the issuer's receipt."""
    order = builders.a_revealed_order()
    issuer_says(order, use_check="unused", voidable=True)
    return a_case(order, claim=Claim(reason="NO_LONGER_NEEDED"))


def by_hand() -> Order:
    """Paid, to be delivered by hand."""
    return builders.a_paid_order(product=builders.a_product(stock=0, delivery="manual", terms=Terms(promise_minutes=120)))


def manual(make: Callable[[], Order]) -> Callable[[], Argument]:
    """A manual order and its merchant; there is no case yet."""

    def prepare() -> Argument:
        order = make()
        shop = order.shop.owner
        secret = f"HAND{builders.serial():08d}"
        return Argument(case=Case(number="", order=order), actor=shop, key=builders.a_key(shop), secret=secret)

    return prepare


def hand_over(argument: Argument) -> object:
    order = argument.case.order
    sealer = keys.sealer_for(shop_id=order.shop.id, at=at(9))
    given = Handover(secrets=(argument.secret,))
    return hand_over_keys(actor=argument.actor, order_number=order.number, handover=given, sealer=sealer, request=argument.key, at=at(10))


def handed_over_once(argument: Argument) -> None:
    order = argument.case.order
    assert (order.stages, events(order, "units_sealed")) == (["sealed"], 1)
    assert order.reveal(when=at(11)) == argument.secret


def opened(claim: Claim, make: Callable[[], Order]) -> Callable[[], Argument]:
    """An order whose buyer is about to open a case."""

    def prepare() -> Argument:
        order = make()
        return Argument(case=Case(number="", order=order), actor=order.buyer, key=builders.a_key(order.buyer))

    return prepare


def open_now(claim: Claim) -> Callable[[Argument], object]:
    def run(argument: Argument) -> object:
        order = argument.case.order
        return open_case(actor=argument.actor, order_number=order.number, claim=claim, request=argument.key, at=at(10))

    return run


def opened_once(argument: Argument) -> None:
    order = argument.case.order
    assert (events(order, "case_opened"), order.state.units[0].case_count, order.state.units[0].under_case) == (1, 1, True)


def stands(status: str, what: str, *, refunds_made: int = 0) -> Callable[[Argument], None]:
    """The case is in this status, its event happened once, and so many refunds were made."""

    def happened(argument: Argument) -> None:
        case = argument.case
        assert (case.status, events(case.order, what), refunds(case.order)) == (status, 1, refunds_made)

    return happened


def replaced_once(argument: Argument) -> None:
    order = argument.case.order
    assert (argument.case.state.outcome, order.stages, order.moneys) == ("replaced", ["replaced", "sealed"], ["none", "held"])
    assert order.product.available == 0


CASE_FLOWS = [
    Flow(
        "accept order",
        manual(by_hand),
        lambda a: accept_order(actor=a.actor, order_number=a.case.order.number, positions=None, request=a.key, at=at(9)),
        lambda a: _same(a.case.order.stages, ["accepted"]),
    ),
    Flow("hand over keys", manual(by_hand), hand_over, handed_over_once),
    Flow("open case", opened(QUALITY, builders.a_revealed_order), open_now(QUALITY), opened_once),
    Flow(
        "agree",
        argued(a_case, by_merchant),
        lambda a: agree_case(actor=a.actor, case_number=a.number, request=a.key, at=at(20)),
        stands("closed", "case_agreed", refunds_made=1),
    ),
    Flow(
        "refuse",
        argued(a_case, by_merchant),
        lambda a: refuse_case(actor=a.actor, case_number=a.number, code="KEY_WORKED", text="It did.", request=a.key, at=at(20)),
        stands("evidence", "case_refused"),
    ),
    Flow(
        "offer",
        argued(a_case, by_merchant),
        lambda a: make_offer(actor=a.actor, case_number=a.number, refund_minor=100, text="", request=a.key, at=at(20)),
        stands("buyer_turn", "case_offer_made"),
    ),
    Flow(
        "offer a replacement",
        argued(replaceable, by_merchant),
        lambda a: offer_replacement(actor=a.actor, case_number=a.number, text="", request=a.key, at=at(20)),
        stands("buyer_turn", "case_offer_made"),
    ),
    Flow(
        "accept an offer",
        argued(offered, by_buyer),
        lambda a: accept_offer(actor=a.actor, case_number=a.number, offer_id=a.offer, request=a.key, at=at(30)),
        stands("closed", "case_offer_accepted", refunds_made=1),
    ),
    Flow(
        "accept a replacement",
        argued(replacement_offered, by_buyer),
        lambda a: accept_offer(actor=a.actor, case_number=a.number, offer_id=a.offer, request=a.key, at=at(30)),
        replaced_once,
    ),
    Flow(
        "decline an offer",
        argued(replacement_offered, by_buyer),
        lambda a: decline_offer(actor=a.actor, case_number=a.number, offer_id=a.offer, request=a.key, at=at(30)),
        stands("evidence", "case_offer_declined"),
    ),
    Flow(
        "withdraw",
        argued(a_case, by_buyer),
        lambda a: withdraw_case(actor=a.actor, case_number=a.number, request=a.key, at=at(20)),
        stands("closed", "case_withdrawn"),
    ),
    Flow(
        "escalate",
        argued(refused_by_rule, by_buyer),
        lambda a: escalate_case(actor=a.actor, case_number=a.number, text="Look.", request=a.key, at=at(20)),
        stands("evidence", "case_escalated"),
    ),
    Flow(
        "add evidence",
        argued(a_case, by_buyer),
        lambda a: add_evidence(actor=a.actor, case_number=a.number, kind="OTHER", text="So.", request=a.key, at=at(20)),
        stands("merchant_turn", "case_evidence_added"),
    ),
    Flow(
        "ask for evidence",
        argued(escalated, by_arbiter),
        lambda a: request_evidence(actor=a.actor, case_number=a.number, side="both", text="More.", request=a.key, at=at(40)),
        stands("evidence", "case_evidence_asked"),
    ),
    Flow(
        "rule",
        argued(escalated, by_arbiter),
        lambda a: rule_on_case(actor=a.actor, case_number=a.number, finding=HALF, request=a.key, at=at(40)),
        stands("decided", "case_ruled"),
    ),
    Flow(
        "approve a ruling",
        argued(proposed, by_arbiter),
        lambda a: approve_ruling(actor=a.actor, case_number=a.number, request=a.key, at=at(70)),
        stands("decided", "case_ruled"),
    ),
    Flow(
        "appeal",
        argued(ruled, by_buyer),
        lambda a: appeal_case(actor=a.actor, case_number=a.number, text="No.", request=a.key, at=at(70)),
        stands("appeal", "case_appealed"),
    ),
    Flow(
        "carry out a ruling",
        argued(ruled, by_buyer),
        lambda a: fall_one_case(case_number=a.number, at=at(days=4)),
        stands("closed", "case_ruling_carried_out", refunds_made=1),
    ),
    Flow(
        "silence",
        argued(a_case, by_buyer),
        lambda a: fall_one_case(case_number=a.number, at=at(days=1.1)),
        stands("evidence", "case_silent"),
    ),
    Flow(
        "keys are void",
        argued(to_be_void, by_buyer),
        lambda a: record_void(case_number=a.number, receipts={1: "VOID-1"}, at=at(11)),
        stands("closed", "case_keys_void", refunds_made=1),
    ),
]


def _same(found: object, wanted: object) -> None:
    assert found == wanted
