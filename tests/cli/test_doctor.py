"""The doctor names what is wrong and how to mend it: each thing is broken on purpose, and it finds that one."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from anka.adapters.keyring.file import FollowedKeyring
from anka.cli import doctor_looks
from anka.cli.doctor_looks import LOOKS, Finding
from anka.config import environment
from anka.core import database, heartbeat
from anka.core.clock import moment
from anka.domain.policy.table import default_rules
from anka.jobs import checkpoints, keys
from tests import builders
from tests.builders import at
from tests.builders.policies import a_ready_draft, publish
from tests.cli.running import anka
from tests.databases import Database

PRODUCTION = replace(environment.read({"ANKA_SANDBOX": "1", "ANKA_HOME": "/tmp/nowhere"}), sandbox=False)


def findings() -> dict[str, Finding]:
    return {finding.part: finding for finding in (look(PRODUCTION) for look in LOOKS)}


def sick() -> dict[str, Finding]:
    return {part: finding for part, finding in findings().items() if finding.mend}


@pytest.fixture
def healthy(fresh_database: Database) -> Iterator[Database]:
    """A market with a worker, where the doctor finds nothing but what a test's server may: it does not survive a power cut."""
    heartbeat.beat(name="tests", started_at=moment().real, real_now=moment().real)
    builders.a_product(stock=1)
    before = keys.keyring
    assert set(sick()) <= {"durability"}
    yield fresh_database
    keys.keyring = before


def owner_says(*statements: str) -> Callable[[Database], None]:
    def breaks(place: Database) -> None:
        with place.as_owner() as owner:
            for statement in statements:
                owner.execute(statement.encode())

    return breaks


def another_keyring(_place: Database) -> None:
    keys.keyring = FollowedKeyring(
        json.dumps(
            {
                "current": "other",
                "key_encryption_keys": {"other": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="},
                "blind_index_secret": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
            }
        )
    )


def strange_checkpoint(_place: Database) -> None:
    with database.transaction():
        database.rows(checkpoints.NEXT)
        kept = (datetime.now(UTC), "0", "0", 0, bytes(32), bytes(32), bytes(32), "ab" * 32, bytes(64))
        database.rows(checkpoints.KEEP, kept)


OLD_WORK = """INSERT INTO core_outbox (shop_id, topic, subject, asked_at, due_at, tries, failure, leased_until)
    VALUES (1, 'deliver', 'X-1', now() - interval '1 hour', now() - interval '1 hour', {tries}, {failure}, now() - interval '30 minutes')"""
BROKEN = {
    "tables": (owner_says("DELETE FROM orders_money_move"), "orders_money_move", "anka migrate"),
    "rules": (
        owner_says(
            "ALTER TABLE policies_publication DISABLE TRIGGER publication_append_only",
            "UPDATE policies_publication SET in_force_from = '2100-01-01T00:00:00Z'",
        ),
        "none are in force",
        "anka migrate",
    ),
    "database role": (owner_says("GRANT UPDATE ON core_event TO anka_app"), "core_event", "anka_app"),
    "keyring": (another_keyring, "sandbox-1", "ANKA_KEYRING"),
    "checkpoints": (strange_checkpoint, "abab", "--trust-checkpoint-key"),
    "workers": (
        owner_says("UPDATE core_worker SET started_at = now() - interval '1 day', beat_at = now() - interval '1 hour'"),
        "silent",
        "anka worker",
    ),
    "queue": (owner_says(OLD_WORK.format(tries=1, failure="NULL")), "1 of them taken up by a worker that died", "anka worker"),
    "queue ": (owner_says(OLD_WORK.format(tries=7, failure="'KeyError 0a1b2c3d'")), "deliver (KeyError 0a1b2c3d", "log"),
}


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("part", BROKEN)
def test_what_is_broken_is_found_and_told_how_to_mend(healthy: Database, part: str) -> None:
    breaks, told, mend = BROKEN[part]
    breaks(healthy)
    found = sick()
    assert set(found) - {"durability"} == {part.strip()}
    assert told in found[part.strip()].found
    assert mend in found[part.strip()].mend


def test_rules_that_only_this_version_brings_are_told_and_are_no_trouble(healthy: Database) -> None:
    assert findings()["rules"].found == f"{default_rules().version} are in force"
    drafted = a_ready_draft(when=moment())
    version = publish(drafted, at(days=3650), when=at(days=3600))
    owner_says(
        "ALTER TABLE policies_publication DISABLE TRIGGER publication_append_only",
        "ALTER TABLE policies_publication DROP CONSTRAINT publication_gives_notice",
        "ALTER TABLE policies_publication DROP CONSTRAINT publication_of_two",
        "UPDATE policies_publication SET in_force_from = now() WHERE by_person <> 0",
    )(healthy)
    told = findings()["rules"]
    assert (told.found.startswith(f"{version} are in force"), default_rules().version in told.found, told.mend) == (True, True, "")


def test_waiting_work_without_any_worker_is_found_twice(healthy: Database) -> None:
    owner_says("DELETE FROM core_worker", OLD_WORK.format(tries=0, failure="NULL"))(healthy)
    assert set(sick()) - {"durability"} == {"workers", "queue"}


def test_no_worker_and_nothing_to_do_is_no_trouble(healthy: Database) -> None:
    owner_says("DELETE FROM core_worker")(healthy)
    assert set(sick()) <= {"durability"}


def test_a_transaction_left_open_is_found(healthy: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(healthy.runtime) as open_one:
        open_one.execute("SELECT 1")
        assert "transactions" not in sick()
        # What counts as long is a setting of the doctor.
        monkeypatch.setattr(doctor_looks, "OLD_TRANSACTION", timedelta(0))
        assert f"pg_terminate_backend({open_one.info.backend_pid})" in sick()["transactions"].mend


def test_too_many_connections_are_found(healthy: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    del healthy
    monkeypatch.setattr(doctor_looks, "MOST_CONNECTIONS", 0.0)
    assert "PgBouncer" in sick()["connections"].mend


def test_a_server_that_forgets_is_found(healthy: Database) -> None:
    off = database.value("SELECT current_setting('fsync')") == "off"
    del healthy
    assert ("durability" in sick()) == off
    assert not doctor_looks.durability(replace(PRODUCTION, sandbox=True)).mend


def test_a_configuration_that_cannot_be(tmp_path: Path) -> None:
    told = anka("doctor", "--json", variables={"ANKA_SANDBOX": "0", "ANKA_HOME": str(tmp_path)})
    assert told.status == 1
    assert json.loads(told.out)["findings"][0]["part"] == "configuration"


def test_a_database_that_is_away(tmp_path: Path) -> None:
    told = anka("doctor", variables={"ANKA_HOME": str(tmp_path), "ANKA_DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    assert told.status == 1
    assert "WRONG  database" in told.out
    assert "→ start the database" in told.out


def test_a_whole_doctor_as_json(healthy: Database, tmp_path: Path) -> None:
    told = anka("doctor", "--json", variables={"ANKA_HOME": str(tmp_path), "ANKA_DATABASE_URL": healthy.owner})
    parts = {finding["part"]: finding for finding in json.loads(told.out)["findings"]}
    assert {"configuration", "data folder", "database", *findings()} <= set(parts)
    # The keyring of another home.
    assert [name for name, finding in parts.items() if finding["mend"]] == ["keyring"]
    assert told.status == 1
