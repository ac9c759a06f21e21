"""The shapes of cases that go out: the verdict before submitting, the case, its place in a list."""

from datetime import datetime
from typing import Any

import msgspec

from anka.api.shapes_of_orders import Action
from anka.api.shapes_of_receipts import Receipt


class Quote(msgspec.Struct):
    """What would happen: a decision per unit, the amount, the ways it takes and by when, in words. Asking changes nothing.

    `other_ways`: what `refund_to` may be instead, where a channel no longer takes the money back. `compensation`: what the rules promise
    beside the refund (`amount_minor`), who pays it (`paid_by`: merchant, platform, both), and that it goes `to` the wallet.
    """

    id: str
    decisions: list[dict[str, Any]]
    refund_minor: int
    left_minor: int
    ask_required: bool
    currency: str
    legs: list[dict[str, Any]]
    words: dict[str, str]
    policy_version: str
    allowed: bool
    why_not: dict[str, str] | None
    other_ways: list[str] = []
    compensation: dict[str, Any] | None = None


class CaseView(msgspec.Struct):
    """A case: whose turn, by when, what happens if nobody moves, what was decided and on which facts.

    `decision`, `facts`, `words` and `policy_version` are those of the newest receipt.
    """

    number: str
    order: str
    kind: str
    status: str
    units: list[str]
    asker: str
    reason: str
    statement: str
    turn: str
    due_at: datetime | None
    if_silent: str | None
    ask_minor: int | None
    ask_replacement: bool
    offered_minor: int | None
    merchant_answer: str
    fault: str | None
    decision: dict[str, Any] | None
    facts: Any
    words: dict[str, str] | None
    policy_version: str | None
    receipts: list[Receipt]
    refund_minor: int
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    answers: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    ruling: dict[str, Any] | None
    proposed_ruling: dict[str, Any] | None
    outcome: str | None
    refunds: list[str]
    actions: list[Action]


class CasesAnswer(msgspec.Struct):
    """The cases a request became: one per distinct decision."""

    cases: list[CaseView]


class CaseLine(msgspec.Struct):
    """A case in a list: whose turn, by when, and what happens if nobody moves."""

    number: str
    order: str
    kind: str
    status: str
    units: list[str]
    reason: str
    turn: str
    due_at: datetime | None
    if_silent: str | None
    ask_minor: int | None
    refund_minor: int
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None


class CaseList(msgspec.Struct):
    """One page of cases."""

    items: list[CaseLine]
    next: str | None
