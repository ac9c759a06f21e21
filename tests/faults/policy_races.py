"""The named races of those who change rules: what must hold whoever comes first, and the guards without which it would not."""

from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.domain.policy.table import default_rules
from anka.flows.edit_policy import edit_policy
from anka.flows.place_order import Purchase, place_order
from anka.flows.publish_policy import approve_policy
from anka.policies import queries
from tests import builders
from tests.builders import at
from tests.builders.policies import Drafted, a_ready_draft, a_staff_actor, new_texts, publish
from tests.faults.interleave import Act, Outcome
from tests.faults.racing import Race


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


RulesRace = Race[Stage]
"""Two people on the same rules."""


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
