"""Every situation a card key can be in by the default rules: how real orders come to each, and which rule then speaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anka.catalog.models import Terms
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.database import rows
from anka.flows.accept_order import accept_order
from anka.flows.hand_over_keys import Handover, hand_over_keys
from anka.flows.steps.judge import Claim
from anka.jobs import keys
from tests.builders import Order, a_key, a_paid_order, a_placed_order, a_product, a_revealed_order, a_sealed_order, at
from tests.builders.cases import an_arbiter
from tests.builders.issuers import issuer_says
from tests.builders.people import serial

MIND, BAD_KEY, FAKE, LATE = "NO_LONGER_NEEDED", "KEY_INVALID", "FAKE_OR_ILLICIT", "LATE_DELIVERY"
CONSENTED = Terms(notice_zh="一经使用不退", notice_en="No refund once used")
SOON, AFTER_WINDOW = at(10), at(days=8)
TURN = ("agreed", "refused", "silent")


def merchant_of(order: Order) -> Actor:
    """Who answers for the shop."""
    return order.shop.owner


def buyer_of(order: Order) -> Actor:
    """Who bought."""
    return order.buyer


def staff(_order: Order) -> Actor:
    """Somebody who asks on the buyer's behalf."""
    return an_arbiter(role="agent")


def a_manual_order(*, promise_minutes: int = 120) -> Order:
    """Paid, to be delivered by hand."""
    return a_paid_order(product=a_product(stock=0, delivery="manual", terms=Terms(promise_minutes=promise_minutes)))


def taken_up() -> Order:
    """Paid and taken up by the merchant."""
    order = a_manual_order()
    shop = order.shop.owner
    accept_order(actor=shop, order_number=order.number, positions=None, request=a_key(shop), at=at(3))
    return order


def handed_over_late() -> Order:
    """Delivered by hand after the promised time, opened, and used by then, by the issuer's records."""
    order = a_manual_order(promise_minutes=5)
    shop, secret = order.shop.owner, f"LATE{serial():08d}"
    sealer = keys.sealer_for(shop_id=order.shop.id, at=at(30))
    given = Handover(secrets=(secret,))
    hand_over_keys(actor=shop, order_number=order.number, handover=given, sealer=sealer, request=a_key(shop), at=at(30))
    order.reveal(when=at(31))
    issuer_says(order, use_check="used_after_reveal", used_by="buyer", when=at(32))
    return order


def sealed(**facts: object) -> Callable[[], Order]:
    """Delivered sealed, with this word of the issuer."""
    return lambda: _told(a_sealed_order(), facts)


def opened(**facts: object) -> Callable[[], Order]:
    """Opened, with this word of the issuer."""
    return lambda: _told(a_revealed_order(), facts)


def opened_with_consent(**facts: object) -> Callable[[], Order]:
    """Opened by somebody who had confirmed the notice, with this word of the issuer."""
    return lambda: _told(a_revealed_order(product=a_product(stock=1, terms=CONSENTED)), facts)


def _told(order: Order, facts: dict[str, Any]) -> Order:
    if facts:
        issuer_says(order, **facts)
    return order


@dataclass(frozen=True)
class Situation:
    """A rule, the order it speaks about, the claim that asks, who asks and when, and which answers of the merchant it knows."""

    rule: str
    order: Callable[[], Order]
    reason: str = MIND
    asker: Callable[[Order], Actor] = buyer_of
    when: Moment = SOON
    answers: tuple[str, ...] = ()
    ask_minor: int | None = None

    @property
    def claim(self) -> Claim:
        """The claim."""
        return Claim(reason=self.reason, ask_minor=self.ask_minor)


USED = {"use_check": "used_after_reveal"}
SITUATIONS = (
    Situation("unpaid", a_placed_order),
    Situation("merchant-cancels", a_paid_order, "OUT_OF_STOCK", merchant_of),
    Situation("merchant-recalls", sealed(use_check="invalid"), BAD_KEY, merchant_of),
    Situation("merchant-may-not-recall", sealed(), "OUT_OF_STOCK", merchant_of),
    Situation("merchant-refunds", opened(), "OTHER", merchant_of),
    Situation("queued", a_paid_order),
    Situation("accepted-overdue", taken_up, LATE, when=at(hours=3)),
    Situation("accepted", taken_up, answers=TURN),
    Situation("sealed-bad", sealed(use_check="used_before_reveal"), "KEY_ALREADY_USED"),
    Situation("sealed-illicit", sealed(), FAKE),
    Situation("sealed", sealed()),
    Situation("sealed-illicit-late", sealed(), FAKE, when=AFTER_WINDOW),
    Situation("sealed-late", sealed(), when=AFTER_WINDOW, answers=TURN),
    Situation("goods-bad", opened(use_check="invalid"), BAD_KEY),
    Situation("mismatch", opened(region="US"), "KEY_REGION_LOCK"),
    Situation("short", opened(**USED, delivered_percent=40), "KEY_SHORT_COUNT"),
    Situation("key-unused-voidable", opened(use_check="unused", voidable=True)),
    Situation("protected", opened(), "MINOR_PURCHASE", ask_minor=5000),
    Situation("illicit", opened(), FAKE),
    Situation("key-taken", opened(**USED, used_by="other"), BAD_KEY, answers=("agreed",), ask_minor=5000),
    Situation("key-unused", opened(use_check="unused"), answers=TURN),
    Situation("key-unknown", opened(), answers=TURN, ask_minor=5000),
    Situation("mismatch-used", opened(**USED, region="US"), "KEY_REGION_LOCK", answers=TURN, ask_minor=5000),
    Situation("quality", opened(), BAD_KEY, answers=TURN, ask_minor=5000),
    Situation("late", handed_over_late, LATE, when=at(40), answers=TURN, ask_minor=5000),
    Situation("on-record", opened(**USED, used_by="other"), answers=("agreed",), ask_minor=5000),
    Situation("not-disclosed", opened(**USED), answers=("agreed",), ask_minor=5000),
    Situation("disclosed", opened_with_consent(**USED), answers=("agreed",)),
    Situation("disclosed.platform", opened_with_consent(**USED), asker=staff, ask_minor=5000),
)

# Rules of the default set that a card key cannot meet yet: outside complaints, and suppliers.
LATER = frozenset({"chargeback", "upstream-failed", "upstream-cancelled", "upstream-stuck", "upstream-ask", "upstream-wait"})


def stored_receipts(case_number: str) -> list[tuple[str, bytes, bytes]]:
    """Every judgement of a case as it was stored: rule, facts, decision."""
    found = rows(
        "SELECT receipt.rule, receipt.facts, receipt.decision FROM cases_case AS argued JOIN cases_receipt AS receipt"
        " ON receipt.shop_id = argued.shop_id AND receipt.case_id = argued.id WHERE argued.number = %s ORDER BY receipt.sequence",
        (case_number,),
    )
    return [(rule, bytes(facts), bytes(decision)) for rule, facts, decision in found]
