"""The life of rules among the faults: its mutants, its races with their guards, its flows with their crash points."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone, RequestKey
from anka.domain.policy.table import default_rules
from anka.flows.draft_policy import draft_policy
from anka.flows.edit_policy import discard_policy, edit_policy
from anka.flows.place_order import Purchase, place_order
from anka.flows.publish_policy import approve_policy, publish_policy, withdraw_policy
from anka.flows.run_policy import RunResult, ask_for_run, record_run
from anka.jobs import audit
from anka.policies import queries
from tests import builders
from tests.builders import Order, at
from tests.builders.policies import Drafted, a_draft, a_ready_draft, a_staff_actor, new_texts, publish
from tests.conftest import END
from tests.databases import Database
from tests.faults.crash import Flow
from tests.faults.interleave import Act, Outcome, interleave
from tests.faults.mutants import Mutant
from tests.faults.races import Stumbled


def announced() -> Order:
    """An order, and rules that are announced for the week after next."""
    publish(a_ready_draft(), at(days=8))
    return builders.a_placed_order()


def announced_twice() -> Order:
    """An order, and rules that are announced for two days."""
    publish(a_ready_draft(), at(days=8))
    publish(a_ready_draft(), at(days=9))
    return builders.a_placed_order()


def announced_by_two() -> Order:
    """An order, and rules that two people announced for tomorrow."""
    drafted, other = a_ready_draft(), a_staff_actor()
    publish(drafted, at(days=1), reason="Soon.")
    approve_policy(actor=other, number=drafted.number, request=builders.a_key(other), at=at())
    return builders.a_placed_order()


def withdrawn() -> Order:
    """An order, and rules that were announced and withdrawn."""
    drafted = a_ready_draft()
    version, by = publish(drafted, at(days=8)), drafted.admin
    withdraw_policy(actor=by, version=version, reason="No.", request=builders.a_key(by), at=at())
    return builders.a_placed_order()


def drafted() -> Order:
    """An order, and a draft."""
    a_draft()
    return builders.a_placed_order()


_BY_PEOPLE = "WHERE by_person <> 0"
POLICY_MUTANTS = [
    Mutant(
        "I12",
        "the history of a draft is rewritten: somebody else began it",
        announced,
        ("UPDATE core_event SET actor = 'platform:999' WHERE shop_id = 0 AND sequence = 1",),
        says="of draft 00-D",
    ),
    Mutant(
        "I21",
        "an order is judged by rules announced for later",
        announced,
        (f"UPDATE orders_order SET policy_version = (SELECT version FROM policies_publication {_BY_PEOPLE})",),
    ),
    Mutant("I22", "rules were announced unchecked", announced, ("DELETE FROM policies_run WHERE kind = 'check'",), says="without a check"),
    Mutant(
        "I22",
        "the check was made of other rules",
        announced,
        ("UPDATE policies_run SET version = 'other' WHERE kind = 'check'",),
        says="without a check",
    ),
    Mutant(
        "I22",
        "rules were announced untried",
        announced,
        ("UPDATE policies_run SET passed = false WHERE kind = 'backtest'",),
        says="without a backtest",
    ),
    Mutant(
        "I22",
        "rules were announced for now",
        announced_by_two,
        (
            "ALTER TABLE policies_publication DROP CONSTRAINT publication_gives_notice",
            f"UPDATE policies_publication SET in_force_from = announced_at + interval '599 seconds' {_BY_PEOPLE}",
        ),
        says="less than ten minutes",
    ),
    Mutant(
        "I22",
        "one person gave short notice",
        announced_by_two,
        (
            "ALTER TABLE policies_publication DROP CONSTRAINT publication_of_two",
            f"UPDATE policies_publication SET approved_by = NULL {_BY_PEOPLE}",
        ),
        says="alone",
    ),
    Mutant(
        "I22",
        "rules were slipped in before others",
        announced_twice,
        (f"UPDATE policies_publication SET in_force_from = in_force_from - interval '36 hours' {_BY_PEOPLE} AND id = 3",),
        says="announced earlier",
    ),
    Mutant(
        "I22",
        "rules in force were withdrawn",
        withdrawn,
        ("UPDATE policies_withdrawal SET withdrawn_at = withdrawn_at + interval '8 days'",),
        says="withdrawn after",
    ),
    Mutant(
        "I22",
        "an announcement leaves no trace",
        announced,
        ("DELETE FROM core_event WHERE what = 'policy_published'",),
        says="have no event",
    ),
    Mutant("I22", "texts were edited in silence", drafted, ("UPDATE policies_draft SET revision = 2",), says="after 0 edits"),
    Mutant(
        "I22", "a draft only says it was published", drafted, ("UPDATE policies_draft SET status = 'published'",), says="announced 0 times"
    ),
    Mutant(
        "I22",
        "a chain of nothing",
        drafted,
        ("SELECT record_event(0, 99, now(), 'platform:1', 'policy_edited', '{}', NULL, NULL, '{}')",),
        says="does not exist",
    ),
    Mutant(
        "I22",
        "the texts of announced rules were changed",
        announced,
        (
            (
                "UPDATE orders_policy SET texts = jsonb_set(texts, '{more.toml}', '\"# more\"')"
                f" WHERE version IN (SELECT version FROM policies_publication {_BY_PEOPLE})"
            ),
        ),
        says="their texts are those of",
    ),
]


@dataclass(frozen=True)
class Stage:
    """What two people meet over: a draft, another one, a second administrator, a date after all others, what was announced before."""

    draft: Drafted
    other: Drafted
    second: Actor
    begins: Moment
    before: int

    @property
    def announced(self) -> int:
        """How many versions were announced since the race began."""
        return by_people() - self.before


@dataclass(frozen=True)
class RulesRace:
    """Two actors on fresh ground, what must be true afterwards, and the guards without which it would not be."""

    name: str
    prepare: Callable[[], Stage]
    actors: Callable[[Stage], tuple[Act, Act]]
    holds: Callable[[Stage, Outcome], None]
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
        stage = self.prepare()
        acts = self.actors(stage)
        outcome = interleave(place=place, first=acts[turned], second=acts[1 - turned], hook=hook)
        for result in (outcome.first, outcome.second):
            if not (result.won or result.refused or isinstance(result.stopped, AlreadyDone)):
                raise Stumbled(str(result.stopped)) from result.stopped
        self.holds(stage, Outcome(first=outcome.second, second=outcome.first) if turned else outcome)
        assert audit.audit(now=END, since=since) == []


def by_people() -> int:
    """How many versions people have announced and not withdrawn."""
    return sum(bool(found.by_person) and found.status != "withdrawn" for found in queries.publications(at=at().now))


def after_all(least: Moment) -> Moment:
    """A moment after everything announced so far."""
    last = database.value("SELECT max(in_force_from) FROM policies_publication WHERE by_person <> 0")
    return least if last is None or last < least.now else replace(least, now=last + timedelta(minutes=1))


def two_ready() -> Stage:
    """Two drafts that can be published."""
    first = a_ready_draft()
    return Stage(draft=first, other=a_ready_draft(), second=a_staff_actor(), begins=after_all(at(days=8)), before=by_people())


def submitted() -> Stage:
    """A draft that waits for a second person, and two who could be that."""
    first, begins = a_ready_draft(), after_all(at(days=1))
    publish(first, begins, reason="Soon.")
    other = Drafted(number=first.number, admin=a_staff_actor())
    return Stage(draft=first, other=other, second=a_staff_actor(), begins=begins, before=by_people())


def publish_both(stage: Stage) -> tuple[Act, Act]:
    return lambda: publish(stage.draft, stage.begins), lambda: publish(stage.other, stage.begins)


def one_is_announced(stage: Stage, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert stage.announced == 1


def approving(stage: Stage, by: Actor) -> Act:
    return lambda: approve_policy(actor=by, number=stage.draft.number, request=builders.a_key(by), at=at(1))


def approve_both(stage: Stage) -> tuple[Act, Act]:
    return approving(stage, stage.second), approving(stage, stage.other.admin)


def edit_and_publish(stage: Stage) -> tuple[Act, Act]:
    by, number = stage.second, stage.draft.number
    texts = new_texts()
    return (
        lambda: edit_policy(actor=by, number=number, revision=1, texts=texts, request=builders.a_key(by), at=at()),
        lambda: publish(stage.draft, stage.begins),
    )


def published_as_looked_at(stage: Stage, outcome: Outcome) -> None:
    """Either the edit came first and nothing is announced, or what is announced is what was looked at."""
    assert outcome.winners == 1, outcome
    now = stage.draft.now
    assert (now.status, now.revision, stage.announced) == (("draft", 2, 0) if outcome.first.won else ("published", 1, 1))


def edit_both(stage: Stage) -> tuple[Act, Act]:
    number = stage.draft.number

    def editing(by: Actor) -> Act:
        texts = new_texts()
        return lambda: edit_policy(actor=by, number=number, revision=1, texts=texts, request=builders.a_key(by), at=at())

    return editing(stage.draft.admin), editing(stage.second)


def edited_once(stage: Stage, outcome: Outcome) -> None:
    assert outcome.winners == 1, outcome
    assert stage.draft.now.revision == 2


def dismiss_and_publish(stage: Stage) -> tuple[Act, Act]:
    """Somebody loses the role; returns how much they had announced once they had lost it."""

    def dismiss() -> int:
        with database.transaction():
            database.rows("DELETE FROM accounts_staffrole WHERE person_id = %s", (stage.draft.admin.person_id,))
        return by_people()

    return dismiss, lambda: publish(stage.draft, stage.begins)


def nothing_after_the_end(_stage: Stage, outcome: Outcome) -> None:
    """Whoever has lost the role announces nothing afterwards."""
    assert outcome.first.won, outcome
    assert outcome.first.answer == by_people()


SET_AT_ONCE = "SELECT change_policy(%s, %s, %s, %s::jsonb)"


def announce_at_once(stage: Stage, *, when: float) -> Act:
    """Announce past the flow, without any notice, as a bug of ours would."""

    def run() -> object:
        begins = at(when).now.isoformat()
        by = stage.draft.admin
        announcement = {"in_force_from": begins, "by_person": by.person_id, "approved_by": stage.second.person_id, "reason": "Now."}
        step = {
            "what": "policy_published",
            "details": {},
            "draft": stage.draft.now.id,
            "status": "published",
            "announcement": {**announcement, "findings": []},
            "request": builders.a_key(by).as_json(),
            "made_at": begins,
        }
        with database.transaction():
            database.rows(SET_AT_ONCE, (at(when).now, str(by), by.person_id, msgspec.json.encode(step).decode()))
        return None

    return run


def decide_and_announce(stage: Stage) -> tuple[Act, Act]:
    product, buyer = builders.a_product(), builders.a_buyer()
    purchase = Purchase(product_number=product.number, quantity=1, accept_notice=True, allow_duplicate=False)
    return (
        lambda: place_order(actor=buyer, purchase=purchase, request=builders.a_key(buyer), at=at(5)),
        announce_at_once(stage, when=5),
    )


def decided_by_the_rules_of_its_time(_stage: Stage, _outcome: Outcome) -> None:
    """Every order was placed under the rules in force at that moment."""
    asked = "SELECT count(*) FROM orders_order WHERE policy_version IS DISTINCT FROM policy_in_force(placed_at)"
    assert database.value(asked) == 0


def place_and_publish(stage: Stage) -> tuple[Act, Act]:
    """The order's machine is nine minutes ahead of the one where rules are announced for ten minutes from now."""
    publish(stage.draft, at(10), reason="As soon as may be.")
    product, buyer = builders.a_product(), builders.a_buyer()
    purchase = Purchase(product_number=product.number, quantity=1, accept_notice=True, allow_duplicate=False)
    by = stage.second
    return (
        lambda: place_order(actor=buyer, purchase=purchase, request=builders.a_key(buyer), at=at(9)),
        lambda: approve_policy(actor=by, number=stage.draft.number, request=builders.a_key(by), at=at()),
    )


