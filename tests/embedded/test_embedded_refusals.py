"""What cannot work is refused in one line that says what happened and what to do, and leaves nothing running."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from anka.config import embedded

from . import tools


def refusal(home: Path, *, port: int | None = None, settings: Mapping[str, str] = tools.FAST) -> embedded.EmbeddedDatabaseError:
    """Try to start, and return the error after checking what every one of them promises."""
    with pytest.raises(embedded.EmbeddedDatabaseError) as told:
        embedded.start(home=home, port=port, settings=settings)
    message = str(told.value)
    assert "\n" not in message
    assert "lost" in message
    assert str(embedded.folder_of(home=home) / "postgresql.log") in message
    return told.value


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def test_a_busy_port_is_told_and_the_database_works_without_one(home: Path, listener: socket.socket) -> None:
    failure = refusal(home, port=listener.getsockname()[1])
    assert failure.code == "embedded_port_busy"
    assert tools.running_servers(home) == []
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert tools.query(server.url, "SELECT 1") == 1


def test_a_free_port_lets_in_whoever_knows_the_password(home: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    with embedded.running(home=home, port=port, settings=tools.FAST) as server:
        tools.query(server.owner_url, "ALTER ROLE anka_app PASSWORD 'known'")
        address = f"127.0.0.1:{port}/anka"
        assert tools.query(f"postgresql://anka_app:known@{address}", "SELECT 1") == 1
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            tools.query(f"postgresql://anka_app:wrong@{address}", "SELECT 1")


def test_a_running_server_does_not_take_on_another_port(home: Path, listener: socket.socket) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert refusal(home, port=listener.getsockname()[1]).code == "embedded_port_differs"
        assert tools.query(server.url, "SELECT 1") == 1


@pytest.mark.parametrize(
    "settings",
    [{"no_such_setting": "1"}, {"shared_buffers": "much"}, {"max_connections": "0"}, {"port": "1"}, {"hba_file": "x"}, {"Bad Name": "1"}],
)
def test_a_setting_it_cannot_use_is_told(home: Path, settings: dict[str, str]) -> None:
    assert refusal(home, settings=settings).code == "embedded_setting_refused"
    assert tools.running_servers(home) == []


def test_a_port_that_is_none_is_told(home: Path) -> None:
    assert refusal(home, port=70000).code == "embedded_setting_refused"


def test_data_of_a_version_the_wheel_does_not_have_is_left_alone(home: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        marker = server.place.data / "PG_VERSION"
    marker.write_text("99\n")
    assert refusal(home).code == "embedded_binaries_missing"
    assert marker.read_text() == "99\n"


def test_a_file_where_the_folder_should_be_is_told(home: Path) -> None:
    folder = embedded.folder_of(home=home)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    try:
        with pytest.raises(embedded.EmbeddedDatabaseError) as told:
            embedded.start(home=home, settings=tools.FAST)
    finally:
        folder.unlink()
    assert told.value.code == "embedded_folder_not_usable"


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A file system of its own, 200 MB, where the database of this home will live."""
    folder = embedded.folder_of(home=home)
    folder.mkdir(parents=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", folder], check=False).returncode != 0:
        pytest.skip("a small file system can only be mounted as root, with the capability to")
    folder.chmod(0o711)
    yield folder
    assert tools.eventually(lambda: not tools.running_servers(home))
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, *, leaving: int = 0) -> Path:
    """Fill the file system up to so many bytes."""
    found = os.statvfs(folder)
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - leaving)
    return ballast


@pytest.mark.parametrize("leaving", [0, 2_000_000, 20_000_000, 40_000_000])
def test_a_first_start_on_a_full_disk_is_told_and_works_once_there_is_room(home: Path, small_disk: Path, leaving: int) -> None:
    ballast = fill(small_disk, leaving=leaving)
    assert refusal(home).code == "embedded_disk_full"
    assert tools.running_servers(home) == []
    ballast.unlink()
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert tools.query(server.url, "SELECT 1") == 1


def test_a_restart_on_a_full_disk_is_told_and_nothing_is_lost(home: Path, small_disk: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        tools.query(server.owner_url, "CREATE TABLE kept AS SELECT 42 AS value")
    ballast = fill(small_disk)
    assert refusal(home).code == "embedded_disk_full"
    assert tools.running_servers(home) == []
    # A disk so full that the log cannot hold the reason either.
    ballast.unlink()
    server.place.log.unlink()
    ballast = fill(small_disk)
    assert refusal(home).code == "embedded_disk_full"
    assert server.place.log.stat().st_size == 0
    ballast.unlink()
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert tools.query(server.owner_url, "SELECT value FROM kept") == 42


def test_a_disk_that_fills_up_while_running_loses_nothing_that_was_committed(home: Path, small_disk: Path) -> None:
    with embedded.running(home=home, settings=tools.FAST) as server:
        tools.query(server.owner_url, "CREATE TABLE kept AS SELECT 42 AS value")
        ballast = fill(small_disk)
        with pytest.raises(psycopg.Error):
            tools.query(server.owner_url, "CREATE TABLE large AS SELECT repeat(md5(n::text), 50) FROM generate_series(1, 100000) AS n")
    ballast.unlink()
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert tools.query(server.owner_url, "SELECT value FROM kept") == 42
