"""What has to be true before rules are announced, and the refusals that say what is not."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput, Refusal, refused_by
from anka.domain.policy_states import DraftStatus, RunKind, wrong_notice
from anka.policies.models import Desk, Draft, Submission

LONGEST_REASON = 1000
READY = (DraftStatus.BACKTESTED, DraftStatus.SUBMITTED)


@refused_by("publication_was_looked_at")
class DraftNotReady(Refusal):
    """The present texts were not checked, or the check found something new, or they were not tried on the past."""

    code, status = "draft_not_ready", 409
    says = _("These rules were not checked and tried on the past as they stand now. Nothing was announced; do both, then publish.")


class SeenOtherwise(Refusal):
    """Somebody decided about a draft as they saw it, and it stands otherwise by now."""

    code, status = "draft_seen_otherwise", 409
    says = _("This draft, or the date asked for, has changed since you opened the page. Nothing was announced; look at it again.")


class CheckAgain(Refusal):
    """Other rules are in force than those the check compared with."""

    code, status = "check_again", 409
    says = _("Other rules have come into force since these were checked. Nothing was announced; let them be checked again.")


@refused_by("publication_gives_notice")
class NoticeTooShort(Refusal):
    """The rules would come into force within ten minutes, or in more than a year."""

    code, status = "notice_too_short", 422
    says = _("Rules come into force between ten minutes and a year from now. Nothing was announced; choose another date.")


@refused_by("publication_of_two")
class ReasonNeeded(Refusal):
    """Less than seven days ahead needs a reason."""

    code, status = "reason_needed", 422
    says = _("Less than seven days ahead needs a reason and a second person. Nothing was announced; write why, or choose a later date.")


@refused_by("publication_comes_later")
@refused_by("publication_one_per_instant")
class OthersComeLater(Refusal):
    """Rules that were announced already come into force at that time or later."""

    code, status = "others_come_later", 409
    says = _("Other rules are announced for that time or later. Nothing was announced; choose a later date, or withdraw those first.")


class SameRules(Refusal):
    """Nothing would change: these very rules are the last ones announced."""

    code, status = "same_rules", 409
    says = _("These are the rules that hold already, or are announced already. Nothing was announced.")


@refused_by("AN011")
class VersionTaken(Refusal):
    """Other texts have the same version already."""

    code, status = "version_taken", 409
    says = _("Other rules carry this version by chance. Nothing was announced; change a word in the text and publish again.")


@refused_by("publication_not_alone")
class SecondAdministratorNeeded(Refusal):
    """Whoever asks for a short notice cannot agree to it."""

    code, status = "second_person_needed", 409
    says = _("Another administrator has to agree to this. Nothing was announced.")


class NothingToApprove(Refusal):
    """The draft waits for nobody."""

    code, status = "nothing_to_approve", 409
    says = _("This draft is not waiting for a second person. Nothing was announced; reload the page.")


@refused_by("withdrawal_in_time")
class RulesInForce(Refusal):
    """What is or was in force cannot be taken back: orders were placed under it."""

    code, status = "rules_in_force", 409
    says = _("These rules are in force or were, so they cannot be withdrawn. Nothing has changed; announce other rules instead.")


@refused_by("policies_withdrawal_pkey")
class AlreadyWithdrawn(Refusal):
    """Somebody has withdrawn these rules before."""

    code, status = "already_withdrawn", 409
    says = _("These rules were withdrawn already. Nothing has changed.")


def require_ready(*, desk: Desk, draft: Draft) -> None:
    """Refuse a draft whose present texts were not looked at, or change nothing.

    Raises:
        DraftNotReady, CheckAgain, SameRules: as their names say.
    """
    looked = [draft.run(kind) for kind in RunKind]
    if draft.status not in READY or not all(run is not None and run.status == "done" and run.passed for run in looked):
        raise DraftNotReady
    if draft.check is None or draft.check.against != desk.in_force:
        raise CheckAgain
    if draft.version == desk.last_version:
        raise SameRules


def require_date(*, desk: Desk, begins: datetime, at: Moment) -> None:
    """Refuse a date that is too near, too far, or not after that of every other publication.

    Raises:
        NoticeTooShort, OthersComeLater: as their names say.
    """
    if wrong_notice(now=at.now, in_force_from=begins):
        raise NoticeTooShort(fields={"in_force_from": "10 min – 366 d"})
    if desk.last_from is not None and begins <= desk.last_from:
        raise OthersComeLater(fields={"in_force_from": f"> {iso(moment=desk.last_from)}"})


def of_two(*, draft: Draft, waits: Submission, approver: Actor) -> dict[str, Any]:
    """Return the announcement that one person asked for and another agrees to."""
    return {
        "in_force_from": iso(moment=waits.in_force_from),
        "by_person": waits.by_person,
        "reason": waits.reason,
        "approved_by": approver.person_id,
        "findings": accepted(draft=draft),
    }


def accepted(*, draft: Draft) -> list[Any]:
    """Return what the check found that the rules in force have too: known, and recorded with the announcement."""
    report = (draft.check.result or {}).get("report") if draft.check else None
    found = report.get("findings") if isinstance(report, dict) else None
    return found if isinstance(found, list) else []


def as_utc(*, given: datetime) -> datetime:
    """Return a date as it was given, in UTC.

    Raises:
        BadInput: it does not say in which zone it is. NoticeTooShort: it is beyond all time.
    """
    if given.tzinfo is None:
        raise BadInput(fields={"in_force_from": "2026-12-01T00:00:00+08:00"})
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise NoticeTooShort(fields={"in_force_from": "10 min – 366 d"}) from None


def reason_of(*, text: str) -> str:
    """Return a reason without the space around it, "" for none.

    Raises:
        BadInput: it is too long.
    """
    text = text.strip()
    if len(text) > LONGEST_REASON or "\0" in text:
        raise BadInput(fields={"reason": f"1–{LONGEST_REASON}"})
    return text


def iso(*, moment: datetime) -> str:
    """Return a moment as events keep it: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()
