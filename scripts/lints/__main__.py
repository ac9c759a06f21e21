"""Run every lint over every file and print what was found; 1 where there was something."""

import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.lints import calls, money, places, size, time
from scripts.lints.source import Finding, Lint, Source

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "tests", "scripts", "benchmarks")
LINTS: tuple[Lint, ...] = (
    size.file_length,
    size.function_length,
    size.parameter_count,
    calls.keywords_only,
    calls.no_flags,
    money.no_float_money,
    time.clock_is_an_argument,
    time.no_clock_in_sql,
    time.no_sleep,
    places.writes_in_their_place,
    places.domain_stands_alone,
)


def sources() -> Iterator[Source]:
    """Every Python and SQL file of ours."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".sql") and "__pycache__" not in path.parts:
                yield Source(path=path.relative_to(ROOT).as_posix(), text=path.read_text(encoding="utf-8"))


def findings() -> list[Finding]:
    """Everything that every lint finds, sorted."""
    return sorted(finding for source in sources() for lint in LINTS for finding in lint(source))


def main() -> int:
    """Print what was found, one line each."""
    found = findings()
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
