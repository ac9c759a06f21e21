"""What follows when a refund attempt gets further: its leg, its refund, the books, the units, and the event that says so."""

from typing import Any

from anka.core import database
from anka.core.numbers import new_number
from anka.domain import postings
from anka.domain.refund_states import AttemptState, RefundState, of_legs
from anka.flows.steps.change import journals
from anka.payments.models import Attempt

# Carries out what a flow decided about an attempt; see flows/sql/functions/refund_outcome.sql.
WRITE = "SELECT write_refund_outcome($1, $2, $3, $4, $5, $6)"
OTHER_LEGS = "SELECT status FROM payments_leg WHERE shop_id = %s AND refund_id = %s AND leg <> %s"
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


def follow(*, change: dict[str, Any], attempt: Attempt, target: AttemptState, channel_number: str | None) -> None:
    """Add to a change what an attempt's new state brings with it."""
    if target == S.CLOSED:
        _try_again(change, attempt)
        return
    leg = LEG_AFTER.get(target)
    if leg is None:
        return
    change["attempt"] |= legs_after(attempt=attempt, leg=leg)
    if leg == RefundState.STUCK:
        change["events"].append(event(what="refund_stuck", attempt=attempt, more={"said": target}))
    if leg == RefundState.SUCCEEDED:
        _arrive(change, attempt, channel_number)


def _try_again(change: dict[str, Any], attempt: Attempt) -> None:
    """A closed attempt is over at the channel: a new one with a new number, or a person."""
    if attempt.attempts_so_far >= MOST_ATTEMPTS:
        change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.STUCK)
        change["events"].append(event(what="refund_stuck", attempt=attempt, more={"said": S.CLOSED}))
        return
    number = new_number(shop_code=attempt.shop_code, letter="T")
    change["attempt"]["next_attempt"] = number
    change["events"].append(event(what="refund_attempt_closed", attempt=attempt, more={"next": number}))


def _arrive(change: dict[str, Any], attempt: Attempt, channel_number: str | None) -> None:
    facts = {"refund_number": attempt.refund_number, "leg": attempt.leg, "channel": attempt.channel, "amount_minor": attempt.amount_minor}
    if attempt.channel == WALLET:
        posting = postings.refund_done_wallet(shop_id=attempt.shop_id, buyer_id=attempt.buyer_id, **facts)  # type: ignore[arg-type]
    else:
        posting = postings.refund_done_channel(shop_id=attempt.shop_id, **facts)  # type: ignore[arg-type]
    change["journals"] = journals(tuple(sorted(posting, key=lambda journal: journal.shop_id == 0)))
    if attempt.other_legs_open == 0:
        change["money"] = [
            {
                "positions": [unit.position],
                "money": "refunded" if unit.unit_refunded_minor == unit.unit_amount_minor else "part_refunded",
            }
            for unit in attempt.units
            if unit.money == "refunding"
        ]
    change["events"].append(event(what="refund_arrived", attempt=attempt, more={"channel_number": channel_number}))
    if attempt.order_id is not None:
        change["told"] = {"kind": "refund_arrived", "details": {"amount_minor": attempt.amount_minor}}


def event(*, what: str, attempt: Attempt, more: dict[str, Any]) -> dict[str, Any]:
    """Return an event about an attempt."""
    return {"what": what, "positions": positions(attempt), "details": about(attempt) | more}


def legs_after(*, attempt: Attempt, leg: RefundState) -> dict[str, str]:
    """Return what an attempt's leg becomes and what its refund is then; a leg that is stuck shows through whatever the others do."""
    others: list[RefundState] = []
    if attempt.other_legs_open:
        others = [RefundState(row[0]) for row in database.rows(OTHER_LEGS, (attempt.shop_id, attempt.refund_id, attempt.leg))]
    return {"leg_status": leg, "refund_status": of_legs(legs=(leg, *others))}


def positions(attempt: Attempt) -> list[int]:
    """Return the positions of the units an attempt's refund repays."""
    return [unit.position for unit in attempt.units]


def about(attempt: Attempt) -> dict[str, object]:
    """Return what an event says about an attempt."""
    return {
        "refund": attempt.refund_number,
        "attempt": attempt.number,
        "channel": attempt.channel,
        "amount_minor": attempt.amount_minor,
    }
