"""Compare a batch of a bill's lines with our books, post their fees and settlements, and note what differs. Harmless to repeat."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import system
from anka.core.clock import Moment
from anka.domain.postings import Posting
from anka.domain.postings_channel import channel_fee, channel_fee_returned, channel_settled
from anka.flows.steps.change import journals
from anka.payments.bills import Difference, KeptBill, KeptLine, Missing, Verdict, bill_lines, judged

ACTOR = str(system("reconciliation"))
MATCHED = "matched"
# The fee of a line whose sum differs is a fee all the same, whatever becomes of the sum.
FEE_STANDS = frozenset({MATCHED, "amount_differs", "refund_differs"})
POST = "SELECT post_journals(%s, %s, %s)"
NOTE = "SELECT note_differences(%s, %s, %s)"
SETTLE = "SELECT settle_differences(%s, %s, %s, %s)"
LOCK = "SELECT compared_to FROM payments_bill WHERE id = %s AND superseded_at IS NULL AND read_at IS NOT NULL FOR UPDATE"
ADVANCE = "UPDATE payments_bill SET compared_to = greatest(compared_to, %s) WHERE id = %s"
FINISHED = """
UPDATE payments_bill SET compared_at = %s, compared_in = pg_current_xact_id()
WHERE id = %s AND superseded_at IS NULL AND compared_to = line_count
"""
REOPEN = "SELECT reopen_overtaken(%s, %s, %s, %s)"
PUT_RIGHT = "the books and the bill agree by now"
CORRECTED = "the bills that count do not say so any more"
OVERTAKEN = "our books were corrected, and a later bill takes it back"


def compare_lines(*, bill: KeptBill, lines: Sequence[int], leaving: Collection[str] = (), up_to: int, at: Moment) -> list[Verdict]:
    """Compare these lines and return what our books say of them. A bill that was superseded is left alone.

    Lines with a verdict in `leaving` are left to be acted upon and compared again; where there are none, the bill counts as compared up to
    the line `up_to`.
    """
    with database.transaction():
        if not database.rows(LOCK, (bill.id,)):
            return []
        verdicts = judged(bill_id=bill.id, lines=lines)
        told = {line.line: line for line in bill_lines(bill_id=bill.id, lines=lines)}
        _post(bill, [(told[verdict.line], verdict) for verdict in verdicts if verdict.verdict in FEE_STANDS], at)
        found = [_found(bill, told[verdict.line], verdict) for verdict in verdicts if verdict.verdict not in (MATCHED, *leaving)]
        if found:
            database.rows(NOTE, (at.now, ACTOR, msgspec.json.encode(found).decode()))
        if not any(verdict.verdict in leaving for verdict in verdicts):
            database.rows(ADVANCE, (up_to, bill.id))
        return verdicts


def finish_comparison(*, bill: KeptBill, absent: Sequence[Missing], at: Moment) -> None:
    """Note what our books have and no bill has, and say that a bill was compared to its end."""
    with database.transaction():
        if not database.rows(LOCK, (bill.id,)):
            return
        found = [_absent(bill.channel, bill.day, one) for one in absent]
        if found:
            database.rows(NOTE, (at.now, ACTOR, msgspec.json.encode(found).decode()))
        database.rows(FINISHED, (at.now, bill.id))


def settle_gone(*, ids: Sequence[int], at: Moment) -> int:
    """Settle differences that no bill that counts speaks of any more; return how many."""
    with database.transaction():
        return int(database.value(SETTLE, (list(ids), at.now, ACTOR, CORRECTED)))


def reopen_overtaken(*, channel: str, at: Moment) -> int:
    """Put back into the inbox what our books were corrected for and no bill that counts says any more; return how many."""
    with database.transaction():
        return int(database.value(REOPEN, (channel, at.now, ACTOR, OVERTAKEN)))


def compare_again(*, bill: KeptBill, differences: Sequence[Difference], at: Moment) -> int:
    """Look again at lines of a bill that differed; settle what agrees by now and return how many those were."""
    with database.transaction():
        if not database.rows(LOCK, (bill.id,)):
            return 0
        lines = [found.line for found in differences if found.line is not None]
        verdicts = {verdict.line: verdict for verdict in judged(bill_id=bill.id, lines=lines)}
        agreed = [verdict for verdict in verdicts.values() if verdict.verdict == MATCHED]
        told = {line.line: line for line in bill_lines(bill_id=bill.id, lines=[verdict.line for verdict in agreed])}
        _post(bill, [(told[verdict.line], verdict) for verdict in agreed], at)
        moved = [_found(bill, line, verdicts[line.line]) for line in _others(bill, verdicts, differences)]
        if moved:
            database.rows(NOTE, (at.now, ACTOR, msgspec.json.encode(moved).decode()))
        over = [found.id for found in differences if found.line in verdicts and verdicts[found.line].verdict != found.kind]
        return int(database.value(SETTLE, (over, at.now, ACTOR, PUT_RIGHT)))


def _others(bill: KeptBill, verdicts: dict[int, Verdict], before: Sequence[Difference]) -> list[KeptLine]:
    """Return the lines that still differ, but in another way than before."""
    kinds = {found.line: found.kind for found in before}
    changed = [one.line for one in verdicts.values() if one.verdict not in (MATCHED, kinds.get(one.line))]
    return bill_lines(bill_id=bill.id, lines=changed)


def _post(bill: KeptBill, agreed: list[tuple[KeptLine, Verdict]], at: Moment) -> None:
    """Post the fees and settlements of lines we know, each once; those that are posted are told apart by their keys."""
    by_currency: dict[str, list[dict[str, Any]]] = {}
    for line, verdict in agreed:
        by_currency.setdefault(line.currency, []).extend(journals(_posting(bill.channel, line, verdict)))
    for currency, posted in sorted(by_currency.items()):
        if posted:
            # Shop 0 last, as everywhere.
            posted.sort(key=lambda journal: (journal["shop_id"] == 0, journal["shop_id"], journal["key"]))
            database.rows(POST, (at.now, currency, msgspec.json.encode(posted).decode()))


def _posting(channel: str, line: KeptLine, verdict: Verdict) -> Posting:
    about: dict[str, Any] = {"shop_id": verdict.shop_id or 0, "channel": channel, "reference": verdict.reference or ""}
    if line.kind == "settlement":
        return channel_settled(**about, amount_minor=line.amount_minor) if not verdict.ours_minor else ()
    if verdict.fee_minor is not None or line.fee_minor == 0:
        return ()
    if line.fee_minor < 0:
        return channel_fee_returned(**about, amount_minor=-line.fee_minor)
    return channel_fee(**about, amount_minor=line.fee_minor)


def _found(bill: KeptBill, line: KeptLine, verdict: Verdict) -> dict[str, Any]:
    fees = verdict.verdict == "fee_differs"
    known = verdict.ours_minor if verdict.shop_id is not None and verdict.ours_minor else None
    # A channel may know a payment and its refunds by one number, so a refund is told by ours.
    names = (line.number, line.channel_number) if line.kind.startswith("refund") else (line.channel_number, line.number)
    subject = names[0] or names[1] or f"line {line.line}"
    if verdict.verdict == "twice":
        subject = f"{subject} {bill.day} {line.line}"
    return {
        "channel": bill.channel,
        "day": bill.day,
        "kind": verdict.verdict,
        "subject": f"{line.kind} {subject}"[:200],
        "bill_id": bill.id,
        "line": line.line,
        "number": line.number,
        "channel_number": line.channel_number,
        "ours_minor": verdict.fee_minor if fees else known,
        "theirs_minor": line.fee_minor if fees else line.amount_minor,
        "currency": line.currency,
    }


def _absent(channel: str, day: date, one: Missing) -> dict[str, Any]:
    return {
        "channel": channel,
        "day": day,
        "kind": one.kind,
        "subject": one.channel_number or one.number,
        "number": one.number,
        "channel_number": one.channel_number,
        "ours_minor": one.amount_minor,
        "currency": one.currency,
    }
