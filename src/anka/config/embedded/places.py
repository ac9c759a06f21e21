"""Where the files of one embedded database live, and as whom its server runs.

PostgreSQL refuses to run as root. For root, everything therefore lives under /var/lib/anka, where an unprivileged user can reach its own
folders without any other folder being opened up; for everybody else it lives in the home folder.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from anka.config.embedded.errors import EmbeddedDatabaseError

SYSTEM_FOLDER = Path("/var/lib/anka")
# Everybody can write there, so `prepare` checks that the folder inside is ours alone.
SHORT_FOLDER = Path("/tmp")  # noqa: S108
# The address of a unix socket has 104 bytes on some systems and 108 on others; "/.s.PGSQL.65535" and the end mark need 16 of them.
LONGEST_SOCKET_FOLDER = 104 - 16
# libpq splits a host at commas, and PostgreSQL its list of folders at commas and quotes.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


class SocketFolderUnsafe(EmbeddedDatabaseError):
    """The folder for the socket was there already and is not only ours."""

    code = "embedded_socket_folder_unsafe"
    template = (
        "The folder %(folder)s, where the embedded database would listen, belongs to somebody else or is open to others; nothing was lost. "
        "Remove it or choose a shorter ANKA_HOME, then start again. Log: %(log)s"
    )


class NoUnprivilegedUser(EmbeddedDatabaseError):
    """We are root, and there is nobody PostgreSQL could run as."""

    code = "embedded_no_unprivileged_user"
    template = (
        "PostgreSQL does not run as root, and this system has neither a user postgres nor nobody; nothing was lost. "
        "Create one of them, or start as an ordinary user. Log: %(log)s"
    )


@dataclass(frozen=True)
class Place:
    """The folders and files of one embedded database; `user` is (uid, gid) of the server if it is not the caller's own."""

    home: Path
    folder: Path
    socket: Path
    user: tuple[int, int] | None
    cluster: str

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says, and a failed first start."""
        return self.folder / "postgresql.log"

    @property
    def access_rules(self) -> Path:
        """Who may log in, and how."""
        return self.folder / "pg_hba.conf"

    @property
    def start_lock(self) -> Path:
        """Held while somebody starts the server: one at a time."""
        return self.folder / "start.lock"

    @property
    def lease(self) -> Path:
        """Held shared by every user of the server, exclusively by whoever takes it away."""
        return self.folder / "lease.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.folder / "supervisor.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the postmaster and every process it forked, in whatever container they run."""
        return self.folder / "server.lock"

    def facts(self, *, reason: str = "") -> dict[str, str]:
        """Return what the error messages tell about this place."""
        return {"home": str(self.home), "folder": str(self.folder), "log": str(self.log), "reason": reason}


def place_of(*, home: Path) -> Place:
    """Return where the embedded database of this home lives; touches nothing.

    Raises NoUnprivilegedUser when called as root on a system without one.
    """
    home = home.expanduser().resolve()
    folder = SYSTEM_FOLDER / _mark(home) if os.geteuid() == 0 else home / "postgresql"
    socket = folder / "socket"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_FOLDER or not _PLAIN_PATH.fullmatch(str(socket)):
        socket = SHORT_FOLDER / f"anka-{os.geteuid()}-{_mark(folder)}"
    user = _unprivileged_user(folder / "postgresql.log") if os.geteuid() == 0 else None
    # Named after the data and not after the home: root and an ordinary user may each have a server for the same home.
    return Place(home, folder, socket, user, f"anka-{_mark(folder)}")


def _mark(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _unprivileged_user(log: Path) -> tuple[int, int]:
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    raise NoUnprivilegedUser(log=str(log))


def prepare(*, place: Place) -> None:
    """Make the folders that are missing, leaving the modes of those that exist alone. Raises OSError from the file system."""
    if place.user is None:
        place.home.mkdir(parents=True, exist_ok=True)
        _create(place.folder, 0o700, None)
    else:
        _create(SYSTEM_FOLDER, 0o755, None)
        _create(place.folder, 0o711, None)
        # So that people can tell which of these folders is whose.
        (place.folder / "home").write_bytes(os.fsencode(place.home) + b"\n")


def prepare_socket(*, place: Place) -> None:
    """Make the folder for the socket if it is missing. The caller holds the start lock: until it has its owner it looks like a stranger's.

    Raises SocketFolderUnsafe if it is not the server's own, and OSError from the file system.
    """
    _create(place.socket, 0o700, place.user)
    found = place.socket.lstat()
    owner = os.geteuid() if place.user is None else place.user[0]
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise SocketFolderUnsafe(**{**place.facts(), "folder": str(place.socket)})


def _create(folder: Path, mode: int, user: tuple[int, int] | None) -> None:
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        return
    if user is not None:
        os.chown(folder, *user)
    folder.chmod(mode)
