"""Reading what stands in paths, lists and cursors: numbers, units, places in a list."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from anka.core.numbers import NUMBER
from anka.core.refusals import BadInput, NotFound

Mark = TypeVar("Mark", bound=msgspec.Struct)


def require_number(text: str) -> str:
    """Return a public number from a path. What does not look like one cannot exist.

    Raises:
        NotFound: it does not look like one.
    """
    if not NUMBER.fullmatch(text):
        raise NotFound
    return text


def positions_of(number: str, units: Iterable[str | int] | None) -> tuple[int, ...] | None:
    """Return the positions that unit ids or bare positions name, None for None.

    Raises:
        BadInput: one of them is neither.
    """
    if units is None:
        return None
    found = {_position(number, unit) for unit in units}
    if 0 in found or not found:
        raise BadInput(fields={"units": f"{number}-1, {number}-2, …"})
    return tuple(sorted(found))


def positions_in_order(number: str, units: Sequence[str | int] | None) -> tuple[int, ...] | None:
    """Return the positions that unit ids or bare positions name, in the order they are named, None for None.

    Raises:
        BadInput: one of them is neither, or is named twice.
    """
    if units is None:
        return None
    found = tuple(_position(number, unit) for unit in units)
    if 0 in found or len(set(found)) < len(found):
        raise BadInput(fields={"units": f"{number}-1, {number}-2, …"})
    return found


def position_of(number: str, unit: str) -> int:
    """Return the position a path's unit names.

    Raises:
        NotFound: it names none; a unit that does not exist is told apart from that nowhere.
    """
    found = _position(number, unit)
    if not found:
        raise NotFound
    return found


def _position(number: str, unit: str | int) -> int:
    """Return the position, 0 where it is none."""
    if isinstance(unit, int):
        return unit
    digits = unit.removeprefix(f"{number}-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 4 and digits[0] != "0" else 0


def cursor_text(mark: msgspec.Struct) -> str:
    """Return a place in a list as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(mark)).rstrip(b"=").decode()


def read_cursor(text: str | None, mark: type[Mark]) -> Mark | None:
    """Return the place a cursor names.

    Raises:
        BadInput: it is not one of ours.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(raw, type=mark)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise BadInput(fields={"cursor": "a cursor from the page before"}) from None
    if any(_unusable(value) for value in msgspec.structs.astuple(found)):
        raise BadInput(fields={"cursor": "a cursor from the page before"})
    return found


def _unusable(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, int):
        return not -(2**63) <= value < 2**63
    return getattr(value, "tzinfo", value) is None
