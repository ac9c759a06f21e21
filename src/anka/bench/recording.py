"""What one cycle says to PostgreSQL, written down by PostgreSQL itself: every statement with its parameters, in order."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anka.bench.cycle import Cycle, NotAsExpected

# How the server has to run while we listen; the measurement runs without these.
LOUD = {"log_statement": "all", "log_error_verbosity": "default", "log_parameter_max_length": "-1"}
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] (LOG|DETAIL):  ", re.MULTILINE)
_STATEMENT = re.compile(r"(?:statement|execute [^:]+): (.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$(\d+) = (?:(NULL)|'((?:[^']|'')*)')")

Application = Callable[[dict[str, Any], Callable[[str, list[tuple[str, str]]], Any]], list[bytes]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was carried out. `parameters` are as text, None for NULL; $1 is the first."""

    sql: str
    parameters: tuple[str | None, ...] = ()


def carry_out(*, application: Application, cycle: Cycle) -> None:
    """Carry out a cycle in this process, through the very dispatcher the web processes use.

    Raises:
        NotAsExpected: a request was refused.
    """
    done = False
    while not done:
        request = cycle.request()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": request.path,
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.input": io.BytesIO(request.body),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
            "CONTENT_TYPE": "application/json",
        }
        said: list[str] = []
        body = b"".join(application(environ, lambda status, _headers: said.append(status)))  # noqa: B023  called before the next round
        if not said[0].startswith("2"):
            raise NotAsExpected(f"{request.path} was answered with {said[0]} {body[:300]!r}. Nothing was measured.")
        done = cycle.take(body)


def listen(*, log: Path, run: Callable[[], None]) -> list[Statement]:
    """Run something and return the statements PostgreSQL carried out meanwhile. Nobody else may use the server."""
    offset = log.stat().st_size
    run()
    with log.open("rb") as file:
        file.seek(offset)
        return statements(text=file.read().decode())


def statements(*, text: str) -> list[Statement]:
    """Return the statements a log tells of."""
    parts = _ENTRY.split(text)[1:]
    found: list[Statement] = []
    for kind, entry in zip(parts[::2], parts[1::2], strict=True):
        # A line that goes on begins with a tab of the log's own.
        told = entry.rstrip("\n").replace("\n\t", "\n")
        if kind == "LOG":
            match = _STATEMENT.fullmatch(told)
            if match:
                found.append(Statement(match[1]))
        elif found and told.lower().startswith("parameters:"):
            found[-1] = Statement(found[-1].sql, _parameters(told))
    return found


def _parameters(told: str) -> tuple[str | None, ...]:
    return tuple(None if null else text.replace("''", "'") for _, null, text in _PARAMETER.findall(told))
