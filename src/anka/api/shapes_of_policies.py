"""The shapes of rules: what comes in to draft and publish them, what goes out of versions and drafts."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from anka.api.bodies import Input
from anka.domain.policy.files import MOST_CHARACTERS, MOST_FILES
from anka.domain.policy_states import DraftStatus, PublicationStatus, RunKind

Title = Annotated[str, Meta(min_length=1, max_length=120)]
Version = Annotated[str, Meta(min_length=1, max_length=40)]
Texts = Annotated[
    dict[Annotated[str, Meta(max_length=60)], Annotated[str, Meta(max_length=MOST_CHARACTERS)]], Meta(min_length=1, max_length=MOST_FILES)
]
Reason = Annotated[str, Meta(max_length=1_000)]
Revision = Annotated[int, Meta(ge=1, le=10**6)]
Days = Annotated[int, Meta(ge=1, le=366)]


class NewDraft(Input):
    """A draft from the rules of a version (those in force, where none is named), or from texts by file name."""

    title: Title
    base: Version | None = None
    texts: Texts | None = None


class NewTexts(Input):
    """All texts of a draft by file name, and the revision they were made from."""

    revision: Revision
    texts: Texts


class NewBacktest(Input):
    """How many days of the past to try a draft on."""

    days: Days = 90


class NewPublication(Input):
    """From when the rules shall count, with zone; less than seven days ahead a reason is needed, and somebody else's approval."""

    in_force_from: Annotated[datetime, Meta(tz=True)]
    reason: Reason = ""


class NewApproval(Input):
    """What is agreed to: the draft's `seen` as it was read, so that nobody agrees to another date; without it, whatever waits."""

    seen: Annotated[str, Meta(max_length=1_200)] | None = None


class NewWithdrawal(Input):
    """Why announced rules are taken back."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


class ChangesQuery(Input):
    """The version to compare with; where none is named, the one that came into force before."""

    since: Version | None = None


class PublicationView(msgspec.Struct):
    """A version as it was announced: from when, until when (where others are announced to follow), and why so soon where it was soon.

    `findings` are what the check found and the rules before had too; `by_two` tells whether a second person had to agree.
    """

    version: str
    status: PublicationStatus
    announced_at: datetime
    in_force_from: datetime
    until: datetime | None
    reason: str
    by_two: bool
    findings: list[dict[str, Any]]
    withdrawn_at: datetime | None
    withdrawal_reason: str | None


class PublicationList(msgspec.Struct):
    """Every version that was ever announced, newest first."""

    items: list[PublicationView]


class RuleView(msgspec.Struct):
    """One rule, as people read it."""

    id: str
    position: int
    words: dict[str, str]


class PolicyView(msgspec.Struct):
    """The rules of a version: readable, and as the data they are decided by (TOML by file name); how they were announced."""

    version: str
    current: bool
    publication: PublicationView
    rules: list[RuleView]
    reasons: list[dict[str, Any]]
    data: dict[str, str]


class FieldChangeView(msgspec.Struct):
    """What one field of a rule said, and says now, in words."""

    name: str
    old: dict[str, str]
    new: dict[str, str]


class ChangeView(msgspec.Struct):
    """A rule that was added, removed, changed or moved; `part` is rule, or what else of the table it is."""

    kind: str
    part: str
    rule: str
    fields: list[FieldChangeView]


class ChangeList(msgspec.Struct):
    """What is different in one version from another."""

    version: str
    since: str
    changes: list[ChangeView]


class RunView(msgspec.Struct):
    """A check or back-test: waiting, done or failed; `passed` once it is done, with what it found in `result`."""

    id: int
    kind: RunKind
    status: str
    days: int
    requested_at: datetime
    finished_at: datetime | None
    against: str | None
    passed: bool | None
    result: dict[str, Any] | None
    failure: str | None


class SubmissionView(msgspec.Struct):
    """What a second person is asked to agree to."""

    by: str
    submitted_at: datetime
    in_force_from: datetime
    reason: str


class DraftSummary(msgspec.Struct):
    """A draft in a list."""

    number: str
    title: str
    base: str
    version: str
    revision: int
    status: DraftStatus
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime


class DraftList(msgspec.Struct):
    """The drafts, the one changed last first."""

    items: list[DraftSummary]


class DraftView(msgspec.Struct):
    """A draft with its texts and what was found about just these; `seen` names all of it that a second person agrees to."""

    number: str
    title: str
    base: str
    version: str
    revision: int
    status: DraftStatus
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    seen: str
    data: dict[str, str]
    check: RunView | None
    backtest: RunView | None
    submission: SubmissionView | None
