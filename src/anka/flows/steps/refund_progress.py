"""What follows when a refund attempt gets further: its leg, its refund, the books, the units, and the event that says so."""

from typing import Any

import msgspec

from anka.core import database
from anka.core.clock import Moment
from anka.core.numbers import new_number
from anka.domain import postings_ladder as postings
from anka.domain.deadlines import STUCK_WITHIN
from anka.domain.postings import Posting
from anka.domain.refund_plan import HAND, WALLET
from anka.domain.refund_states import AttemptState, RefundState, StuckReason, of_legs
from anka.flows.steps.change import journals
from anka.payments.arrangements import expected
from anka.payments.models import Attempt

# Carries out what a flow decided about an attempt; see flows/sql/functions/refund_outcome.sql.
WRITE = "SELECT write_refund_outcome($1, $2, $3, $4, $5, $6)"
OTHER_LEGS = "SELECT status FROM payments_leg WHERE shop_id = %s AND refund_id = %s AND leg <> %s"
# A channel that closes attempt after attempt needs a person.
MOST_ATTEMPTS = 5

S = AttemptState
# What stops a leg until a person, or the buyer, opens another way for it.
STOPS = {
    S.ABNORMAL: StuckReason.ABNORMAL,
    S.FAILED: StuckReason.FAILED,
    S.MANUAL: StuckReason.OUTCOME_UNKNOWN,
    S.REVERSED: StuckReason.REVERSED,
}
# These do not stop a leg, so its going on does not end them.
BESIDE = (StuckReason.LATE, StuckReason.PAID_TWICE)
TURNS = {("refunded", "refunding"), ("part_refunded", "refunding")}


def follow(*, change: dict[str, Any], attempt: Attempt, target: AttemptState, channel_number: str | None, at: Moment) -> None:
    """Add to a change what an attempt's new state brings with it."""
    if target == S.CLOSED:
        _try_again(change, attempt, at)
    elif target in STOPS:
        reason = StuckReason.BY_HAND if target == S.MANUAL and attempt.channel == HAND else STOPS[target]
        if target == S.REVERSED:
            _bounce(change, attempt)
        stop(change=change, attempt=attempt, reason=reason, at=at)
    elif target == S.SUCCEEDED:
        _arrive(change, attempt, channel_number)
    elif target == S.PROCESSING:
        change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.PROCESSING)
    elif target == S.WAITING_FUNDS:
        change["events"].append(event(what="refund_waiting_funds", attempt=attempt, more={}))
        tell(change=change, audience="platform", kind="refund_waiting_funds", attempt=attempt)


def stop(*, change: dict[str, Any], attempt: Attempt, reason: StuckReason, at: Moment) -> None:
    """Add to a change that a leg goes no further by itself: it stands in the queue of stuck refunds, and everybody concerned is told."""
    change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.STUCK)
    change["attempt"]["stuck"] = {"reason": reason, "due_at": at.now + STUCK_WITHIN}
    change["events"].append(event(what="refund_stuck", attempt=attempt, more={"said": reason}))
    if attempt.leg_status != RefundState.STUCK:
        for audience in ("buyer", "platform"):
            tell(change=change, audience=audience, kind="refund_stuck", attempt=attempt)


def watch(*, change: dict[str, Any], attempt: Attempt, at: Moment) -> None:
    """Add to a change what the time means that money has been under way: the alarm once, and in the end a person."""
    due = expected(channel=attempt.leg_channel, accepted_at=attempt.intended_at)
    if attempt.stuck is None and at.now >= due.person_at and "stuck" not in change["attempt"]:
        change["attempt"]["stuck"] = {"reason": StuckReason.LATE, "due_at": at.now + STUCK_WITHIN}
        change["events"].append(event(what="refund_late", attempt=attempt, more={}))
        tell(change=change, audience="platform", kind="refund_late", attempt=attempt)
    if attempt.alarmed_at is None and at.now >= due.alarm_at:
        change["attempt"]["alarmed"] = True
        change["events"].append(event(what="refund_overdue", attempt=attempt, more={}))
        tell(change=change, audience="platform", kind="refund_overdue", attempt=attempt)


def tell(*, change: dict[str, Any], audience: str, kind: str, attempt: Attempt) -> None:
    """Add a notice to a change."""
    details = {"amount_minor": attempt.amount_minor, "refund": attempt.refund_number}
    change.setdefault("notices", []).append({"audience": audience, "kind": kind, "details": details})


