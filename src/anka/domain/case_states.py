"""The argument about a unit: one case for cancellation, after-sale and outside complaints alike."""

from enum import StrEnum

from anka.domain.transitions import transitions


class CaseKind(StrEnum):
    """What the case is about: goods not delivered yet, goods delivered, or a complaint raised outside."""

    CANCELLATION = "cancellation"
    AFTER_SALE = "after_sale"
    EXTERNAL = "external"


class CaseStatus(StrEnum):
    """Who or what the case waits for."""

    OPEN = "open"
    MERCHANT_TURN = "merchant_turn"
    BUYER_TURN = "buyer_turn"
    WAITING_UPSTREAM = "waiting_upstream"
    EXTERNAL = "external"
    REFUSED = "refused"
    EVIDENCE = "evidence"
    REVIEW = "review"
    DECIDED = "decided"
    APPEAL = "appeal"
    FINAL = "final"
    EXECUTING = "executing"
    CLOSED = "closed"


class CaseOutcome(StrEnum):
    """How the case ended. `released` closes an unpaid order: no money had moved, none was refunded."""

    REFUNDED = "refunded"
    PARTIAL = "partial"
    REPLACED = "replaced"
    RESUMED = "resumed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SETTLED_OUTSIDE = "settled_outside"
    MERGED = "merged"
    RELEASED = "released"


class Fault(StrEnum):
    """Whose fault a ruling finds; independent of the remedy."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    BOTH = "both"
    NONE = "none"


class Remedy(StrEnum):
    """What a ruling grants; independent of the fault."""

    FULL = "full"
    PARTIAL = "partial"
    REPLACEMENT = "replacement"
    COMPENSATION = "compensation"
    NOTHING = "nothing"


C = CaseStatus
# A waiting case can always end by withdrawal, private settlement or merging (closed), move money by an accepted offer (executing),
# and be taken over by a chargeback (external). A case without a ruling at the ceiling is decided wherever it waits for evidence.
CASE_CHANGES = transitions(
    what="case",
    changes={
        C.OPEN: (C.EXECUTING, C.WAITING_UPSTREAM, C.EXTERNAL, C.REFUSED, C.MERCHANT_TURN, C.EVIDENCE),
        C.WAITING_UPSTREAM: (C.EXECUTING, C.REVIEW, C.EXTERNAL, C.CLOSED),
        C.EXTERNAL: (C.EXECUTING, C.CLOSED),
        C.REFUSED: (C.EVIDENCE, C.EXECUTING, C.EXTERNAL, C.CLOSED),
        C.MERCHANT_TURN: (C.BUYER_TURN, C.EXECUTING, C.EVIDENCE, C.EXTERNAL, C.CLOSED),
        C.BUYER_TURN: (C.MERCHANT_TURN, C.EXECUTING, C.EVIDENCE, C.EXTERNAL, C.CLOSED),
        C.EVIDENCE: (C.REVIEW, C.DECIDED, C.EXECUTING, C.EXTERNAL, C.CLOSED),
        C.REVIEW: (C.EVIDENCE, C.DECIDED, C.EXECUTING, C.EXTERNAL, C.CLOSED),
        C.DECIDED: (C.APPEAL, C.EXECUTING, C.EXTERNAL),
        C.APPEAL: (C.FINAL, C.EXTERNAL),
        C.FINAL: (C.EXECUTING,),
        C.EXECUTING: (C.CLOSED,),
    },
)

OPENED_AS = {
    "close": C.EXECUTING,
    "instant": C.EXECUTING,
    "merchant": C.MERCHANT_TURN,
    "upstream": C.WAITING_UPSTREAM,
    "platform": C.EVIDENCE,
    "external": C.EXTERNAL,
    "refuse": C.REFUSED,
}
"""The status a new case takes from the route of its decision."""


def after(*, before: CaseStatus, after: CaseStatus) -> CaseStatus:
    """Return the new status, or raise IllegalChange."""
    return CASE_CHANGES.require(before=before, after=after)


def table() -> list[tuple[str, str]]:
    """Return every allowed change as sorted rows (from, to)."""
    return CASE_CHANGES.table()
