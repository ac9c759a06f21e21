"""Disputes that a payer raises with the channel, behind our back: complaints, which move no money, and chargebacks, which do."""

from enum import StrEnum

from anka.domain.transitions import transitions


class DisputeKind(StrEnum):
    """What the payer did: complained to the channel, or had the payment taken back."""

    COMPLAINT = "complaint"
    CHARGEBACK = "chargeback"


class DisputeState(StrEnum):
    """How it stands. `accepted`: we did not contest it, so it ends as if it were lost."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    ACCEPTED = "accepted"


D = DisputeState
# What the channel has decided it has decided: whatever it says afterwards is kept, and looked at by a person.
DISPUTE_CHANGES = transitions(what="dispute", changes={D.OPEN: (D.WON, D.LOST, D.ACCEPTED)})
GIVEN_UP = frozenset({D.LOST, D.ACCEPTED})
"""The payer has the money: the channel does not give it back to us."""


def after(*, before: DisputeState, after: DisputeState) -> DisputeState:
    """Return the new state, or raise IllegalChange."""
    return DISPUTE_CHANGES.require(before=before, after=after)


def agree(*, known: DisputeState, said: DisputeState) -> bool:
    """Tell whether what is said is no more than what is known: "opened" is always older news, and what we accepted is lost."""
    return said in (D.OPEN, known) or {known, said} <= GIVEN_UP


def table() -> list[tuple[str, str]]:
    """Return every allowed change as sorted rows (from, to)."""
    return DISPUTE_CHANGES.table()
