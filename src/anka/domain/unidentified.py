"""Money that does not fit: what is odd about it, and when one person may decide alone which order it pays."""

from enum import StrEnum

# From this much on (minor units), a second person has to agree before money of unknown origin pays an order.
FOUR_EYES_FROM_MINOR = 100_000


class Oddity(StrEnum):
    """What is odd about captured money."""

    TOO_MUCH = "too_much"
    TOO_LITTLE = "too_little"
    WRONG_CURRENCY = "wrong_currency"
    UNKNOWN_PAYMENT = "unknown_payment"


class UnidentifiedState(StrEnum):
    """What became of it: it waits for a person, is on its way back, has arrived back, or has paid an order."""

    OPEN = "open"
    RETURNING = "returning"
    RETURNED = "returned"
    MATCHED = "matched"


def oddity(*, asked_minor: int, asked_currency: str, captured_minor: int, captured_currency: str) -> Oddity | None:
    """Return what is odd about a captured sum, or None where it is exactly what was asked for. Another currency says more than a sum."""
    if captured_currency != asked_currency:
        return Oddity.WRONG_CURRENCY
    if captured_minor == asked_minor:
        return None
    return Oddity.TOO_MUCH if captured_minor > asked_minor else Oddity.TOO_LITTLE


def needs_two(*, amount_minor: int) -> bool:
    """Tell whether two persons have to agree that this much pays an order."""
    return amount_minor >= FOUR_EYES_FROM_MINOR
