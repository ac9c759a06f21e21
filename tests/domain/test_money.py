"""Nothing is lost or made by dividing, and only decimals written plainly are amounts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain.money import EXPONENTS, MAX_MINOR, BadAmount, UnknownCurrency, fee, format_amount, parse_amount, share, split

amounts = some.integers(0, MAX_MINOR)
weightings = some.lists(some.integers(0, 10**6), min_size=1, max_size=20).filter(any)


@given(amounts, weightings)
def test_the_parts_sum_to_the_whole_and_are_fair(amount: int, weights: list[int]) -> None:
    parts = split(amount_minor=amount, weights=weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
        assert weight or not part


@given(amounts, weightings)
def test_what_is_left_over_goes_to_the_largest_remainders_and_among_equals_to_the_earlier(amount: int, weights: list[int]) -> None:
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    left_over = amount - sum(map(int, exact))
    first = sorted(range(len(weights)), key=lambda index: (int(exact[index]) - exact[index], index))[:left_over]
    assert split(amount_minor=amount, weights=weights) == [int(part) + (index in first) for index, part in enumerate(exact)]


@given(amounts, some.integers(0, 100))
def test_two_shares_make_the_whole(amount: int, percent: int) -> None:
    part = share(amount_minor=amount, percent=percent)
    assert 0 <= part <= amount
    assert abs(part + share(amount_minor=amount, percent=100 - percent) - amount) <= 1
    assert split(amount_minor=amount, weights=(percent, 100 - percent)) == [part, amount - part]


def test_examples() -> None:
    assert split(amount_minor=100, weights=(1, 1, 1)) == [34, 33, 33]
    assert split(amount_minor=10, weights=(10, 27, 63)) == [1, 3, 6]
    assert share(amount_minor=1, percent=50) == 1
    assert fee(amount_minor=10_000, basis_points=500) == 500
    assert fee(amount_minor=19, basis_points=500) == 0


@pytest.mark.parametrize("weights", [(), (0, 0), (-1, 2), (True, 1), (1.0,)])
def test_weights_that_make_no_sense(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="weight"):
        split(amount_minor=1, weights=weights)


@pytest.mark.parametrize("amount", [-1, MAX_MINOR + 1, True, 1.0, None])
def test_amounts_that_are_none(amount: int) -> None:
    with pytest.raises(BadAmount):
        split(amount_minor=amount, weights=(1,))


@given(amounts, some.sampled_from(sorted(EXPONENTS)))
def test_written_and_read_again(amount: int, currency: str) -> None:
    assert parse_amount(text=format_amount(amount_minor=amount, currency=currency), currency=currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "minor"), [("12.3", "CNY", 1230), ("0.01", "CNY", 1), ("7", "USD", 700), ("7", "JPY", 7), ("1.234", "KWD", 1234)]
)
def test_read(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text=text, currency=currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "NaN", "nan", "Infinity", "-1", "+1", "1e3", "1,000", "1.", ".5", "00", "01", "1.234", "1 ", "\n1", "1\n"),
        *("１２", "1２", "٣", "1_000", "0x10", "99999999999.00", "9" * 40, "1.2.3", "¥1"),
    ],
)
def test_not_an_amount(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text=text, currency="CNY")


def test_decimals_are_those_of_the_currency() -> None:
    with pytest.raises(BadAmount):
        parse_amount(text="1.0", currency="JPY")
    with pytest.raises(UnknownCurrency):
        parse_amount(text="1", currency="XXX")
    assert format_amount(amount_minor=-5, currency="CNY") == "-0.05"
    assert format_amount(amount_minor=5, currency="KWD") == "0.005"


@pytest.mark.parametrize("percent", [-1, 101, 5.0, True, None])
def test_percentages_out_of_bounds(percent: int) -> None:
    with pytest.raises(ValueError, match="a percentage is"):
        share(amount_minor=1, percent=percent)


def test_the_ends_of_the_scales() -> None:
    assert (share(amount_minor=7, percent=0), share(amount_minor=7, percent=100)) == (0, 7)
    assert (fee(amount_minor=7, basis_points=0), fee(amount_minor=7, basis_points=10_000)) == (0, 7)
    assert fee(amount_minor=MAX_MINOR, basis_points=1) == MAX_MINOR // 10_000


@pytest.mark.parametrize("amount", [-1, MAX_MINOR + 1, True])
def test_no_fee_of_what_is_no_amount(amount: int) -> None:
    with pytest.raises(BadAmount):
        fee(amount_minor=amount, basis_points=0)


def test_one_unit_below_nothing_has_its_sign() -> None:
    written = [format_amount(amount_minor=minor, currency="CNY") for minor in (-100, -1, 0, 1, 99, 100)]
    assert written == ["-1.00", "-0.01", "0.00", "0.01", "0.99", "1.00"]
    assert [format_amount(amount_minor=minor, currency="JPY") for minor in (-1, 0, 1234)] == ["-1", "0", "1234"]


def test_refusals_say_what_would_do() -> None:
    with pytest.raises(BadAmount, match=r"'x' is not an amount; write it like 12\.34$"):
        parse_amount(text="x", currency="CNY")
    with pytest.raises(BadAmount, match="more than the 2 decimals of CNY"):
        parse_amount(text="1.234", currency="CNY")
    with pytest.raises(
        UnknownCurrency, match="currency 'XXX' is not one of CNY, EUR, GBP, HKD, JPY, KRW, KWD, MYR, SGD, THB, TWD, USD, VND"
    ):
        parse_amount(text="1", currency="XXX")


@pytest.mark.parametrize("rate", [-1, 10_001, 5.0, True])
def test_rates_out_of_bounds(rate: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        fee(amount_minor=1, basis_points=rate)
