"""Public numbers: the shop's code and 65 random bits, so that nobody can guess another's order."""

import re
import secrets

# Crockford's base 32 without I, L, O, U: easy to read aloud.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER = re.compile(r"[A-Z0-9]{2,6}-[A-Z]?[0-9A-HJKMNP-TV-Z]{13}")
SHOP_CODE = re.compile(r"[A-Z][A-Z0-9]{1,5}")


def new_number(*, shop_code: str, letter: str = "") -> str:
    """Return a fresh public number such as QM-7KQ2H8MPZD4TW (orders) or QM-R… (refunds), with 65 random bits."""
    drawn = secrets.randbits(65)
    tail = "".join(ALPHABET[(drawn >> shift) & 31] for shift in range(0, 65, 5))
    return f"{shop_code}-{letter}{tail}"


def shop_code_of(number: str) -> str:
    """Return the shop's code at the front of a public number, or "" where it does not look like one."""
    return number.split("-", 1)[0] if NUMBER.fullmatch(number) else ""
