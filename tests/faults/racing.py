"""What a race is: two actors on fresh ground, at every hook, in both orders, with its guards and without them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from anka.core.idempotency import AlreadyDone
from anka.jobs import audit
from tests.conftest import END
from tests.databases import Database
from tests.faults.guards import take_away
from tests.faults.interleave import HOOKS, Act, Outcome, interleave

Ground = TypeVar("Ground")


class Stumbled(Exception):
    """An actor was stopped by an error that is no refusal: some guard caught it that was not meant to be the first to do so."""


@dataclass(frozen=True)
class Race(Generic[Ground]):
    """Two actors on fresh ground, what must be true afterwards, and the guards without which it would not be."""

    name: str
    prepare: Callable[[], Ground]
    actors: Callable[[Ground], tuple[Act, Act]]
    holds: Callable[[Ground, Outcome], None]
    guards: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    def run(self, *, place: Database, hook: str, turned: int) -> None:
        """Let them race; `turned` 1 lets the second actor begin.

        Raises:
            AssertionError: something that must hold does not.
            Stumbled: an actor was stopped, but not politely.
        """
        since = audit.position()
        ground = self.prepare()
        acts = self.actors(ground)
        outcome = interleave(place=place, first=acts[turned], second=acts[1 - turned], hook=hook)
        for result in (outcome.first, outcome.second):
            if not (result.won or result.refused or isinstance(result.stopped, AlreadyDone)):
                raise Stumbled(str(result.stopped)) from result.stopped
        self.holds(ground, Outcome(first=outcome.second, second=outcome.first) if turned else outcome)
        assert audit.audit(now=END, since=since) == []

    def lost_without_guards(self, *, place: Database) -> list[tuple[str, int]]:
        """Take the guards away and return the interleavings in which something that must hold is broken."""
        take_away(place, *self.guards)
        lost = []
        for hook in HOOKS:
            for turned in (0, 1):
                try:
                    self.run(place=place, hook=hook, turned=turned)
                except AssertionError:
                    lost.append((hook, turned))
                except Stumbled:
                    # Yet another guard held. That is welcome, and proves nothing about those that were taken away.
                    continue
        return lost
