"""Guarded posting, side by side: our ledger and django-hordak move money between accounts that may not be overdrawn.

Both on the same throw-away server with the settings of production, in the same run, in turns, from Python through psycopg, as many
processes as there are cores. Ours calls `post_journal`; hordak locks the account, adds up its balance, and calls `transfer_to`.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median

import msgspec
import psycopg
from psycopg.conninfo import make_conninfo

from anka.bench import post_ours
from anka.bench.cycle import NotAsExpected
from anka.bench.post_clients import HOT, WARMING, Done
from anka.bench.scratch import Say, home
from anka.config import embedded
from anka.config.processes import Family

AIM = 3.0
"""What our rate has to be of hordak's, with the same clients on the same accounts."""
KEPT = 0.5
"""What has to be left of the rate of one client when 32 use one account: less is a collapse."""
ROUNDS = 3
PATIENCE_SECONDS = 120.0
HORDAK = "bench_hordak"


class Scene(msgspec.Struct, frozen=True):
    """What is measured: many accounts or one, with or without a floor, and how many clients. `hordak` names its scene, "" for none."""

    name: str
    clients: int
    hordak: str = ""


MANY = 32
SCENES = (
    Scene("commit", 1),
    Scene("spread", 1, "spread"),
    Scene("spread", 8, "spread"),
    Scene("spread", MANY, "spread"),
    Scene(HOT, MANY, HOT),
    Scene("lazy", MANY),
)


class Measured(msgspec.Struct):
    """Transfers a second in one scene, round by round; hordak's are missing where it has no such thing."""

    scene: Scene
    ours: list[float]
    hordak: list[float]

    @property
    def ratio(self) -> float | None:
        """Our median rate in terms of hordak's."""
        return median(self.ours) / median(self.hordak) if self.hordak else None


