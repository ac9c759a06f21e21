"""Clients under load: each looks, chooses by its own seeded chance, and repeats a request with the same key until it is answered."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.kills.actions import ACTIONS, Action, View
from tests.kills.journal import Entry, Journal
from tests.kills.market import Person
from tests.kills.wire import Answer, Line, NoAnswer
from tests.kills.world import World

# How often a request is repeated while nobody answers, and how long a client waits in between: about a minute.
MOST_TRIES = 400
PAUSE_SECONDS = 0.1
# Part of the acknowledged requests that are sent once more at once, and of the steps that send an old one again.
TWICE, LONG_AGO = 0.15, 0.03
# Part of a buyer's steps that go to the cases they are in.
ARGUES = 0.15
# Where everybody looks for cases: sellers mostly at what waits for them.
LISTS = {"merchant": ("queue=merchant", "queue=merchant", "queue=mine"), "buyer": ("queue=mine",), "arbiter": ("queue=platform",)}
MOST_ORDERS = 6
BUSY = frozenset({429, 502, 503})
FORM = re.compile(rb'action="(/cashier/[A-Za-z0-9_-]+)"')


# How far the market's clock jumps: holds run out, then confirmations fall, then money settles.
JUMPS_SECONDS = (60, 60, 60, 60, 700, 700, 700, 7_200, 7_200, 30_000, 700_000)
# So long the answer to a repeated key is promised, on the market's time.
PROMISED_SECONDS = 86_400


# No key makes these one: looking again is a new look, using a key again a new try, and the unit may have been taken back since.
UNPROMISED = frozenset({"reveal", "use"})


class NobodyAnswers(Exception):
    """A request was repeated for a minute and nobody answered."""


@dataclass
class Client:
    """One person at work, who thinks so many seconds between two things. `stop` ends it after the request under way is answered;
    `waits` counts how often that was tried so far in vain."""

    world: World
    journal: Journal
    who: Person
    random: Random
    stop: threading.Event
    thinking: float
    line: Line = field(init=False)
    till: Line = field(init=False)
    orders: list[str] = field(default_factory=list)
    done: list[Entry] = field(default_factory=list)
    waits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.line, self.till = Line(self.world.web), Line(self.world.gateway)

    def work(self) -> None:
        """Work until told to stop."""
        try:
            while not self.stop.wait(self.thinking):
                self.step()
        except NobodyAnswers as silence:
            self.journal.wrong(str(silence))
        finally:
            self.line.close()
            self.till.close()

    def step(self) -> None:
        """Do one thing."""
        self.done = [entry for entry in self.done if self.world.passed - entry.passed < PROMISED_SECONDS]
        if self.done and self.random.random() < LONG_AGO:
            self._repeat(self.random.choice(self.done))
        elif self.who.role != "buyer":
            self._serve(self.random.choice(sorted({action.sees for action in ACTIONS if action.role == self.who.role})))
        elif self.random.random() < ARGUES:
            self._serve("case")
        elif len(self.orders) < MOST_ORDERS and self.random.random() < 1 / (1 + len(self.orders)):
            self._choose("shelf", {"products": self.world.market.products})
        elif self.orders:
            self._attend(self.random.choice(self.orders))

    def _attend(self, number: str) -> None:
        """Look at an order and do one of the things that may be done with it; forget it where there is nothing left to do."""
        order = self._get(f"/api/v1/orders/{number}")
        if order is None or (order["status"] == "closed" and self.random.random() < 0.5):
            self.orders.remove(number)
            return
        cashiers = [payment for payment in order["payments"] if payment["cashier_url"]]
        if cashiers and self.random.random() < 0.7:
            self._pay_at_cashier(self.random.choice(cashiers))
            return
        self._choose("order", order)
        unfinished = any(action["allowed"] and action["name"] in ("pay", "confirm") for action in order["actions"])
        if not unfinished and self.random.random() < 0.2:
            self.orders.remove(number)
            self._look_at_cases(order)

    def _look_at_cases(self, order: View) -> None:
        for number in order["cases"]:
            case = self._get(f"/api/v1/cases/{number}")
            if case is not None:
                self._choose("case", case)

    def _serve(self, sees: str) -> None:
        """Do one thing with an order or a case from a list, as those do who sell or judge."""
        wanted = f"&{self.random.choice(LISTS[self.who.role])}" if sees == "case" else ""
        page = self._get(f"/api/v1/{sees}s?limit=30{wanted}") or {"items": []}
        if page["items"]:
            view = self._get(f"/api/v1/{sees}s/{self.random.choice(page['items'])['number']}")
            if view is not None:
                self._choose(sees, view)

    def _choose(self, sees: str, view: View) -> None:
        """Do one of the things that may be done with what one sees."""
        ways = [action for action in ACTIONS if action.role == self.who.role and action.sees == sees]
        for _round in range(len(ways)):
            if self._do(self.random.choices(ways, [action.weight for action in ways])[0], view):
                return

    def _do(self, action: Action, view: View) -> bool:
        """Do this, where the order offers it; tell whether it did."""
        ask = action.fill(view, self.random)
        if ask is None:
            return False
        entry = self.journal.begin(self.who, action, ask, now=time.monotonic(), passed=self.world.passed)
        answer = self._answered(entry)
        entry.ended, entry.status, entry.code = time.monotonic(), answer.status, answer.code
        if entry.acknowledged:
            entry.made = action.made(answer.json)
            self._heed(entry, answer.json)
            self.done.append(entry)
            if self.random.random() < TWICE:
                self._repeat(entry)
        elif entry.status >= 500:
            self.journal.wrong(f"an error that says nothing: {entry}")
        return True

    def _heed(self, entry: Entry, said: Any) -> None:
        if entry.action.name == "place":
            self.orders += entry.made
        if entry.action.name == "reveal":
            self.journal.saw(said["unit"], said["secret"])

    def _repeat(self, entry: Entry) -> None:
        """Send a request again that was acknowledged: the answer has to name the very same things."""
        answer = self._answered(entry)
        if answer.status == 409 and entry.action.name in UNPROMISED:
            return
        made = entry.action.made(answer.json) if 200 <= answer.status < 300 else []
        if made != entry.made:
            self.journal.wrong(f"a repeat was answered otherwise ({answer.status} {answer.code} {made}): {entry}")
        if made and entry.action.name == "reveal":
            self.journal.saw(answer.json["unit"], answer.json["secret"])

    def _answered(self, entry: Entry) -> Answer:
        """Send a request until somebody answers it. Raises NobodyAnswers."""
        body = self.journal.body(entry)
        return self._insist(
            lambda: self.line.send("POST", entry.ask.path, token=self.who.token, key=entry.key, body=body), str(entry), entry
        )

    def _get(self, path: str) -> View | None:
        """Look at something of one's own, which has to be there."""
        answer = self._insist(lambda: self.line.send("GET", path, token=self.who.token), path)
        if answer.status == 200:
            found: View = answer.json
            return found
        self.journal.wrong(f"{path} of person {self.who.person_id} is answered with {answer.status} {answer.code}")
        return None

    def _insist(self, send: Callable[[], Answer], what: str, entry: Entry | None = None) -> Answer:
        """Send until there is a definite answer.

        Raises:
            NobodyAnswers: that took more than a minute.
        """
        for tries in range(MOST_TRIES):
            self.waits = tries
            try:
                answer = send()
                if answer.status not in BUSY:
                    self.waits = 0
                    return answer
            except NoAnswer:
                # Whether it was done is what the next try will tell.
                pass
            if entry is not None:
                entry.silences += 1
            threading.Event().wait(PAUSE_SECONDS)
        raise NobodyAnswers(f"nobody answered in {MOST_TRIES} tries: {what}")

    def _pay_at_cashier(self, payment: View) -> None:
        """Open the gateway's cashier as a browser does, and press a button: mostly the one that pays."""
        url = urlsplit(payment["cashier_url"])
        page = self._insist(lambda: self.till.send("GET", f"{url.path}?{url.query}"), payment["number"])
        form = FORM.search(page.body)
        if form is None:
            return
        outcome = self.random.choices(("paid", "failed", "closed"), (20, 2, 1))[0]
        pressed = f"outcome={outcome}".encode()
        answer = self._insist(lambda: self.till.send("POST", form[1].decode(), body=pressed, form=True), payment["number"])
        if answer.status == 303 and outcome == "paid":
            self.journal.captured(payment["number"], payment["amount_minor"])


@dataclass
class Time:
    """Time that passes: the market's clock jumps now and then. Held still while `calm` is held by somebody else."""

    world: World
    random: Random
    stop: threading.Event

    def work(self) -> None:
        """Move the clock until told to stop."""
        while not self.stop.wait(self.random.uniform(0.5, 3.0)):
            with self.world.calm:
                self.world.move_clock(self.random.choice(JUMPS_SECONDS))
