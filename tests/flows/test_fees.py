"""Rules that take a fee, or let the merchant keep something: the buyer gets what was shown, the merchant the rest, to the fen."""

import pytest

from anka.core import database as door
from anka.domain.policy.table import default_texts
from anka.flows.open_case import quote_case
from anka.flows.steps.file_case import ShareTooSmall
from anka.flows.steps.judge import Claim
from anka.flows.steps.quote import VerdictChanged
from tests.builders import CHANGED_MIND, Order, a_sealed_order, at
from tests.builders.policies import a_ready_draft, publish
from tests.databases import Database

SEALED = 'id = "sealed"\n'
PRICE = 10_000


def an_order_under(texts: dict[str, str]) -> Order:
    """A delivered order that was placed under these rules."""
    publish(a_ready_draft(texts=texts), at(days=8))
    return a_sealed_order(when=at(days=8))


def with_money(line: str, *, rule: str = SEALED) -> dict[str, str]:
    """The default rules, a line of money added to one of them."""
    return {name: text.replace(rule, f"{rule}{line}\n") for name, text in default_texts().items()}


def booked(order: Order) -> tuple[int, int]:
    """What of the order's money went back, and what was let go to the merchant."""
    row = door.rows("SELECT refunded_minor, released_minor FROM orders_order WHERE number = %s", (order.number,))
    return row[0]


@pytest.mark.parametrize(
    ("line", "back"),
    [("fee_percent = 5", 9_500), ("keep_minor = 2500", 7_500), ("fee_percent = 3\nkeep_minor = 1", 9_699), ("keep_minor = 9999", 1)],
)
def test_what_is_taken_off_goes_to_the_merchant(clean_rules: Database, line: str, back: int) -> None:
    order = an_order_under(with_money(line))
    claim = Claim(reason=CHANGED_MIND)
    shown = quote_case(actor=order.buyer, order_number=order.number, claim=claim, at=at(days=8.1))
    assert shown["refund_minor"] == back
    order.cancel(Claim(reason=CHANGED_MIND, quote=shown["id"]), when=at(days=8.1))
    assert booked(order) == (back, PRICE - back)
    assert order.escrow == 0


def test_a_refund_of_which_nothing_is_left_takes_no_goods(clean_rules: Database) -> None:
    order = an_order_under(with_money(f"keep_minor = {PRICE}"))
    with pytest.raises(ShareTooSmall):
        order.cancel(when=at(days=8.1))
    assert order.stages == ["sealed"]
    assert booked(order) == (0, 0)


def test_a_fee_that_comes_with_time_is_a_worse_verdict(clean_rules: Database) -> None:
    """Same kind of refund, same percentage, less money: what was shown has to be shown again."""
    later = (
        '[[rule]]\nposition = 159\nid = "sealed-soon"\nwhen = { stage = ["sealed"], ago = "<= 60" }\nroute = "instant"\nrefund = "full"\n'
    )
    later += 'fault = "none"\ngoods = "unopened"\nzh = "一小时内全额退款。"\nen = "Within the hour you get everything back."\n'
    texts = with_money("fee_percent = 5")
    texts["common.toml"] += later
    order = an_order_under(texts)
    soon = quote_case(actor=order.buyer, order_number=order.number, claim=Claim(reason=CHANGED_MIND), at=at(58, days=8))
    with pytest.raises(VerdictChanged):
        order.cancel(Claim(reason=CHANGED_MIND, quote=soon["id"]), when=at(62, days=8))
    assert order.stages == ["sealed"]
