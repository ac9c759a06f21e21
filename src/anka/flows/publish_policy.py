"""Announce rules: seven days ahead by one person, sooner by two and with a reason; take back what was announced and is not in force yet."""

from datetime import datetime

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.refusals import BadInput
from anka.domain.policy_states import DraftStatus, PublicationStatus, needs_second_person
from anka.flows.steps.announcing import (
    LONGEST_REASON,
    AlreadyWithdrawn,
    NothingToApprove,
    ReasonNeeded,
    RulesInForce,
    SecondAdministratorNeeded,
    SeenOtherwise,
    accepted,
    as_utc,
    iso,
    of_two,
    reason_of,
    require_date,
    require_ready,
)
from anka.flows.steps.policy_desk import open_draft, sit_down
from anka.policies import queries, writes
from anka.policies.writes import Step


def publish_policy(*, actor: Actor, number: str, in_force_from: datetime, reason: str, request: RequestKey, at: Moment) -> str:
    """Announce the rules of a draft and return their version; with less than seven days' notice, ask a second person to agree first.

    `in_force_from` is aware. The draft is published afterwards, or submitted; asking again with another date replaces what was submitted.

    Raises:
        DraftNotReady, CheckAgain, NoticeTooShort, ReasonNeeded, OthersComeLater, SameRules, BadInput: as they say.
        DraftClosed, NotFound, NotPermitted: as edit_policy.
        AlreadyDone: this request was carried out before; its reference is the version.
    """
    with database.transaction():
        desk = sit_down(actor=actor, number=number, request=request, at=at)
        draft = open_draft(desk=desk)
        begins, why = as_utc(given=in_force_from), reason_of(text=reason)
        require_ready(desk=desk, draft=draft)
        require_date(desk=desk, begins=begins, at=at)
        said = {"version": draft.version, "in_force_from": begins.isoformat(), "reason": why}
        if needs_second_person(now=at.now, in_force_from=begins):
            if not why:
                raise ReasonNeeded(fields={"reason": f"1–{LONGEST_REASON}"})
            waits = {"by_person": actor.person_id, "submitted_at": at.now.isoformat(), "in_force_from": begins.isoformat(), "reason": why}
            step = Step(what="policy_submitted", details=said, draft=draft.id, status=DraftStatus.SUBMITTED, submission=waits)
        else:
            announcement = {
                "in_force_from": begins.isoformat(),
                "by_person": actor.person_id,
                "reason": why,
                "findings": accepted(draft=draft),
            }
            step = Step(what="policy_published", details=said, draft=draft.id, status=DraftStatus.PUBLISHED, announcement=announcement)
        step.reference = draft.version
        writes.write(actor=actor, step=step, request=request, at=at)
        return draft.version


def approve_policy(*, actor: Actor, number: str, seen: str | None = None, request: RequestKey, at: Moment) -> str:
    """Agree, as a second administrator, to the short notice of a draft; announce its rules and return their version.

    `seen` is the draft's `seen` as the administrator was shown it: nobody agrees to a date they have not read. None does not look.

    Raises:
        SeenOtherwise: the texts, the date or the reason have changed since.
        NothingToApprove, SecondAdministratorNeeded: as they say. NoticeTooShort: the date is too near by now; it has to be submitted anew.
        DraftNotReady, CheckAgain, OthersComeLater, SameRules, DraftClosed, NotFound, NotPermitted, AlreadyDone: as publish_policy.
    """
    with database.transaction():
        desk = sit_down(actor=actor, number=number, request=request, at=at)
        draft = open_draft(desk=desk)
        waits = draft.submission
        if draft.status is not DraftStatus.SUBMITTED or waits is None:
            raise NothingToApprove
        if waits.by_person == actor.person_id:
            raise SecondAdministratorNeeded
        if seen is not None and seen != draft.seen:
            raise SeenOtherwise
        require_ready(desk=desk, draft=draft)
        require_date(desk=desk, begins=waits.in_force_from, at=at)
        step = Step(
            what="policy_published",
            details={
                "version": draft.version,
                "in_force_from": iso(moment=waits.in_force_from),
                "reason": waits.reason,
                "by": waits.by_person,
            },
            draft=draft.id,
            status=DraftStatus.PUBLISHED,
            announcement=of_two(draft=draft, waits=waits, approver=actor),
            reference=draft.version,
        )
        writes.write(actor=actor, step=step, request=request, at=at)
        return draft.version


def withdraw_policy(*, actor: Actor, version: str, reason: str, request: RequestKey, at: Moment) -> str:
    """Take back announced rules before they come into force, with a reason; return their version.

    Raises:
        RulesInForce, AlreadyWithdrawn: as they say. BadInput: no reason. NotFound: no such version, or not the actor's business.
        NotPermitted: the actor is no administrator. AlreadyDone: this request was carried out before.
    """
    with database.transaction():
        sit_down(actor=actor, number=None, request=request, at=at)
        found = queries.publication(version=version, at=at.now)
        why = reason_of(text=reason)
        if not why:
            raise BadInput(fields={"reason": f"1–{LONGEST_REASON}"})
        if found.status is PublicationStatus.WITHDRAWN:
            raise AlreadyWithdrawn
        if found.status is not PublicationStatus.ANNOUNCED or found.draft_number is None:
            raise RulesInForce
        draft = queries.draft(number=found.draft_number)
        withdrawal = {"publication": found.id, "reason": why}
        told = {"version": version, "in_force_from": iso(moment=found.in_force_from), "reason": why}
        step = Step(what="policy_withdrawn", details=told, draft=draft.id, withdrawal=withdrawal, reference=version)
        writes.write(actor=actor, step=step, request=request, at=at)
        return version
