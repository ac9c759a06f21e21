"""The named races of a case: what must hold whoever of its parties comes first, and the guards without which it would not."""

from collections.abc import Callable

from anka.core import database
from anka.flows.accept_order import accept_order
from anka.flows.answer_offer import accept_offer
from anka.flows.confirm_order import auto_confirm_order, confirm_order
from anka.flows.fall_case_clocks import fall_one_case
from anka.flows.open_case import open_case
from anka.flows.rule_on_case import rule_on_case
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.flows.withdraw_case import withdraw_case
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import QUALITY, Case, a_case, an_arbiter
from tests.faults.case_flows import HALF, Argument, by_hand, escalated, hand_over, offered
from tests.faults.flows import PRICE, events
from tests.faults.interleave import Act, Outcome
from tests.faults.races import LIMITS, MOVES, Race, refunds

CASES = ("case lock", "case still open", "case moves")


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
