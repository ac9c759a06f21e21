"""Processor time of a process and everything below it, as Linux counts it in /proc."""

import os
from pathlib import Path

PROC = Path("/proc")
# Of the fields after the command's name: parent, then user, system, waited-for children's user and system time in ticks.
_PARENT, _TIMES = 1, slice(11, 15)


def is_counted() -> bool:
    """Tell whether this system counts processor time where we look for it."""
    return (PROC / "self" / "stat").exists()


def of_family(*, root: int) -> float:
    """Return the processor seconds used so far by a process, its descendants, and those of them that have ended already."""
    processes = _processes()
    return sum(processes[number][1] for number in _below(root, processes)) / os.sysconf("SC_CLK_TCK")


def _processes() -> dict[int, tuple[int, int]]:
    """Return parent and ticks of every process."""
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _fields(entry)
            if fields:
                found[int(entry.name)] = (int(fields[_PARENT]), sum(int(ticks) for ticks in fields[_TIMES]))
    return found


def _fields(entry: Path) -> list[str]:
    try:
        text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        # It has ended since we saw its folder.
        return []
    return text.rpartition(")")[2].split()


def _below(root: int, processes: dict[int, tuple[int, int]]) -> set[int]:
    family = {root} & set(processes)
    grown = True
    while grown:
        more = {number for number, (parent, _) in processes.items() if parent in family and number not in family}
        family |= more
        grown = bool(more)
    return family
