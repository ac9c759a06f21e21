"""The shapes of receipts that go out: a decision with everything it was made from."""

from datetime import datetime
from typing import Any

import msgspec


class JudgedUnit(msgspec.Struct):
    """A unit with the facts it was judged on, all of them, and the decision they led to."""

    unit: str
    position: int
    facts: dict[str, Any]
    decision: dict[str, Any]


class Alternative(msgspec.Struct):
    """One fact that matters: had it this value instead of what it is now, the decision would be another. `zh` and `en` are sentences.

    `still_possible`: the fact may yet turn out so. A changed stage brings with it what only that stage has.
    """

    positions: list[int]
    fact: str
    value: str | int | bool | None
    now: str | int | bool | None
    still_possible: bool
    zh: str
    en: str
    decision: dict[str, Any]


class Receipt(msgspec.Struct):
    """A decision as it was stored when it was made: which rule of which version, on which facts, with which words.

    `hash` is the SHA-256 of the canonical JSON of `[{"facts", "position"}, ...]` followed by that of the decision with its words.
    """

    sequence: int
    decided_at: datetime
    policy_version: str
    rule: str
    rule_url: str
    units: list[JudgedUnit]
    because: dict[str, str]
    hash: str
    what_would_change: list[Alternative]
