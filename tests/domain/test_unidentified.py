"""What is odd about money, who decides, and that every way it goes is sound in the books."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain import postings_unidentified as postings
from anka.domain.chart import UnknownAccount
from anka.domain.money import MAX_MINOR
from anka.domain.postings_unidentified import Captured, Matched
from anka.domain.unidentified import FOUR_EYES_FROM_MINOR, Oddity, needs_two, oddity
from tests.domain.test_postings import net

SHOP, ORDER = 7, 41
amounts = some.integers(1, MAX_MINOR // 10)
CLEARING, APART, ESCROW, OWED = "psp:alipay:clearing", "unidentified:alipay", f"order:{ORDER}:escrow", "refund_payable:alipay"


@pytest.mark.parametrize(
    ("captured", "currency", "found"),
    [
        (100, "CNY", None),
        (99, "CNY", Oddity.TOO_LITTLE),
        (101, "CNY", Oddity.TOO_MUCH),
        (100, "USD", Oddity.WRONG_CURRENCY),
        (1, "USD", Oddity.WRONG_CURRENCY),
    ],
)
def test_what_is_odd(captured: int, currency: str, found: Oddity | None) -> None:
    assert oddity(asked_minor=100, asked_currency="CNY", captured_minor=captured, captured_currency=currency) == found


def test_two_persons_from_the_limit_on() -> None:
    assert FOUR_EYES_FROM_MINOR == 100_000
    assert (needs_two(amount_minor=FOUR_EYES_FROM_MINOR - 1), needs_two(amount_minor=FOUR_EYES_FROM_MINOR)) == (False, True)


@given(amounts)
def test_what_was_kept_apart_goes_back_whole(amount: int) -> None:
    taken = postings.unidentified(shop_id=SHOP, channel="alipay", transaction_number="T9", amount_minor=amount)
    back = postings.returned(shop_id=SHOP, channel="alipay", refund_number="R1", amount_minor=amount)
    assert net((*taken, *back)) == {(SHOP, CLEARING): -amount, (SHOP, APART): 0, (SHOP, OWED): amount}
    assert taken[0].key == "pay:alipay:T9"


@given(amounts)
def test_what_was_matched_crosses_over_the_bridge_and_ends_where_any_money_does(amount: int) -> None:
    match = Matched(shop_id=SHOP, channel="alipay", unidentified_number="00-U1", amount_minor=amount)
    bridges = {(0, APART): -amount, (0, f"bridge:{SHOP}"): amount, (SHOP, "bridge:0"): -amount}
    for posting in (match.paid(order_id=ORDER), match.late_kept(order_id=ORDER)):
        assert net(posting) == bridges | {(SHOP, ESCROW): amount}
        assert [journal.shop_id for journal in posting] == [SHOP, 0]
    back = match.owed_back(refund_number="R1")
    assert net(back) == bridges | {(SHOP, OWED): amount, (SHOP, APART): 0}
    assert [journal.key for journal in back] == ["match:00-U1:in", "refund:R1:accepted", "match:00-U1"]


@given(amounts)
def test_captured_money_ends_where_the_ledger_wants_it(amount: int) -> None:
    money = Captured(shop_id=SHOP, channel="alipay", transaction_number="T9", amount_minor=amount)
    assert net(money.paid(order_id=ORDER))[SHOP, ESCROW] == amount
    assert net(money.late_kept(order_id=ORDER))[SHOP, ESCROW] == amount
    assert net(money.owed_back(refund_number="R1"))[SHOP, OWED] == amount


def test_accounts_nobody_knows_are_refused() -> None:
    with pytest.raises(UnknownAccount, match="psp:NO CHANNEL:clearing"):
        postings.unidentified(shop_id=SHOP, channel="NO CHANNEL", transaction_number="T9", amount_minor=1)