def another(*, change: dict[str, Any], attempt: Attempt, channel: str, status: AttemptState = S.CREATED) -> str:
    """Add the leg's next attempt to a change, and return its number."""
    number = new_number(shop_code=attempt.shop_code, letter="T")
    change["attempt"] |= {"next_attempt": number, "next_channel": channel, "next_status": status}
    return number


def _try_again(change: dict[str, Any], attempt: Attempt, at: Moment) -> None:
    """A closed attempt is over at the channel: a new one with a new number, or a person, who looks first where an old number has paid."""
    paid_beside = attempt.stuck is not None and attempt.stuck.reason == StuckReason.PAID_TWICE
    if attempt.attempts_so_far >= MOST_ATTEMPTS or paid_beside:
        stop(change=change, attempt=attempt, reason=StuckReason.CLOSED, at=at)
        return
    number = another(change=change, attempt=attempt, channel=attempt.channel)
    change["events"].append(event(what="refund_attempt_closed", attempt=attempt, more={"next": number}))


def _bounce(change: dict[str, Any], attempt: Attempt) -> None:
    """The money came back to us: it is owed again, and its units are not repaid."""
    leg, channel = (attempt.refund_number, attempt.leg), attempt.leg_channel
    amount, reversals = attempt.amount_minor, attempt.reversals
    if attempt.channel == HAND and attempt.proof is not None:
        bank = attempt.proof.bank
        posting = postings.returned(shop_id=attempt.shop_id, leg=leg, channel=channel, bank=bank, amount_minor=amount, reversals=reversals)
    else:
        posting = postings.bounced(shop_id=attempt.shop_id, leg=leg, channel=channel, amount_minor=amount, reversals=reversals)
    change["journals"] = journals(posting)
    change["money"] = [{"positions": [unit.position], "money": "refunding"} for unit in attempt.units if (unit.money, "refunding") in TURNS]
    change["events"].append(event(what="refund_bounced", attempt=attempt, more={}))


def _arrive(change: dict[str, Any], attempt: Attempt, channel_number: str | None) -> None:
    change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.SUCCEEDED)
    change["journals"] = journals(tuple(sorted(_done(attempt), key=lambda journal: journal.shop_id == 0)))
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
    tell(change=change, audience="buyer", kind="refund_arrived", attempt=attempt)


def _done(attempt: Attempt) -> Posting:
    leg, channel = (attempt.refund_number, attempt.leg), attempt.leg_channel
    amount, reversals = attempt.amount_minor, attempt.reversals
    if attempt.channel == WALLET:
        buyer = attempt.buyer_id
        return postings.done_wallet(
            shop_id=attempt.shop_id, leg=leg, channel=channel, buyer_id=buyer, amount_minor=amount, reversals=reversals
        )
    if attempt.channel == HAND and attempt.proof is not None:
        bank = attempt.proof.bank
        return postings.done_by_hand(shop_id=attempt.shop_id, leg=leg, channel=channel, bank=bank, amount_minor=amount, reversals=reversals)
    return postings.done_channel(shop_id=attempt.shop_id, leg=leg, channel=channel, amount_minor=amount, reversals=reversals)


def event(*, what: str, attempt: Attempt, more: dict[str, Any]) -> dict[str, Any]:
    """Return an event about an attempt."""
    return {"what": what, "positions": positions(attempt), "details": about(attempt) | more}


def legs_after(*, attempt: Attempt, leg: RefundState) -> dict[str, str]:
    """Return what an attempt's leg becomes and what its refund is then, and what that ends in the queue of stuck refunds.

    A leg that is stuck shows through whatever the others do.
    """
    others: list[RefundState] = []
    if attempt.other_legs_open:
        others = [RefundState(row[0]) for row in database.rows(OTHER_LEGS, (attempt.shop_id, attempt.refund_id, attempt.leg))]
    after: dict[str, str] = {"leg_status": leg, "refund_status": of_legs(legs=(leg, *others))}
    if attempt.stuck is None or attempt.stuck.reason == StuckReason.PAID_TWICE:
        return after
    if leg == RefundState.SUCCEEDED:
        return after | {"unstuck": "arrived"}
    if leg == RefundState.PROCESSING and attempt.stuck.reason not in BESIDE:
        return after | {"unstuck": "another_way"}
    return after


def write(*, change: dict[str, Any], attempt: Attempt, actor: str, at: Moment) -> None:
    """Carry out a change of a locked attempt."""
    body = msgspec.json.encode(change).decode()
    database.call(WRITE, attempt.shop_id, attempt.order_id, attempt.attempt_id, at.now, actor, body)


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
