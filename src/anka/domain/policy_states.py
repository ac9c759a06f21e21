"""A draft of the rules on its way: written, checked, tried on the past, waiting for a second person, published. Notice is given in time.

An edit begins anew: what was found about other texts says nothing about these.
"""

import re
from datetime import datetime, timedelta
from enum import StrEnum

from anka.domain.transitions import transitions

# Buyers and merchants read of new rules this long before they count; sooner only with a reason and a second person.
NOTICE = timedelta(days=7)
# Never sooner than this, so that no order can be placed under rules that were announced while it was being placed.
SHORTEST_NOTICE = timedelta(minutes=10)
LONGEST_NOTICE = timedelta(days=366)
FILE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}\.toml", re.ASCII)


class DraftStatus(StrEnum):
    """How far a draft is. `submitted` waits for a second person."""

    DRAFT = "draft"
    CHECKED = "checked"
    BACKTESTED = "backtested"
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class PublicationStatus(StrEnum):
    """What a publication is at some moment."""

    ANNOUNCED = "announced"
    IN_FORCE = "in_force"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"


class RunKind(StrEnum):
    """What can be found out about a draft."""

    CHECK = "check"
    BACKTEST = "backtest"


D = DraftStatus
DRAFT_CHANGES = transitions(
    what="draft",
    changes={
        D.DRAFT: (D.CHECKED, D.DISCARDED),
        D.CHECKED: (D.DRAFT, D.BACKTESTED, D.DISCARDED),
        D.BACKTESTED: (D.DRAFT, D.SUBMITTED, D.PUBLISHED, D.DISCARDED),
        D.SUBMITTED: (D.DRAFT, D.PUBLISHED, D.DISCARDED),
    },
)
EDITABLE = frozenset({D.DRAFT, D.CHECKED, D.BACKTESTED, D.SUBMITTED})


def table() -> list[tuple[str, str]]:
    """Return every allowed change of a draft as sorted rows (from, to)."""
    return DRAFT_CHANGES.table()


def needs_second_person(*, now: datetime, in_force_from: datetime) -> bool:
    """Tell whether so short a notice needs a reason and a second person."""
    return in_force_from - now < NOTICE


def wrong_notice(*, now: datetime, in_force_from: datetime) -> bool:
    """Tell whether the notice is shorter than any may be, or longer than a year, which is a slip of the finger."""
    return not SHORTEST_NOTICE <= in_force_from - now <= LONGEST_NOTICE


def status_after_pass(*, status: DraftStatus, kind: RunKind) -> DraftStatus:
    """Return what a draft is once its present texts have passed a check or a trial on the past, from what it was."""
    if kind is RunKind.CHECK:
        return D.CHECKED if status is D.DRAFT else status
    return D.BACKTESTED if status is D.CHECKED else status


def status_after_failure(*, status: DraftStatus, kind: RunKind) -> DraftStatus:
    """Return what a draft is once a check of its present texts has found something new: a draft again. A trial alone proves nothing."""
    return D.DRAFT if kind is RunKind.CHECK else status
