"""What every test can rely on: an environment, a database where its folder needs one, and an audit after whatever moves money."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from tests import databases

databases.prepare_environment()

import django  # noqa: E402  settings read the environment prepared above

django.setup()

from anka.jobs import audit  # noqa: E402

HERE = Path(__file__).parent
WITH_DATABASE = ("flows", "faults", "api", "web", "capabilities", "journeys", "jobs", "cli")
AUDITED = ("flows", "faults", "api", "journeys")
# Fixtures that give a test another database than the worker's.
OWN = ("fresh_database", "clean_rules")
END = datetime(2100, 1, 1, tzinfo=UTC)
_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    config.addinivalue_line("markers", "breaks_invariants: breaks invariants on purpose, in a database of its own; not audited afterwards")
    config.addinivalue_line("markers", "no_database: lies in a folder whose tests have a database, but needs none")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the journeys for last: their market runs on the worker's database until the end, and its clocks fall for every order there."""
    items.sort(key=lambda item: HERE / "journeys" in item.path.parents)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the server's files once all workers are gone."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        databases.drop_template()
        databases.remove_home()


def _folder(request: pytest.FixtureRequest) -> str:
    parts = request.path.relative_to(HERE).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.fixture(scope="session")
def server() -> Iterator[databases.SharedServer]:
    """The PostgreSQL server of this run."""
    with databases.shared_server() as running:
        yield running


@pytest.fixture(scope="session")
def worker_database(server: databases.SharedServer) -> Iterator[databases.Database]:
    """This worker's database. It is never emptied: tests make shops, buyers and products of their own."""
    name = f"anka_test_{server.run}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    made = server.create(name)
    yield made
    databases.point_django_at(made.runtime)
    found = audit.audit(now=END)
    databases.point_django_at(databases.NOT_STARTED)
    server.drop(name)
    assert found == [], "the whole run left this behind"


@pytest.fixture
def database(worker_database: databases.Database) -> Iterator[databases.Database]:
    """The worker's database, with Django connected to it as the application's role."""
    databases.point_django_at(worker_database.runtime)
    yield worker_database
    databases.point_django_at(databases.NOT_STARTED)


@pytest.fixture
def fresh_database(request: pytest.FixtureRequest, server: databases.SharedServer) -> Iterator[databases.Database]:
    """A database for this test alone: to plant violations, to take guards away. Django is connected to it until the test ends."""
    name = server.name(str(next(_numbers)))
    made = server.create(name)
    databases.point_django_at(made.runtime)
    yield made
    databases.point_django_at(databases.NOT_STARTED)
    server.drop(name)


@pytest.fixture(scope="session")
def rules_database(server: databases.SharedServer) -> Iterator[databases.Database]:
    """This worker's second database, for tests that announce rules: in the first one that would change them for everybody."""
    name = server.name("rules")
    yield server.create(name)
    server.drop(name)


@pytest.fixture
def clean_rules(rules_database: databases.Database) -> Iterator[databases.Database]:
    """A database in which nothing was ever drafted or announced, apart from the rules it began with."""
    databases.forget_rules(rules_database)
    databases.point_django_at(rules_database.runtime)
    yield rules_database
    databases.point_django_at(databases.NOT_STARTED)


@pytest.fixture(autouse=True)
def _database_where_needed(request: pytest.FixtureRequest) -> None:
    own = any(name in request.fixturenames for name in OWN) or request.node.get_closest_marker("no_database")
    if _folder(request) in WITH_DATABASE and not own:
        request.getfixturevalue("database")


@pytest.fixture(autouse=True)
def _audited(request: pytest.FixtureRequest, _database_where_needed: None) -> Iterator[None]:
    """After every test that moves money, the audit over what it touched is clean."""
    if _folder(request) not in AUDITED or request.node.get_closest_marker("no_database"):
        yield
        return
    for name in OWN:
        if name in request.fixturenames:
            request.getfixturevalue(name)
    since = audit.position()
    yield
    if not request.node.get_closest_marker("breaks_invariants"):
        assert audit.audit(now=END, since=since) == []