def both_and_by_the_old_rules(stage: Stage, outcome: Outcome) -> None:
    assert outcome.winners == 2, outcome
    decided_by_the_rules_of_its_time(stage, outcome)
    asked = "SELECT policy_version FROM orders_order WHERE placed_at = %s ORDER BY id DESC LIMIT 1"
    assert database.value(asked, (at(9).now,)) == default_rules().version


_ALONE = ("rules lock", "draft lock", "draft moves", "rules in order")
RULES_RACES = [
    RulesRace("publish ‖ publish", two_ready, publish_both, one_is_announced, ("rules lock", "rules in order")),
    RulesRace("approve ‖ approve", submitted, approve_both, one_is_announced, _ALONE),
    RulesRace("edit ‖ publish", two_ready, edit_and_publish, published_as_looked_at, (*_ALONE, "draft revision")),
    RulesRace("edit ‖ edit", two_ready, edit_both, edited_once, ("rules lock", "draft lock", "draft moves", "draft revision")),
    RulesRace("role revoked ‖ publish", two_ready, dismiss_and_publish, nothing_after_the_end, ("role held",)),
    RulesRace(
        "rule publish ‖ decision",
        two_ready,
        decide_and_announce,
        decided_by_the_rules_of_its_time,
        ("notice of rules", "rules of the moment"),
    ),
]
# With the notice there is, no guard has to stop anybody: both win, whoever comes first.
WITH_NOTICE = RulesRace("rule publish in time ‖ decision", two_ready, place_and_publish, both_and_by_the_old_rules, ())


