"""Apply what a channel said about a refund attempt. The one entrance for answers, notices, polls and bills; safe to repeat."""

from datetime import datetime
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.core.refusals import NotFound, Refusal
from anka.domain.deadlines import STUCK_WITHIN
from anka.domain.refund_states import ATTEMPT_CHANGES, OVER_FOR_CERTAIN, AttemptState, RefundState, StuckReason
from anka.flows.steps.newer_way import ask_about_older, claim_leg
from anka.flows.steps.refund_progress import about, event, follow, legs_after, positions, tell, watch, write
from anka.flows.submit_attempt import OPEN
from anka.payments.models import Attempt
from anka.payments.queries import lock_attempt

S = AttemptState
# Whoever says "not yet" or "I do not know" contradicts nobody: it is old news, or none.
SAYS_LITTLE = frozenset({S.PROCESSING, S.UNKNOWN, S.WAITING_FUNDS})
# After a success these say that the money came back. A message may be older news; the channel's bill is not.
BOUNCES = frozenset({S.FAILED, S.CLOSED, S.ABNORMAL})
MOVES = frozenset(ATTEMPT_CHANGES.table())
KEEP = """
INSERT INTO payments_evidence (shop_id, attempt_id, received_at, source, status, channel_number, digest, applied)
VALUES (%s, %s, %s, %s, %s, %s, decode(%s, 'hex'), false)
"""
SAID_BEFORE = "SELECT EXISTS (SELECT FROM payments_evidence WHERE shop_id = %s AND attempt_id = %s AND status = %s AND NOT applied)"
RECORD = "SELECT record_event(%s, %s, %s, %s, %s, %s, NULL, NULL, %s::jsonb)"


class RefundNoticeDiffers(Refusal):
    """A notice about a refund speaks of another amount, currency or payment than the refund was asked for with."""

    code, status = "refund_differs", 409
    says = _("The amount differs from what was asked for. Nothing has changed; the platform looks into it.")


class Evidence(msgspec.Struct, frozen=True):
    """What was said about an attempt, by which way it came: answer, notice, poll or bill. `digest` is SHA-256 of the raw bytes, in hex.

    `channel`, `payment_number` and `currency` are compared where they are known. Provisional evidence is kept and not acted upon yet.
    `mendable`: the channel has another way of its own for what it could not do, and is asked for it once.
    """

    status: AttemptState
    source: str
    observed_at: datetime
    channel_number: str | None = None
    amount_minor: int | None = None
    digest: str = ""
    channel: str | None = None
    payment_number: str | None = None
    currency: str | None = None
    provisional: bool = False
    mendable: bool = False


def record_refund_outcome(*, number: str, evidence: Evidence, at: Moment) -> AttemptState:
    """Apply evidence to an attempt and return what the attempt is now.

    Evidence that contradicts what is known (another amount, or a state the table does not lead to) is kept and changes nothing else;
    an event says so once, for a person to look at.

    Raises:
        NotFound: there is no such attempt at this channel.
        RefundNoticeDiffers: a notice does not fit the refund; nothing was kept.
    """
    with database.transaction():
        attempt = lock_attempt(number=number)
        if evidence.channel is not None and evidence.channel != attempt.channel:
            raise NotFound
        fits = _fits(attempt, evidence)
        if not fits and evidence.source == "notice":
            raise RefundNoticeDiffers
        target = _target(attempt, evidence)
        actor = str(gateway(attempt.channel))
        certain = fits and not evidence.provisional and (attempt.status, target) in MOVES
        applied = certain and claim_leg(attempt=attempt, target=target, actor=actor, at=at)
        if not applied and (not fits or evidence.provisional or attempt.status not in OPEN):
            _keep(attempt, evidence, at)
            return attempt.status
        change = _change(attempt, evidence, target if applied else attempt.status, at)
        if applied and not attempt.is_latest and target == S.SUCCEEDED and attempt.stuck is not None:
            change["attempt"]["unstuck"] = "arrived"
        write(change=change, attempt=attempt, actor=actor, at=at)
        if target in OVER_FOR_CERTAIN:
            ask_about_older(newest=attempt, at=at)
        return S(change["attempt"]["status"])


