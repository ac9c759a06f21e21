"""Interleavings: a second actor that acts at an exact point of the first one's transaction, in a thread and connection of its own.

    outcome = interleave(first=reveal, second=cancel, hook="after_lock")
    assert outcome.winners == 1

The first stops at the hook and starts the second; it goes on when the second has finished or waits for a lock, which PostgreSQL tells
(nobody guesses by waiting a while). `together` runs the same thing many times at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Barrier, Event, Thread, get_ident

from anka.core import database
from anka.core.idempotency import AlreadyDone
from anka.core.refusals import Refusal
from tests.databases import Database, close_connection
from tests.faults.crash import MOST_LOOKS, watching

HOOKS = ("after_lock", "before_commit")
LOCKING = (
    "lock_order(",
    "lock_case(",
    "lock_fallen_cases(",
    "lock_attempt(",
    "lock_unidentified(",
    "read_for_purchase(",
    "expire_unpaid(",
    "lock_policies(",
    "lock_funds(",
    "lock_wallet(",
    "lock_top_up(",
)
PATIENCE = 120.0
ONE_LOOK = 0.001
Act = Callable[[], object]


@dataclass
class Result:
    """How one actor fared: `answer`, or what stopped it."""

    answer: object = None
    stopped: BaseException | None = None

    @property
    def won(self) -> bool:
        """Whether it did something itself. A repeated request that was answered with what the first had done did nothing."""
        return self.stopped is None

    @property
    def refused(self) -> bool:
        """Whether it was stopped by a refusal that says so to people."""
        return isinstance(self.stopped, Refusal) or bool(getattr(self.stopped, "code", ""))


@dataclass
class Outcome:
    """How both fared."""

    first: Result
    second: Result

    @property
    def winners(self) -> int:
        """How many were not stopped."""
        return int(self.first.won) + int(self.second.won)


def attempt(act: Act) -> Result:
    """Let somebody act and note how it went."""
    try:
        return Result(answer=act())
    except (Refusal, AlreadyDone, Exception) as stopped:  # noqa: BLE001  whatever stopped it is the result that tests look at
        return Result(stopped=stopped)


@dataclass
class Actor:
    """Somebody who acts in a thread of their own."""

    act: Act
    result: Result = field(default_factory=Result)
    backend: int = 0
    connected: Event = field(default_factory=Event)
    finished: Event = field(default_factory=Event)
    thread: Thread | None = None

    def start(self) -> None:
        """Begin to act."""
        self.thread = Thread(target=self._live, daemon=True)
        self.thread.start()

    def _live(self) -> None:
        try:
            self.backend = int(database.value("SELECT pg_backend_pid()"))
            self.connected.set()
            self.result = attempt(self.act)
        finally:
            close_connection()
            self.connected.set()
            self.finished.set()

    def wait_until_finished_or_blocked(self, looker: Callable[[int], bool]) -> None:
        """Return when this actor has nothing left to do, or waits for somebody else's lock."""
        assert self.connected.wait(PATIENCE)
        for _ in range(MOST_LOOKS):
            if self.finished.wait(ONE_LOOK) or looker(self.backend):
                return
        raise AssertionError("the second actor neither finished nor waited for a lock")

    def join(self) -> Result:
        """Wait for the end and return how it went."""
        assert self.thread is not None
        self.thread.join(PATIENCE)
        assert self.finished.is_set(), "an actor did not come to an end"
        return self.result


@dataclass
class _Hook:
    """Starts the second actor at one point of the first one's transaction, once."""

    hook: str
    second: Actor
    looker: Callable[[int], bool]
    thread: int = field(default_factory=get_ident)
    locked: bool = False
    reached: bool = False

    def __call__(self, moment: str, sql: str) -> None:
        if get_ident() != self.thread or self.reached:
            return
        if moment == "commit" or (self.hook == "after_lock" and self.locked):
            self.reached = True
            self.second.start()
            self.second.wait_until_finished_or_blocked(self.looker)
        self.locked = self.locked or any(name in sql for name in LOCKING)


def interleave(*, place: Database, first: Act, second: Act, hook: str) -> Outcome:
    """Run the first up to the hook, let the second act there, let both finish."""
    other = Actor(act=second)
    with place.as_owner() as observer:

        def blocked(backend: int) -> bool:
            found = observer.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (backend,)).fetchone()
            return found is not None and bool(found[0])

        watcher = _Hook(hook=hook, second=other, looker=blocked)
        with watching(watcher):
            result = attempt(first)
        if not watcher.reached:
            # The first was stopped before it came that far; the second acts after it.
            other.start()
        return Outcome(first=result, second=other.join())


def together(acts: Sequence[Act]) -> list[Result]:
    """Let all act at the same moment, each in a thread of its own, and return how each fared."""
    gate = Barrier(len(acts))

    def through_the_gate(act: Act) -> Act:
        def run() -> object:
            gate.wait(PATIENCE)
            return act()

        return run

    actors = [Actor(act=through_the_gate(act)) for act in acts]
    for actor in actors:
        actor.start()
    return [actor.join() for actor in actors]
