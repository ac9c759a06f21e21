"""Checkpoints see what the chains of the orders cannot: a tail that was cut off."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from anka.core.checkpoints import merkle_root
from anka.jobs import audit, checkpoints
from tests import builders
from tests.builders import at
from tests.conftest import END
from tests.databases import Database
from tests.faults.mutants import silence_triggers
from tests.horizon import wait_for_the_horizon

Owner = Connection[tuple[Any, ...]]


def make(minutes: int) -> bool:
    """Make a checkpoint over everything there is."""
    wait_for_the_horizon()
    return checkpoints.make_checkpoint(at=at(minutes))


def what_is_wrong() -> list[str]:
    return [violation.what for violation in audit.audit(now=END) if violation.invariant == "I12"]


@pytest.fixture
def two_checkpoints(fresh_database: Database) -> Iterator[Owner]:
    """Two checkpoints over two orders, and the owner of the database, triggers silenced."""
    builders.a_sealed_order()
    assert make(10)
    builders.a_placed_order()
    assert make(20)
    assert what_is_wrong() == []
    with fresh_database.as_owner() as owner:
        silence_triggers(owner)
        yield owner


@pytest.mark.breaks_invariants
def test_a_tail_that_was_cut_off_is_seen(two_checkpoints: Owner) -> None:
    """The order that lost its last event verifies as a chain; only the checkpoint knows that there was more."""
    two_checkpoints.execute("DELETE FROM core_event WHERE what = 'units_sealed'")
    assert what_is_wrong() == ["it covers 4 events, of which 3 are there"]


@pytest.mark.breaks_invariants
def test_an_event_put_in_afterwards_is_seen(two_checkpoints: Owner) -> None:
    two_checkpoints.execute(
        "SELECT record_event(shop_id, id, now(), 'system:x', 'invented', '{}', NULL, NULL, '{}') FROM orders_order LIMIT 1"
    )
    two_checkpoints.execute("UPDATE core_event SET transaction_id = (SELECT from_transaction FROM core_checkpoint ORDER BY id LIMIT 1)")
    assert "it covers 4 events, of which 6 are there" in what_is_wrong()


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("UPDATE core_checkpoint SET event_count = 5 WHERE id = 1", "its hash is not that of what it says"),
        ("UPDATE core_checkpoint SET signature = decode(repeat('00', 64), 'hex')", "this installation did not sign it"),
        ("UPDATE core_checkpoint SET key_name = repeat('ab', 32)", "this installation did not sign it"),
        ("DELETE FROM core_checkpoint WHERE id = 1", "it does not follow the checkpoint before it"),
        ("UPDATE core_event SET hash = sha256(hash) WHERE what = 'units_sealed'", "the events it covers are not those it was made over"),
    ],
)
def test_a_forged_checkpoint_is_seen(two_checkpoints: Owner, change: str, seen: str) -> None:
    two_checkpoints.execute(change.encode())
    assert seen in what_is_wrong()


@pytest.mark.breaks_invariants
def test_an_audit_since_a_place_looks_at_what_reaches_beyond_it(two_checkpoints: Owner) -> None:
    wait_for_the_horizon()
    since = audit.position()
    two_checkpoints.execute("UPDATE core_checkpoint SET event_count = 5 WHERE id = 1")
    assert audit.audit(now=END, since=since) == []
    builders.a_placed_order()
    assert make(30)
    two_checkpoints.execute("UPDATE core_checkpoint SET event_count = 5 WHERE id = 3")
    assert {violation.where for violation in audit.audit(now=END, since=since)} == {"checkpoint 3"}


def test_a_transaction_that_commits_late_is_not_skipped(fresh_database: Database) -> None:
    order = builders.a_placed_order()
    wait_for_the_horizon()
    with fresh_database.as_owner() as late, late.transaction():
        late.execute("SELECT record_event(shop_id, id, now(), 'system:late', 'late', '{}', NULL, NULL, '{}') FROM orders_order")
        builders.a_placed_order()
        assert checkpoints.make_checkpoint(at=at(10))
        assert not checkpoints.make_checkpoint(at=at(11)), "what began after the late one waits for it"
    assert make(12)
    assert what_is_wrong() == []
    with fresh_database.as_owner() as owner:
        covered = owner.execute("SELECT sum(event_count) = (SELECT count(*) FROM core_event) FROM core_checkpoint").fetchone()
    assert covered == (True,)
    assert order.state.closed_at is None


def test_the_worker_makes_one_every_five_minutes(fresh_database: Database) -> None:
    builders.a_placed_order()
    wait_for_the_horizon()
    assert checkpoints.make_checkpoint_if_due(at=at(10))
    builders.a_placed_order()
    wait_for_the_horizon()
    assert not checkpoints.make_checkpoint_if_due(at=at(14))
    assert checkpoints.make_checkpoint_if_due(at=at(15))
    assert not checkpoints.make_checkpoint_if_due(at=at(30)), "there is nothing new to sign"
    assert len(checkpoints.latest() or "") == 64


@pytest.mark.no_database
def test_no_two_lists_have_one_root() -> None:
    lists = [[], [b"a"], [b"b"], [b"a", b"b"], [b"b", b"a"], [b"a", b"b", b"c"], [b"a", b"b", b"c", b"c"], [b"ab"]]
    assert len({merkle_root(leaves=leaves) for leaves in lists}) == len(lists)
