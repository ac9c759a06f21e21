"""PostgreSQL killed, its files left lying about: what was committed is there at the next start."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from anka.config import embedded
from anka.config.embedded.places import place_of
from anka.config.embedded.server import DatabaseServerGone
from anka.config.embedded.supervisor import process

from . import tools


def kill_postmaster(server: embedded.Server, home: Path) -> None:
    os.kill(server.pid, signal.SIGKILL)
    assert tools.eventually(lambda: not tools.alive(server.pid) and not tools.running_servers(home))


def test_after_the_server_was_killed_users_are_told_and_the_next_start_recovers(home: Path) -> None:
    server = embedded.start(home=home, settings=tools.FAST)
    server.check()
    tools.query(server.owner_url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value")
    kill_postmaster(server, home)
    with pytest.raises(DatabaseServerGone) as told:
        server.check()
    assert told.value.code == "embedded_database_gone"
    assert "\n" not in str(told.value)
    assert str(embedded.folder_of(home=home) / "postgresql.log") in str(told.value)
    with embedded.running(home=home, settings=tools.FAST) as again:
        assert tools.query(again.owner_url, "SELECT sum(value) FROM kept") == 500500
        server.stop()
        assert tools.query(again.url, "SELECT 1") == 1
    assert "automatic recovery in progress" in again.place.log.read_text()


def test_a_busy_child_does_not_outlive_a_killed_server(home: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        with closing(psycopg.connect(server.url, autocommit=True)) as connection:
            connection.pgconn.send_query(b"DO $$ BEGIN LOOP NULL; END LOOP; END $$")
            child = connection.info.backend_pid
            assert child in tools.children(home)
            # Such a loop never looks whether its postmaster lives; only the supervisor ends it.
            kill_postmaster(server, home)
            assert not tools.alive(child)
        with embedded.running(home=home, settings=tools.FAST) as again:
            assert tools.query(again.url, "SELECT 1") == 1


def test_a_busy_child_whose_supervisor_died_too_is_ended_by_the_next_start(home: Path) -> None:
    server = embedded.start(home=home, settings=tools.FAST)
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        connection.pgconn.send_query(b"DO $$ BEGIN LOOP NULL; END LOOP; END $$")
        child = connection.info.backend_pid
        for pid in (*tools.supervisors(home), server.pid):
            os.kill(pid, signal.SIGKILL)
        assert tools.eventually(lambda: not tools.alive(server.pid))
        # The control: nobody else ends it.
        assert tools.alive(child)
        with embedded.running(home=home, settings=tools.FAST) as again:
            assert not tools.alive(child)
            assert tools.query(again.url, "SELECT 1") == 1
    server.stop()


@pytest.fixture
def stranger(home: Path) -> Iterator[int]:
    """A process of the server's user that has nothing to do with the server."""
    uid, gid = place_of(home=home).user or (None, None)
    stranger = subprocess.Popen(["sleep", "600"], user=uid, group=gid, extra_groups=None if uid is None else [], cwd="/")
    yield stranger.pid
    stranger.kill()
    stranger.wait()


def test_a_process_that_got_the_number_of_a_killed_server_is_left_alone(home: Path, stranger: int) -> None:
    server = embedded.start(home=home, settings=tools.FAST)
    tools.query(server.owner_url, "CREATE TABLE kept AS SELECT 42 AS value")
    place = server.place
    kill_postmaster(server, home)
    server.stop()
    left = place.data / "postmaster.pid"
    left.write_text(left.read_text().replace(str(server.pid), str(stranger), 1))
    # The control: PostgreSQL by itself takes the stranger for its server and refuses.
    uid, gid = place.user or (None, None)
    command = [str(embedded.binaries() / "postgres"), "-D", str(place.data)]
    refused = subprocess.run(
        command, user=uid, group=gid, extra_groups=None if uid is None else [], cwd="/", capture_output=True, text=True, check=False
    )
    assert "lock file" in refused.stderr
    with embedded.running(home=home, settings=tools.FAST) as again:
        assert again.pid != stranger
        assert tools.query(again.owner_url, "SELECT value FROM kept") == 42
    assert tools.alive(stranger)


def test_a_process_that_ended_without_being_waited_for_counts_as_gone() -> None:
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert process(pid=ended.pid) is None
    ended.wait()


def test_an_orphan_of_a_killed_user_and_a_killed_supervisor_is_adopted(home: Path, user: Callable[[], tools.User]) -> None:
    first = user()
    tools.query(first.owner_url, "CREATE TABLE kept AS SELECT 42 AS value")
    for pid in (*tools.supervisors(home), first.process.pid):
        os.kill(pid, signal.SIGKILL)
    assert tools.eventually(lambda: tools.supervisors(home) == [])
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert server.pid == first.server_pid
        assert tools.query(server.owner_url, "SELECT value FROM kept") == 42
    assert tools.running_servers(home) == []
