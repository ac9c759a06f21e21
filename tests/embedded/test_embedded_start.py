"""First start, restart, roles, tuning: what a user of the embedded database can rely on."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from anka.config import embedded
from anka.config.embedded.programs import run_program

from . import tools


def test_the_first_start_makes_the_database_the_roles_and_the_same_locale_everywhere(home: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert tools.query(server.url, "SELECT current_user::text") == "anka_app"
        assert tools.query(server.owner_url, "SELECT current_user::text") == "anka_owner"
        database = "SELECT concat_ws(' ', pg_encoding_to_char(encoding), datlocprovider, datlocale) FROM pg_database WHERE datname = 'anka'"
        assert tools.query(server.url, database) == "UTF8 b C.UTF-8"
        assert tools.query(server.url, "SHOW data_checksums") == "on"
        assert tools.query(server.url, "SHOW timezone") == "UTC"
        assert server.version == tools.query(server.url, "SHOW server_version")
        assert server.pid in tools.running_servers(home)


def test_without_other_settings_nothing_that_was_committed_can_be_lost(home: Path) -> None:
    with embedded.running(home=home) as server:
        shown = {
            name: tools.query(server.url, f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_connections", "huge_pages")
        }
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "256MB",
        "max_connections": "200",
        "huge_pages": "off",
    }


def test_a_restart_keeps_the_data_and_leaves_nothing_running_in_between(home: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        tools.query(server.owner_url, "CREATE TABLE kept AS SELECT 42 AS value")
        first = server.pid
    assert tools.running_servers(home) == []
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert server.pid != first
        assert tools.query(server.owner_url, "SELECT value FROM kept") == 42


def test_the_owner_makes_the_group_role_and_the_runtime_may_only_do_what_it_was_granted(home: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        tools.query(server.owner_url, "CREATE TABLE books (id int)")
        tools.query(server.owner_url, "CREATE ROLE readers")
        tools.query(server.owner_url, "GRANT SELECT ON books TO readers")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tools.query(server.url, "SELECT count(*) FROM books")
        tools.query(server.owner_url, "GRANT readers TO anka_app")
        assert tools.query(server.url, "SELECT count(*) FROM books") == 0
        for forbidden in ("CREATE TABLE mine (id int)", "DROP TABLE books", "CREATE ROLE another", "SET ROLE anka_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                tools.query(server.url, forbidden)


def test_nobody_else_can_log_in(home: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            tools.query(server.url.replace("anka_app@", "postgres@"), "SELECT 1")
        assert tools.query(server.url, "SHOW listen_addresses") == ""


def test_stopping_twice_does_nothing_more(home: Path) -> None:
    server = embedded.start(home=home, settings=tools.FAST)
    server.stop()
    server.stop()
    assert tools.running_servers(home) == []


def test_the_home_is_the_same_from_another_working_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    with embedded.running(home=home, settings=tools.FAST) as server:
        monkeypatch.chdir(home.parent)
        with embedded.running(home=Path(home.name), settings=tools.FAST) as again:
            assert again.pid == server.pid


def test_an_interrupted_first_start_is_begun_anew(home: Path) -> None:
    unfinished = embedded.folder_of(home=home) / "data.new"
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert tools.query(server.url, "SELECT 1") == 1
    assert not unfinished.exists()


def test_the_environment_of_the_caller_does_not_reach_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGDATA": "/nowhere", "PGPORT": "1", "PGUSER": "nobody", "LC_ALL": "xx_XX.UTF-8", "TZ": "Asia/Shanghai"}.items():
        monkeypatch.setenv(name, value)
    said = run_program(command=["/usr/bin/env"], user=None, seconds=tools.SECONDS).stdout
    assert {line.partition("=")[0] for line in said.splitlines()} <= {"PATH", "LC_ALL", "TZ"}
    with embedded.running(home=home, settings=tools.FAST) as server:
        given = Path(f"/proc/{server.pid}/environ").read_bytes().decode().split("\0")
        assert {"LC_ALL=C", "TZ=UTC"} <= set(given)
        assert not [entry for entry in given if entry.startswith(("PGDATA=", "PGPORT=", "PGUSER="))]
        assert tools.query(server.url, "SELECT 1") == 1


def test_the_programs_are_the_newest_of_the_wheel() -> None:
    folder = embedded.binaries()
    assert os.access(folder / "postgres", os.X_OK)
    assert folder.parent.name == "pginstall18"
    assert embedded.binaries(major=16).parent.name == "pginstall"
