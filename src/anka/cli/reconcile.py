"""`anka reconcile`: compare a channel's bill of a day with our books, line by line, and our books with it."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from anka.adapters.channels.port import Bill, BillMalformed, BillNotAvailable
from anka.config import start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.core import database
from anka.core.clock import Moment, moment
from anka.core.refusals import Refusal
from anka.domain.money import UnknownCurrency, format_amount
from anka.jobs import reconcile
from anka.jobs.channels import WALLET, channel, channels
from anka.payments import bills
from anka.payments.bills import CHINA, Difference, DifferenceState

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, Refusal, BillNotAvailable, BillMalformed, OSError)
BY = "operator:reconcile"
LARGEST_FILE = 512 * 1024 * 1024
SHOWN = 50
MOST_TOLD = 10_000
NO_TABLES = "SELECT to_regclass('payments_bill') IS NULL"
USAGE = 2


class Told(msgspec.Struct, frozen=True):
    """One difference as programs read it."""

    id: int
    day: date
    kind: str
    number: str
    channel_number: str
    ours_minor: int | None
    theirs_minor: int | None
    currency: str
    status: str


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day; write it like 2026-11-22") from None


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare --channel, --date, --json and the file."""
    parser.add_argument("--channel", required=True, help="whose bill: sandbox, alipay, wechat, epay, epay_v2, stripe")
    parser.add_argument("--date", type=_day, help="which day, in China's time; yesterday where it is left out")
    parser.add_argument("--json", action="store_true", help="machine output, and no progress bar")
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="a bill downloaded from the channel; without it, the channel is asked"
    )


def run(*, given: argparse.Namespace) -> int:
    """Compare and print what was found: 0 all agrees, 1 something differs or could not be had, 2 called wrongly."""
    with start.ready():
        if database.value(NO_TABLES):
            sys.stderr.write("anka: the database has no tables yet; run anka migrate. Nothing was changed.\n")
            return 1
        at = moment()
        day = given.date or at.now.astimezone(CHINA).date() - timedelta(days=1)
        if given.channel not in channels:
            known = ", ".join(sorted(channels)) or "none"
            why = "the wallet is our own books and has no bill" if given.channel == WALLET else f"there is no channel {given.channel} here"
            sys.stderr.write(f"anka: {why}; channels: {known}. Nothing was compared.\n")
            return USAGE
        bill = _bill(given.channel, day, given.file, at)
        with _progress(hidden=given.json) as told:
            kept = reconcile.keep(channel=given.channel, bill=bill, origin=_origin(given.file), at=at, progress=told("Keeping"))
            outcome = reconcile.compare(bill=kept, at=at, progress=told("Comparing"))
        found = _open(given.channel, day)
        sys.stdout.write(_as_json(outcome, found) if given.json else _as_text(outcome, found))
    return 1 if found else 0


def _origin(file: Path | None) -> tuple[str, str]:
    return ("file" if file else "asked", BY)


def _bill(code: str, day: date, file: Path | None, at: Moment) -> Bill:
    """Return the bill, from the file or the channel; raises BillNotAvailable, BillMalformed, OSError."""
    if file is None:
        return channel(code).bill(day=day, now=at.now)
    if file.stat().st_size > LARGEST_FILE:
        raise BillMalformed(
            f"{file.name} is larger than {LARGEST_FILE // 1_048_576} MiB; a bill of one day is not. Nothing was taken from it."
        )
    return channel(code).read_bill(day=day, content=file.read_bytes())


def _open(code: str, day: date) -> list[Difference]:
    found: list[Difference] = []
    after: bills.DifferenceCursor | None = None
    while len(found) < MOST_TOLD:
        page = bills.inbox(status=DifferenceState.OPEN, channel=code, day=day, after=after, limit=bills.MOST)
        found += page
        if len(page) < bills.MOST:
            break
        after = bills.DifferenceCursor(page[-1].found_at, page[-1].id)
    return found


@contextmanager
def _progress(*, hidden: bool) -> Iterator[Callable[[str], reconcile.Progress]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as bar:

        def told(what: str) -> reconcile.Progress:
            task = bar.add_task(what, total=None)
            return lambda done, whole: bar.update(task, completed=done, total=whole)

        yield told


def _as_json(outcome: reconcile.Outcome, found: list[Difference]) -> str:
    bill = outcome.bill
    told = {
        "channel": bill.channel,
        "date": bill.day,
        "digest": bill.digest,
        "lines": bill.line_count,
        "matched": outcome.lines["matched"],
        "absent": outcome.absent,
        "waiting": outcome.waiting,
        "settled": outcome.settled,
        "clean": not found,
        "differences": [msgspec.convert(one, Told, from_attributes=True) for one in found],
    }
    return f"{msgspec.json.encode(told).decode()}\n"


def _as_text(outcome: reconcile.Outcome, found: list[Difference]) -> str:
    bill = outcome.bill
    lines = [f"{bill.channel}, {bill.day} (China): {bill.line_count} lines, {outcome.lines['matched']} agree with the books."]
    if outcome.waiting:
        lines.append(f"{outcome.waiting} taken around midnight may stand on the next day's bill, or on that before; they wait for it.")
    if outcome.settled:
        lines.append(f"{outcome.settled} earlier differences are none any more.")
    lines += [_one(one) for one in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"… and {len(found) - SHOWN} more: --json prints all of them.")
    lines.append(f"{len(found)} differences are open; explain or correct them at /platform/finance." if found else "No difference is open.")
    return "\n".join(lines) + "\n"


def _one(one: Difference) -> str:
    sums = [f"{name} {_amount(minor, one.currency)}" for name, minor in (("ours", one.ours_minor), ("theirs", one.theirs_minor)) if minor]
    return f"  {one.kind:<20} {one.number or '–'}  {one.channel_number or '–'}  {', '.join(sums)} {one.currency}"


def _amount(minor: int, currency: str) -> str:
    try:
        return format_amount(amount_minor=minor, currency=currency)
    except UnknownCurrency:
        # A channel may bill in a currency that we do not trade in.
        return f"{minor} minor units"
