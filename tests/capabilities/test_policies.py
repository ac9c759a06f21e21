"""What may become of rules, as PostgreSQL alone sees it: past every flow, each guard still stands."""

import hashlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from anka.core import database as door
from anka.domain.policy.table import default_texts, parse_rules
from anka.domain.policy_states import DRAFT_CHANGES, NOTICE, SHORTEST_NOTICE, DraftStatus
from anka.flows.steps.announcing import VersionTaken
from tests.builders import at
from tests.builders.policies import Drafted, a_draft, a_ready_draft, new_texts, publish
from tests.databases import Database

Owner = Connection[tuple[Any, ...]]
ANNOUNCE = """
INSERT INTO policies_publication (version, draft_id, announced_at, in_force_from, by_person, reason, approved_by)
    SELECT version, id, %(at)s, %(begins)s, %(by)s, %(reason)s, %(second)s FROM policies_draft WHERE number = %(draft)s
"""
KEEP = "INSERT INTO orders_policy SELECT version, texts, now() FROM policies_draft ON CONFLICT DO NOTHING"


@pytest.fixture
def owner(clean_rules: Database) -> Iterator[Owner]:
    with clean_rules.as_owner() as connection:
        yield connection


def announce(owner: Owner, draft: str, **instead: object) -> None:
    """Announce a draft past the flows, eight days ahead by person 1, unless said otherwise."""
    owner.execute(KEEP)
    usual = {"at": at().now, "begins": at(days=8).now, "by": 1, "reason": "", "second": None, "draft": draft}
    owner.execute(ANNOUNCE, {**usual, **instead})


