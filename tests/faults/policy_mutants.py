"""Violations of what holds about rules, planted one at a time."""

from anka.flows.publish_policy import approve_policy, withdraw_policy
from tests import builders
from tests.builders import Order, at
from tests.builders.policies import a_draft, a_ready_draft, a_staff_actor, publish
from tests.faults.mutants import Mutant


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
