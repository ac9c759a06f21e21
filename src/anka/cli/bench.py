"""`anka bench`: measure this machine with this version. Without a name it says what can be measured."""

import argparse
import sys
from collections.abc import Callable

from anka.bench.cycle import NotAsExpected
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.config.processes import ProcessFailed

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, ProcessFailed, NotAsExpected, OSError)
BENCHMARKS = {"hot": "create, pay and cancel over HTTP against pgbench running the same SQL, on a throw-away database"}
MOST_SECONDS, MOST_CLIENTS = 600, 128


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's name, --seconds, --clients and --json."""
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), help="what to measure; without it the benchmarks are listed")
    parser.add_argument("--seconds", type=_within(MOST_SECONDS), default=6, metavar="N", help="seconds of each run (default 6)")
    parser.add_argument(
        "--clients", type=_within(MOST_CLIENTS), default=0, metavar="N", help="clients at once (default: the best of a short trial)"
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
        sys.stdout.write("".join(f"{name:8}{what}\n" for name, what in BENCHMARKS.items()))
        return 0
    from anka.bench import hot, results  # noqa: PLC0415  listing the benchmarks loads none of them

    found = hot.measure(wish=hot.Wish(seconds=given.seconds, clients=given.clients), say=_say)
    sys.stdout.write(f"{results.as_json(result=found) if given.json else results.as_text(result=found)}\n")
    return 0 if found.same_work and not found.violations else 1


def _say(text: str) -> None:
    sys.stderr.write(f"{text} …\n")
