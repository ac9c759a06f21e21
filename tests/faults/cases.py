"""Cases among the faults: every flow of a case with its crash points, and the named races with their guards."""

from collections.abc import Callable
from dataclasses import dataclass

from anka.catalog.models import Terms
from anka.core import database
from anka.core.actors import Actor
from anka.core.idempotency import RequestKey
from anka.flows.accept_order import accept_order
from anka.flows.add_evidence import add_evidence, request_evidence
from anka.flows.answer_case import agree_case, refuse_case
from anka.flows.answer_offer import accept_offer, decline_offer
from anka.flows.appeal_case import appeal_case
from anka.flows.confirm_order import auto_confirm_order, confirm_order
from anka.flows.escalate_case import escalate_case
from anka.flows.fall_case_clocks import fall_one_case
from anka.flows.hand_over_keys import Handover, hand_over_keys
from anka.flows.make_offer import make_offer, offer_replacement
from anka.flows.open_case import open_case
from anka.flows.record_void import record_void
from anka.flows.rule_on_case import Finding, approve_ruling, rule_on_case
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.flows.withdraw_case import withdraw_case
from anka.jobs import keys
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import QUALITY, Case, a_case, an_arbiter
from tests.builders.issuers import issuer_says
from tests.faults.crash import Flow
from tests.faults.flows import PRICE, events
from tests.faults.interleave import Act, Outcome
from tests.faults.races import LIMITS, MOVES, Race, refunds

HALF = Finding(fault="both", reasons=("SHARED_FAULT",), text="Both sides.", refund_percent=50)
WHOLE = Finding(fault="merchant", reasons=("EVIDENCE_SUFFICIENT",), text="It was bad.", refund_percent=100)
CONSENTED = Terms(notice_zh="用后不退", notice_en="No refund once used")
CASES = ("case lock", "case still open", "case moves")


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


def the_case(order: Order) -> Case:
    """The newest case of an order."""
    asked = "SELECT number FROM cases_case WHERE shop_id = %s AND order_id = %s ORDER BY id DESC LIMIT 1"
    return Case(number=str(database.value(asked, (order.shop.id, order.state.id))), order=order)


def order_of(make: Callable[[], Case]) -> Callable[[], Order]:
    """The order of the case this builder makes."""
    return lambda: make().order


def accepted_and_argued() -> Case:
    """Taken up by the merchant, and the buyer wants out: two hours to answer, silence refunds all."""
    order = by_hand()
    shop = order.shop.owner
    accept_order(actor=shop, order_number=order.number, positions=None, request=builders.a_key(shop), at=at(9))
    return a_case(order, claim=Claim(reason="NO_LONGER_NEEDED"))


def answer_and_timeout(order: Order) -> tuple[Act, Act]:
    case = the_case(order)
    return lambda: case.agree(when=at(100)), lambda: fall_one_case(case_number=case.number, at=at(140))


def refunded_once(order: Order, outcome: Outcome) -> None:
    """Agreement and silence both pay all of it; together they pay it once."""
    assert outcome.second.won, outcome
    assert (order.stages, order.escrow, refunds(order)) == (["released"], 0, 1)


def refuse_and_timeout(order: Order) -> tuple[Act, Act]:
    case = the_case(order)
    return lambda: case.refuse(when=at(100)), lambda: fall_one_case(case_number=case.number, at=at(140))


def one_answer_counts(order: Order, outcome: Outcome) -> None:
    """A refusal goes to the platform, silence pays: whichever came first, and only that."""
    case = the_case(order).state
    silent = case.merchant_answer == "silent"
    assert outcome.first.won != silent, outcome
    assert (str(case.status), refunds(order)) == (("closed", 1) if silent else ("evidence", 0))
    assert len(case.receipts) == 2


def late_and_sealed() -> Order:
    """Sealed, its refund window over: the merchant has to be asked."""
    return builders.a_sealed_order()


LAST_DAY = at(days=8)


def reveal_and_claim(order: Order) -> tuple[Act, Act]:
    key = builders.a_key(order.buyer)
    claim = Claim(reason="NO_LONGER_NEEDED", ask_minor=9000)

    def ask() -> object:
        return open_case(actor=order.buyer, order_number=order.number, claim=claim, request=key, at=LAST_DAY)

    return lambda: order.reveal(when=LAST_DAY), ask


def judged_as_it_is(order: Order, outcome: Outcome) -> None:
    """What is argued about stays as it was judged: sealed and not opened, or opened first and judged as opened."""
    assert outcome.second.won, outcome
    receipt = the_case(order).state.receipts[0]
    (position, facts) = receipt.judged()[0]
    assert (position, facts.stage) == (1, order.stages[0])
    assert outcome.first.won == (facts.stage == "revealed")


def countered() -> Case:
    """The buyer has made a counter-offer."""
    case = offered()
    case.offer(3500, actor=case.order.buyer, when=at(25))
    return case


