"""Numbers as a handful of kinds: all numbers no bound of a table tells apart are one kind, shown by the smallest of them.

The least number of a kind lies at a bound, or just after one; the product's own terms (refund window, warranty) are only ever compared
with other numbers, so that the least value of each lies at such a number, or just after it. Trying these and no others is therefore
exact, however large the numbers may be.
"""

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from anka.domain.facts import LEAST_TERM
from anka.domain.policy.vocabulary import LIMITS, Bound

Number = int | None
Numbers = tuple[Number, ...]
KEYS: MappingProxyType[str, str] = MappingProxyType(
    {
        "ago": "delivered_minutes_ago",
        "delivered_percent": "delivered_percent",
        "progress": "progress_percent",
        "upstream_minutes": "upstream_minutes",
        "refund_window": "refund_window_minutes",
        "warranty": "warranty_minutes",
    }
)
"""What bounds call a number, and the fact it is; in the order of the facts."""
DEFAULTS: MappingProxyType[str, Number] = MappingProxyType(
    {
        "ago": None,
        "delivered_percent": None,
        "progress": 0,
        "upstream_minutes": 0,
        "refund_window": LEAST_TERM,
        "warranty": LEAST_TERM,
    }
)
_COMPARE: MappingProxyType[str, Callable[[int, int], bool]] = MappingProxyType(
    {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq}
)
_PERCENT = 100
_BETWEEN = 4
"""Four numbers are compared with each other at most (minutes of two kinds, two terms), so the fourth after a bound is the last to try."""


@dataclass(frozen=True, slots=True)
class Kind:
    """All numbers that no bound tells apart: the least of them, and which bounds hold."""

    least: Numbers
    holds: frozenset[Bound]


def within(*, bound: Bound, numbers: dict[str, Number]) -> bool:
    """Tell whether a number is within a bound, as `decide` does: a number that is not known is within none."""
    left = numbers[bound.subject]
    right = numbers[bound.limit] if bound.limit in LIMITS else int(bound.limit)
    return left is not None and right is not None and _COMPARE[bound.operator](left, right)


def order(names: tuple[str, ...], numbers: Numbers) -> tuple[int, tuple[int, ...]]:
    """Return how small numbers are: how many are not as they would be if nobody said them, then their size, nothing before 0."""
    away = sum(DEFAULTS[name] != number for name, number in zip(names, numbers, strict=True))
    return away, tuple(-1 if number is None else number for number in numbers)


def _constants(name: str, bounds: Iterable[Bound]) -> Iterator[int]:
    for bound in bounds:
        if bound.subject == name and bound.limit not in LIMITS:
            yield int(bound.limit)


def _tried(name: str, bounds: tuple[Bound, ...]) -> list[Number]:
    if name in {"progress", "delivered_percent"}:
        return [*([None] if name == "delivered_percent" else []), *range(_PERCENT + 1)]
    starts = {0, *_constants(name, bounds)}
    if any(bound.limit in LIMITS for bound in bounds):
        starts.add(LEAST_TERM)
    return [*([None] if name == "ago" else []), *sorted({start + more for start in starts for more in range(_BETWEEN)})]


def _terms(minutes: Numbers) -> list[int]:
    after = {number + more for number in minutes if number is not None for more in (0, 1)}
    return sorted({LEAST_TERM, *(number for number in after if number > LEAST_TERM)})


def _all(names: tuple[str, ...], bounds: tuple[Bound, ...]) -> Iterator[Numbers]:
    free = tuple(name for name in names if name not in LIMITS)
    for minutes in product(*(_tried(name, bounds) for name in free)):
        terms = [_terms(minutes) if any(bound.limit == name for bound in bounds) else [LEAST_TERM] for name in names if name in LIMITS]
        for limits in product(*terms):
            yield (*minutes, *limits)


def kinds(*, names: tuple[str, ...], bounds: tuple[Bound, ...]) -> tuple[Kind, ...]:
    """Return every kind of these numbers, the smallest first. What is known and what is not are never of one kind.

    `names` are in the order of KEYS, and hold every number the bounds speak of.
    """
    least: dict[tuple[object, ...], tuple[tuple[int, tuple[int, ...]], Kind]] = {}
    for numbers in _all(names, bounds):
        named = dict(zip(names, numbers, strict=True))
        holds = frozenset(bound for bound in bounds if within(bound=bound, numbers=named))
        key = (holds, *(number is None for number in numbers))
        rank = order(names, numbers)
        if key not in least or rank < least[key][0]:
            least[key] = (rank, Kind(least=numbers, holds=holds))
    return tuple(kind for _, kind in sorted(least.values(), key=lambda found: found[0]))


def groups(*, bounds: Iterable[Bound]) -> dict[str, tuple[tuple[str, ...], tuple[Bound, ...]]]:
    """Return which numbers have to be looked at together, by the name of the first, with the bounds on them."""
    given = tuple(dict.fromkeys(bounds))
    together: tuple[str, ...] = ("ago", "refund_window", "warranty")
    if any(bound.subject == "upstream_minutes" and bound.limit in LIMITS for bound in given):
        together = ("ago", "upstream_minutes", "refund_window", "warranty")
    found = {}
    listed: tuple[tuple[str, ...], ...] = (together, ("delivered_percent",), ("progress",), ("upstream_minutes",))
    for names in listed:
        if names[0] == "upstream_minutes" and "upstream_minutes" in together:
            continue
        found[names[0]] = names, tuple(bound for bound in given if bound.subject in names)
    return found
