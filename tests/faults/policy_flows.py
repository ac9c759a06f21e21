"""The flows in the life of rules, each with the ground it starts from and the proof that it happened exactly once."""

from collections.abc import Callable
from dataclasses import dataclass

from anka.core import database
from anka.core.actors import Actor
from anka.core.idempotency import RequestKey
from anka.flows.draft_policy import draft_policy
from anka.flows.edit_policy import discard_policy, edit_policy
from anka.flows.publish_policy import approve_policy, publish_policy, withdraw_policy
from anka.flows.run_policy import RunResult, ask_for_run, record_run
from anka.policies import queries
from tests import builders
from tests.builders import at
from tests.builders.policies import Drafted, a_draft, a_ready_draft, a_staff_actor, new_texts, publish
from tests.faults.crash import Flow


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
