"""Faults that wait for operations to come, as single shots or as seeded scripts."""

from __future__ import annotations

import json

import msgspec

from anka.sandbox.faults import POSSIBLE, Fault, FaultUnknown, Operation, draw, read_faults
from anka.sandbox.store import Connection

MOST_TIMES = 10_000


def preset(
    *, connection: Connection, operation: Operation, faults: tuple[Fault, ...], times: int, seed: int | None = None, number: str = ""
) -> None:
    """Let the next `times` operations of a kind misbehave, all of them or only those for one number. Raises FaultUnknown."""
    strangers = [fault.fault for fault in faults if fault.fault not in POSSIBLE[operation]]
    if strangers or not faults:
        raise FaultUnknown(f"Nothing was preset: {operation} can only do {', '.join(sorted(POSSIBLE[operation]))}.")
    connection.execute(
        "INSERT INTO sandbox.preset (operation, number, faults, seed, times) VALUES (%s, %s, %s, %s, %s)",
        (operation.value, number, msgspec.json.encode(faults).decode(), seed, times),
    )


def next_fault(*, connection: Connection, operation: Operation, numbers: tuple[str, ...]) -> tuple[Fault, ...]:
    """Take the fault preset for this operation, if there is one: the oldest script first, each operation one turn."""
    row = connection.execute(
        "UPDATE sandbox.preset SET turn = turn + 1 WHERE id = ("
        " SELECT id FROM sandbox.preset WHERE operation = %s AND number = ANY(%s) AND turn < times ORDER BY id LIMIT 1 FOR UPDATE)"
        " RETURNING faults, seed, turn",
        (operation.value, ["", *numbers]),
    ).fetchone()
    if row is None:
        return ()
    choices = read_faults(wishes=json.loads(row[0]))
    drawn = draw(choices=choices, seed=row[1], turn=row[2])
    return (drawn,) if drawn else ()


def lift(*, connection: Connection, operation: Operation) -> None:
    """Forget every fault that still waits for operations of a kind."""
    connection.execute("DELETE FROM sandbox.preset WHERE operation = %s", (operation.value,))
