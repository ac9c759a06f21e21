"""Several processes and one server: it is there for all of them, and for none of them it stays."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from anka.config import embedded
from anka.config.embedded.locks import wait_for_lock
from anka.config.embedded.places import place_of, prepare

from . import tools

type_of_user = Callable[[], tools.User]


def test_a_second_process_shares_the_server_and_the_last_one_out_stops_it(home: Path, user: type_of_user) -> None:
    first, second = user(), user()
    assert first.server_pid == second.server_pid
    assert first.leave() == {"stopped": True}
    assert tools.query(second.url, "SELECT 1") == 1
    assert second.leave() == {"stopped": True}
    assert tools.running_servers(home) == []


def test_a_start_waits_for_one_that_is_still_making_its_folders(home: Path) -> None:
    place = place_of(home=home)
    prepare(place=place)
    held = wait_for_lock(path=place.start_lock, kind=fcntl.LOCK_EX, seconds=1)
    assert held is not None
    # Half made: it does not belong to the server's user yet.
    place.socket.mkdir(mode=0o700)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(embedded.start, home=home, settings=tools.FAST)
        assert wait([starting], timeout=0.5).not_done, starting.exception()
        place.socket.rmdir()
        os.close(held)
        server = starting.result()
    assert tools.query(server.url, "SELECT 1") == 1
    server.stop()


def test_processes_that_start_at_the_same_moment_share_one_server(home: Path) -> None:
    spawned = [tools.spawn_user(home) for _ in range(4)]
    users = [tools.first_words(one) for one in spawned]
    try:
        assert len({one.server_pid for one in users}) == 1
        assert len(tools.supervisors(home)) == 1
    finally:
        said = [one.leave() for one in users]
    assert said == [{"stopped": True}] * 4
    assert tools.running_servers(home) == []


def test_one_process_may_hold_several_shares(home: Path) -> None:
    first = embedded.start(home=home, settings=tools.FAST)
    second = embedded.start(home=home, settings=tools.FAST)
    first.stop()
    assert tools.query(second.url, "SELECT 1") == 1
    second.stop()
    assert tools.running_servers(home) == []


def test_when_the_only_user_is_killed_the_server_goes_away_cleanly(home: Path, user: type_of_user) -> None:
    only = user()
    assert tools.alive(only.server_pid)
    only.kill()
    assert tools.eventually(lambda: tools.running_servers(home) == [])
    assert "database system is shut down" in (embedded.folder_of(home=home) / "postgresql.log").read_text()


def test_when_one_of_two_users_is_killed_the_server_stays(home: Path, user: type_of_user) -> None:
    killed, other = user(), user()
    killed.kill()
    assert tools.query(other.url, "SELECT 1") == 1
    other.leave()
    assert tools.running_servers(home) == []


def test_without_its_supervisor_a_server_outlives_its_user_and_the_next_start_adopts_it(home: Path, user: type_of_user) -> None:
    first = user()
    for supervisor in tools.supervisors(home):
        os.kill(supervisor, signal.SIGKILL)
    assert tools.eventually(lambda: tools.supervisors(home) == [])
    first.kill()
    # The control: it is the supervisor, and nothing else, that takes the server away.
    assert tools.query(first.url, "SELECT 1") == 1
    second = user()
    assert second.server_pid == first.server_pid
    assert len(tools.supervisors(home)) == 1
    second.kill()
    assert tools.eventually(lambda: tools.running_servers(home) == [])


def test_a_server_whose_supervisor_was_killed_is_stopped_by_its_last_user(home: Path, user: type_of_user) -> None:
    only = user()
    for supervisor in tools.supervisors(home):
        os.kill(supervisor, signal.SIGKILL)
    assert tools.eventually(lambda: tools.supervisors(home) == [])
    assert only.leave() == {"stopped": True}
    assert tools.running_servers(home) == []


def test_ending_the_supervisor_politely_ends_the_server(home: Path, user: type_of_user) -> None:
    user()
    for supervisor in tools.supervisors(home):
        os.kill(supervisor, signal.SIGTERM)
    assert tools.eventually(lambda: tools.running_servers(home) == [])


def test_an_interrupt_from_the_terminal_reaches_the_user_and_not_the_server(home: Path, user: type_of_user) -> None:
    first, second = user(), user()
    assert os.getpgid(first.server_pid) != os.getpgid(first.process.pid)
    assert os.getsid(first.server_pid) not in {os.getsid(first.process.pid), os.getsid(0)}
    os.killpg(first.process.pid, signal.SIGINT)
    assert first.leave() == {"interrupted": True}
    assert tools.query(second.url, "SELECT 1") == 1
    assert second.leave() == {"stopped": True}


def test_nothing_of_the_server_keeps_the_output_of_its_user_open(home: Path, user: type_of_user) -> None:
    first, second = user(), user()
    first.kill()
    # The end of the pipe comes only when nobody holds it any more; the server still runs for the other user.
    assert first.process.communicate(timeout=tools.SECONDS)[0] == ""
    assert second.leave() == {"stopped": True}
