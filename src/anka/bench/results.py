"""What a measurement found, for people and for programs."""

from collections.abc import Sequence
from statistics import median

import msgspec

from anka.bench.cycle import ACTIONS


class Share(msgspec.Struct):
    """Processor time per action, in microseconds."""

    client: float = 0.0
    web: float = 0.0
    postgresql: float = 0.0

    @property
    def total(self) -> float:
        """All of it together."""
        return self.client + self.web + self.postgresql


class Side(msgspec.Struct):
    """One run of one side. `latency_ms` holds median and 95th percentile per action; `rows_per_cycle` follows the result's tables."""

    name: str
    clients: int
    cycles: int
    seconds: float
    latency_ms: dict[str, tuple[float, float]] = {}
    cpu: Share = msgspec.field(default_factory=Share)
    rows_per_cycle: tuple[float, ...] = ()

    @property
    def cycles_per_second(self) -> float:
        """Whole cycles each second."""
        return self.cycles / self.seconds


class Result(msgspec.Struct):
    """Both sides, run by run in the order of the rounds."""

    http: list[Side]
    pgbench: list[Side]
    statements_per_cycle: int
    tables: tuple[str, ...]
    violations: list[str]
    cores: int

    @property
    def ratio(self) -> float:
        """The median over the rounds of what HTTP reaches of pgbench's cycles."""
        return median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        """HTTP's part of pgbench's cycles, round by round."""
        return [http.cycles_per_second / bare.cycles_per_second for http, bare in zip(self.http, self.pgbench, strict=True)]

    @property
    def same_work(self) -> bool:
        """Tell whether every run wrote the same rows per cycle."""
        return len({side.rows_per_cycle for side in (*self.http, *self.pgbench)}) == 1


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many per cent of the values do not exceed; 0 where there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def as_json(*, result: Result) -> str:
    """Return the result for programs."""
    return msgspec.json.encode(
        {
            "benchmark": "hot",
            "actions_per_cycle": len(ACTIONS),
            "statements_per_cycle": result.statements_per_cycle,
            "cores": result.cores,
            "http": _summary(result.http),
            "pgbench": _summary(result.pgbench),
            "ratio": round(result.ratio, 3),
            "ratios": [round(ratio, 3) for ratio in result.ratios],
            "same_work": result.same_work,
            "rows_per_cycle": dict(zip(result.tables, result.http[0].rows_per_cycle, strict=True)),
            "violations": result.violations,
        }
    ).decode()


def _summary(runs: list[Side]) -> dict[str, object]:
    rate = median(run.cycles_per_second for run in runs)
    return {
        "clients": runs[0].clients,
        "cycles": sum(run.cycles for run in runs),
        "seconds": round(sum(run.seconds for run in runs), 3),
        "cycles_per_second": round(rate, 1),
        "actions_per_second": round(rate * len(ACTIONS), 1),
        "processor_microseconds_per_action": {
            part: round(median(getattr(run.cpu, part) for run in runs), 1) for part in ("client", "web", "postgresql", "total")
        },
        "latency_milliseconds": {
            name: {
                "median": round(median(run.latency_ms[name][0] for run in runs), 2),
                "percentile_95": round(median(run.latency_ms[name][1] for run in runs), 2),
            }
            for name in runs[0].latency_ms
        },
    }


def as_text(*, result: Result) -> str:
    """Return the result for people."""
    lines = [
        f"One cycle: {', '.join(ACTIONS)}; {result.statements_per_cycle} statements.",
        f"{result.cores} cores, {len(result.http)} rounds in turns.",
        "",
        f"{'':24}{'HTTP':>12}{'pgbench':>12}",
        *_rates(result),
        *_shares(result),
        "",
        "Latency over HTTP, ms       median     95 %",
        *_latencies(result.http),
        "",
        f"HTTP reaches {result.ratio:.2f} of pgbench (rounds: {', '.join(f'{ratio:.2f}' for ratio in result.ratios)}).",
        _work(result),
    ]
    return "\n".join([*lines, *result.violations])


def _rates(result: Result) -> list[str]:
    sides = (result.http, result.pgbench)
    rates = [median(run.cycles_per_second for run in runs) for runs in sides]
    return [
        f"{'clients':24}" + "".join(f"{runs[0].clients:12}" for runs in sides),
        f"{'cycles per second':24}" + "".join(f"{rate:12.1f}" for rate in rates),
        f"{'actions per second':24}" + "".join(f"{rate * len(ACTIONS):12.1f}" for rate in rates),
    ]


def _shares(result: Result) -> list[str]:
    lines = ["processor µs per action"]
    for part in ("client", "web", "postgresql", "total"):
        found = [median(getattr(run.cpu, part) for run in runs) for runs in (result.http, result.pgbench)]
        lines.append(f"  {part:22}" + "".join(f"{value:12.0f}" for value in found))
    return lines


def _latencies(runs: list[Side]) -> list[str]:
    names = runs[0].latency_ms
    return [
        f"  {name:22}{median(run.latency_ms[name][0] for run in runs):10.2f}{median(run.latency_ms[name][1] for run in runs):9.2f}"
        for name in names
    ]


def _work(result: Result) -> str:
    same = "Both wrote the same rows in every cycle" if result.same_work else "The two sides did NOT write the same rows"
    return f"{same}; the audit found {len(result.violations)} violations."