class Posted(msgspec.Struct):
    """Everything that was measured, and whether each side wrote down exactly what it counted."""

    scenes: list[Measured]
    cores: int
    same_work: bool

    @property
    def ratio(self) -> float:
        """Our rate in terms of hordak's on many accounts, each side with the number of clients that suits it best."""
        spread = [measured for measured in self.scenes if measured.scene.name == "spread"]
        return max(median(measured.ours) for measured in spread) / max(median(measured.hordak) for measured in spread)

    @property
    def kept(self) -> float:
        """What is left of the rate of one client when many use one account, at worst."""
        rates = {(measured.scene.name, measured.scene.clients): median(measured.ours) for measured in self.scenes}
        return min(rate for (name, _), rate in rates.items() if name in (HOT, "lazy")) / rates["spread", 1]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where both ledgers are: the application's address of ours, the owner's of both."""

    ours: str
    ours_as_owner: str
    hordak: str


def measure(*, seconds: float, clients: int, say: Say) -> Posted:
    """Build both ledgers on one server, measure them, remove everything, and return what was found. `clients` replaces 32 where not 0.

    Raises:
        NotAsExpected: hordak is not installed, or a client failed.
        EmbeddedDatabaseError: the database did not start.
    """
    if find_spec("hordak") is None:
        raise NotAsExpected("django-hordak is not installed; it comes with requirements-dev.lock. Nothing was measured.")
    scenes = [
        msgspec.structs.replace(scene, clients=clients) if clients and scene.clients == SCENES[-1].clients else scene for scene in SCENES
    ]
    found = [Measured(scene, [], []) for scene in scenes]
    counted = {"ours": 0, "hordak": 0}
    with _ground(say) as ground:
        before = _written(ground)
        for number in range(1, ROUNDS + 1):
            for measured in found:
                scene = measured.scene
                say(f"round {number} of {ROUNDS}: {scene.name}, {scene.clients} clients")
                ours = _rate("ours", ground.ours, scene, seconds)
                measured.ours.append(ours.per_second)
                counted["ours"] += ours.transfers if scene.name != "commit" else 0
                if scene.hordak:
                    theirs = _rate("hordak", ground.hordak, scene, seconds)
                    measured.hordak.append(theirs.per_second)
                    counted["hordak"] += theirs.transfers
        after = _written(ground)
    return Posted(found, os.cpu_count() or 1, {name: after[name] - before[name] for name in counted} == counted)


@contextmanager
def _ground(say: Say) -> Iterator[Ground]:
    with home() as folder:
        family = Family(say=say)
        try:
            with embedded.running(home=folder) as server:
                say("building both ledgers")
                family.run_once(name="migrate", words=("migrate",), environment={"ANKA_DATABASE_URL": server.owner_url})
                ground = Ground(server.url, server.owner_url, make_conninfo(server.owner_url, dbname=HORDAK))
                post_ours.fill(address=ground.ours)
                with psycopg.connect(server.owner_url, autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {HORDAK}")
                _program("hordak", ground.hordak, "fill").communicate(timeout=PATIENCE_SECONDS)
                for address in (ground.ours_as_owner, ground.hordak):
                    with psycopg.connect(address, autocommit=True) as connection:
                        connection.execute("VACUUM ANALYZE")
                yield ground
        finally:
            family.end()


@dataclass(frozen=True, slots=True)
class Rate:
    """What clients did together: transfers a second while they were counted, and all they made."""

    per_second: float
    transfers: int


def _rate(side: str, address: str, scene: Scene, seconds: float) -> Rate:
    """Let the clients act at once, spread over as many processes as there are cores."""
    processes = min(scene.clients, os.cpu_count() or 1)
    shares = [scene.clients // processes + (number < scene.clients % processes) for number in range(processes)]
    name = scene.name if side == "ours" else scene.hordak
    with ExitStack() as stack:
        running = [stack.enter_context(_program(side, address, name, str(share), str(seconds))) for share in shares]
        for program in running:
            stack.callback(program.kill)
        for program in running:
            _line(program)
        for program in running:
            _tell(program)
        done = [msgspec.json.decode(_line(program), type=Done) for program in running]
    transfers = sum(one.transfers for one in done)
    if not transfers:
        raise NotAsExpected(f"Not a single transfer of {side} was completed. Ask for more --seconds.")
    return Rate(transfers / max(one.seconds for one in done), transfers + scene.clients * WARMING)


def _program(side: str, *words: str) -> "subprocess.Popen[str]":
    # Our own module under this interpreter, without a shell.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", f"anka.bench.post_{side}", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _line(program: "subprocess.Popen[str]") -> str:
    found = program.stdout.readline().strip() if program.stdout else ""
    if not found:
        raise NotAsExpected("A client failed; what it said stands above. Nothing was measured.")
    return found


def _tell(program: "subprocess.Popen[str]") -> None:
    if program.stdin:
        program.stdin.write("go\n")
        program.stdin.flush()


def _written(ground: Ground) -> dict[str, int]:
    """Count what stands in both ledgers; in ours also that journals and transfers are as many."""
    counts = {}
    questions = {
        "ours": (ground.ours_as_owner, "SELECT least(count(*), (SELECT count(*) FROM ledger_transfer)) FROM ledger_journal"),
        "hordak": (ground.hordak, "SELECT least(count(*), (SELECT count(*) / 2 FROM hordak_leg)) FROM hordak_transaction"),
    }
    for name, (address, question) in questions.items():
        with psycopg.connect(address, autocommit=True) as connection:
            row = connection.execute(question.encode()).fetchone()
            counts[name] = int(row[0]) if row else 0
    return counts


def as_text(*, found: Posted) -> str:
    """Return the result for people, with the command that repeats it."""
    lines = [f"{'per second':38}{'ours':>8}{'hordak':>10}{'ratio':>8}"]
    for measured in found.scenes:
        what = f"{TITLES[measured.scene.name]}, {measured.scene.clients} client{'s' if measured.scene.clients > 1 else ''}"
        theirs = f"{median(measured.hordak):10.0f}{measured.ratio:8.2f}" if measured.hordak else f"{'–':>10}{'–':>8}"
        lines.append(f"{what:38}{median(measured.ours):8.0f}{theirs}")
    wrote = "Both wrote exactly what they counted" if found.same_work else "What was written is NOT what was counted"
    return "\n".join(
        [
            *lines,
            "",
            f"At its best ours reaches {found.ratio:.2f} times hordak's best (the aim is {AIM:.0f}).",
            f"On one account, {found.kept:.2f} of the rate of one client (less than {KEPT} would be a collapse).",
            f"{wrote}. {found.cores} cores, medians of {ROUNDS} rounds in turns. Again: anka bench post",
        ]
    )


TITLES = {
    "commit": "a durable commit and nothing else",
    "spread": "transfers, 500 accounts",
    HOT: "one account with a floor",
    "lazy": "one account without a floor",
}


def as_json(*, found: Posted) -> str:
    """Return the result for programs."""
    scenes = [{**msgspec.to_builtins(measured), "ratio": measured.ratio} for measured in found.scenes]
    facts = {"benchmark": "post", "cores": found.cores, "same_work": found.same_work, "ratio": found.ratio, "kept": found.kept}
    return msgspec.json.encode({**facts, "scenes": scenes}).decode()