@dataclass(frozen=True)
class Desk:
    """A draft, the key of the request that is about to come, who comes with it, and from when rules would count or what run it is about."""

    draft: Drafted
    key: RequestKey
    by: Actor
    days: int = 0
    run_id: int = 0
    version: str = ""


def _serial_days() -> int:
    """A day later than that of everything announced before."""
    last = database.value("SELECT max(in_force_from) FROM policies_publication WHERE by_person <> 0")
    return 8 if last is None else (last - at().now).days + 1


def desk(make: Callable[[], Drafted]) -> Callable[[], Desk]:
    """A desk with this draft on it."""

    def prepare() -> Desk:
        made = make()
        return Desk(draft=made, key=builders.a_key(made.admin), by=made.admin, days=_serial_days())

    return prepare


def waiting_run() -> Desk:
    """A draft with a check that was asked for."""
    made = a_draft()
    run_id = ask_for_run(actor=made.admin, number=made.number, kind="check", days=0, request=builders.a_key(made.admin), at=at())
    return Desk(draft=made, key=builders.a_key(made.admin), by=made.admin, run_id=run_id)


def waiting_for_two() -> Desk:
    """A submitted draft, and a second person. Nothing is announced for later than the day it is submitted for."""
    days = _serial_days()
    when = at(days=days - 2)
    made, other = a_ready_draft(when=when), a_staff_actor()
    publish(made, at(days=days), when=when, reason="Soon.")
    return Desk(draft=made, key=builders.a_key(other), by=other, days=days)


