"""The yardstick: PostgreSQL's own pgbench carrying out the recorded statements, prepared, in the same transactions.

Where a cycle has numbers of its own, pgbench draws them, and puts them into the very parameters that were recorded.
"""

import os
import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from anka.bench.cycle import TAG_DIGITS, Cycle, NotAsExpected
from anka.bench.recording import Statement

MARK = "@{}@"
# What stands for each mark: a variable of pgbench, or the last id this connection was given.
MEANING = {
    "TAG": ":tag::text",
    "PERSON": ":person::text",
    "TOKEN": ":token::text",
    "ORDER": "currval('orders_order_id_seq')::text",
    "PAYMENT": "currval('payments_payment_id_seq')::text",
}
_NUMBER_TAIL = re.compile(rf"(BENCH-[A-Z]?)[0-9A-HJKMNP-TV-Z]{{{TAG_DIGITS}}}(?![0-9A-Z])")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00")
_PLACE = re.compile(r"\$(\d+)")
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Script:
    """A script for pgbench, and the recorded parameters it takes as variables."""

    text: str
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What pgbench says it did, and the processor time it used itself."""

    cycles: int
    seconds: float
    latency_ms: float
    processor_seconds: float


def script(*, recorded: list[Statement], cycle: Cycle, order_id: int, payment_id: int, buyers: int) -> Script:
    """Return the script that does what was recorded of this cycle, over and over, for all buyers; the first buyer did the recording."""
    marks = {
        str(cycle.buyer.person_id): "PERSON",
        str(cycle.buyer.token_id): "TOKEN",
        str(order_id): "ORDER",
        str(payment_id): "PAYMENT",
        cycle.tag: "TAG",
        cycle.digest[:TAG_DIGITS]: "TAG",
    }
    lines = [
        f"\\set tag random({10 ** (TAG_DIGITS - 1)}, {10**TAG_DIGITS - 1})",
        f"\\set buyer random(0, {buyers - 1})",
        f"\\set person {cycle.buyer.person_id} + :buyer",
        f"\\set token {cycle.buyer.token_id} + :buyer",
    ]
    variables: dict[str, str] = {}
    for index, statement in enumerate(recorded):
        given = [_marked(text, marks, cycle.market.product_number) for text in statement.parameters]
        lines.append(f"{_written(statement.sql, given, index, variables)};")
    return Script("\n".join(lines) + "\n", variables)


def _marked(text: str | None, marks: dict[str, str], product_number: str) -> str | None:
    """Return a parameter with marks where a cycle has numbers of its own. The product is the same in all of them."""
    if text is None:
        return None
    text = _NUMBER_TAIL.sub(lambda match: match[0] if match[0] == product_number else match[1] + MARK.format("TAG"), text)
    for found, mark in marks.items():
        text = text.replace(found, MARK.format(mark))
    return text


def _written(sql: str, given: list[str | None], index: int, variables: dict[str, str]) -> str:
    """Return a statement in one line, with variables of pgbench where it had parameters."""

    def argument(match: re.Match[str]) -> str:
        place = int(match[1])
        text = given[place - 1]
        if text is None:
            return "NULL"
        if _MOMENT.fullmatch(text):
            return "now()"
        name = f"s{index}_{place}"
        variables[name] = text
        return _expression(f":{name}", text)

    return _PLACE.sub(argument, " ".join(sql.split()))


def _expression(variable: str, text: str) -> str:
    """Return what gives a parameter: the variable as it is, or with its marks replaced."""
    found = variable
    for mark, meaning in MEANING.items():
        wanted = MARK.format(mark)
        if text == wanted:
            return meaning.removesuffix("::text")
        if wanted in text:
            found = f"replace({found}, '{wanted}', {meaning})"
    if found == variable:
        return variable
    return f"{found}::jsonb" if text[0] in "[{" else found


def run(*, program: Path, url: str, file: Path, written: Script, clients: int, seconds: float) -> Run:
    """Run pgbench over the script for so many whole seconds.

    Raises:
        NotAsExpected: a statement failed.
    """
    file.write_text(written.text, encoding="utf-8")
    whole = max(1, round(seconds))
    words = [str(program), "-n", "-M", "prepared", "-f", str(file), "-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1))]
    words += ["-T", str(whole), *(part for name, text in written.variables.items() for part in ("-D", f"{name}={text}")), url]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Our own wheel's program by its full path, without a shell.
    done = subprocess.run(  # noqa: S603
        words, capture_output=True, text=True, timeout=whole + PATIENCE_SECONDS, check=False, env={**os.environ, "PGCLIENTENCODING": "UTF8"}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rate, processed, latency = _TPS.search(done.stdout), _DONE.search(done.stdout), _LATENCY.search(done.stdout)
    if done.returncode or not (rate and processed and latency):
        raise NotAsExpected(f"pgbench failed: {done.stderr.strip()[:600]}")
    cycles = int(processed[1])
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(cycles, cycles / float(rate[1]) if cycles else float(whole), float(latency[1]), used)
