"""What PostgreSQL says when it does not start, told as one of a few facts a person can act on."""

from __future__ import annotations

import errno
import os
import re

from anka.config.embedded.errors import EmbeddedDatabaseError
from anka.config.embedded.places import Place
from anka.config.embedded.settings import DatabaseSettingRefused

# Below this PostgreSQL cannot even write the next piece of its log.
_FULL_BYTES = 64 * 1024
_LONGEST_LOG_TAIL = 64 * 1024


class DiskFull(EmbeddedDatabaseError):
    """There is no room left where the data lives."""

    code = "embedded_disk_full"
    template = (
        "The disk that holds %(folder)s is full, so the embedded database could not start; nothing that was saved is lost. "
        "Free some space, then start again. Log: %(log)s"
    )


class PortBusy(EmbeddedDatabaseError):
    """Somebody else listens on the TCP port that was asked for."""

    code = "embedded_port_busy"
    template = (
        "Another program already listens on the port asked for the embedded database; nothing was lost. "
        "Choose another port, or none (the database needs no port), then start again. Log: %(log)s"
    )


class NotEnoughMemory(EmbeddedDatabaseError):
    """The system refused the memory the server shares among its processes."""

    code = "embedded_not_enough_memory"
    template = (
        "There is not enough free memory for the embedded database; nothing was lost. Free about 512 MB, then start again. Log: %(log)s"
    )


class FolderNotUsable(EmbeddedDatabaseError):
    """The file system refuses us a file or folder."""

    code = "embedded_folder_not_usable"
    template = (
        "The embedded database cannot use %(folder)s (%(reason)s); nothing was lost. "
        "Give it a folder it may write to (ANKA_HOME), then start again. Log: %(log)s"
    )


class ServerDidNotStart(EmbeddedDatabaseError):
    """PostgreSQL ended before it was ready, for a reason only its log tells."""

    code = "embedded_did_not_start"
    template = (
        "The embedded database did not start: %(reason)s; nothing that was saved is lost. Read the log, then start again. Log: %(log)s"
    )


_KNOWN: tuple[tuple[str, type[EmbeddedDatabaseError]], ...] = (
    (r"No space left on device|Disk quota exceeded|Check free disk space|wrote only \d+ of \d+ bytes", DiskFull),
    (r"could not bind IPv[46] address|could not create any TCP/IP sockets", PortBusy),
    (
        r"unrecognized configuration parameter|invalid value for parameter|outside the valid range for parameter|requires a numeric value",
        DatabaseSettingRefused,
    ),
    (r"Cannot allocate memory|could not create shared memory segment", NotEnoughMemory),
    (r"(?:PANIC|FATAL):.*(?:Permission denied|Read-only file system|Operation not permitted)", FolderNotUsable),
)


def failure_from_log(*, place: Place, text: str) -> EmbeddedDatabaseError:
    """Return what went wrong, judged by what PostgreSQL wrote; a disk too full to write anything counts as full."""
    reason = _reason(text)
    for pattern, kind in _KNOWN:
        if re.search(pattern, text):
            return kind(**place.facts(reason=reason))
    if _disk_is_full(place):
        return DiskFull(**place.facts())
    return ServerDidNotStart(**place.facts(reason=reason))


def failure_from_system(*, place: Place, failure: OSError) -> EmbeddedDatabaseError:
    """Return what went wrong, judged by what the operating system answered."""
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(**place.facts())
    if failure.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
        return FolderNotUsable(**place.facts(reason=str(failure)))
    return ServerDidNotStart(**place.facts(reason=str(failure)))


def log_written_since(*, place: Place, offset: int) -> str:
    """Return what the server logged since this position, at most the last 64 KiB; empty if there is no log."""
    try:
        with place.log.open("rb") as log:
            log.seek(max(offset, place.log.stat().st_size - _LONGEST_LOG_TAIL))
            return log.read(_LONGEST_LOG_TAIL).decode(errors="replace")
    except FileNotFoundError:
        return ""


def _reason(text: str) -> str:
    lines = re.findall(r"(?:PANIC|FATAL|ERROR|initdb: error):\s+(.+)", text)
    lines = lines or [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _disk_is_full(place: Place) -> bool:
    try:
        found = os.statvfs(place.folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _FULL_BYTES
