"""Whose turn it is in a case, by which clock, and what happens if nobody moves. The same answers for every party, page and program."""

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from anka.domain.case_states import CaseStatus
from anka.domain.deadlines import clock_named

C = CaseStatus


class Turn(NamedTuple):
    """Who has to move, the clock that runs for them, and what follows when it falls (refund, escalate, close, execute, review, alarm)."""

    side: str
    clock: str | None
    if_silent: str | None


_TURNS: MappingProxyType[CaseStatus, Turn] = MappingProxyType(
    {
        C.MERCHANT_TURN: Turn("merchant", "answer", "escalate"),
        C.BUYER_TURN: Turn("buyer", "offer", "escalate"),
        C.REFUSED: Turn("buyer", "escalate", "close"),
        C.EVIDENCE: Turn("platform", "look", "review"),
        C.REVIEW: Turn("platform", "rule", "alarm"),
        C.DECIDED: Turn("none", "appeal", "execute"),
        C.APPEAL: Turn("platform", "rule", "alarm"),
    }
)
NOBODY = Turn("none", None, None)
TURN_CLOCKS = frozenset(turn.clock for turn in _TURNS.values() if turn.clock)
BARGAINING = (C.MERCHANT_TURN, C.BUYER_TURN)
"""Where the parties talk between themselves."""
SETTLEABLE = (C.MERCHANT_TURN, C.BUYER_TURN, C.REFUSED, C.EVIDENCE, C.REVIEW)
"""Where the parties may still end it between themselves: until the platform has decided."""
MOST_ROUNDS = 3
"""Offers in one case, of both sides together."""
FOUR_EYES_ABOVE_MINOR = 50_000
"""A ruling that gives back more than this needs a second person (500.00)."""


def turn_of(*, status: CaseStatus, on_silence: str | None) -> Turn:
    """Return whose turn it is; `on_silence` is what the decision says about a merchant who does not answer."""
    turn = _TURNS.get(status, NOBODY)
    if status == C.MERCHANT_TURN and on_silence == "refund":
        return turn._replace(if_silent="refund")
    return turn


def evidence_clock(*, goods: str) -> str:
    """Return the name of the clock for evidence about this kind of goods."""
    return "evidence_account" if goods == "account" else "evidence"


def bargaining_ends(*, began_at: datetime) -> datetime:
    """Return when bargaining is over, whoever's turn it is."""
    return began_at + clock_named(name="bargaining").default


def rule_due(*, platform_since: datetime, now: datetime) -> datetime:
    """Return when the platform's decision is due: 48 hours after it got the case, never less than an hour from now."""
    return max(platform_since + clock_named(name="rule").default, now + timedelta(hours=1))