def accept_and_withdraw(order: Order) -> tuple[Act, Act]:
    case = the_case(order)
    offer, shop_key, buyer_key = case.state.offers[-1].id, builders.a_key(case.merchant), builders.a_key(order.buyer)
    return (
        lambda: accept_offer(actor=case.merchant, case_number=case.number, offer_id=offer, request=shop_key, at=at(30)),
        lambda: withdraw_case(actor=order.buyer, case_number=case.number, request=buyer_key, at=at(30)),
    )


def settled_or_withdrawn(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert (the_case(order).state.outcome, refunds(order)) == (("partial", 1) if outcome.first.won else ("withdrawn", 0))


def rule_and_agree(order: Order) -> tuple[Act, Act]:
    case, arbiter = the_case(order), an_arbiter()
    key = builders.a_key(arbiter)
    return (
        lambda: rule_on_case(actor=arbiter, case_number=case.number, finding=HALF, request=key, at=at(40)),
        lambda: case.agree(when=at(40)),
    )


def ruled_or_settled(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    state = the_case(order).state
    assert (str(state.status), refunds(order)) == (("decided", 0) if outcome.first.won else ("closed", 1))
    assert (state.given_ruling is not None) == outcome.first.won


def claim_and_confirm(order: Order) -> tuple[Act, Act]:
    key = builders.a_key(order.buyer)
    return (
        lambda: open_case(actor=order.buyer, order_number=order.number, claim=QUALITY, request=key, at=at(hours=71.9)),
        lambda: auto_confirm_order(order_number=order.number, at=at(hours=72.2)),
    )


def frozen_wherever_it_is(order: Order, outcome: Outcome) -> None:
    """What is argued about is in escrow, or set aside from what the merchant got; nothing of it can be withdrawn or settled."""
    assert outcome.first.won, outcome
    assert outcome.second.won or outcome.second.refused, outcome
    shop = order.shop
    confirmed = order.state.units[0].confirmed_at is not None
    held = (order.escrow, shop.balance(f"merchant:{shop.id}:frozen"), shop.balance(f"merchant:{shop.id}:pending"))
    assert held == ((0, 3800, 5700) if confirmed else (PRICE, 0, 0))


def confirmed() -> Order:
    """Opened and confirmed; the money is on its way to the merchant."""
    order = builders.a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(5))
    return order


def refund_and_settle(order: Order) -> tuple[Act, Act]:
    shop, when = order.shop.owner, at(days=3)
    key = builders.a_key(shop)
    claim = Claim(reason="OTHER")
    return (
        lambda: open_case(actor=shop, order_number=order.number, claim=claim, request=key, at=when),
        lambda: settle_order(order_number=order.number, at=when),
    )


def nobody_has_it_twice(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 2, outcome
    shop = order.shop
    balances = [shop.balance(f"merchant:{shop.id}:{name}") for name in ("pending", "available", "frozen")]
    assert (balances, shop.balance("commission"), refunds(order), order.moneys) == ([0, 0, 0], 0, 1, ["refunding"])


def deliver_and_leave(order: Order) -> tuple[Act, Act]:
    argument = Argument(Case("", order), order.shop.owner, builders.a_key(order.shop.owner), secret=f"RACE{builders.serial():08d}")
    return lambda: hand_over(argument), lambda: order.cancel(when=at(10))


def out_of_it_once(order: Order, outcome: Outcome) -> None:
    assert outcome.second.won, outcome
    assert (order.escrow, refunds(order)) == (0, 1)
    assert order.stages == (["recalled"] if outcome.first.won else ["released"])


def two_claims(order: Order) -> tuple[Act, Act]:
    def claim() -> object:
        return order.cancel(QUALITY, when=at(10))

    return claim, claim


def argued_once(order: Order, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert events(order, "case_opened") == 1


CASE_RACES = [
    Race("cancel ‖ deliver by hand", by_hand, deliver_and_leave, out_of_it_once, (*MOVES, "given once", *LIMITS)),
    Race("answer ‖ timeout", order_of(accepted_and_argued), answer_and_timeout, refunded_once, (*CASES, *MOVES[1:], *LIMITS, "one clock")),
    Race("timeout ‖ refuse", order_of(accepted_and_argued), refuse_and_timeout, one_answer_counts, (*CASES, *MOVES[1:], "one clock")),
    Race("reveal ‖ case", late_and_sealed, reveal_and_claim, judged_as_it_is, ("order lock", "frozen is not opened")),
    Race("accept ‖ withdraw", order_of(countered), accept_and_withdraw, settled_or_withdrawn, (*CASES, "one clock")),
    Race("ruling ‖ private settlement", order_of(escalated), rule_and_agree, ruled_or_settled, (*CASES, *MOVES[1:], "one clock")),
    Race(
        "case ‖ auto-confirm",
        builders.a_revealed_order,
        claim_and_confirm,
        frozen_wherever_it_is,
        ("order lock", "frozen is not released", "one clock"),
    ),
    Race("refund ‖ settle", confirmed, refund_and_settle, nobody_has_it_twice, (*MOVES, *LIMITS)),
    Race("two claims at once", builders.a_revealed_order, two_claims, argued_once, ("order lock", "one open case", "one clock")),
]
