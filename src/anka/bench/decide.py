"""Decisions by the default rules, as many as one core makes in a second: from facts, and from facts as JSON. Needs no database."""

import json
import time
from collections.abc import Callable

import msgspec

from anka.bench.made_facts import made_facts
from anka.bench.scratch import Say
from anka.domain.facts import Facts
from anka.domain.policy.check import check
from anka.domain.policy.decide import decide
from anka.domain.policy.table import default_rules

LEAST_EACH_SECOND = 40_000
CHECK_LIMIT_SECONDS = 10.0
ROUNDS = 5


class Decided(msgspec.Struct):
    """Decisions each second of processor time, the best of the rounds; and how long proving the default rules takes."""

    situations: int
    from_facts: float
    from_json: float
    check_seconds: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times the least that is asked for, in the slower way; above 1 is enough."""
        return min(self.from_facts, self.from_json) / LEAST_EACH_SECOND


def measure(*, situations: int, say: Say) -> Decided:
    """Decide so many different situations, several times, and return what was found."""
    say(f"making {situations} situations")
    rules, facts = default_rules(), list(made_facts(count=situations))
    texts = [json.dumps(one.to_json()) for one in facts]

    def of_facts() -> None:
        for one in facts:
            decide(one, rules)

    def of_json() -> None:
        for text in texts:
            decide(Facts.from_json(json.loads(text)), rules)

    say("deciding")
    found = Decided(situations=situations, from_facts=situations / _best(of_facts), from_json=situations / _best(of_json))
    say("proving the default rules")
    found.check_seconds = _seconds(lambda: check(rules=rules))
    return found


def _best(run: Callable[[], None]) -> float:
    return min(_seconds(run) for _round in range(ROUNDS))


def _seconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def as_text(*, found: Decided) -> str:
    """Return the result for people."""
    part = found.check_seconds / CHECK_LIMIT_SECONDS
    lines = [
        f"{found.from_facts:.0f} decisions per second of one core from facts, {found.from_json:.0f} from facts as JSON",
        f"{found.ratio:.2f} times the {LEAST_EACH_SECOND} there have to be",
        f"The default rules are proved in {found.check_seconds:.2f} s, {part:.2f} of the limit of {CHECK_LIMIT_SECONDS:.0f} s",
    ]
    return "\n".join(lines)


def as_json(*, found: Decided) -> str:
    """Return the result for programs."""
    return msgspec.json.encode({**msgspec.to_builtins(found), "ratio": found.ratio}).decode()
