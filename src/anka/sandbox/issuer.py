"""The issuer simulator's books: what it knows of each unit's key, as played, and the keys it made worthless."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec

from anka.core.clock import Moment
from anka.sandbox.exchange import Refused
from anka.sandbox.payments import Number
from anka.sandbox.store import Connection, lock_number

UseCheck = Literal["unknown", "unused", "used_before_reveal", "used_after_reveal", "invalid"]
Text = Annotated[str, msgspec.Meta(max_length=40)]
STATES = {"unknown": "unknown", "unused": "unused", "used_before_reveal": "used", "used_after_reveal": "used", "invalid": "invalid"}
Message = dict[str, object]


class PlayIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the issuer shall know of a unit's key. A silent issuer knows it and says nothing."""

    use_check: UseCheck = "unknown"
    used_by: Literal["unknown", "buyer", "other"] = "unknown"
    voidable: bool = False
    delivered_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    face_value: Text | None = None
    region: Text | None = None
    silent: bool = False


class NotVoidable(Refused):
    """The key was used, is invalid, or its issuer takes none back."""

    code = "not_voidable"
    status = 409


class VoidNumberReused(Refused):
    """The number of a void was given for another unit."""

    code = "void_number_reused"
    status = 409


class IssuerSilent(Refused):
    """The issuer was played silent."""

    code = "silent"
    status = 503


def play(*, connection: Connection, unit: Number, known: PlayIssuer, moment: Moment) -> None:
    """Set what the issuer knows of a unit's key. What was voided stays voided."""
    connection.execute(
        "INSERT INTO sandbox.issuer_key (unit, use_check, used_by, voidable, delivered_percent, face_value, region, silent, changed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (unit) DO UPDATE SET use_check = excluded.use_check,"
        " used_by = excluded.used_by, voidable = excluded.voidable, delivered_percent = excluded.delivered_percent,"
        " face_value = excluded.face_value, region = excluded.region, silent = excluded.silent, changed_at = excluded.changed_at",
        (unit, *msgspec.structs.astuple(known), moment.now),
    )


def words(*, connection: Connection, units: list[str]) -> list[Message]:
    """Return what the issuer says about these units: nothing about silent ones, and that it does not know about strangers."""
    rows = connection.execute(
        "SELECT key.unit, key.use_check, key.used_by, key.voidable, key.delivered_percent, key.face_value, key.region, key.silent,"
        " void.receipt FROM sandbox.issuer_key AS key LEFT JOIN sandbox.issuer_void AS void ON void.unit = key.unit"
        " WHERE key.unit = ANY (%s)",
        (units,),
    ).fetchall()
    known = {row[0]: row[1:] for row in rows}
    found: list[Message] = []
    for unit in units:
        if unit not in known:
            found.append({"unit": unit, "state": "unknown"})
        elif not known[unit][6]:
            found.append(_word(unit, *known[unit]))
    return found


def _word(unit: str, *known: object) -> Message:
    use_check, used_by, voidable, percent, face_value, region, _silent, receipt = known
    said: Message = {"unit": unit, "redeemer": used_by, "voidable": voidable}
    if receipt is not None:
        said |= {"state": "voided", "receipt": receipt}
    else:
        said |= {"state": STATES[str(use_check)], "use_check": use_check}
    optional = {"value_percent": percent, "face_value": face_value, "region": region}
    return said | {name: value for name, value in optional.items() if value is not None}


def void(*, connection: Connection, unit: Number, number: Number) -> Message:
    """Make a key worthless and return the receipt. A key is voided once: whoever asks again gets the first receipt.

    Raises:
        NotVoidable: it cannot be taken back. VoidNumberReused: the number stands for another unit. IssuerSilent: as its name says.
    """
    lock_number(connection=connection, number=f"void {unit}")
    known = connection.execute("SELECT voidable, use_check, silent FROM sandbox.issuer_key WHERE unit = %s", (unit,)).fetchone()
    if known is not None and known[2]:
        raise IssuerSilent("The sandbox issuer was asked to be silent.")
    of_number = connection.execute("SELECT unit FROM sandbox.issuer_void WHERE number = %s", (number,)).fetchone()
    if of_number is not None and of_number[0] != unit:
        raise VoidNumberReused("Nothing was voided: this number was given for another unit.")
    done = connection.execute("SELECT receipt FROM sandbox.issuer_void WHERE unit = %s", (unit,)).fetchone()
    if done is not None:
        return {"unit": unit, "number": number, "receipt": done[0]}
    if known is None or not known[0] or known[1] not in ("unused", "unknown"):
        raise NotVoidable("Nothing was voided: this key cannot be taken back.")
    receipt = "void_" + hashlib.sha256(f"{unit} {number}".encode()).hexdigest()[:24]
    connection.execute("INSERT INTO sandbox.issuer_void (unit, number, receipt) VALUES (%s, %s, %s)", (unit, number, receipt))
    return {"unit": unit, "number": number, "receipt": receipt}
