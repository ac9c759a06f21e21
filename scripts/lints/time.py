"""Time is an argument: only edges and jobs read the clock. And no test waits for time to pass."""

import ast
import re
from collections.abc import Iterator

from scripts.lints.source import Finding, Source

CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}
# These read the clock only where they are not given a time to convert.
CONVERTERS = {"localtime", "gmtime"}
OWNERS = {"datetime", "date", "time", "timezone", "dt"}
# Where the clock is read: the port itself, jobs, the command line, measurements, the sandbox (a program of its own), the composition
# root, and the wire, whose signatures carry real time.
READERS = (
    "src/anka/core/clock.py",
    "src/anka/jobs",
    "src/anka/cli",
    "src/anka/bench",
    "src/anka/sandbox",
    "src/anka/config",
    "src/anka/adapters/channels/sandbox_wire.py",
)
SQL_CLOCK = re.compile(
    r"\b(?:now\s*\(\s*\)|current_timestamp|current_date|clock_timestamp|statement_timestamp|localtimestamp)", re.IGNORECASE
)
# These compare the server's clock with ours; nothing is decided by it.
SQL_CLOCK_ALLOWED = ("src/anka/cli/doctor_looks.py", "src/anka/jobs/condition.py")


def clock_is_an_argument(source: Source) -> Iterator[Finding]:
    """Find readings of the machine's clock where time has to be an argument."""
    if not source.lies_in("src/anka") or source.lies_in(*READERS):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if name in OWNERS and not (node.func.attr in CONVERTERS and node.args):
                yield Finding(source.path, node.lineno, "clock-is-an-argument", f"{name}.{node.func.attr}() is read here; take a Moment")


def no_clock_in_sql(source: Source) -> Iterator[Finding]:
    """Find SQL that decides by the server's own clock instead of by the time it is given."""
    if not source.lies_in("src/anka") or source.lies_in("src/anka/sandbox", *SQL_CLOCK_ALLOWED):
        return
    lines = enumerate(source.text.splitlines(), start=1) if source.is_sql else source.texts()
    for line, text in lines:
        found = SQL_CLOCK.search(text.partition("--")[0])
        if found and (source.is_sql or "SELECT" in text or "UPDATE" in text or "INSERT" in text):
            yield Finding(source.path, line, "no-clock-in-sql", f"{found.group()} decides; give the time as a parameter")


def no_sleep(source: Source) -> Iterator[Finding]:
    """Find tests that sleep: they wait for an event, with a bound, or move the clock."""
    if not source.lies_in("tests"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name == "sleep":
                yield Finding(source.path, node.lineno, "no-sleep", "this test sleeps; wait for what is to happen")
