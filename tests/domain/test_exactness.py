"""Nothing is lost or made when an order's money is divided: discounts, coupons, fees, commission, and partial refunds always sum, in
currencies with no, two and three decimals."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain import postings, postings_channel, postings_wallet
from anka.domain.chart import kind_of
from anka.domain.money import EXPONENTS, MAX_MINOR, fee, format_amount, parse_amount, share, split
from tests.domain.test_postings import net

SHOP, ORDER, BUYER = 7, 41, 5
currencies = some.sampled_from(sorted(EXPONENTS))
one_per_exponent = pytest.mark.parametrize("currency", ["JPY", "CNY", "KWD"])
prices = some.lists(some.integers(1, 10**9), min_size=1, max_size=8)
rates = some.integers(0, 10_000)
percents = some.lists(some.integers(0, 100), min_size=1, max_size=5)


def typed(amount_minor: int, currency: str) -> int:
    """An amount after somebody has seen it and typed it in again."""
    return parse_amount(text=format_amount(amount_minor=amount_minor, currency=currency), currency=currency)


def test_every_exponent_that_is_used_has_its_currency_here() -> None:
    assert {EXPONENTS[currency] for currency in ("JPY", "CNY", "KWD")} == set(EXPONENTS.values())


@given(currencies, some.integers(0, MAX_MINOR))
def test_an_amount_survives_being_written_and_read_in_every_currency(currency: str, amount: int) -> None:
    assert typed(amount, currency) == amount


@one_per_exponent
@given(prices, some.integers(0, 100))
def test_a_discount_on_the_whole_is_the_discount_of_its_pieces(currency: str, prices: list[int], percent: int) -> None:
    total = sum(prices)
    discount = share(amount_minor=total, percent=percent)
    pieces = split(amount_minor=discount, weights=prices)
    paid = [typed(price - piece, currency) for price, piece in zip(prices, pieces, strict=True)]
    assert all(0 <= piece <= price for price, piece in zip(prices, pieces, strict=True))
    assert sum(paid) == total - discount


@one_per_exponent
@given(prices, some.integers(0, 10**9), percents)
def test_a_coupon_and_partial_refunds_of_the_cash_paid_sum_to_the_price(
    currency: str, prices: list[int], coupon: int, percents: list[int]
) -> None:
    """Percentages apply to the cash paid for a unit; what is asked back again and again never exceeds it."""
    coupon = min(coupon, sum(prices))
    parts = split(amount_minor=coupon, weights=prices)
    for price, part in zip(prices, parts, strict=True):
        cash = left = price - part
        back = []
        for percent in percents:
            back.append(min(typed(share(amount_minor=cash, percent=percent), currency), left))
            left -= back[-1]
        assert sum(back) + left + part == price
        assert left >= 0


@given(some.integers(1, 10**9), some.integers(0, 10**9), rates, rates, some.integers(0, 100))
def test_an_order_with_coupon_wallet_fees_and_a_partial_refund_leaves_no_remainder(
    price: int, coupon: int, commission: int, channel_fee: int, percent: int
) -> None:
    """The whole story in the books: whoever gets something, the parts are the price."""
    coupon = min(coupon, price - 1)
    cash = price - coupon
    wallet, captured = split(amount_minor=cash, weights=(1, 2))
    kept = fee(amount_minor=captured, basis_points=channel_fee)
    # What goes back is cash: first what came through the channel, then the wallet's part.
    back = share(amount_minor=cash, percent=percent)
    legs = (("alipay", min(back, captured)), ("wallet", max(back - captured, 0)))
    order = {"shop_id": SHOP, "order_id": ORDER}
    journals = (
        *postings_wallet.wallet_held(buyer_id=BUYER, payment_number="P1", amount_minor=wallet, **order),
        *postings.paid(channel="alipay", transaction_id="T1", amount_minor=captured, **order),
        *postings_wallet.held_used(payment_number="P1", amount_minor=wallet, **order),
        *postings_wallet.coupon_used(coupon="K1", amount_minor=coupon, **order),
        *postings_channel.channel_fee(shop_id=SHOP, channel="alipay", reference="T1", amount_minor=kept),
        *postings_channel.channel_settled(shop_id=SHOP, channel="alipay", reference="T1", amount_minor=captured - kept),
        *postings.refund_accepted(refund_number="R1", legs=legs, **order),
        *postings.refund_done_channel(shop_id=SHOP, refund_number="R1", leg=1, channel="alipay", amount_minor=legs[0][1]),
        *postings.refund_done_wallet(shop_id=SHOP, refund_number="R1", leg=2, channel="wallet", buyer_id=BUYER, amount_minor=legs[1][1]),
        *postings.confirmed(unit="U1", amount_minor=price - back, commission_basis_points=commission, **order),
    )
    held = {account: value for (_, account), value in net(journals).items() if not account.startswith("bridge:")}
    worth = {account: value if kind_of(account).side == "credit" else -value for account, value in held.items()}
    assert sum(held.values()) == 0
    assert not any(worth.get(account) for account in ("order:41:escrow", "order:41:hold", "refund_payable:alipay", "psp:alipay:clearing"))
    assert worth.get("merchant:7:pending", 0) + worth.get("commission", 0) == price - back
    assert worth.get("psp_fee", 0) == kept
    assert worth.get("psp:alipay:available", 0) == captured - kept - legs[0][1]
    assert worth.get("buyer:5:wallet", 0) == legs[1][1] - wallet
    assert worth.get("promo", 0) == coupon
