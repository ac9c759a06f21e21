"""Reads about the rules: which are in force when, what was announced, what is being drafted."""

from datetime import datetime
from typing import Any

import msgspec

from anka.core import database
from anka.core.refusals import NotFound
from anka.policies.models import Draft, DraftRow, Event, Publication, Run, Submission, Withdrawal

MOST_DRAFTS = 200
MOST_EVENTS = 500
IN_FORCE = "SELECT policy_in_force(%s)"
PUBLICATIONS = """
SELECT publication.id, publication.version, draft.number, publication.announced_at, publication.in_force_from, publication.by_person,
    publication.reason, publication.approved_by, publication.findings::text,
    CASE WHEN taken.publication_id IS NOT NULL THEN 'withdrawn' WHEN publication.in_force_from > %(at)s THEN 'announced'
        WHEN next.in_force_from <= %(at)s THEN 'archived' ELSE 'in_force' END,
    next.in_force_from, taken.withdrawn_at, taken.by_person, taken.reason
FROM policies_publication AS publication
    LEFT JOIN policies_draft AS draft ON draft.id = publication.draft_id
    LEFT JOIN policies_withdrawal AS taken ON taken.publication_id = publication.id
    LEFT JOIN LATERAL (SELECT min(later.in_force_from) AS in_force_from FROM policies_publication AS later
        WHERE taken.publication_id IS NULL AND later.in_force_from > publication.in_force_from
            AND NOT EXISTS (SELECT FROM policies_withdrawal AS other WHERE other.publication_id = later.id)) AS next ON true
WHERE %(version)s::text IS NULL OR publication.version = %(version)s
ORDER BY publication.id DESC LIMIT 500
"""
BEFORE = """
SELECT earlier.version FROM policies_publication AS publication JOIN policies_publication AS earlier
    ON earlier.in_force_from < publication.in_force_from
WHERE publication.id = (SELECT max(id) FROM policies_publication WHERE version = %s)
    AND NOT EXISTS (SELECT FROM policies_withdrawal AS taken WHERE taken.publication_id = earlier.id)
ORDER BY earlier.in_force_from DESC LIMIT 1
"""
DRAFTS = """
SELECT id, number, title, base_version, version, revision, status, created_by, created_at, changed_by, changed_at
FROM policies_draft ORDER BY changed_at DESC, id DESC LIMIT %s
"""
DRAFT = """
SELECT to_jsonb(draft)::text, (SELECT coalesce(jsonb_agg(to_jsonb(run) ORDER BY run.id), '[]')::text FROM policies_run AS run
    WHERE run.draft_id = draft.id AND run.revision = draft.revision)
FROM policies_draft AS draft WHERE draft.number = %s
"""
RUN = """
SELECT to_jsonb(run)::text, draft.number, draft.revision FROM policies_run AS run JOIN policies_draft AS draft ON draft.id = run.draft_id
WHERE run.id = %s
"""
EVENTS = """
SELECT sequence, at, actor, what, (convert_from(body, 'UTF8')::jsonb -> 'details')::text
FROM core_event WHERE shop_id = 0 AND order_id = %s ORDER BY sequence DESC LIMIT %s
"""


class Asked(msgspec.Struct, frozen=True):
    """A run, the draft it is about, and whether the draft still has the texts it was asked for."""

    run: Run
    draft_number: str
    is_current: bool


def version_in_force(*, at: datetime) -> str:
    """Return the version of the rules in force at a moment.

    Raises:
        NotFound: no rules were in force yet.
    """
    found: str | None = database.value(IN_FORCE, (at,))
    if found is None:
        raise NotFound
    return found


def version_before(*, version: str) -> str:
    """Return the version that this one replaces or was to replace; itself where it was the first."""
    return database.value(BEFORE, (version,)) or version


def publications(*, at: datetime) -> list[Publication]:
    """Return what was ever announced, newest first, at most 500, each with its status at this moment."""
    return _publications(None, at)


def publication(*, version: str, at: datetime) -> Publication:
    """Return the newest announcement of a version, with its status at this moment.

    Raises:
        NotFound: this version was never announced.
    """
    found = _publications(version, at)
    if not found:
        raise NotFound
    return found[0]


def _publications(version: str | None, at: datetime) -> list[Publication]:
    return [_publication(row) for row in database.rows(PUBLICATIONS, {"version": version, "at": at})]


def _publication(row: database.Row) -> Publication:
    (*plain, findings, status, until, withdrawn_at, by_person, reason) = row
    taken = Withdrawal(withdrawn_at, by_person, reason) if withdrawn_at else None
    shown = {"findings": msgspec.json.decode(findings), "status": status, "until": until, "withdrawal": taken}
    names = Publication.__struct_fields__
    return msgspec.convert({**dict(zip(names, plain, strict=False)), **shown}, Publication)


def drafts() -> list[DraftRow]:
    """Return the drafts, the one changed last first, at most 200."""
    return [
        msgspec.convert(dict(zip(DraftRow.__struct_fields__, row, strict=True)), DraftRow) for row in database.rows(DRAFTS, (MOST_DRAFTS,))
    ]


def draft(*, number: str) -> Draft:
    """Return a draft.

    Raises:
        NotFound: there is none with this number.
    """
    found = database.rows(DRAFT, (number,))
    if not found:
        raise NotFound
    made, runs = found[0]
    return draft_of(made=msgspec.json.decode(made), runs=msgspec.json.decode(runs))


def draft_of(*, made: dict[str, Any], runs: list[dict[str, Any]]) -> Draft:
    """Return a draft from its row and the runs of its present texts, oldest first, both as JSON objects."""
    waits = None
    if made["submitted_by"] is not None:
        said = {"by_person": made["submitted_by"], "in_force_from": made["submitted_from"], "reason": made["submitted_reason"]}
        waits = msgspec.convert({**said, "submitted_at": made["submitted_at"]}, Submission)
    newest = {run["kind"]: run for run in runs}
    return msgspec.convert({**made, "submission": waits, "check": newest.get("check"), "backtest": newest.get("backtest")}, Draft)


def run(*, run_id: int) -> Asked:
    """Return a run with the draft it is about.

    Raises:
        NotFound: there is no such run.
    """
    found = database.rows(RUN, (run_id,))
    if not found:
        raise NotFound
    made, number, revision = found[0]
    asked = msgspec.json.decode(made, type=Run)
    return Asked(run=asked, draft_number=number, is_current=asked.revision == revision)


def history(*, draft_id: int) -> list[Event]:
    """Return the steps of a draft's life from the audit chain, newest first, at most 500."""
    found = database.rows(EVENTS, (draft_id, MOST_EVENTS))
    return [Event(sequence, at, actor, what, msgspec.json.decode(details)) for sequence, at, actor, what, details in found]
