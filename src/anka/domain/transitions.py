"""A table of allowed changes of one status. Used by every status that is not the goods' own."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

State = TypeVar("State", bound=StrEnum)


class IllegalChange(Exception):
    """The status does not change that way."""

    code, status = "illegal_change", 409

    def __init__(self, *, what: str, before: str, after: str) -> None:
        super().__init__(f"a {what} that is {before} cannot become {after}")
        self.what, self.before, self.after = what, before, after


@dataclass(frozen=True, slots=True)
class Transitions(Generic[State]):
    """The allowed (from, to) pairs of one status, and what it is the status of."""

    what: str
    pairs: frozenset[tuple[State, State]]

    def allows(self, *, before: State, after: State) -> bool:
        """Tell whether the change exists."""
        return (before, after) in self.pairs

    def require(self, *, before: State, after: State) -> State:
        """Return the new state.

        Raises:
            IllegalChange: the table has no such change.
        """
        if (before, after) not in self.pairs:
            raise IllegalChange(what=self.what, before=before, after=after)
        return after

    def table(self) -> list[tuple[str, str]]:
        """Return the sorted rows (from, to), the form PostgreSQL holds."""
        return sorted((str(before), str(after)) for before, after in self.pairs)


def transitions(*, what: str, changes: dict[State, Iterable[State]]) -> Transitions[State]:
    """Build a table from what each state can become."""
    return Transitions(what=what, pairs=frozenset((before, after) for before, targets in changes.items() for after in targets))
