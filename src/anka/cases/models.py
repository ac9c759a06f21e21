"""One case as it is read from the database: what is argued, who has said what, what was decided and by when somebody has to move."""

from datetime import datetime
from typing import Any

import msgspec

from anka.core.actors import ActorKind
from anka.domain.case_states import CaseKind, CaseStatus
from anka.domain.case_turns import Turn, turn_of
from anka.domain.facts import Facts
from anka.domain.policy.decision import Decision


class Receipt(msgspec.Struct, frozen=True):
    """One judgement: facts and decision are the exact texts that were hashed, facts first; `hash` is that SHA-256 in hex."""

    sequence: int
    decided_at: datetime
    policy_version: str
    rule: str
    because_zh: str
    because_en: str
    facts: str
    decision: str
    hash: str

    def judged(self) -> list[tuple[int, Facts]]:
        """Return the units' positions with the facts each was judged on."""
        return [(unit["position"], Facts.from_json(unit["facts"])) for unit in msgspec.json.decode(self.facts)]

    def alike(self) -> dict[Facts, list[int]]:
        """Return the distinct facts, each with the positions of the units that were judged on them."""
        found: dict[Facts, list[int]] = {}
        for position, facts in self.judged():
            found.setdefault(facts, []).append(position)
        return found

    def decided(self) -> Decision:
        """Return the decision."""
        return Decision.from_receipt(msgspec.json.decode(self.decision))


class Answer(msgspec.Struct, frozen=True):
    """Something a party said: agreed, refused, withdrew, escalated, appealed, accepted, declined."""

    at: datetime
    by_side: str
    person_id: int
    what: str
    code: str | None
    text: str


class Offer(msgspec.Struct, frozen=True):
    """An offer of one side. `key_ids` are set aside in the vault while it is open."""

    id: int
    by_side: str
    refund_minor: int
    replacement: bool
    text: str
    status: str
    made_at: datetime
    expires_at: datetime
    key_ids: tuple[int, ...]


class Evidence(msgspec.Struct, frozen=True):
    """What a party brought to prove its case."""

    id: int
    kind: str
    by_side: str
    at: datetime
    text: str
    sha256: str


class Ruling(msgspec.Struct, frozen=True):
    """The platform's word. `instance` 2 is the answer to an appeal. The compensation goes to the buyer's wallet, the penalty comes out of
    the shop's deposit."""

    instance: int
    status: str
    by_person: int
    made_at: datetime
    approved_by: int | None
    approved_at: datetime | None
    fault: str
    remedy: str
    refund_minor: int
    reasons: tuple[str, ...]
    text: str
    compensation_minor: int = 0
    penalty_minor: int = 0

    @property
    def total_minor(self) -> int:
        """Everything it moves: refund, compensation and penalty."""
        return self.refund_minor + self.compensation_minor + self.penalty_minor


class Clock(msgspec.Struct, frozen=True):
    """A clock of the case that has not ended."""

    kind: str
    state: str
    started_at: datetime
    due_at: datetime


class CaseState(msgspec.Struct, frozen=True):
    """A case with everything about it. Amounts are for all of its units together."""

    id: int
    number: str
    order_id: int
    kind: CaseKind
    status: CaseStatus
    asker: str
    reason: str
    statement: str
    positions: tuple[int, ...]
    refund_minor: int
    opened_at: datetime
    closed_at: datetime | None
    outcome: str | None
    receipts: tuple[Receipt, ...]
    refund_to: str = "original"
    fault: str | None = None
    ask_minor: int | None = None
    ask_replacement: bool = False
    offered_minor: int | None = None
    merchant_answer: str = "none"
    rounds: int = 0
    bargaining_until: datetime | None = None
    platform_since: datetime | None = None
    keys_void: bool = False
    compensation_minor: int = 0
    penalty_minor: int = 0
    answers: tuple[Answer, ...] = ()
    offers: tuple[Offer, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    clocks: tuple[Clock, ...] = ()

    @property
    def last_receipt(self) -> Receipt | None:
        """The newest judgement."""
        return self.receipts[-1] if self.receipts else None

    @property
    def decision(self) -> Decision | None:
        """The newest decision of the rules."""
        return self.last_receipt.decided() if self.last_receipt else None

    @property
    def decision_json(self) -> dict[str, Any] | None:
        """The newest decision as it was stored."""
        return msgspec.json.decode(self.last_receipt.decision) if self.last_receipt else None

    @property
    def open_offer(self) -> Offer | None:
        """The offer that waits for an answer."""
        return next((offer for offer in self.offers if offer.status == "open"), None)

    @property
    def proposed_ruling(self) -> Ruling | None:
        """The ruling that waits for a second person."""
        return next((ruling for ruling in self.rulings if ruling.status == "proposed"), None)

    @property
    def given_ruling(self) -> Ruling | None:
        """The ruling that counts."""
        given = [ruling for ruling in self.rulings if ruling.status == "given"]
        return given[-1] if given else None

    @property
    def turn(self) -> Turn:
        """Whose turn it is, by which clock, and what follows if nobody moves."""
        decision = self.decision
        return turn_of(status=self.status, on_silence=decision.on_silence if decision else None)

    @property
    def due_at(self) -> datetime | None:
        """When the clock of the turn falls."""
        return next((clock.due_at for clock in self.clocks if clock.kind == self.turn.clock), None)

    @property
    def clock_position(self) -> int:
        """Where the clocks of this case stand: at its first unit, which no other open case argues about."""
        return min(self.positions)

    @property
    def asker_kind(self) -> str:
        """Who opened it: buyer, merchant, platform, or a job in the buyer's name."""
        kind = self.asker.partition(":")[0]
        return kind if kind in (ActorKind.MERCHANT, ActorKind.PLATFORM) else "buyer"


decoder = msgspec.json.Decoder(CaseState)
