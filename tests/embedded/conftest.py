"""A home for each test, and the promise that no test leaves a server behind."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anka.config import embedded

from . import tools


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    left_over = [] if tools.eventually(lambda: not tools.running_servers(home)) else tools.running_servers(home)
    shutil.rmtree(embedded.folder_of(home=home), ignore_errors=True)
    assert left_over == []


@pytest.fixture
def user(home: Path) -> Iterator[Callable[[], tools.User]]:
    """Starts another process that uses the home of this test."""
    started: list[tools.User] = []

    def start() -> tools.User:
        started.append(tools.first_words(tools.spawn_user(home)))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        for stream in (one.process.stdin, one.process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that the user nobody may use as its own (the folders pytest gives root are closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="anka-test-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, tools.NOBODY, tools.NOBODY)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def ordinary_user() -> tuple[str, int | None]:
    """The Python and the user to run as when a test must not be root."""
    if os.geteuid() != 0:
        return sys.executable, None
    python = tools.unprivileged_python()
    if python is None:
        pytest.skip("no Python that the user nobody can run with these sources")
    return python, tools.NOBODY
