"""Money is a whole number of minor units (分, cents) and a currency. There is no float here, and this is the only place that divides."""

import re
from collections.abc import Sequence
from types import MappingProxyType

EXPONENTS: MappingProxyType[str, int] = MappingProxyType(
    {"CNY": 2, "HKD": 2, "TWD": 2, "USD": 2, "EUR": 2, "GBP": 2, "SGD": 2, "MYR": 2, "THB": 2, "KRW": 0, "JPY": 0, "VND": 0, "KWD": 3}
)
"""How many decimals a currency has (ISO 4217)."""
MAX_MINOR = 10**12
"""The largest amount taken from anybody, in minor units; far below what a bigint of the database holds, so that sums fit too."""
BASIS_POINTS = 10_000

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,6}))?")


class UnknownCurrency(Exception):
    """The currency is not one the market trades in."""

    code, status = "unknown_currency", 422


class BadAmount(Exception):
    """The text or number is not an amount of money that can be accepted."""

    code, status = "bad_amount", 422


def require_amount(*, amount_minor: int) -> int:
    """Return the amount if it is a whole number from 0 to MAX_MINOR.

    Raises:
        BadAmount: it is negative, too large, or not an int (a bool is not).
    """
    if type(amount_minor) is not int or not 0 <= amount_minor <= MAX_MINOR:
        raise BadAmount(f"an amount is a whole number of minor units from 0 to {MAX_MINOR}, not {amount_minor!r}")
    return amount_minor


def split(*, amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in proportion to the weights so that the parts sum to the whole (largest remainder; ties go to the earlier part).

    Raises:
        BadAmount: the amount is out of bounds.
        ValueError: a weight is negative or not an int, or all of them are zero.
    """
    require_amount(amount_minor=amount_minor)
    if any(type(weight) is not int or weight < 0 for weight in weights):
        raise ValueError(f"weights are whole numbers, zero or more, not {list(weights)!r}")
    total = sum(weights)
    if total == 0:
        raise ValueError("at least one weight must be more than zero")
    parts = [amount_minor * weight // total for weight in weights]
    remainders = [amount_minor * weight % total for weight in weights]
    by_remainder = sorted(range(len(parts)), key=lambda index: -remainders[index])
    for index in by_remainder[: amount_minor - sum(parts)]:
        parts[index] += 1
    return parts


def share(*, amount_minor: int, percent: int) -> int:
    """Return the share of an amount, 0 to 100 per cent, rounded to the nearest minor unit (a half goes to the one who is paid).

    Raises:
        BadAmount: the amount is out of bounds.
        ValueError: the percentage is not a whole number from 0 to 100.
    """
    if type(percent) is not int or not 0 <= percent <= 100:
        raise ValueError(f"a percentage is a whole number from 0 to 100, not {percent!r}")
    return split(amount_minor=amount_minor, weights=(percent, 100 - percent))[0]


def fee(*, amount_minor: int, basis_points: int) -> int:
    """Return a fee in hundredths of a per cent of the amount, rounded down, so that rounding never costs the one who pays it.

    Raises:
        BadAmount: the amount is out of bounds.
        ValueError: the rate is not a whole number from 0 to 10 000.
    """
    if type(basis_points) is not int or not 0 <= basis_points <= BASIS_POINTS:
        raise ValueError(f"a rate is a whole number from 0 to {BASIS_POINTS}, not {basis_points!r}")
    return require_amount(amount_minor=amount_minor) * basis_points // BASIS_POINTS


def exponent(*, currency: str) -> int:
    """Return how many decimals the currency has.

    Raises:
        UnknownCurrency: the market does not trade in it.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(f"currency {currency!r} is not one of {', '.join(sorted(EXPONENTS))}") from None


def parse_amount(*, text: str, currency: str) -> int:
    """Read a decimal such as `12.34` as minor units. ASCII digits and one point only: no sign, space, separator, exponent, NaN.

    Raises:
        BadAmount: it is not such a decimal, has more decimals than the currency, or is too large.
        UnknownCurrency: the market does not trade in the currency.
    """
    digits = exponent(currency=currency)
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise BadAmount(f"{text!r} is not an amount; write it like {format_amount(amount_minor=1234, currency=currency)}")
    whole, decimals = match.group(1), match.group(2) or ""
    if len(decimals) > digits:
        raise BadAmount(f"{text!r} has more than the {digits} decimals of {currency}")
    return require_amount(amount_minor=int(whole + decimals.ljust(digits, "0")))


def format_amount(*, amount_minor: int, currency: str) -> str:
    """Write minor units as a decimal with all decimals of the currency, the form `parse_amount` reads. A negative one gets a minus.

    Raises:
        UnknownCurrency: the market does not trade in the currency.
    """
    digits = exponent(currency=currency)
    sign = "-" if amount_minor < 0 else ""
    padded = str(abs(amount_minor)).rjust(digits + 1, "0")
    return f"{sign}{padded[: len(padded) - digits]}.{padded[len(padded) - digits :]}" if digits else f"{sign}{padded}"
