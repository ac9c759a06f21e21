"""Keep a run of the audit. What it found anew freezes payouts and tells the platform, once per finding; the shop goes on."""

from collections.abc import Sequence

import msgspec

from anka.core import audits, database, freezes
from anka.core.actors import system
from anka.core.audits import Run
from anka.core.clock import Moment

# What of one run is written down one by one; a broken database may break every order.
MOST_KEPT = 1_000
TELL = "SELECT tell_platform('books_violated', %s, %s)"
ACTOR = str(system("audit"))


def keep_audit(*, run: Run, found: Sequence[msgspec.Struct], at: Moment) -> int:
    """Keep a run and what it found (`invariant`, `where`, `what` each); return how many findings are new."""
    kept = list(found[:MOST_KEPT])
    complete = run.scope if len(kept) == len(found) else "part"
    with database.transaction():
        news = audits.keep_run(run=run, found=msgspec.json.encode(kept).decode(), complete=complete)
        if news:
            freezes.freeze(actor=ACTOR, reason=_reason(news), at=at.now)
            told = {"violations": len(news), "first": f"{news[0][0]}  {news[0][1]}"[:200]}
            database.rows(TELL, (msgspec.json.encode(told).decode(), at.now))
        return len(news)


def _reason(news: list[tuple[str, str, str]]) -> str:
    invariant, place, what = news[0]
    more = f" (and {len(news) - 1} more)" if len(news) > 1 else ""
    return f"{invariant}  {place}: {what}"[:1_900] + more