def _target(attempt: Attempt, evidence: Evidence) -> AttemptState:
    if attempt.status == S.SUCCEEDED and evidence.source == "bill" and evidence.status in BOUNCES:
        return S.REVERSED
    return evidence.status


def _fits(attempt: Attempt, evidence: Evidence) -> bool:
    compared = (
        (evidence.amount_minor, attempt.amount_minor),
        (evidence.currency, attempt.currency),
        (evidence.payment_number, attempt.payment_number),
    )
    return all(said is None or said == known for said, known in compared)


def _keep(attempt: Attempt, evidence: Evidence, at: Moment) -> None:
    """Keep evidence that is not acted upon: an attempt that is over stays exactly as it is."""
    said_before = database.value(SAID_BEFORE, (attempt.shop_id, attempt.attempt_id, evidence.status))
    kept = (evidence.source, evidence.status, evidence.channel_number, evidence.digest)
    database.rows(KEEP, (attempt.shop_id, attempt.attempt_id, at.now, *kept))
    if said_before or not (_contradicts(attempt, evidence) or evidence.provisional):
        return
    what = "refund_closing_reported" if evidence.provisional else "refund_evidence_contradicts"
    details = {"said": evidence.status, "said_amount_minor": evidence.amount_minor}
    if _paid_beside(attempt, evidence):
        _call_a_person(attempt, details, at)
        return
    if attempt.order_id is None:
        # No order, no history of one: the evidence itself is what is kept.
        return
    body, actor = msgspec.json.encode(about(attempt) | details).decode(), str(gateway(attempt.channel))
    database.rows(RECORD, (attempt.shop_id, attempt.order_id, at.now, actor, what, positions(attempt), body))


def _paid_beside(attempt: Attempt, evidence: Evidence) -> bool:
    """Tell whether money went out under a number that our books have given up."""
    return evidence.status == S.SUCCEEDED and attempt.status not in (S.SUCCEEDED, S.REVERSED) and not evidence.provisional


def _call_a_person(attempt: Attempt, details: dict[str, Any], at: Moment) -> None:
    change: dict[str, Any] = {
        "attempt": {
            "status": attempt.status,
            "stuck": {"reason": StuckReason.PAID_TWICE, "due_at": at.now + STUCK_WITHIN},
        },
        "events": [event(what="refund_evidence_contradicts", attempt=attempt, more=details)],
    }
    tell(change=change, audience="platform", kind="refund_paid_twice", attempt=attempt)
    write(change=change, attempt=attempt, actor=str(gateway(attempt.channel)), at=at)


def _contradicts(attempt: Attempt, evidence: Evidence) -> bool:
    return not _fits(attempt, evidence) or (evidence.status != attempt.status and evidence.status not in SAYS_LITTLE)


def _change(attempt: Attempt, evidence: Evidence, target: AttemptState, at: Moment) -> dict[str, Any]:
    applied = target != attempt.status
    change: dict[str, Any] = {
        "currency": attempt.currency,
        "attempt": {
            "status": target,
            # How often we asked decides when to ask again; being told is not asking.
            "asked": 0 if evidence.source in ("notice", "bill") else 1,
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
    if applied and target == S.ABNORMAL and evidence.mendable and attempt.mended_at is None:
        change["attempt"] |= legs_after(attempt=attempt, leg=RefundState.PROCESSING)
    elif applied:
        follow(change=change, attempt=attempt, target=target, channel_number=evidence.channel_number, at=at)
    elif _contradicts(attempt, evidence):
        change["events"].append(event(what="refund_evidence_contradicts", attempt=attempt, more={"said": evidence.status}))
    if target in OPEN:
        watch(change=change, attempt=attempt, at=at)
    return change
