"""What drafts, runs and publications of the rules are when they are read."""

from datetime import datetime
from typing import Any

import msgspec

from anka.accounts.queries import PersonStanding
from anka.domain.policy_states import DraftStatus, PublicationStatus, RunKind


class Run(msgspec.Struct, frozen=True):
    """A check of a draft, or a trial on the decisions of the last `days` days. `status` is waiting, done or failed.

    `against` is the version that was in force when it was carried out; `passed` tells whether the draft may be published as far as this
    run can say. `result` is {"report", "known", "new"} of a check, {"report"} of a trial; `failure` a code.
    """

    id: int
    kind: RunKind
    revision: int
    version: str
    days: int
    requested_by: int
    requested_at: datetime
    status: str
    against: str | None = None
    passed: bool | None = None
    result: dict[str, Any] | None = None
    failure: str | None = None
    finished_at: datetime | None = None


class Submission(msgspec.Struct, frozen=True):
    """What a second person is asked to agree to: the date, and why it is so soon."""

    by_person: int
    submitted_at: datetime
    in_force_from: datetime
    reason: str


class DraftRow(msgspec.Struct, frozen=True):
    """A draft as it stands in lists, without its texts."""

    id: int
    number: str
    title: str
    base_version: str
    version: str
    revision: int
    status: DraftStatus
    created_by: int
    created_at: datetime
    changed_by: int
    changed_at: datetime


class Draft(msgspec.Struct, frozen=True):
    """A draft with its texts, the newest run of each kind for just these texts, and what waits for a second person."""

    id: int
    number: str
    title: str
    base_version: str
    texts: dict[str, str]
    version: str
    revision: int
    status: DraftStatus
    created_by: int
    created_at: datetime
    changed_by: int
    changed_at: datetime
    submission: Submission | None = None
    check: Run | None = None
    backtest: Run | None = None

    @property
    def seen(self) -> str:
        """What a second person agrees to: the texts by their revision, and the date and reason that were asked for."""
        waits = self.submission
        return f"{self.revision} {waits.in_force_from.isoformat()} {waits.reason}" if waits else str(self.revision)

    def run(self, kind: RunKind) -> Run | None:
        """Return the newest run of a kind for the present texts."""
        return self.check if kind is RunKind.CHECK else self.backtest


class Withdrawal(msgspec.Struct, frozen=True):
    """Announced rules that were taken back before they counted."""

    withdrawn_at: datetime
    by_person: int
    reason: str


class Publication(msgspec.Struct, frozen=True):
    """Rules as they were announced. `status` and `until` (when others replace them) are those of the moment asked for.

    Person 0 is the operator: the rules an installation begins with. `findings` are those of the check that were known and accepted.
    """

    id: int
    version: str
    draft_number: str | None
    announced_at: datetime
    in_force_from: datetime
    by_person: int
    reason: str
    approved_by: int | None
    findings: list[dict[str, Any]]
    status: PublicationStatus
    until: datetime | None = None
    withdrawal: Withdrawal | None = None


class Desk(msgspec.Struct, frozen=True):
    """What a step is decided on, read under the lock that lets one step happen at a time.

    `in_force` is the version in force now; `last_version` and `last_from` are of the publication that comes into force last.
    """

    standing: PersonStanding
    in_force: str | None
    last_version: str | None
    last_from: datetime | None
    draft: Draft | None
    replay: str | None


class Event(msgspec.Struct, frozen=True):
    """One step in the life of a draft, from the audit chain."""

    sequence: int
    at: datetime
    actor: str
    what: str
    details: dict[str, Any]
