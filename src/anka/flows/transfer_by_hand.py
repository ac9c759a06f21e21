"""A refund that finance staff pay by a transfer at the bank: begun, so that nobody opens another way meanwhile, then proved.

The proof says to whom, from which account, under which reference and how much. It counts when a second person has approved it
(flows/decide_proof.py).
"""

import re
from dataclasses import dataclass
from typing import Any

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput, MovedMeanwhile
from anka.domain.refund_plan import HAND
from anka.domain.refund_states import HAS_GIVEN_UP, AttemptState, StuckReason
from anka.flows.steps.plan_money_back import PaymentDisputed
from anka.flows.steps.refund_progress import another, event, stop, tell, write
from anka.flows.steps.stuck_leg import (
    OutcomeStillOpen,
    fresh_change,
    given_up,
    lock_for_finance,
    require_stuck,
    take_up,
)
from anka.payments.models import Attempt

PROVE = """
INSERT INTO payments_proof (shop_id, attempt_id, kind, says, payee, bank, reference, amount_minor, made_by, made_at, status)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'open')
"""
USED = """
SELECT EXISTS (SELECT FROM payments_proof WHERE shop_id = %s AND bank = %s AND reference = %s AND kind = 'transfer' AND status <> 'refused')
"""
BANK = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST = 200
S = AttemptState


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer at the bank: to whom, from which account of ours (its number in the books), under which reference, how much."""

    payee: str
    bank: str
    reference: str
    amount_minor: int


def begin_transfer(*, actor: Actor, refund_number: str, leg: int, at: Moment) -> str:
    """Take a stuck leg in hand, so that neither its buyer nor anybody else opens another way, and return the attempt's number.

    Raises:
        NotFound, OwnRefund, RefundNotStuck, SomebodyElseHasIt: as take_stuck_refund.
        OutcomeStillOpen: the channel may still pay. PaymentDisputed: the payer's bank may have paid it already.
    """
    with database.transaction():
        attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
        stuck = require_stuck(attempt)
        take_up(attempt=attempt, stuck=stuck, actor=actor, at=at)
        if attempt.channel == HAND and attempt.status == S.MANUAL:
            return attempt.number
        if attempt.is_charged_back:
            raise PaymentDisputed
        if attempt.status not in HAS_GIVEN_UP:
            raise OutcomeStillOpen
        change = fresh_change(attempt)
        change["attempt"]["status"] = given_up(attempt)
        number = another(change=change, attempt=attempt, channel=HAND, status=S.MANUAL)
        change["attempt"]["stuck"] = {"reason": StuckReason.BY_HAND, "due_at": stuck.due_at}
        change["events"].append(event(what="refund_transfer_begun", attempt=attempt, more={"next": number}))
        write(change=change, attempt=attempt, actor=str(actor), at=at)
        return number


def abandon_transfer(*, actor: Actor, refund_number: str, leg: int, at: Moment) -> None:
    """Give a transfer up that was begun and never made: the leg is stuck as before, and other ways are open again.

    Raises:
        NotFound, OwnRefund, RefundNotStuck, SomebodyElseHasIt: as take_stuck_refund.
        MovedMeanwhile: no transfer was begun, or it was proved.
    """
    with database.transaction():
        attempt = _in_hand(actor, refund_number, leg, at)
        if attempt.proof is not None or _was_proved(attempt):
            raise MovedMeanwhile
        change = fresh_change(attempt)
        change["attempt"]["status"] = S.FAILED
        stop(change=change, attempt=attempt, reason=StuckReason.FAILED, at=at)
        change["events"] = [event(what="refund_transfer_given_up", attempt=attempt, more={})]
        write(change=change, attempt=attempt, actor=str(actor), at=at)


def transfer_by_hand(*, actor: Actor, refund_number: str, leg: int, transfer: Transfer, at: Moment) -> str:
    """Write down a transfer that was made for a leg taken in hand, for a second person to approve; return the attempt's number.

    The same again changes nothing.

    Raises:
        NotFound, OwnRefund, RefundNotStuck, SomebodyElseHasIt: as take_stuck_refund.
        MovedMeanwhile: the transfer was not begun, or another proof waits.
        BadInput: something is missing or too long, the sum is another, or the reference has paid another refund.
    """
    with database.transaction():
        attempt = _in_hand(actor, refund_number, leg, at)
        _require_proper(attempt, transfer)
        if attempt.proof is not None:
            known = attempt.proof
            if (known.payee, known.bank, known.reference) == (transfer.payee, transfer.bank, transfer.reference):
                return attempt.number
            raise MovedMeanwhile
        if database.value(USED, (attempt.shop_id, transfer.bank, transfer.reference)):
            raise BadInput(fields={"reference": "used before"})
        said = ("transfer", S.SUCCEEDED, transfer.payee, transfer.bank, transfer.reference, transfer.amount_minor)
        prove(actor=actor, attempt=attempt, said=said, what="refund_transfer_entered", at=at)
        return attempt.number


def prove(
    *,
    actor: Actor,
    attempt: Attempt,
    said: tuple[str, str, str, str, str, int],
    what: str,
    at: Moment,
    stuck: dict[str, Any] | None = None,
) -> None:
    """Keep a proof (kind, says, payee, bank, reference, amount) of an attempt, and tell the platform that it needs a second person.

    `stuck` puts a leg into the queue that does not stand there yet.
    """
    database.rows(PROVE, (attempt.shop_id, attempt.attempt_id, *said, actor.person_id, at.now))
    change = fresh_change(attempt)
    if stuck is not None:
        change["attempt"]["stuck"] = stuck
    change["events"].append(event(what=what, attempt=attempt, more={"says": said[1], "reference": said[4]}))
    tell(change=change, audience="platform", kind="refund_needs_approval", attempt=attempt)
    write(change=change, attempt=attempt, actor=str(actor), at=at)


def _in_hand(actor: Actor, refund_number: str, leg: int, at: Moment) -> Attempt:
    attempt = lock_for_finance(actor=actor, refund_number=refund_number, leg=leg, at=at)
    stuck = require_stuck(attempt)
    take_up(attempt=attempt, stuck=stuck, actor=actor, at=at)
    if attempt.channel != HAND or attempt.status != S.MANUAL:
        raise MovedMeanwhile
    return attempt


def _was_proved(attempt: Attempt) -> bool:
    asked = "SELECT EXISTS (SELECT FROM payments_proof WHERE shop_id = %s AND attempt_id = %s)"
    return bool(database.value(asked, (attempt.shop_id, attempt.attempt_id)))


def _require_proper(attempt: Attempt, transfer: Transfer) -> None:
    wrong: dict[str, str] = {}
    for name, text in (("payee", transfer.payee), ("reference", transfer.reference)):
        if not 0 < len(text.strip()) <= LONGEST:
            wrong[name] = f"1 to {LONGEST} characters"
    if not BANK.fullmatch(transfer.bank):
        wrong["bank"] = "the number of a bank account in the books"
    if transfer.amount_minor != attempt.amount_minor:
        wrong["amount_minor"] = str(attempt.amount_minor)
    if wrong:
        raise BadInput(fields=wrong)
