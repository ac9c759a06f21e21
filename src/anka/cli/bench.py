"""`anka bench`: measure this machine with this version. Without a name it says what can be measured."""

import argparse
import sys
from collections.abc import Callable

from anka.bench.cycle import NotAsExpected
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.config.processes import ProcessFailed

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, ProcessFailed, NotAsExpected, OSError)
BENCHMARKS = {
    "hot": "create, pay and cancel over HTTP against pgbench running the same SQL, on a throw-away database",
    "clocks": "the worker against a minute: so many clocks of cases fall together, on a throw-away database",
    "backtest": "changed rules tried on so many receipts, against twenty seconds, on a throw-away database",
    "post": "guarded transfers of money against django-hordak doing the same on the same server, on throw-away databases",
    "decide": "decisions a second by the default rules, from facts and from JSON, against forty thousand; no database",
}
MOST_SECONDS, MOST_CLIENTS, MOST_CASES, MOST_RECEIPTS = 600, 128, 20_000, 1_000_000


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's name, --seconds, --clients, --cases, --receipts and --json."""
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), help="what to measure; without it the benchmarks are listed")
    parser.add_argument("--seconds", type=_within(MOST_SECONDS), default=6, metavar="N", help="seconds of each run (default 6)")
    parser.add_argument(
        "--clients", type=_within(MOST_CLIENTS), default=0, metavar="N", help="clients at once (default: the best of a short trial)"
    )
    parser.add_argument("--cases", type=_within(MOST_CASES), default=10_000, metavar="N", help="clocks: how many fall (default 10000)")
    parser.add_argument(
        "--receipts", type=_within(MOST_RECEIPTS), default=100_000, metavar="N", help="backtest, decide: how many (default 100000)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _within(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"a whole number from 1 to {most}")
        return int(text)

    return number


def run(*, given: argparse.Namespace) -> int:
    """Measure; 1 where the two sides did not do the same work, or left something the audit finds."""
    if given.name is None:
        sys.stdout.write("".join(f"{name:10}{what}\n" for name, what in BENCHMARKS.items()))
        return 0
    if given.name in OTHERS:
        return OTHERS[given.name](given)
    from anka.bench import hot, results  # noqa: PLC0415  listing the benchmarks loads none of them

    found = hot.measure(wish=hot.Wish(seconds=given.seconds, clients=given.clients), say=_say)
    sys.stdout.write(f"{results.as_json(result=found) if given.json else results.as_text(result=found)}\n")
    return 0 if found.same_work and not found.violations else 1


def _clocks(given: argparse.Namespace) -> int:
    """Let clocks fall; 1 where not every consequence was carried out, or the audit finds something."""
    from anka.bench import clocks  # noqa: PLC0415  listing the benchmarks loads none of them

    found = clocks.measure(cases=given.cases, say=_say)
    sys.stdout.write(f"{clocks.as_json(found=found) if given.json else clocks.as_text(found=found)}\n")
    return 0 if found.carried_out == found.cases and not found.violations else 1


def _backtest(given: argparse.Namespace) -> int:
    """Try rules on receipts; 1 where the back-test does not find what judging them by hand finds."""
    from anka.bench import backtest  # noqa: PLC0415  listing the benchmarks loads none of them

    found = backtest.measure(receipts=given.receipts, say=_say)
    sys.stdout.write(f"{backtest.as_json(found=found) if given.json else backtest.as_text(found=found)}\n")
    return 0 if found.right else 1


def _decide(given: argparse.Namespace) -> int:
    """Decide as fast as it goes. How fast is for the reader to judge."""
    from anka.bench import decide  # noqa: PLC0415  listing the benchmarks loads none of them

    found = decide.measure(situations=given.receipts, say=_say)
    sys.stdout.write(f"{decide.as_json(found=found) if given.json else decide.as_text(found=found)}\n")
    return 0


def _post(given: argparse.Namespace) -> int:
    """Move money on both ledgers; 1 where what was written is not what was counted. How fast is for the reader to judge."""
    from anka.bench import post  # noqa: PLC0415  listing the benchmarks loads none of them

    found = post.measure(seconds=given.seconds, clients=given.clients, say=_say)
    sys.stdout.write(f"{post.as_json(found=found) if given.json else post.as_text(found=found)}\n")
    return 0 if found.same_work else 1


OTHERS: dict[str, Callable[[argparse.Namespace], int]] = {"clocks": _clocks, "backtest": _backtest, "post": _post, "decide": _decide}


def _say(text: str) -> None:
    sys.stderr.write(f"{text} …\n")