SOON = {"begins": at(days=1).now}
REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "nine minutes and 59 s": ({"begins": at(9.99).now, "reason": "Now.", "second": 2}, "publication_gives_notice"),
    "before now": ({"begins": at(-1).now, "reason": "Now.", "second": 2}, "publication_gives_notice"),
    "soon and alone": ({**SOON, "reason": "Soon."}, "publication_of_two"),
    "soon without a reason": ({**SOON, "reason": " ", "second": 2}, "publication_of_two"),
    "soon with oneself": ({**SOON, "reason": "Soon.", "second": 1}, "publication_not_alone"),
    "soon with nobody": ({**SOON, "reason": "Soon.", "second": 0}, "publication_of_two"),
    "a draft by the operator": ({"by": 0}, "publication_of_a_draft"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_an_announcement_out_of_bounds_is_refused(owner: Owner, which: str) -> None:
    instead, constraint = REFUSED[which]
    drafted = a_ready_draft()
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        announce(owner, drafted.number, **instead)
    assert refused.value.diag.constraint_name == constraint
    announce(owner, drafted.number)


def test_announcements_come_in_order_of_what_has_not_been_withdrawn(owner: Owner) -> None:
    first, second = a_ready_draft(), a_ready_draft()
    announce(owner, first.number)
    for begins in (at(days=8).now, at(days=7.5).now):
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            announce(owner, second.number, begins=begins)
        assert refused.value.diag.constraint_name == "publication_comes_later"
    owner.execute("INSERT INTO policies_withdrawal SELECT max(id), %s, 1, 'No.' FROM policies_publication", (at().now,))
    announce(owner, second.number, begins=at(days=7.5).now)


def test_what_was_not_looked_at_is_not_announced(owner: Owner) -> None:
    drafted = a_draft()
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        announce(owner, drafted.number)
    assert refused.value.diag.constraint_name == "publication_was_looked_at"
    ready = a_ready_draft()
    # Of another revision: what was looked at were other texts.
    owner.execute("ALTER TABLE policies_draft DISABLE TRIGGER draft_moves")
    owner.execute("UPDATE policies_draft SET revision = 2 WHERE number = %s", (ready.number,))
    owner.execute("ALTER TABLE policies_draft ENABLE TRIGGER draft_moves")
    with pytest.raises(psycopg.errors.CheckViolation):
        announce(owner, ready.number)
    owner.execute("UPDATE policies_draft SET revision = 1 WHERE number = %s", (ready.number,))
    announce(owner, ready.number)


def test_what_is_in_force_is_not_withdrawn(owner: Owner) -> None:
    announce(owner, a_ready_draft().number)
    withdraw = "INSERT INTO policies_withdrawal SELECT max(id), %s, 1, %s FROM policies_publication"
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        owner.execute(withdraw, (at(days=8).now, "Late."))
    assert refused.value.diag.constraint_name == "withdrawal_in_time"
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute(withdraw, (at(days=7).now, "  "))
    owner.execute(withdraw, (at(days=7).now, "In time."))


def test_the_application_announces_through_the_flow_alone(clean_rules: Database) -> None:
    a_ready_draft()
    for statement in (
        "INSERT INTO policies_publication (version, announced_at, in_force_from, by_person) VALUES ('x', now(), now(), 0)",
        "UPDATE policies_publication SET reason = 'x'",
        "DELETE FROM policies_withdrawal",
        "DELETE FROM policies_draft",
        "UPDATE policies_move SET to_status = 'published'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            door.rows(statement)
    announcement = '{"in_force_from": "2030-01-01T00:00:00Z", "by_person": 0, "reason": "", "findings": []}'
    with pytest.raises(VersionTaken):
        door.rows("SELECT announce_policy((SELECT max(id) FROM policies_draft), now(), %s::jsonb)", (announcement,))


def test_other_texts_under_a_version_that_is_taken_are_refused(owner: Owner) -> None:
    """Twelve digits can be hit on purpose; what is kept under them stays."""
    drafted = a_ready_draft()
    owner.execute("INSERT INTO orders_policy VALUES (%s, '{}', now())", (drafted.now.version,))
    with pytest.raises(VersionTaken):
        publish(drafted, at(days=8))
    owner.execute("ALTER TABLE orders_policy DISABLE TRIGGER policy_append_only")
    owner.execute("DELETE FROM orders_policy WHERE version = %s", (drafted.now.version,))
    owner.execute("ALTER TABLE orders_policy ENABLE TRIGGER policy_append_only")
    assert publish(drafted, at(days=8)) == drafted.now.version


def test_a_draft_is_kept_under_the_version_of_its_texts(owner: Owner) -> None:
    drafted = a_draft()
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("UPDATE policies_draft SET version = '0123456789ab' WHERE number = %s", (drafted.number,))


@pytest.mark.parametrize("texts", [dict(default_texts()), new_texts(), {"b.toml": "", "a.toml": "# ¥", "a-1.toml": "x", "a_1.toml": "y"}])
def test_postgresql_and_python_name_texts_alike(texts: dict[str, str], database: Database) -> None:
    asked = "SELECT policy_digest((SELECT jsonb_object_agg(name, body) FROM unnest(%s::text[], %s::text[]) AS file (name, body)))"
    named = door.value(asked, (list(texts), list(texts.values())))
    whole = b"".join(f"{name}\0{text}\0".encode() for name, text in sorted(texts.items()))
    assert named == hashlib.sha256(whole).hexdigest()[:12]
    if len(texts) > 4:
        assert named == parse_rules(texts=texts).version


WAITS = ", submitted_by = 1, submitted_at = now(), submitted_from = now(), submitted_reason = 'x'"
NOBODY = ", submitted_by = NULL, submitted_at = NULL, submitted_from = NULL, submitted_reason = NULL"


def put(owner: Owner, drafted: Drafted, status: DraftStatus) -> None:
    """Say that a draft is in this status."""
    waits = WAITS if status is DraftStatus.SUBMITTED else NOBODY
    owner.execute(f"UPDATE policies_draft SET status = %s{waits} WHERE number = %s".encode(), (status.value, drafted.number))


@pytest.mark.parametrize("before", DraftStatus)
def test_a_draft_moves_by_the_table(owner: Owner, before: DraftStatus) -> None:
    drafted = a_draft()
    for after in DraftStatus:
        owner.execute("ALTER TABLE policies_draft DISABLE TRIGGER draft_moves")
        put(owner, drafted, before)
        owner.execute("ALTER TABLE policies_draft ENABLE TRIGGER draft_moves")
        if before is after or DRAFT_CHANGES.allows(before=before, after=after):
            put(owner, drafted, after)
            continue
        with pytest.raises(psycopg.Error) as refused:
            put(owner, drafted, after)
        assert refused.value.sqlstate == "AN004"


def test_new_texts_begin_anew_whoever_writes_them(owner: Owner) -> None:
    drafted = a_ready_draft()
    with pytest.raises(psycopg.Error, match="begin anew"):
        owner.execute("UPDATE policies_draft SET texts = '{}', version = policy_digest('{}') WHERE number = %s", (drafted.number,))


def test_what_a_run_has_found_stays(owner: Owner) -> None:
    a_ready_draft()
    with pytest.raises(psycopg.Error, match="is not changed"):
        owner.execute("UPDATE policies_run SET passed = false")


def test_the_limits_of_the_domain_are_those_of_the_tables(owner: Owner) -> None:
    told = "SELECT string_agg(pg_get_constraintdef(oid), ' ') FROM pg_constraint WHERE conrelid = 'policies_publication'::regclass"
    found = owner.execute(told).fetchone()
    assert found is not None
    hours, minutes = int(NOTICE.total_seconds() // 3600), int(SHORTEST_NOTICE.total_seconds() // 60)
    assert f"'{hours}:00:00'::interval" in str(found[0])
    assert f"'00:{minutes}:00'::interval" in str(found[0])
