"""Finding the server that runs on a data folder, without taking a stranger for it."""

from __future__ import annotations

from dataclasses import dataclass

from anka.config.embedded.places import Place
from anka.config.embedded.supervisor import Process, command_line, process

# Lines of postmaster.pid, counted from zero (PostgreSQL: src/include/utils/pidfile.h).
_PID, _PORT, _STATUS = 0, 3, 7


@dataclass(frozen=True)
class Postmaster:
    """The running server; `status` is starting, ready, stopping or standby, as it says itself."""

    process: Process
    port: int
    status: str


def postmaster_of(*, place: Place) -> Postmaster | None:
    """Return the server that runs on the data of this place, or None.

    The number in postmaster.pid may be that of a process that has nothing to do with us, so its command line has to name our data folder.
    """
    try:
        lines = [line.strip() for line in (place.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")]
    except FileNotFoundError:
        return None
    if len(lines) <= _PORT or not lines[_PID].isdigit() or not lines[_PORT].isdigit():
        return None
    found = process(pid=int(lines[_PID]))
    # The moment of start is read first: whatever replaces the process after it no longer matches it.
    if found is None or f"/postgres -D {place.data} -c " not in command_line(pid=found.pid):
        return None
    status = lines[_STATUS] if len(lines) > _STATUS else "starting"
    return Postmaster(found, int(lines[_PORT]), status)
