"""The family of processes: what dies is started again, what keeps dying ends everything, nothing outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from anka.cli.up import NoFreePort, free_port
from anka.config.processes import MOST_SHORT_LIVES, Family, ProcessFailed, ProcessKeepsDying
from tests.cli.running import environment

pytestmark = pytest.mark.no_database

TICK = threading.Event()


def eventually(true: object) -> bool:
    """Look again and again for up to a minute."""
    assert callable(true)
    return any(true() or TICK.wait(0.05) for _round in range(1200))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def family(said: list[str]) -> Iterator[Family]:
    family = Family(say=said.append)
    yield family
    family.end()


def test_what_was_killed_is_started_again(family: Family, said: list[str], tmp_path: Path) -> None:
    child = family.start(
        name="sandbox", words=("sandbox",), environment=environment(ANKA_HOME=str(tmp_path), ANKA_DATABASE_URL="dbname=none")
    )
    child.started -= 3600
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    child.process.wait(60)
    family.look_after()
    assert child.process.pid != first
    assert said == ["sandbox ended unexpectedly (status -9) and is started again"]


def test_what_keeps_dying_ends_everything(family: Family) -> None:
    child = family.start(name="nonsense", words=("nonsense",), environment={})
    for _round in range(MOST_SHORT_LIVES - 1):
        assert child.process is not None
        child.process.wait(60)
        family.look_after()
    assert child.process is not None
    child.process.wait(60)
    with pytest.raises(ProcessKeepsDying, match="nonsense ended 5 times"):
        family.look_after()


def test_a_program_that_fails_at_its_one_thing_is_told(family: Family) -> None:
    with pytest.raises(ProcessFailed, match="migrate failed"):
        family.run_once(name="migrate", words=("nonsense",), environment={})
    assert family.children == []


def test_after_the_end_nothing_is_started_again(family: Family, said: list[str]) -> None:
    child = family.start(name="nonsense", words=("nonsense",), environment={})
    family.end()
    family.look_after()
    assert not child.alive
    assert said == []


PARENT = """
import sys, time
from anka.config.processes import Family
family = Family(say=print)
child = family.start(name="child", words=("worker",), environment={})
print(child.process.pid, flush=True)
family.stop.wait(60)
"""


def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    variables = environment(ANKA_HOME=str(tmp_path), ANKA_DATABASE_URL="host=127.0.0.1 port=1 dbname=none")
    parent = subprocess.Popen([sys.executable, "-P", "-c", PARENT], env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    with parent, parent.stdout:
        child = int(parent.stdout.readline())
        parent.kill()
    assert eventually(lambda: not _running(child))


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = free_port(host="127.0.0.1", first=port)
    assert found > port
    assert free_port(host="127.0.0.1", first=port) == port


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(NoFreePort):
        free_port(host="192.0.2.1", first=8000)
    with pytest.raises(NoFreePort):
        free_port(host="127.0.0.1", first=70000)


HEARING = """
import os, signal, sys, threading
from anka.config import processes

heard, main = threading.Event(), threading.get_ident()
signal.signal(signal.SIGTERM, lambda *_: heard.set())
if "woken" in sys.argv:
    processes.wake_main_thread_on_signals()

def main_waits():
    frame = sys._current_frames()[main]
    return frame.f_code is threading.Condition.wait.__code__ and frame.f_back.f_back.f_code.co_name == "<module>"

def take_the_signal():
    while not main_waits():
        threading.Event().wait(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    os._exit(0 if heard.wait(60 if "woken" in sys.argv else 1) else 3)

threading.Thread(target=take_the_signal).start()
heard.wait()
threading.Event().wait()
"""


@pytest.mark.parametrize(("words", "status"), [(["woken"], 0), ([], 3)], ids=["woken", "control"])
def test_a_main_thread_that_waits_hears_a_signal_another_thread_took(words: list[str], status: int) -> None:
    done = subprocess.run([sys.executable, "-P", "-c", HEARING, *words], env=environment(), timeout=120, check=False)
    assert done.returncode == status
