"""A stored decision that was changed is seen, by what its event says; receipts older than the seal are no violations."""

import pytest

from anka.jobs import audit
from tests.conftest import END
from tests.databases import Database
from tests.faults.mutants import Mutant, silence_triggers
from tests.faults.receipts import RECEIPT_MUTANTS, refused_by_rule_and_shop

WITHOUT_SEALS = (
    "CREATE OR REPLACE FUNCTION receipt_seal(in_number text, in_receipt cases_receipt) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULL'"
)


def _named(story: str) -> Mutant:
    return next(mutant for mutant in RECEIPT_MUTANTS if mutant.story.startswith(story))


@pytest.mark.breaks_invariants
def test_facts_and_decision_changed_together_replay_and_are_seen_all_the_same(fresh_database: Database) -> None:
    with fresh_database.as_owner() as owner:
        _named("facts and decision were changed together").plant(owner)
    found = [violation.what for violation in audit.audit(now=END)]
    assert found == ["receipt 1 is not the one that was judged: other facts or another decision"]


@pytest.mark.breaks_invariants
def test_receipts_older_than_the_seal_are_no_violations(fresh_database: Database) -> None:
    with fresh_database.as_owner() as owner:
        owner.execute(WITHOUT_SEALS.encode())
    refused_by_rule_and_shop()
    assert audit.audit(now=END) == []


@pytest.mark.breaks_invariants
def test_it_is_the_seal_that_sees_another_version(fresh_database: Database) -> None:
    with fresh_database.as_owner() as owner:
        owner.execute(WITHOUT_SEALS.encode())
        _named("it was judged at another time").plant(owner)
    assert audit.audit(now=END) == []


@pytest.mark.breaks_invariants
def test_words_are_compared_with_the_decision_where_there_is_no_seal(fresh_database: Database) -> None:
    with fresh_database.as_owner() as owner:
        owner.execute(WITHOUT_SEALS.encode())
        _named("other words were shown").plant(owner)
    found = [violation.what for violation in audit.audit(now=END)]
    assert found == ["receipt 1 was changed: its rule or its words are not those of its decision"]


@pytest.mark.breaks_invariants
def test_rules_kept_under_a_version_they_are_not_count_as_lost(fresh_database: Database) -> None:
    order = refused_by_rule_and_shop()
    with fresh_database.as_owner() as owner:
        silence_triggers(owner)
        owner.execute(b"INSERT INTO orders_policy SELECT 'other', texts, published_at FROM orders_policy LIMIT 1")
        owner.execute(b"UPDATE cases_receipt SET policy_version = 'other' WHERE shop_id = %s", (order.state.shop_id,))
    assert "unit 1 would be decided otherwise" in [violation.what for violation in audit.audit(now=END)]
