"""What the clients themselves know: every request they made, what was answered, and what was promised by that."""

import json
import threading
from dataclasses import dataclass, field

from tests.kills.actions import Action, Ask
from tests.kills.market import Person


@dataclass
class Entry:
    """One request, with the key under which it was repeated until somebody answered. `made` is what a 2xx answer says it made.

    `began` and `ended` are seconds of the monotonic clock; `passed` says how far the market's clock had been
    moved by then; `silences` counts the tries without a definite answer.
    """

    number: int
    who: Person
    action: Action
    ask: Ask
    key: str
    began: float
    passed: int
    ended: float = 0.0
    status: int = 0
    code: str = ""
    made: list[str] = field(default_factory=list)
    silences: int = 0

    @property
    def acknowledged(self) -> bool:
        """Tell whether the server said that it was done."""
        return 200 <= self.status < 300

    def __str__(self) -> str:
        said = f"{self.status} {self.code or ','.join(self.made)}"
        return f"#{self.number} {self.who.role} {self.who.person_id} {self.action} {self.ask.about} key {self.key}: {said}"


@dataclass
class Journal:
    """All clients' entries, and what they heard that was wrong in itself."""

    entries: list[Entry] = field(default_factory=list)
    captures: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    _units: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, who: Person, action: Action, ask: Ask, *, now: float, passed: int) -> Entry:
        """Note a request before it is made."""
        with self._lock:
            number = len(self.entries) + 1
            entry = Entry(number, who, action, ask, f"kills-{number}", now, passed)
            self.entries.append(entry)
            return entry

    def captured(self, payment: str, amount_minor: int) -> None:
        """Note that the gateway said it has taken this payment's money."""
        with self._lock:
            self.captures[payment] = amount_minor

    def saw(self, unit: str, secret: str) -> None:
        """Note the key that was shown for a unit; a unit has one key, and a key one unit."""
        with self._lock:
            if self.secrets.setdefault(unit, secret) != secret:
                self.wrongs.append(f"{unit} showed two different keys")
            if self._units.setdefault(secret, unit) != unit:
                self.wrongs.append(f"the key of {unit} was shown for another unit as well")

    def wrong(self, what: str) -> None:
        """Note something that must not be, whatever the database says."""
        with self._lock:
            self.wrongs.append(what)

    def body(self, entry: Entry) -> bytes:
        """The bytes of a request: the same at each repeat."""
        return json.dumps(entry.ask.body, sort_keys=True).encode()
