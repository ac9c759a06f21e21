"""What channels, wallets and coupons do to the books, written a second time; and whole stories that leave nothing behind."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain import postings, postings_channel, postings_wallet
from anka.domain.chart import UnknownAccount, kind_of
from anka.domain.money import BadAmount
from anka.domain.postings import Posting, UnequalSums
from tests.domain.test_postings import net
from tests.domain.written_again import rows

SHOP, ORDER, BUYER = 7, 41, 5
amounts = some.integers(1, 10**9)
SOURCES = ("escrow", "frozen", "pending", "available", "deposit", "receivable", "commission", "bad_debt")

WRITTEN = """
fee 7 fee:alipay:T9 channel_fee psp_fee>psp:alipay:clearing=60
fee-back 7 fee:alipay:T9:returned channel_fee_returned psp:alipay:clearing>psp_fee=60
settled 7 settled:alipay:T9 channel_settled psp:alipay:available>psp:alipay:clearing=60
opened 7 dispute:stripe:D1:opened chargeback_opened dispute:stripe>psp:stripe:available=60
dispute-fee 7 dispute:stripe:D1:fee chargeback_fee psp_fee>psp:stripe:available=60
held 7 dispute:stripe:D1:available:held chargeback_held merchant:7:available>merchant:7:frozen=60
freed 7 dispute:stripe:D1:pending:freed chargeback_freed merchant:7:frozen>merchant:7:pending=60
won 7 dispute:stripe:D1:won chargeback_won psp:stripe:available>dispute:stripe=60
short 7 recon:F1 found_short recon_diff>psp:alipay:clearing=60
over 7 recon:F1 found_over psp:alipay:available>recon_diff=60
written-off 7 bad_debt:B1 written_off bad_debt>recv:merchant:7=60
wallet-held 7 hold:P1:in wallet_held bridge:0>order:41:hold=60
wallet-held 0 hold:P1 wallet_held buyer:5:wallet>bridge:7=60
used 7 pay:wallet:P1 held_used order:41:hold>order:41:escrow=60
released 7 hold:P1:released held_released order:41:hold>bridge:0=60
released 0 hold:P1:released:in held_released bridge:7>buyer:5:wallet=60
coupon 7 coupon:K1:41 coupon_used promo>order:41:escrow=60
coupon-back 7 coupon:K1:41:returned coupon_returned order:41:escrow>promo=60
unused 0 refund:R1:accepted unused_returned buyer:5:wallet>refund_payable:alipay=60 buyer:5:wallet>refund_payable:wechat=60
"""


def every_posting(amount: int) -> dict[str, Posting]:
    fee: dict[str, Any] = {"shop_id": SHOP, "channel": "alipay", "amount_minor": amount}
    dispute: dict[str, Any] = {"shop_id": SHOP, "channel": "stripe", "dispute": "D1", "amount_minor": amount}
    finding: dict[str, Any] = {"shop_id": SHOP, "channel": "alipay", "finding": "F1", "amount_minor": amount}
    order = {"shop_id": SHOP, "order_id": ORDER, "amount_minor": amount}
    channel, wallet = postings_channel, postings_wallet
    return {
        "fee": channel.channel_fee(reference="T9", **fee),
        "fee-back": channel.channel_fee_returned(reference="T9", **fee),
        "settled": channel.channel_settled(reference="T9", **fee),
        "opened": channel.chargeback_opened(**dispute),
        "dispute-fee": channel.chargeback_fee(**dispute),
        "held": channel.chargeback_held(account="available", **dispute),
        "freed": channel.chargeback_freed(account="pending", **dispute),
        "won": channel.chargeback_won(**dispute),
        "short": channel.found_short(account="clearing", **finding),
        "over": channel.found_over(account="available", **finding),
        "written-off": channel.written_off(shop_id=SHOP, reference="B1", amount_minor=amount),
        "wallet-held": wallet.wallet_held(buyer_id=BUYER, payment_number="P1", **order),
        "used": wallet.held_used(payment_number="P1", **order),
        "released": wallet.held_released(buyer_id=BUYER, payment_number="P1", **order),
        "coupon": wallet.coupon_used(coupon="K1", **order),
        "coupon-back": wallet.coupon_returned(coupon="K1", **order),
        "unused": wallet.unused_returned(buyer_id=BUYER, refund_number="R1", legs=(("alipay", amount), ("wechat", amount))),
    }


def told(made: dict[str, Posting]) -> list[list[str]]:
    """The journals, one line each."""
    return [
        [
            name,
            str(journal.shop_id),
            journal.key,
            journal.kind,
            *(f"{pair.debit}>{pair.credit}={pair.amount_minor}" for pair in journal.transfers),
        ]
        for name, journals in made.items()
        for journal in journals
    ]


def test_every_posting_is_as_written() -> None:
    assert told(every_posting(60)) == rows(WRITTEN)


def test_nothing_moves_when_there_is_nothing() -> None:
    assert not any(every_posting(0).values())


@pytest.mark.parametrize("amount", [-1, 10**12 + 1])
def test_amounts_that_are_none_are_refused(amount: int) -> None:
    with pytest.raises(BadAmount):
        postings_channel.channel_fee(shop_id=SHOP, channel="alipay", reference="T9", amount_minor=amount)


@given(amounts)
def test_every_posting_balances_and_bridges_cancel(amount: int) -> None:
    for journals in every_posting(amount).values():
        balances = net(journals)
        for books in {shop for shop, _ in balances}:
            assert sum(value for (shop, _), value in balances.items() if shop == books) == 0
        assert sum(value for (_, account), value in balances.items() if account.startswith("bridge:")) == 0


def worth(journals: Posting) -> dict[str, int]:
    """What every account holds afterwards, on its normal side, of accounts that hold something; over all books."""
    held: Counter[str] = Counter()
    for (_, account), value in net(journals).items():
        held[account] += value if kind_of(account).side == "credit" else -value
    return {account: value for account, value in held.items() if value}


@given(some.lists(some.integers(0, 10**6), min_size=len(SOURCES), max_size=len(SOURCES)))
def test_a_lost_dispute_is_borne_whole_by_who_has_the_money(parts: list[int]) -> None:
    sources = dict(zip(SOURCES, parts, strict=True))
    total = sum(parts)
    opened = postings_channel.chargeback_opened(shop_id=SHOP, channel="stripe", dispute="D1", amount_minor=total)
    lost = postings_channel.chargeback_lost(shop_id=SHOP, order_id=ORDER, channel="stripe", dispute="D1", sources=sources)
    taken = {
        "order:41:escrow": -sources["escrow"],
        "recv:merchant:7": sources["receivable"],
        "commission": -sources["commission"],
        "bad_debt": sources["bad_debt"],
        **{f"merchant:7:{name}": -sources[name] for name in ("frozen", "pending", "available", "deposit")},
        "psp:stripe:available": -total,
    }
    assert worth(opened + lost) == {account: value for account, value in taken.items() if value}


def test_the_sources_of_a_lost_dispute_are_used_in_their_order_under_one_key() -> None:
    sources = {"frozen": 50, "commission": 10}
    (journal,) = postings_channel.chargeback_lost(shop_id=SHOP, order_id=ORDER, channel="stripe", dispute="D1", sources=sources)
    assert (journal.shop_id, journal.key, journal.kind) == (SHOP, "dispute:stripe:D1:lost", "chargeback_lost")
    assert [(pair.debit, pair.credit, pair.amount_minor) for pair in journal.transfers] == [
        ("merchant:7:frozen", "dispute:stripe", 50),
        ("commission", "dispute:stripe", 10),
    ]
    with pytest.raises(KeyError):
        postings_channel.chargeback_lost(shop_id=SHOP, order_id=ORDER, channel="stripe", dispute="D1", sources={"buyer": 1})


@given(amounts)
def test_a_won_dispute_leaves_no_trace_but_its_fee(amount: int) -> None:
    dispute: dict[str, Any] = {"shop_id": SHOP, "channel": "stripe", "dispute": "D1", "amount_minor": amount}
    journals = (
        postings_channel.chargeback_opened(**dispute)
        + postings_channel.chargeback_held(account="pending", **dispute)
        + postings_channel.chargeback_won(**dispute)
        + postings_channel.chargeback_freed(account="pending", **dispute)
    )
    assert worth(journals) == {}
    assert worth(postings_channel.chargeback_fee(**dispute)) == {"psp_fee": amount, "psp:stripe:available": -amount}


@given(amounts, amounts, some.booleans())
def test_a_held_part_pays_or_comes_back(held: int, rest: int, paid: bool) -> None:
    order: dict[str, Any] = {"shop_id": SHOP, "order_id": ORDER, "payment_number": "P1"}
    journals = postings_wallet.wallet_held(buyer_id=BUYER, amount_minor=held, **order)
    if paid:
        journals += postings.paid(shop_id=SHOP, order_id=ORDER, channel="alipay", transaction_id="T9", amount_minor=rest)
        journals += postings_wallet.held_used(amount_minor=held, **order)
    else:
        journals += postings_wallet.held_released(buyer_id=BUYER, amount_minor=held, **order)
    keys = [(journal.shop_id, journal.key) for journal in journals]
    assert len(set(keys)) == len(keys)
    found = {account: value for account, value in worth(journals).items() if not account.startswith("bridge:")}
    expected = {"buyer:5:wallet": -held, "order:41:escrow": held + rest, "psp:alipay:clearing": rest} if paid else {}
    assert found == expected


@given(amounts, amounts)
def test_a_coupon_pays_and_comes_back_while_the_buyer_gets_the_cash(cash: int, coupon: int) -> None:
    journals = (
        postings.paid(shop_id=SHOP, order_id=ORDER, channel="alipay", transaction_id="T9", amount_minor=cash)
        + postings_wallet.coupon_used(shop_id=SHOP, order_id=ORDER, coupon="K1", amount_minor=coupon)
        + postings.refund_accepted(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=(("alipay", cash),))
        + postings_wallet.coupon_returned(shop_id=SHOP, order_id=ORDER, coupon="K1", amount_minor=coupon)
    )
    assert worth(journals) == {"psp:alipay:clearing": cash, "refund_payable:alipay": cash}


@given(amounts, some.integers(0, 10**6))
def test_what_a_channel_took_is_paid_out_less_its_fee(amount: int, fee: int) -> None:
    fee = min(fee, amount)
    journals = (
        postings.paid(shop_id=SHOP, order_id=ORDER, channel="alipay", transaction_id="T9", amount_minor=amount)
        + postings_channel.channel_fee(shop_id=SHOP, channel="alipay", reference="T9", amount_minor=fee)
        + postings_channel.channel_settled(shop_id=SHOP, channel="alipay", reference="T9", amount_minor=amount - fee)
    )
    expected = {"psp:alipay:available": amount - fee, "psp_fee": fee, "order:41:escrow": amount}
    assert worth(journals) == {account: value for account, value in expected.items() if value}


def test_unused_balance_goes_back_through_the_channels_it_came_by() -> None:
    made = postings_wallet.unused_returned(buyer_id=BUYER, refund_number="R1", legs=(("alipay", 70), ("wechat", 30)))
    done = tuple(
        journal
        for leg, (channel, amount) in enumerate((("alipay", 70), ("wechat", 30)), start=1)
        for journal in postings.refund_done_channel(shop_id=0, refund_number="R1", leg=leg, channel=channel, amount_minor=amount)
    )
    assert worth(made + done) == {"buyer:5:wallet": -100, "psp:alipay:available": -70, "psp:wechat:available": -30}


def test_no_posting_invents_an_account() -> None:
    with pytest.raises(UnknownAccount, match="merchant:7:bonus"):
        postings_channel.chargeback_held(shop_id=SHOP, channel="alipay", dispute="D1", account="bonus", amount_minor=1)
    with pytest.raises(UnknownAccount, match="psp:alipay:pending"):
        postings_channel.found_short(shop_id=SHOP, channel="alipay", account="pending", finding="F1", amount_minor=1)


def test_pairs_use_up_exactly_what_there_is() -> None:
    assert postings.paired(sources=[("a", 3), ("b", 0), ("c", 4)], targets=[("x", 0), ("y", 5), ("z", 2)]) == [
        ("a", "y", 3),
        ("c", "y", 2),
        ("c", "z", 2),
    ]
    with pytest.raises(UnequalSums):
        postings.paired(sources=[("a", 3)], targets=[("x", 2)])