def to_withdraw() -> Desk:
    """Rules that are announced."""
    made, days = a_ready_draft(), _serial_days()
    version = publish(made, at(days=days))
    return Desk(draft=made, key=builders.a_key(made.admin), by=made.admin, version=version)


def steps(draft: Drafted, what: str) -> int:
    """How often a step stands in a draft's history."""
    return sum(event.what == what for event in queries.history(draft_id=draft.now.id))


def stands(status: str, what: str, *, times: int = 1) -> Callable[[Desk], None]:
    """The draft is in this status, and its last step was taken once."""

    def happened(ground: Desk) -> None:
        assert (ground.draft.now.status, steps(ground.draft, what)) == (status, times)

    return happened


def drafted_once(ground: Desk) -> None:
    assert sum(row.created_by == ground.by.person_id for row in queries.drafts()) == 2


def edited_to(ground: Desk) -> None:
    stands("draft", "policy_edited")(ground)
    assert ground.draft.now.revision == 2


def asked_once(ground: Desk) -> None:
    stands("draft", "policy_run_asked")(ground)
    asked = "SELECT count(*) FROM core_outbox WHERE topic = 'policy_run' AND done_at IS NULL AND subject = %s"
    check = ground.draft.now.check
    assert check is not None
    assert database.value(asked, (str(check.id),)) == 1


def announced_once(ground: Desk) -> None:
    stands("published", "policy_published")(ground)
    assert [found.version for found in queries.publications(at=at().now)].count(ground.draft.now.version) == 1


def withdrawn_once(ground: Desk) -> None:
    stands("published", "policy_withdrawn")(ground)
    assert queries.publication(version=ground.version, at=at().now).status == "withdrawn"


def _publish(ground: Desk, *, days: int, when: int = 0) -> object:
    begins = at(days=days).now
    return publish_policy(
        actor=ground.by, number=ground.draft.number, in_force_from=begins, reason="Soon.", request=ground.key, at=at(days=when)
    )


def _edit(ground: Desk) -> object:
    return edit_policy(actor=ground.by, number=ground.draft.number, revision=1, texts=new_texts(), request=ground.key, at=at())


CHECKED = RunResult(against="0123456789ab", passed=True, result={"report": {"findings": []}})
POLICY_FLOWS: list[Flow[Desk]] = [
    Flow(
        "draft",
        desk(a_draft),
        lambda g: draft_policy(actor=g.by, title="Second", base=None, texts=None, request=g.key, at=at()),
        drafted_once,
    ),
    Flow("edit", desk(a_draft), _edit, edited_to),
    Flow(
        "discard",
        desk(a_draft),
        lambda g: discard_policy(actor=g.by, number=g.draft.number, request=g.key, at=at()),
        stands("discarded", "policy_discarded"),
    ),
    Flow(
        "ask for a run",
        desk(a_draft),
        lambda g: ask_for_run(actor=g.by, number=g.draft.number, kind="check", days=0, request=g.key, at=at()),
        asked_once,
    ),
    Flow("record a run", waiting_run, lambda g: record_run(run_id=g.run_id, result=CHECKED, at=at()), stands("checked", "policy_run_done")),
    Flow("publish", desk(a_ready_draft), lambda g: _publish(g, days=g.days), announced_once),
    Flow("submit", desk(a_ready_draft), lambda g: _publish(g, days=g.days, when=g.days - 3), stands("submitted", "policy_submitted")),
    Flow(
        "approve",
        waiting_for_two,
        lambda g: approve_policy(actor=g.by, number=g.draft.number, request=g.key, at=at(days=g.days - 2)),
        announced_once,
    ),
    Flow(
        "withdraw",
        to_withdraw,
        lambda g: withdraw_policy(actor=g.by, version=g.version, reason="No.", request=g.key, at=at()),
        withdrawn_once,
    ),
]
