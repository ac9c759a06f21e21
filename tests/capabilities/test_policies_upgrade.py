"""An installation that had rules before it knew of announcements keeps them, each order its own; and a new version changes nothing."""

import json

import pytest

from anka.config.migrate import migrate
from anka.core import database as door
from anka.domain.policy.table import default_rules, parse_rules
from anka.jobs import audit
from anka.orders.policies import rules_in_force
from anka.policies import queries
from tests.builders import a_placed_order, at
from tests.builders.policies import new_texts
from tests.conftest import END
from tests.databases import Database, point_django_at

TABLES = ("withdrawal", "publication", "run", "draft", "move")
FUNCTIONS = ("policy_digest", "draft_moves_by_the_table", "run_is_final", "publication_in_order", "withdrawal_in_time")


def as_before(place: Database) -> None:
    """Take the whole room away, as if it had never been built."""
    with place.as_owner() as owner:
        for table in TABLES:
            owner.execute(f"DROP TABLE policies_{table} CASCADE".encode())
        for function in FUNCTIONS:
            owner.execute(f"DROP FUNCTION {function} CASCADE".encode())
        owner.execute("DELETE FROM django_migrations WHERE app = 'policies'")
        owner.execute("ALTER TABLE orders_policy DISABLE TRIGGER policy_append_only")


def upgraded(place: Database) -> None:
    """Migrate as the owner does, then be the application again."""
    with place.as_owner() as owner:
        owner.execute("ALTER TABLE orders_policy ENABLE TRIGGER policy_append_only")
    point_django_at(place.owner)
    migrate()
    point_django_at(place.runtime)


@pytest.mark.parametrize("last_of_the_old", [0, 30], ids=["before the later rules came", "on a clock that was moved"])
def test_what_was_in_force_stays_in_force(fresh_database: Database, last_of_the_old: float) -> None:
    old, texts = default_rules().version, new_texts()
    new = parse_rules(texts=texts).version
    first, second = a_placed_order(when=at(last_of_the_old)), a_placed_order(when=at(60))
    as_before(fresh_database)
    with fresh_database.as_owner() as owner:
        owner.execute("UPDATE orders_policy SET published_at = %s", (at(-60).now,))
        owner.execute("INSERT INTO orders_policy VALUES (%s, %s, %s)", (new, json.dumps(texts), at(10).now))
        owner.execute("UPDATE orders_order SET policy_version = %s WHERE number = %s", (new, second.number))
    upgraded(fresh_database)
    assert [(one.version, one.status) for one in queries.publications(at=at(60).now)] == [(new, "in_force"), (old, "archived")]
    assert [order.state.policy_version for order in (first, second)] == [old, new]
    assert audit.audit(now=END) == []
    assert a_placed_order(when=at(90)).state.policy_version == new
    # Whatever set this version of Anka brings: what is in force is as it was.
    upgraded(fresh_database)
    assert rules_in_force(at=at(90).now).version == new
    assert len(queries.publications(at=at(90).now)) == 2


def test_an_empty_installation_begins_with_the_rules_that_came_with_it(database: Database) -> None:
    with database.as_owner() as owner:
        first = owner.execute("SELECT version, by_person FROM policies_publication ORDER BY id LIMIT 1").fetchone()
    assert first == (default_rules().version, 0)
    assert rules_in_force(at=at(days=-20_000 + 4000).now).version == default_rules().version
    assert door.value("SELECT policy_in_force('1969-12-31T23:59:59Z')") is None
