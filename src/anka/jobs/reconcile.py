"""Reconciliation: a channel's bill of a day against our books, line by line, and our books against the bill.

The channel is asked outside any transaction; everything written is small batches, each harmless to repeat, so that whoever takes over
after a crash goes on where the other stopped, and a day that is compared again changes nothing.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext_lazy as _

from anka.adapters.channels.port import Bill, BillMalformed, BillNotAvailable, Evidence, EvidenceStatus
from anka.core import database, outbox
from anka.core.clock import Moment
from anka.core.refusals import DatabaseUnavailable, Refusal
from anka.domain.chart import PLATFORM_SHOP
from anka.flows import compare_bill, keep_bill
from anka.flows.record_notice import ask_channel
from anka.jobs import notices, refunds
from anka.jobs.channels import channel as channel_named
from anka.jobs.channels import channels
from anka.payments import bills
from anka.payments.bills import CHINA, Difference, DifferenceKind, KeptBill, KeptLine, Missing, Verdict

log = logging.getLogger("anka.worker")
TOPIC = "reconcile"
# How many lines are compared in one transaction, and how many of them a worker takes up before it looks after other work.
BATCH, BATCHES_AT_ONCE = 1_000, 2
# Channels have their bills ready in the morning.
READY_AT = time(10, 30)
NOT_YET = timedelta(minutes=30)
GIVEN_UP_AFTER = timedelta(days=7)
# How long what is still open is looked at again, and how often.
LOOK_AGAIN, LOOKED_AT_FOR = timedelta(hours=1), timedelta(days=1)
# How many channel calls one batch may make for payments nobody took; the rest is asked by the worker, one by one.
ASKED_AT_ONCE = 3
MOST_ABSENT, MOST_AGAIN = 1_000, 500
# A bill of a neighbouring day is waited for no longer than this before what is missing is called a difference.
PATIENCE = timedelta(days=3)
KNOWN_WORK = "SELECT EXISTS (SELECT FROM core_outbox WHERE shop_id = %s AND topic = %s AND subject = %s)"
Progress = Callable[[int, int], None]


class BillUnreadable(Refusal):
    """What the channel gave is no bill of that day."""

    code, status = "bill_malformed", 502
    says = _("The channel's bill could not be read: %(reason)s")


@dataclass
class Outcome:
    """What comparing a bill has found: its lines by what our books say of them, and what our books have and it has not.

    `absent` stands on no bill, `waiting` may stand on one that was not read yet; `settled` were differences and are none any more.
    """

    bill: KeptBill
    lines: Counter[str] = field(default_factory=Counter)
    absent: int = 0
    waiting: int = 0
    settled: int = 0


def _nothing(_done: int, _all: int) -> None:
    """Tell nobody."""


def ask_for_bill(*, channel: str, day: date, by: str, at: Moment) -> KeptBill:
    """Ask a channel for the bill of a day and keep it.

    Raises:
        ChannelUnknown, BillNotAvailable, BillMalformed: nothing was kept.
    """
    return keep(channel=channel, bill=channel_named(channel).bill(day=day, now=at.now), origin=("asked", by), at=at)


def keep(*, channel: str, bill: Bill, origin: tuple[str, str], at: Moment, progress: Progress = _nothing) -> KeptBill:
    """Keep a bill that was read, and return it; from now on it is the bill of its day."""
    bill_id = keep_bill.begin_bill(channel=channel, day=bill.day, digest=bill.digest, origin=origin, line_count=len(bill.lines), at=at)
    for begin in range(0, len(bill.lines), keep_bill.BATCH):
        part = bill.lines[begin : begin + keep_bill.BATCH]
        keep_bill.keep_lines(bill_id=bill_id, lines=[_kept(begin + place, line) for place, line in enumerate(part, start=1)])
        progress(begin + len(part), len(bill.lines))
    keep_bill.finish_bill(bill_id=bill_id, at=at)
    kept = bills.current_bill(channel=channel, day=bill.day)
    if kept is None:
        raise keep_bill.BillIncomplete(f"another bill of {bill.day} took its place")
    return kept


def _kept(number: int, line: object) -> KeptLine:
    names = KeptLine.__struct_fields__[1:]
    return KeptLine(number, *(getattr(line, name) for name in names))


def compare(*, bill: KeptBill, at: Moment, progress: Progress = _nothing) -> Outcome:
    """Compare all of a bill with our books, and our books with it."""
    outcome = Outcome(bill=bill)
    for begin in range(1, bill.line_count + 1, BATCH):
        lines = range(begin, min(begin + BATCH, bill.line_count + 1))
        outcome.lines.update(verdict.verdict for verdict in _compare_batch(bill, lines, at))
        progress(lines[-1], bill.line_count)
    _finish(bill, outcome, at)
    return outcome


def pursue(*, subject: str, at: Moment) -> timedelta | None:
    """Bring the reconciliation of `channel:day` further, and return after what time to go on; None where it is finished.

    Raises:
        BillUnreadable: the channel gave something else than a bill.
    """
    code, _separator, text = subject.partition(":")
    day = date.fromisoformat(text)
    if code not in channels:
        return None
    bill = bills.current_bill(channel=code, day=day)
    if bill is None:
        try:
            ask_for_bill(channel=code, day=day, by=compare_bill.ACTOR, at=at)
        except BillNotAvailable:
            return NOT_YET if at.now < _midnight(day) + GIVEN_UP_AFTER else None
        except BillMalformed as reason:
            raise BillUnreadable(reason=reason) from reason
        return timedelta(0)
    if bill.compared_at is None:
        return _go_on(bill, at)
    outcome = Outcome(bill=bill)
    _look_again(bill, outcome, at)
    still = {found.kind for found in bills.inbox(status=bills.DifferenceState.OPEN, channel=code, day=day, after=None, limit=bills.MOST)}
    unfinished = still & set(_ACTS)
    return LOOK_AGAIN if unfinished and at.now < bill.compared_at + LOOKED_AT_FOR else None


def _go_on(bill: KeptBill, at: Moment) -> timedelta:
    place = bill.compared_to + 1
    for _batch in range(BATCHES_AT_ONCE):
        lines = range(place, min(place + BATCH, bill.line_count + 1))
        if lines:
            _compare_batch(bill, lines, at)
            place = lines[-1] + 1
    if place > bill.line_count:
        _finish(bill, Outcome(bill=bill), at)
        return LOOK_AGAIN
    return timedelta(0)


def ask_daily(*, at: Moment) -> int:
    """Ask for the reconciliation of yesterday at every channel that has bills, once it is morning in China; return how many were asked."""
    here = at.now.astimezone(CHINA)
    if here.time() < READY_AT:
        return 0
    yesterday, asked = here.date() - timedelta(days=1), 0
    for code in sorted(channels):
        subject = f"{code}:{yesterday}"
        if channels[code].manners.has_bills and not database.value(KNOWN_WORK, (PLATFORM_SHOP, TOPIC, subject)):
            outbox.ask(shop_id=PLATFORM_SHOP, topic=TOPIC, subject=subject, due_at=at.now, at=at)
            asked += 1
    return asked


def _compare_batch(bill: KeptBill, lines: Sequence[int], at: Moment) -> list[Verdict]:
    """Compare a batch; act on what can be put right at once, and write down what is left of that."""
    verdicts = compare_bill.compare_lines(bill=bill, lines=lines, leaving=tuple(_ACTS), up_to=lines[-1], at=at)
    wanting = {one.line: one.verdict for one in verdicts if one.verdict in _ACTS}
    if not wanting:
        return verdicts
    told = {line.line: line for line in bills.bill_lines(bill_id=bill.id, lines=list(wanting))}
    calls = ASKED_AT_ONCE
    for number, verdict in wanting.items():
        calls -= _ACTS[verdict](bill, told[number], calls, at)
    again = compare_bill.compare_lines(bill=bill, lines=list(wanting), up_to=lines[-1], at=at)
    return [one for one in verdicts if one.line not in wanting] + again


def _take(bill: KeptBill, line: KeptLine, calls: int, at: Moment) -> int:
    """Ask the channel about a payment that it billed and we never took; take it where it says so.

    `calls` is how often it may be called; returns how often it was. Where it may not, or says nothing certain, the worker asks.
    """
    if not notices.NUMBER.fullmatch(line.number):
        return 0
    adapter = channels.get(bill.channel)
    if adapter is None or calls <= 0:
        ask_channel(channel=bill.channel, payment_number=line.number, at=at)
        return 0
    said = adapter.query_payment(number=line.number, now=at.now)
    try:
        if said.status == EvidenceStatus.SUCCEEDED:
            notices.take(channel=bill.channel, evidence=said, at=at)
            return 1
    except DatabaseUnavailable:
        raise
    except Refusal as refused:
        log.warning("payment %s stands on a bill of %s and was not taken (%s); it is asked about", line.number, bill.channel, refused.code)
    ask_channel(channel=bill.channel, payment_number=line.number, at=at)
    return 1


def _hear_of_refund(bill: KeptBill, line: KeptLine, _calls: int, at: Moment) -> int:
    """Apply to a refund attempt what the bill says of it: it was paid, or it came back, and is owed to the buyer again."""
    evidence = Evidence(
        status=EvidenceStatus.SUCCEEDED if line.kind == "refund" else EvidenceStatus.FAILED,
        number=line.number,
        source="bill",
        observed_at=at.now,
        channel_number=line.channel_number or None,
        amount_minor=line.amount_minor,
        currency=line.currency,
        occurred_at=line.occurred_at,
        digest=bill.digest,
    )
    try:
        refunds.apply_evidence(evidence=evidence, channel=bill.channel, payment_number=line.payment_number, at=at)
    except DatabaseUnavailable:
        raise
    except Refusal as refused:
        log.warning("refund %s stands on a bill of %s and was not applied (%s)", line.number, bill.channel, refused.code)
    return 0


_ACTS: dict[str, Callable[[KeptBill, KeptLine, int, Moment], int]] = {
    DifferenceKind.NOT_TAKEN: _take,
    DifferenceKind.REFUND_OPEN: _hear_of_refund,
    DifferenceKind.REVERSAL_OPEN: _hear_of_refund,
}


def _finish(bill: KeptBill, outcome: Outcome, at: Moment) -> None:
    absent = _absent(bill, at)
    known = [one for one in absent if one.known]
    outcome.absent, outcome.waiting = len(known), len(absent) - len(known)
    compare_bill.finish_comparison(bill=bill, absent=known, at=at)
    _look_again(bill, outcome, at)


def _absent(bill: KeptBill, at: Moment) -> list[Missing]:
    patience = (at.now - PATIENCE).astimezone(CHINA).date()
    return bills.missing(channel=bill.channel, day=bill.day, patience=patience, limit=MOST_ABSENT)


def _look_again(bill: KeptBill, outcome: Outcome, at: Moment) -> None:
    """Settle what is no difference any more, of this bill and of those before it; what was corrected for nothing waits for a person."""
    compare_bill.reopen_overtaken(channel=bill.channel, at=at)
    outcome.settled += compare_bill.settle_gone(ids=bills.gone(channel=bill.channel, limit=MOST_AGAIN), at=at)
    found = bills.open_with_lines(channel=bill.channel, after_id=0, limit=MOST_AGAIN)
    by_day: dict[date, list[Difference]] = {}
    for one in found:
        by_day.setdefault(one.day, []).append(one)
    for day, differences in sorted(by_day.items()):
        current = bills.current_bill(channel=bill.channel, day=day)
        of_current = [one for one in differences if current is not None and one.bill_id == current.id]
        if current is not None and of_current:
            outcome.settled += compare_bill.compare_again(bill=current, differences=of_current, at=at)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=CHINA)
