"""Every posting balances in each shop's books, crosses only over bridges that cancel, and moves positive amounts between known accounts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain import postings
from anka.domain.chart import CHART, Side, UnknownAccount, kind_of, table
from anka.domain.money import MAX_MINOR, BadAmount
from anka.domain.postings import Journal, Posting, UnequalSums
from anka.domain.postings_merchant import freed, held, repaid
from anka.domain.postings_unidentified import Captured, Matched, returned, unidentified
from tests.domain.written_again import JOURNALS, rows

SHOP, ORDER, BUYER, UNIT = 7, 41, 5, "u99"
amounts = some.integers(0, MAX_MINOR // 10)
legs_of = some.lists(some.tuples(some.sampled_from(["alipay", "wechat", "wallet"]), amounts), max_size=4).map(tuple)


def from_wherever_it_is(legs: postings.Legs, first: int, second: int) -> Posting:
    total = sum(amount for _, amount in legs)
    escrow = min(first, total)
    pending = min(second, total - escrow)
    sources = (("escrow", escrow), ("pending", pending), ("available", 0), ("commission", total - escrow - pending))
    return repaid(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=legs, sources=sources)


def every_posting(amount: int, legs: postings.Legs, rate: int) -> dict[str, Posting]:
    return {
        "paid": postings.paid(shop_id=SHOP, order_id=ORDER, channel="alipay", transaction_id="T9", amount_minor=amount),
        "wallet": postings.paid_from_wallet(shop_id=SHOP, order_id=ORDER, buyer_id=BUYER, payment_number="P1", amount_minor=amount),
        "topped": postings.wallet_topped_up(buyer_id=BUYER, channel="alipay", transaction_id="T9", amount_minor=amount),
        "kept": postings.paid_late_kept(shop_id=SHOP, order_id=ORDER, channel="alipay", transaction_id="T9", amount_minor=amount),
        "late": postings.paid_late_refunded(shop_id=SHOP, channel="alipay", transaction_id="T9", refund_number="R1", amount_minor=amount),
        "accepted": postings.refund_accepted(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=legs),
        "from": from_wherever_it_is(legs, amount, rate),
        "done": postings.refund_done_channel(shop_id=SHOP, refund_number="R1", leg=1, channel="alipay", amount_minor=amount),
        "in-wallet": postings.refund_done_wallet(
            shop_id=SHOP, refund_number="R1", leg=1, channel="wallet", buyer_id=BUYER, amount_minor=amount
        ),
        "reversed": postings.refund_reversed(shop_id=SHOP, refund_number="R1", leg=1, channel="alipay", amount_minor=amount),
        "confirmed": postings.confirmed(shop_id=SHOP, order_id=ORDER, unit=UNIT, amount_minor=amount, commission_basis_points=rate),
        "settled": postings.settled(shop_id=SHOP, unit=UNIT, amount_minor=amount),
        "held": held(shop_id=SHOP, case_number="C1", unit=UNIT, taken=(("available", amount),)),
        "freed": freed(shop_id=SHOP, case_number="C1", unit=UNIT, taken=(("pending", amount),)),
    }


def every_posting_of_money_that_does_not_fit(amount: int) -> dict[str, Posting]:
    captured = Captured(shop_id=SHOP, channel="alipay", transaction_number="T9", amount_minor=amount)
    matched = Matched(shop_id=SHOP, channel="alipay", unidentified_number="00-U1", amount_minor=amount)
    return {
        "unidentified": unidentified(shop_id=SHOP, channel="alipay", transaction_number="T9", amount_minor=amount),
        "returned": returned(shop_id=SHOP, channel="alipay", refund_number="R1", amount_minor=amount),
        "matched": matched.paid(order_id=ORDER),
        "matched-late": matched.late_kept(order_id=ORDER),
        "matched-back": matched.owed_back(refund_number="R1"),
        "captured": captured.paid(order_id=ORDER),
        "captured-late": captured.late_kept(order_id=ORDER),
        "captured-back": captured.owed_back(refund_number="R1"),
    }


def net(journals: Posting) -> Counter[tuple[int, str]]:
    """Return credits minus debits per account and books."""
    balances: Counter[tuple[int, str]] = Counter()
    for journal in journals:
        for transfer in journal.transfers:
            balances[journal.shop_id, transfer.debit] -= transfer.amount_minor
            balances[journal.shop_id, transfer.credit] += transfer.amount_minor
    return balances


@given(amounts, legs_of, some.integers(0, 10_000))
def test_every_posting_is_sound(amount: int, legs: postings.Legs, rate: int) -> None:
    for journals in every_posting(amount, legs, rate).values():
        balances = net(journals)
        for books in {shop for shop, _ in balances}:
            assert sum(value for (shop, _), value in balances.items() if shop == books) == 0
        assert sum(value for (_, account), value in balances.items() if account.startswith("bridge:")) == 0
        keys = [journal.key for journal in journals]
        assert len(keys) == len(set(keys))
        for journal in journals:
            assert journal.transfers
            for transfer in journal.transfers:
                assert transfer.amount_minor > 0
                assert transfer.debit != transfer.credit
                assert kind_of(transfer.debit)
                assert kind_of(transfer.credit)


def test_nothing_moves_when_there_is_nothing() -> None:
    assert not any(every_posting(0, (("alipay", 0),), 500).values())


def test_every_posting_is_as_written() -> None:
    made = every_posting(10_000, (("alipay", 7000), ("wallet", 3000)), 500) | every_posting_of_money_that_does_not_fit(10_000)
    made["from"] = from_wherever_it_is((("alipay", 7000), ("wallet", 3000)), 10_000, 0)
    told = [
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
    assert told == rows(JOURNALS)


def test_a_wallet_payment_crosses_from_the_platforms_books_to_the_shops() -> None:
    out, into = postings.paid_from_wallet(shop_id=SHOP, order_id=ORDER, buyer_id=BUYER, payment_number="P1", amount_minor=100)
    assert out == Journal(0, "pay:wallet:P1", "paid_from_wallet", (postings.Transfer("buyer:5:wallet", "bridge:7", 100),))
    assert into == Journal(7, "pay:wallet:P1:in", "paid_from_wallet", (postings.Transfer("bridge:0", "order:41:escrow", 100),))


@given(amounts, some.integers(0, 10_000))
def test_confirming_empties_escrow_into_merchant_and_commission(amount: int, rate: int) -> None:
    balances = net(postings.confirmed(shop_id=SHOP, order_id=ORDER, unit=UNIT, amount_minor=amount, commission_basis_points=rate))
    assert balances[SHOP, "order:41:escrow"] == -amount
    assert balances[SHOP, "commission"] == amount * rate // 10_000
    assert balances[SHOP, "merchant:7:pending"] + balances[SHOP, "commission"] == amount


@given(legs_of)
def test_paying_and_refunding_leaves_nothing(legs: postings.Legs) -> None:
    total = sum(amount for _, amount in legs)
    journals = postings.paid(shop_id=SHOP, order_id=ORDER, channel="alipay", transaction_id="T9", amount_minor=total)
    journals += postings.refund_accepted(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=legs)
    for number, (channel, amount) in enumerate(legs):
        journals += postings.refund_done_channel(shop_id=SHOP, refund_number="R1", leg=number, channel=channel, amount_minor=amount)
    balances = net(journals)
    assert not any(value for (_, account), value in balances.items() if not account.startswith("psp:"))


def test_sources_must_equal_what_is_owed() -> None:
    with pytest.raises(UnequalSums):
        repaid(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=(("alipay", 100),), sources=(("pending", 60), ("commission", 5)))


def test_each_source_gives_what_it_was_asked_for() -> None:
    sources = (("escrow", 10), ("pending", 60), ("available", 25), ("commission", 5))
    legs = (("alipay", 70), ("wallet", 30))
    balances = net(repaid(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=legs, sources=sources))
    assert {account: value for (_, account), value in balances.items()} == {
        "order:41:escrow": -10,
        "merchant:7:pending": -60,
        "merchant:7:available": -25,
        "commission": -5,
        "refund_payable:alipay": 70,
        "refund_payable:wallet": 30,
    }


def test_sources_are_used_up_in_their_order() -> None:
    sources = (("escrow", 10), ("pending", 60), ("available", 20), ("commission", 10))
    (journal,) = repaid(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=(("alipay", 20), ("wallet", 80)), sources=sources)
    assert [(pair.debit, pair.credit.removeprefix("refund_payable:"), pair.amount_minor) for pair in journal.transfers] == [
        ("order:41:escrow", "alipay", 10),
        ("merchant:7:pending", "alipay", 10),
        ("merchant:7:pending", "wallet", 50),
        ("merchant:7:available", "wallet", 20),
        ("commission", "wallet", 10),
    ]


def test_nothing_is_posted_to_or_from_an_account_nobody_knows() -> None:
    for post in (held, freed):
        with pytest.raises(UnknownAccount, match="merchant:7:bonus"):
            post(shop_id=SHOP, case_number="C1", unit=UNIT, taken=(("bonus", 1),))
    strange = Matched(shop_id=SHOP, channel="alipay", unidentified_number="00-U1", amount_minor=1)
    with pytest.raises(UnknownAccount, match="order:a b:escrow"):
        strange.paid(order_id="a b")  # type: ignore[arg-type]  # no such order can be


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(BadAmount):
        postings.settled(shop_id=SHOP, unit=UNIT, amount_minor=-1)
    with pytest.raises(BadAmount):
        postings.refund_accepted(shop_id=SHOP, order_id=ORDER, refund_number="R1", legs=(("alipay", 100), ("wechat", -40)))


def test_only_accounts_of_the_chart_exist() -> None:
    for code in ("order:1:escrow:x", "order::escrow", "psp:Ali Pay:clearing", "cash", "merchant:1:bonus", "order:1:escrow\n"):
        with pytest.raises(UnknownAccount):
            kind_of(code)


def test_what_belongs_to_people_has_a_floor_and_the_platforms_accounts_have_none() -> None:
    for code in ("order:1:escrow", "buyer:1:wallet", "merchant:1:pending", "merchant:1:available", "merchant:1:deposit"):
        assert (kind_of(code).side, kind_of(code).floored, kind_of(code).lazy) == (Side.CREDIT, True, False)
    for code in ("psp:alipay:clearing", "refund_payable:alipay", "unidentified:alipay", "commission", "psp_fee", "bridge:7"):
        assert (kind_of(code).floored, kind_of(code).lazy) == (False, True)
    assert all(kind.floored != kind.lazy for kind in CHART)
    assert len(table()) == len(CHART)
