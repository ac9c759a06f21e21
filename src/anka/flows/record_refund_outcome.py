"""Apply what a channel said about a refund attempt. The one entrance for answers, notices, polls and bills; safe to repeat."""

from datetime import datetime
from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.core.numbers import new_number
from anka.domain import postings
from anka.domain.refund_states import ATTEMPT_CHANGES, AttemptState, RefundState
from anka.flows.steps.change import journals
from anka.flows.submit_attempt import WRITE, about, positions
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

WALLET = "wallet"
# A channel that closes attempt after attempt needs a person.
MOST_ATTEMPTS = 5

S = AttemptState
LEG_AFTER = {
    S.PROCESSING: RefundState.PROCESSING,
    S.SUCCEEDED: RefundState.SUCCEEDED,
    S.ABNORMAL: RefundState.STUCK,
    S.FAILED: RefundState.STUCK,
}


class Evidence(msgspec.Struct, frozen=True):
    """What was said about an attempt, by which way it came: answer, notice, poll or bill. `digest` is SHA-256 of the raw bytes, in hex."""

    status: AttemptState
    source: str
    observed_at: datetime
    channel_number: str | None = None
    amount_minor: int | None = None
    digest: str = ""


def record_refund_outcome(*, number: str, evidence: Evidence, at: Moment) -> AttemptState:
    """Apply evidence to an attempt and return what the attempt is now.

    Evidence that contradicts what is known (another amount, or a state the table does not lead to) is kept and changes nothing else;
    an event says so, for a person to look at.

    Raises:
        NotFound: there is no such attempt.
    """
    with database.transaction():
        attempt = lock_attempt(number=number)
        change = _change(attempt, evidence)
        actor = gateway(attempt.channel)
        body = msgspec.json.encode(change).decode()
        database.call(WRITE, attempt.shop_id, attempt.order_id, attempt.attempt_id, at.now, str(actor), body)
        return S(change["attempt"]["status"])


def _change(attempt: Attempt, evidence: Evidence) -> dict[str, Any]:
    wrong_amount = evidence.amount_minor is not None and evidence.amount_minor != attempt.amount_minor
    known = (attempt.status, evidence.status) in ATTEMPT_CHANGES.table()
    applied = known and not wrong_amount
    target = evidence.status if applied else attempt.status
    change: dict[str, Any] = {
        "currency": attempt.currency,
        "attempt": {
            "status": target,
            "asked": 1,
            "channel_number": evidence.channel_number if applied else None,
            "evidence": {
                "source": evidence.source,
                "status": evidence.status,
                "channel_number": evidence.channel_number,
                "digest": evidence.digest,
                "applied": applied,
            },
        },
        "events": [],
    }
    if applied:
        _follow(change, attempt, evidence)
    elif wrong_amount or evidence.status != attempt.status:
        change["events"].append(_event("refund_evidence_contradicts", attempt, said=evidence.status, amount_minor=evidence.amount_minor))
    return change


def _follow(change: dict[str, Any], attempt: Attempt, evidence: Evidence) -> None:
    target = evidence.status
    if target == S.CLOSED:
        _try_again(change, attempt)
        return
    leg = LEG_AFTER.get(target)
    if leg is None:
        return
    change["attempt"]["leg_status"] = leg
    if leg == RefundState.STUCK:
        change["attempt"]["refund_status"] = RefundState.STUCK
        change["events"].append(_event("refund_stuck", attempt, said=target))
    if leg == RefundState.SUCCEEDED:
        _arrive(change, attempt, evidence)


def _try_again(change: dict[str, Any], attempt: Attempt) -> None:
    """A closed attempt is over at the channel: a new one with a new number, or a person."""
    if attempt.attempts_so_far >= MOST_ATTEMPTS:
        change["attempt"] |= {"leg_status": RefundState.STUCK, "refund_status": RefundState.STUCK}
        change["events"].append(_event("refund_stuck", attempt, said=S.CLOSED))
        return
    number = new_number(shop_code=attempt.shop_code, letter="T")
    change["attempt"]["next_attempt"] = number
    change["events"].append(_event("refund_attempt_closed", attempt, next=number))


def _arrive(change: dict[str, Any], attempt: Attempt, evidence: Evidence) -> None:
    facts = {"refund_number": attempt.refund_number, "leg": attempt.leg, "channel": attempt.channel, "amount_minor": attempt.amount_minor}
    if attempt.channel == WALLET:
        posting = postings.refund_done_wallet(shop_id=attempt.shop_id, buyer_id=attempt.buyer_id, **facts)  # type: ignore[arg-type]
    else:
        posting = postings.refund_done_channel(shop_id=attempt.shop_id, **facts)  # type: ignore[arg-type]
    change["journals"] = journals(tuple(sorted(posting, key=lambda journal: journal.shop_id == 0)))
    if attempt.other_legs_open == 0:
        change["attempt"]["refund_status"] = RefundState.SUCCEEDED
        change["money"] = [
            {
                "positions": [unit.position],
                "money": "refunded" if unit.unit_refunded_minor == unit.unit_amount_minor else "part_refunded",
            }
            for unit in attempt.units
            if unit.money == "refunding"
        ]
    change["events"].append(_event("refund_arrived", attempt, channel_number=evidence.channel_number))


def _event(what: str, attempt: Attempt, **more: object) -> dict[str, Any]:
    return {"what": what, "positions": positions(attempt), "details": about(attempt) | more}
