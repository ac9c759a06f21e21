"""A run: epochs of load under kills, each ended by a verdict. Everything about it follows from its plan, which begins with a seed.

    python -m tests.kills.run --seed 7 --changes 500 --database-kills 10

Two runs of one seed draw the same choices; which of them meet in time is up to the machine, as it is in life.
"""

import argparse
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from statistics import median

from tests.kills.actions import ROLES
from tests.kills.journal import Entry, Journal
from tests.kills.killer import DATABASE_KILLS, WEIGHTS, Kill, Killer
from tests.kills.market import Person
from tests.kills.verdict import settled, state_changes, verdict
from tests.kills.workload import Client, Time
from tests.kills.world import World

POLL_SECONDS = 0.25
# Those who sell and judge do so more slowly than people buy.
OTHERS_THINK = 10


@dataclass(frozen=True)
class Plan:
    """What a run is to reach: at least so many effective state changes and kills of the database, within so many seconds of load."""

    seed: int
    changes: int
    database_kills: int
    clients: int = 6
    epoch_seconds: float = 20.0
    most_seconds: float = 3600.0
    thinking: float = 0.05
    kinds: tuple[str, ...] = tuple(WEIGHTS)

    @property
    def command(self) -> str:
        """What repeats it."""
        names = ("seed", "changes", "database_kills", "clients", "epoch_seconds", "most_seconds", "thinking")
        return "python -m tests.kills.run " + " ".join(f"--{name.replace('_', '-')} {getattr(self, name)}" for name in names)


@dataclass
class Report:
    """What a run came to."""

    plan: Plan
    changes: int = 0
    requests: int = 0
    acknowledged: int = 0
    silences: int = 0
    epochs: int = 0
    seconds: float = 0.0
    kills: list[Kill] = field(default_factory=list)
    actions: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)

    @property
    def database_kills(self) -> int:
        """How often the database was killed."""
        return sum(kill.kind in DATABASE_KILLS for kill in self.kills)

    def slowest(self) -> float:
        """The longest recovery, in seconds."""
        return max((kill.recovery for kill in self.kills), default=0.0)

    @property
    def text(self) -> str:
        """For people."""
        lines = [
            f"seed {self.plan.seed}: {self.epochs} epochs, {self.seconds:.0f} s; {self.changes} state changes",
            f"{self.requests} requests, {self.acknowledged} acknowledged, {self.silences} tries without a definite answer",
            ", ".join(f"{name} {times}" for name, times in sorted(self.actions.items())),
            "refused: " + ", ".join(f"{name} {times}" for name, times in sorted(self.refusals.items())),
            f"{'killed':14}{'times':>7}{'recovery s: median':>20}{'longest':>9}",
        ]
        for kind in WEIGHTS:
            found = [kill.recovery for kill in self.kills if kill.kind == kind]
            if found:
                lines.append(f"{kind:14}{len(found):7}{median(found):20.2f}{max(found):9.2f}")
        lines.append(f"{len(self.wrongs)} violations" + "".join(f"\n  {wrong}" for wrong in self.wrongs))
        if self.wrongs:
            lines.append(f"repeat with: {self.plan.command}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Sabotage:
    """What a negative control does to a run: settings of the database, a guard taken away before it, a lie told before the verdict."""

    settings: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[World], None] | None = None
    after: Callable[[World, Journal], None] | None = None


HONEST = Sabotage()


def run(plan: Plan, *, say: Callable[[str], None], sabotage: Sabotage = HONEST) -> Report:
    """Carry a plan out in a world of its own and return what it came to; it ends with the first epoch that is judged wrong."""
    say(f"kills: {plan.command}")
    report, journal, chance = Report(plan), Journal(), Random(plan.seed)
    began = time.monotonic()
    with World(settings=sabotage.settings) as world:
        if sabotage.before is not None:
            sabotage.before(world)
        at_first = state_changes(world)
        while not _reached(plan, report) and time.monotonic() - began < plan.most_seconds and not report.wrongs:
            report.epochs += 1
            report.wrongs += _epoch(plan, world, journal, chance, report)
            report.wrongs += settled(world)
            if sabotage.after is not None:
                sabotage.after(world, journal)
            report.wrongs += verdict(world, journal)
            report.changes = state_changes(world) - at_first
            report.seconds = time.monotonic() - began
            say(
                f"epoch {report.epochs}, {report.seconds:.0f} s: {report.changes} state changes, "
                f"{report.database_kills} kills of the database, {len(report.wrongs)} violations"
            )
        if report.wrongs:
            say(world.log_text()[-6000:])
    report.requests = len(journal.entries)
    report.acknowledged = sum(entry.acknowledged for entry in journal.entries)
    report.silences = sum(entry.silences for entry in journal.entries)
    report.actions = Counter(str(entry.action) for entry in journal.entries if entry.acknowledged)
    report.refusals = Counter(f"{entry.action} ({entry.code})" for entry in journal.entries if entry.status and not entry.acknowledged)
    return report


def _reached(plan: Plan, report: Report) -> bool:
    return report.changes >= plan.changes and report.database_kills >= plan.database_kills


def _epoch(plan: Plan, world: World, journal: Journal, chance: Random, report: Report) -> list[str]:
    """Load and kills for the length of an epoch. Returns what went wrong with the killing; all threads have ended then."""
    stop = threading.Event()
    killer = Killer(world, Random(chance.random()), stop, plan.kinds)
    clients = [
        Client(world, journal, person, Random(chance.random()), stop, thinking, done=remembered(journal, person.person_id))
        for person, thinking in _people(plan, world)
    ]
    time_passing = Time(world, Random(chance.random()), stop)
    threads = [threading.Thread(target=work) for work in (*(client.work for client in clients), time_passing.work, killer.work)]
    for thread in threads:
        thread.start()
    try:
        end = time.monotonic() + plan.epoch_seconds
        while time.monotonic() < end and world.trouble is None and threads[-1].is_alive():
            stop.wait(POLL_SECONDS)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    report.kills += killer.kills
    return killer.wrongs


def _people(plan: Plan, world: World) -> Iterator[tuple[Person, float]]:
    """Who is at work, and how long each thinks: so many buyers, and everybody the table of actions has something to do for."""
    for role in ROLES:
        if role == "buyer":
            yield from ((person, plan.thinking) for person in world.market.of(role)[: plan.clients])
        else:
            yield from ((person, plan.thinking * OTHERS_THINK) for person in world.market.of(role))


def remembered(journal: Journal, person_id: int) -> list[Entry]:
    """The requests of earlier epochs that a person may send once more: the newest that were acknowledged."""
    return [entry for entry in journal.entries if entry.acknowledged and entry.who.person_id == person_id][-50:]


def main() -> int:
    """Run from the command line; 1 where something was wrong."""
    # Told to end, we end as by Ctrl-C: cleaning up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--database-kills", type=int, default=10)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--epoch-seconds", type=float, default=20.0)
    parser.add_argument("--most-seconds", type=float, default=3600.0)
    parser.add_argument("--thinking", type=float, default=0.05)
    report = run(Plan(**vars(parser.parse_args())), say=lambda text: print(text, file=sys.stderr, flush=True))
    print(report.text)
    return 1 if report.wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
