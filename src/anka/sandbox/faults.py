"""The faults the gateway can be asked for, which operation each belongs to, and seeded scripts of them."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from anka.sandbox.exchange import Refused

MOST_FAULTS = 8
LONGEST_ANSWER_DELAY_SECONDS = 30


class Operation(StrEnum):
    """What the gateway does for a merchant; a fault can be preset for each."""

    PAY = "pay"
    CLOSE = "close"
    QUERY = "query"
    REFUND = "refund"
    QUERY_REFUND = "query_refund"
    SETTLE_REFUND = "settle_refund"
    START = "start"
    MEND_REFUND = "mend_refund"
    ISSUER = "issuer"


class FaultName(StrEnum):
    """A way of misbehaving."""

    DELAY = "delay"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    WRONG_AMOUNT = "wrong_amount"
    FORGED = "forged"
    REPLAYED = "replayed"
    REFLECTED = "reflected"
    OTHER_ORDER = "other_order"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    ERROR_500 = "error_500"
    REFUND_SUCCEEDS_AFTER_FAILURE = "refund_succeeds_after_failure"
    NOTICE_BEFORE_ANSWER = "notice_before_answer"
    NEVER = "never"
    LATE = "late"
    OUT_OF_FUNDS = "out_of_funds"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault with its parameters: `seconds` on `clock` for delay and replayed, `copies` for duplicate, `number` for other_order."""

    fault: FaultName
    seconds: Annotated[int, msgspec.Meta(ge=0, le=31 * 86_400)] = 600
    clock: Literal["real", "sandbox"] = "real"
    copies: Annotated[int, msgspec.Meta(ge=2, le=15)] = 2
    number: Annotated[str, msgspec.Meta(max_length=64)] = ""


class FaultUnknown(Refused):
    """A fault, its parameters or its operation do not exist."""

    code = "fault_unknown"
    status = 422


# Somebody else than the gateway speaks: nothing happens at the gateway, only the bad notice goes out.
ATTACKS = frozenset({FaultName.FORGED, FaultName.REPLAYED, FaultName.REFLECTED, FaultName.OTHER_ORDER})
NOTICE_FAULTS = ATTACKS | {FaultName.DELAY, FaultName.DUPLICATE, FaultName.OUT_OF_ORDER, FaultName.WRONG_AMOUNT, FaultName.NEVER}
ANSWER_FAULTS = frozenset(
    {
        FaultName.DELAY,
        FaultName.TIMEOUT_BEFORE,
        FaultName.TIMEOUT_AFTER,
        FaultName.ERROR_500,
        FaultName.WRONG_AMOUNT,
        FaultName.FORGED,
    }
)
REFUND_FAULTS = frozenset(
    {FaultName.REFUND_SUCCEEDS_AFTER_FAILURE, FaultName.NOTICE_BEFORE_ANSWER, FaultName.NEVER, FaultName.OUT_OF_FUNDS}
)
POSSIBLE = {
    Operation.PAY: NOTICE_FAULTS | {FaultName.LATE},
    Operation.CLOSE: ANSWER_FAULTS,
    Operation.QUERY: ANSWER_FAULTS,
    Operation.REFUND: ANSWER_FAULTS | REFUND_FAULTS,
    Operation.QUERY_REFUND: ANSWER_FAULTS,
    Operation.SETTLE_REFUND: NOTICE_FAULTS,
    Operation.START: ANSWER_FAULTS - {FaultName.WRONG_AMOUNT},
    Operation.MEND_REFUND: ANSWER_FAULTS,
    Operation.ISSUER: ANSWER_FAULTS - {FaultName.WRONG_AMOUNT},
}


def read_faults(*, wishes: list[object]) -> tuple[Fault, ...]:
    """Return the faults meant by a list of names and objects. Raises FaultUnknown."""
    if len(wishes) > MOST_FAULTS:
        raise FaultUnknown(f"At most {MOST_FAULTS} faults at once.")
    try:
        return tuple(msgspec.convert({"fault": wish} if isinstance(wish, str) else wish, type=Fault) for wish in wishes)
    except msgspec.ValidationError as reason:
        raise FaultUnknown(f"Nothing was played: {reason}. The faults are {', '.join(FaultName)}.") from reason


def named(*, faults: tuple[Fault, ...], name: FaultName) -> Fault | None:
    """Return the fault of this name among `faults`."""
    return next((fault for fault in faults if fault.fault is name), None)


def draw(*, choices: tuple[Fault, ...], seed: int | None, turn: int) -> Fault | None:
    """Return the fault for one operation of a script: the same seed and turn give the same one, or none at all.

    Without a seed it is always the first choice.
    """
    if seed is None:
        return choices[0]
    possible = (None, *choices)
    number = int.from_bytes(hashlib.sha256(f"{seed}:{turn}".encode()).digest()[:8])
    return possible[number % len(possible)]
