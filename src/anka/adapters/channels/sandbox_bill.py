"""The sandbox's bill of one day, in its own JSON: what moved, what it cost, and what has become ours to draw."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta, timezone
from typing import Annotated

import msgspec

from anka.adapters.channels.port import Bill, BillKind, BillLine, BillMalformed

# Days of bills are days in China.
CHINA = timezone(timedelta(hours=8))

_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]
_Amount = Annotated[int, msgspec.Meta(gt=0, le=10**15)]


class _Line(msgspec.Struct, frozen=True):
    kind: BillKind
    number: str
    payment_number: str
    transaction: str
    amount_minor: _Amount
    currency: str
    occurred_at: _Zoned
    fee_minor: int = 0


class _Content(msgspec.Struct, frozen=True):
    date: date
    lines: list[_Line]


def read_bill(*, day: date, content: bytes) -> Bill:
    """Return the bill in the bytes the gateway gave for this day.

    Raises:
        BillMalformed: they are no bill, a line of it is damaged, or it is another day's.
    """
    try:
        told = msgspec.json.decode(content, type=_Content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as reason:
        raise BillMalformed(f"This is not a bill of the sandbox: {reason}. Nothing was taken from it.") from reason
    if told.date != day:
        raise BillMalformed(f"This bill is of {told.date}, not of {day}. Nothing was taken from it.")
    for position, line in enumerate(told.lines, start=1):
        if line.occurred_at.astimezone(CHINA).date() != day:
            raise BillMalformed(f"Line {position} happened on another day than {day}. Nothing was taken from this bill.")
    lines = tuple(
        BillLine(
            kind=line.kind,
            number=line.number,
            payment_number=line.payment_number,
            channel_number=line.transaction,
            amount_minor=line.amount_minor,
            fee_minor=line.fee_minor,
            currency=line.currency,
            occurred_at=line.occurred_at,
        )
        for line in told.lines
    )
    return Bill(day=day, lines=lines, digest=hashlib.sha256(content).hexdigest())
