"""What a flow wants to write about cases, as values; the shapes mirror cases/sql/functions/cases.sql, which carries them out."""

from datetime import datetime
from typing import Any

import msgspec

from anka.cases.models import CaseState
from anka.core.actors import Actor
from anka.domain.evidence import canonical_json
from anka.domain.facts import Facts
from anka.domain.policy.decision import Decision


class Receipt(msgspec.Struct):
    """One judgement, as the exact texts that are hashed."""

    policy_version: str
    rule: str
    facts: str
    decision: str
    because_zh: str
    because_en: str


class NewEvidence(msgspec.Struct):
    """Something a party says to prove its case."""

    kind: str
    by_side: str
    person_id: int
    text: str


class NewCase(msgspec.Struct, omit_defaults=True):
    """A case to open. `path` leads it to the status where it waits, or through executing to closed (then with an outcome).

    Amounts are for all its units together; `frozen_each` is per unit, in the order of `positions`.
    """

    number: str
    kind: str
    path: list[str]
    asker: str
    reason: str
    statement: str
    positions: list[int]
    frozen_each: list[int]
    refund_minor: int
    route: str
    refund_to: str
    receipt: Receipt
    fault: str
    outcome: str | None = None
    ask_minor: int | None = None
    ask_replacement: bool = False
    offered_minor: int | None = None
    keys_void: bool = False
    compensation_minor: int = 0
    evidence: list[NewEvidence] = []


class Said(msgspec.Struct, omit_defaults=True):
    """What a party said."""

    by_side: str
    person_id: int
    what: str
    code: str | None = None
    text: str = ""


class NewOffer(msgspec.Struct):
    """An offer of one side, with the keys set aside for it."""

    by_side: str
    person_id: int
    refund_minor: int
    replacement: bool
    text: str
    expires_at: datetime
    key_ids: list[int]


class NewRuling(msgspec.Struct, omit_defaults=True):
    """The platform's word: given at once, or proposed until a second person agrees. Person 0 is the clock of the law."""

    instance: int
    status: str
    by_person: int
    fault: str
    remedy: str
    refund_minor: int
    reasons: list[str]
    text: str
    compensation_minor: int = 0
    penalty_minor: int = 0

    @property
    def total_minor(self) -> int:
        """Everything it moves: refund, compensation and penalty."""
        return self.refund_minor + self.compensation_minor + self.penalty_minor


class CaseStep(msgspec.Struct, omit_defaults=True):
    """One step of an open case. What is left out is not touched; one event, `what`, says what happened."""

    number: str
    what: str
    details: dict[str, Any] = {}
    path: list[str] = []
    outcome: str | None = None
    merchant_answer: str | None = None
    refund_minor: int | None = None
    ask_minor: int | None = None
    bargaining_until: datetime | None = None
    fault: str | None = None
    compensation_minor: int | None = None
    penalty_minor: int | None = None
    answer: Said | None = None
    offer: NewOffer | None = None
    offer_ends: str | None = None
    evidence: list[NewEvidence] = []
    ruling: NewRuling | None = None
    approved_by: int | None = None
    receipts: list[Receipt] = []


class Replacement(msgspec.Struct):
    """A new unit, and the key that was set aside for it, in the place of another."""

    position: int
    key_id: int
    replaces: int


class Notice(msgspec.Struct, omit_defaults=True):
    """Something to tell one side in the app. Never a secret."""

    audience: str
    kind: str
    case_number: str | None = None
    details: dict[str, Any] = {}


def receipt_of(*, positions: tuple[int, ...], facts: tuple[Facts, ...], decision: Decision, policy_version: str) -> Receipt:
    """Return a judgement in the form it is stored in."""
    judged = [{"position": position, "facts": one.to_json()} for position, one in zip(positions, facts, strict=True)]
    return Receipt(
        policy_version=policy_version,
        rule=decision.rule,
        facts=canonical_json(judged).decode(),
        decision=canonical_json(decision.to_receipt()).decode(),
        because_zh=decision.because_zh,
        because_en=decision.because_en,
    )


def said(*, actor: Actor, what: str, text: str = "", code: str | None = None) -> Said:
    """Return what an actor said, as a party."""
    side = str(actor.kind) if actor.kind in ("buyer", "merchant", "platform") else "system"
    return Said(by_side=side, person_id=actor.person_id, what=what, code=code, text=text)


def tell(*, case: CaseState, audiences: tuple[str, ...], kind: str, details: dict[str, Any] | None = None) -> list[Notice]:
    """Return one notice about a case per audience (buyer, shop, platform)."""
    return [Notice(audience=audience, kind=kind, case_number=case.number, details=details or {}) for audience in audiences]
